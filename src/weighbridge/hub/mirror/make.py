"""Make the mirror of one revision in a folder: take what is here, fetch what is missing, publish what is verified."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from weighbridge import __version__
from weighbridge.core.artefact import FileEntry, digest_of_files
from weighbridge.core.progress import silent
from weighbridge.errors import DamagedFile, HubChanged, UsageError
from weighbridge.formats.place import quote
from weighbridge.hub.mirror.manifest import Manifest
from weighbridge.hub.mirror.part import PIECE_BYTES
from weighbridge.hub.mirror.take import Taken, content_of, take_from_relatives, take_what_is_here
from weighbridge.hub.mirror.transfer import Transfer, explain
from weighbridge.hub.remote.choice import choose_small

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.core.progress import Progress
    from weighbridge.hub.mirror.choice import Choice
    from weighbridge.hub.mirror.feed import Feed
    from weighbridge.hub.mirror.manifest import Origin
    from weighbridge.hub.mirror.part import Part
    from weighbridge.hub.mirror.place import Place
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.hub.remote.listing import Listing, RemoteFile

__all__ = ["LANES", "Job", "Made", "damage_on_the_way", "make_mirror", "manifest_of", "rate"]

LANES = 8
_MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be mirrored: which files, from where; `listing` is the hub's, None for files of this machine."""

    choice: Choice
    origin: Origin
    feed: Feed
    listing: Listing | None = None
    lanes: int = LANES


@dataclass(frozen=True, slots=True)
class Made:
    """A mirror that stands: bytes that came, and files that were there already, here or in another revision."""

    path: str
    manifest: Manifest
    fetched_bytes: int = 0
    kept_files: int = 0
    shared_files: int = 0


def make_mirror(job: Job, place: Place, cache: DigestCache | None, progress: Progress) -> Made:
    """Bring every chosen file to `place`; nothing appears there before it is verified.

    Raises HubChanged (nothing is published), Interrupted where the disk is full, UsageError where there is no room,
    another process is at it, or the folder holds files that are not of this revision.
    """
    with place.held():
        try:
            before = _manifest_before(place)
            _refuse_strangers(job, place, before)
            taken = Taken(place, cache)
            take_what_is_here(taken, job.choice.files, before, progress)
            kept = len(taken.known)
            take_from_relatives(taken, job.choice.files, progress)
            shared = len(taken.known) - kept
            fetched = _fetch(job, taken, progress)
            job.feed.refuse_moved()
            manifest = manifest_of(job, taken.known, before)
            if taken.staged or before is None or manifest.files != before.files:
                place.publish(manifest)
                taken.remember()
            else:
                manifest = before
                place.clear()
        except OSError as error:
            raise explain(error, str(place.folder)) from error
        return Made(str(place.folder), manifest, fetched, kept, shared)


def manifest_of(job: Job, known: Mapping[str, str], before: Manifest | None) -> Manifest:
    """Write down what is in the mirror now: what was there before, and what was chosen now."""
    files = {file.name: file for file in before.files} if before else {}
    files |= {file.name: FileEntry(file.name, file.size, known[file.name]) for file in job.choice.files}
    oids = dict(before.git_oids) if before else {}
    oids |= {file.name: file.git_oid for file in job.choice.files if file.git_oid}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Manifest(
        origin=job.origin,
        files=tuple(sorted(files.values())),
        git_oids=oids,
        left_out=tuple(one for one in job.choice.left_out if one.name not in files),
        first_at=before.first_at if before else now,
        last_at=now,
        tool=f"weighbridge {__version__}",
        remote_digest=_remote_digest(job.listing, {file.name: file.sha256 for file in files.values()}),
    )


def damage_on_the_way(names: Sequence[str]) -> HubChanged:
    """Return the error for files that never came as they were listed."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return HubChanged(
        f"{quote(min(names))}{more} came damaged three times: the digest is not the one that the hub lists",
        hint="run it again: the other files are kept; if it stays so, something on the way changes files",
    )


def rate(began: float, n_bytes: float) -> str:
    """Say how fast it goes; `began` is a reading of the monotonic clock."""
    return f"{n_bytes / _MEGABYTE / max(time.monotonic() - began, 1e-3):.0f} MB/s"


def _manifest_before(place: Place) -> Manifest | None:
    """Return the manifest that is there; a damaged one is as good as none, and is written anew."""
    try:
        return place.manifest()
    except DamagedFile:
        return None


def _refuse_strangers(job: Job, place: Place, before: Manifest | None) -> None:
    """Refuse a folder with files that nobody verified: they would stand among those that are."""
    names = {file.name for file in job.choice.files} | {file.name for file in (before.files if before else ())}
    if strangers := place.strangers(names):
        raise UsageError(
            f"{quote(str(place.folder))} holds {quote(strangers[0])}, which is not of this mirror",
            hint="move it away, or mirror into another folder",
        )


def _fetch(job: Job, taken: Taken, progress: Progress) -> int:
    """Fetch what is still missing, each content once; return how many bytes came."""
    names: dict[str, list[RemoteFile]] = {}
    for file in job.choice.files:
        if file.name not in taken.known:
            names.setdefault(content_of(file), []).append(file)
    parts = [taken.place.part(files[0]) for files in names.values()]
    missing = sum(part.file.size - part.covered for part in parts)
    taken.place.room_for(missing)
    if not parts:
        return 0

    def keep(part: Part, sha256: str) -> None:
        taken.keep(part, [file.name for file in names[content_of(part.file)]], sha256)

    transfer, began = Transfer(job.feed, parts, keep), time.monotonic()
    label = f"fetching {len(parts)} file{'s' if len(parts) > 1 else ''}"
    bar = progress if missing else silent
    with bar(label, missing, "bytes", note=lambda: rate(began, transfer.n_bytes)) as advance:
        transfer.run(min(job.lanes, len(parts) + missing // PIECE_BYTES), advance)
    if transfer.damaged:
        raise damage_on_the_way(transfer.damaged)
    return missing


def _remote_digest(listing: Listing | None, known: Mapping[str, str]) -> str:
    """Return the digest of the revision as `inspect` sees it from afar; "" where a file that counts is not here."""
    if listing is None:
        return ""
    small = {file.name for file in choose_small(listing)}
    counted = [file for file in listing.files.values() if file.sha256 or file.name in small]
    if any(not (file.sha256 or file.name in known) for file in counted):
        return ""
    return digest_of_files(FileEntry(file.name, file.size, file.sha256 or known[file.name]) for file in counted)
