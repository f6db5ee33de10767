"""Mirror: keep a verified copy of one revision, and say what is kept."""

from __future__ import annotations

import os
import re
import shlex
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from weighbridge.core.reference import Reference
from weighbridge.errors import (
    BadReference,
    DamagedFile,
    HubUnreachable,
    NotFound,
    UsageError,
    WeighbridgeError,
)
from weighbridge.formats.place import quote
from weighbridge.hub.mirror.bucket import bucket_of, check_bucket
from weighbridge.hub.mirror.check import MirrorCheck, check_mirror
from weighbridge.hub.mirror.choice import Choice, Wish, choose
from weighbridge.hub.mirror.feed import HubFeed, LocalFeed
from weighbridge.hub.mirror.hosts import connect, settings_of
from weighbridge.hub.mirror.make import LANES, Job, Made, make_mirror
from weighbridge.hub.mirror.manifest import MANIFEST, LeftOut, Manifest, Origin, manifest_of_folder, read_manifest
from weighbridge.hub.mirror.place import Place, find_manifests
from weighbridge.hub.mirror.upload import mirror_to_bucket
from weighbridge.hub.protocol import resolve
from weighbridge.hub.remote.choice import keep_one_model
from weighbridge.hub.remote.listing import Listing, RemoteFile

if TYPE_CHECKING:
    from weighbridge.core.progress import Progress
    from weighbridge.hub.protocol import DigestCache

__all__ = ["Asked", "Mirrored", "Shelved", "check_all", "list_mirrors", "mirror"]

_COMMIT = re.compile("[0-9a-f]{40}")
_BUCKET = "s3://"
_LOCAL = "local"
_NAME_ON_HUB = re.compile(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*(?:@[\w./-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for; `to` is a folder or `s3://bucket/prefix`."""

    reference: str
    to: str
    wish: Wish = field(default_factory=Wish)
    lanes: int = LANES
    is_dry: bool = False
    is_read_only: bool = False
    is_synced: bool = False
    may_be_plain: bool = False


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What came of it. `outcome`: `mirrored`, `here` (it stood already, verified again), `planned` (a dry run)."""

    outcome: Literal["mirrored", "here", "planned"]
    path: str
    origin: Origin
    choice: Choice
    made: Made | None = None


@dataclass(frozen=True, slots=True)
class Shelved:
    """One mirror below a folder; where its manifest cannot be read, `trouble` says why."""

    path: str
    manifest: Manifest | None
    trouble: str = ""


def mirror(asked: Asked, cache: DigestCache | None, progress: Progress) -> Mirrored:
    """Make a verified copy, or verify the one that is there.

    A commit that is here in full is not asked for again, so it stays usable when it vanished from its hub. Raises
    NotFound, UsageError, HubUnreachable, HubChanged or Interrupted.
    """
    reference = Reference.parse(asked.reference)
    if reference.kind in {"folder", "file", "config", "demo"}:
        return _mirror_local(reference, asked, cache, progress)
    endpoint = settings_of(reference).endpoint
    if done := _already_here(reference, asked, cache, progress):
        return done
    try:
        with connect(reference) as host:
            listing = host.list_files(reference.target, reference.detail)
            choice = _choose(listing, reference, asked.wish)
            origin = Origin(
                reference.text, host.kind, endpoint, listing.repository, listing.commit,
                listing.facts.gated, listing.facts.licence,
            )  # fmt: skip
            job = Job(choice, origin, HubFeed(host, listing), listing, asked.lanes)
            return _make(job, (host.kind, *listing.repository.split("/"), listing.commit), asked, cache, progress)
    except (HubUnreachable, NotFound) as error:
        raise _with_what_is_here(error, reference, asked) from error


def list_mirrors(top: Path) -> list[Shelved]:
    """Return the mirrors below a folder, by path; raises NotFound where there is none."""
    found = list[Shelved]()
    for place in find_manifests(top):
        try:
            found.append(Shelved(str(place.parent), read_manifest(place)))
        except DamagedFile as error:
            found.append(Shelved(str(place.parent), None, error.message))
    if not found:
        raise NotFound(f"there is no mirror in {quote(str(top))}", hint="make one: `weighbridge mirror REF --to DIR`")
    return found


def check_all(target: str, cache: DigestCache | None, progress: Progress) -> list[MirrorCheck]:
    """Check the mirror in a folder or bucket, or every one below it; raises NotFound where there is none."""
    if target.startswith(_BUCKET):
        return check_bucket(bucket_of(target), progress)
    top = Path(target)
    places = find_manifests(top)
    if not places:
        raise NotFound(f"there is no mirror in {quote(str(top))}", hint="make one: `weighbridge mirror REF --to DIR`")
    return [check_mirror(place.parent, cache, progress) for place in places]


def _make(job: Job, key: tuple[str, ...], asked: Asked, cache: DigestCache | None, progress: Progress) -> Mirrored:
    """Make what was chosen, or only say what it would be."""
    if asked.to.startswith(_BUCKET):
        target = bucket_of(asked.to, may_be_plain=asked.may_be_plain)
        if asked.is_dry:
            return Mirrored("planned", f"{asked.to.rstrip('/')}/{'/'.join(key)}", job.origin, job.choice)
        made = mirror_to_bucket(job, target, key, progress)
    else:
        top = Path(os.path.realpath(asked.to))
        place = Place(top, key, is_read_only=asked.is_read_only, is_synced=asked.is_synced)
        if asked.is_dry:
            return Mirrored("planned", str(place.folder), job.origin, job.choice)
        made = make_mirror(job, place, cache, progress)
    is_new = made.fetched_bytes or made.shared_files or made.kept_files < len(job.choice.files)
    return Mirrored("mirrored" if is_new else "here", made.path, job.origin, job.choice, made)


def _choose(listing: Listing, reference: Reference, wish: Wish) -> Choice:
    """Choose among the files of a listing."""
    if reference.part is not None:
        keep_one_model(listing, reference.part)
    left = [LeftOut(one.name, one.reason) for one in listing.left_alone]
    return choose(listing.files.values(), left, wish)


def _mirror_local(reference: Reference, asked: Asked, cache: DigestCache | None, progress: Progress) -> Mirrored:
    """Copy a folder or a file of this machine; a mirror keeps its origin, so that it can be carried elsewhere."""
    try:
        artefact = resolve(reference, cache, progress)
    except NotFound as error:
        if not _NAME_ON_HUB.fullmatch(reference.text):
            raise
        command = f"weighbridge mirror hf:{reference.text} --to {shlex.quote(asked.to)}"
        raise NotFound(error.message, hint=f"a model on a hub is named with it: `{command}`") from error
    root = Path(artefact.root or ".")
    if not asked.to.startswith(_BUCKET) and Path(os.path.realpath(asked.to)).is_relative_to(root):
        raise UsageError(f"{quote(asked.to)} lies in the folder that is to be mirrored", hint="choose another folder")
    files = [RemoteFile(file.name, file.size, file.sha256) for file in artefact.files]
    carried = manifest_of_folder(root, artefact.digest)
    if carried is not None:
        files = [replace(file, git_oid=carried.git_oids.get(file.name, "")) for file in files]
        origin = carried.origin
        key = (origin.hub, *origin.repository.split("/"), origin.commit)
        left = list(carried.left_out)
    else:
        origin = Origin(reference.text)
        key = (_LOCAL, artefact.name.lstrip(".") or "model", artefact.digest.removeprefix("sha256:"))
        left = [LeftOut(one.name, one.reason) for one in artefact.left_alone]
    paths = {file.name: str(root / file.name) for file in artefact.files}
    choice = choose(files, left, asked.wish)
    return _make(Job(choice, origin, LocalFeed(paths, time.sleep), None, asked.lanes), key, asked, cache, progress)


def _already_here(reference: Reference, asked: Asked, cache: DigestCache | None, progress: Progress) -> Mirrored | None:
    """Verify the mirror of a commit that was named in full, where it holds all that is wanted; no hub is asked."""
    if asked.to.startswith(_BUCKET) or asked.is_dry or not _COMMIT.fullmatch(reference.detail or ""):
        return None
    folder = Path(os.path.realpath(asked.to), reference.kind, reference.target, reference.detail or "")
    try:
        manifest = read_manifest(folder / MANIFEST)
        listing = Listing(reference.target, reference.detail or "")
        listing.files = {file.name: RemoteFile(file.name, file.size, file.sha256) for file in manifest.files}
        listing.files |= {one.name: RemoteFile(one.name, one.size) for one in manifest.left_out if one.size is not None}
        choice = _choose(listing, reference, asked.wish)
        check = check_mirror(folder, cache, progress)
    except (DamagedFile, NotFound, BadReference):
        return None
    if not check.holds or {file.name for file in choice.files} - {file.name for file in manifest.files}:
        return None
    return Mirrored("here", str(folder), manifest.origin, choice, Made(str(folder), manifest, 0, len(choice.files)))


def _with_what_is_here(error: HubUnreachable | NotFound, reference: Reference, asked: Asked) -> WeighbridgeError:
    """Say which commits are here, where the hub cannot say which one is meant."""
    if asked.to.startswith(_BUCKET):
        return error
    shelves = find_manifests(Path(os.path.realpath(asked.to), reference.kind, reference.target))
    for place in shelves:
        with suppress(DamagedFile):
            manifest = read_manifest(place)
            name = f"{reference.kind}:{reference.target}@{manifest.origin.commit}"
            again = f"weighbridge mirror {name} --to {shlex.quote(asked.to)}"
            return type(error)(error.message, hint=f"a copy of {manifest.last_at[:10]} is here: `{again}`")
    return error
