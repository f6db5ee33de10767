"""Verify: hold a copy of a model against what was locked, weighed, published or signed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.digest import short
from weighbridge.core.reference import Reference
from weighbridge.errors import NotFound, UsageError, WeighbridgeError
from weighbridge.formats.place import quote
from weighbridge.hub.protocol import resolve
from weighbridge.inspection.provenance.copy import Difference, Expected, Wanted, compare, open_copy
from weighbridge.inspection.provenance.lock import lock_of, read_lock
from weighbridge.inspection.provenance.origin import origin_of, recorded_digests
from weighbridge.inspection.provenance.signature import verify_model
from weighbridge.inspection.provenance.trust import Trust
from weighbridge.workflow.mirror import check_all
from weighbridge.workflow.workspace import write_whole

if TYPE_CHECKING:
    from weighbridge.core.evidence import Evidence
    from weighbridge.core.progress import Progress
    from weighbridge.hub.mirror.check import MirrorCheck
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.inspection.provenance.copy import Copy
    from weighbridge.inspection.provenance.lock import Lock
    from weighbridge.inspection.provenance.signature import Outcome
    from weighbridge.inspection.provenance.trust import Signer
    from weighbridge.workflow.workspace import Workspace

__all__ = [
    "Checked", "against_lock", "against_mirror", "against_reference", "against_signature", "against_what_is_known",
    "copy_and_lock", "load_trust", "lock",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Checked:
    """A copy held against what somebody says of it: `source` says who, `count` how many files he speaks of.

    `mirror` says which copy it is where it was held against its own manifest.
    """

    source: str
    count: int
    differences: tuple[Difference, ...]
    mirror: MirrorCheck | None = None

    @property
    def holds(self) -> bool:
        """Whether every file is there, unchanged, and no other."""
        return not self.differences


def lock(reference: str, output: Path, cache: DigestCache | None, progress: Progress) -> Lock:
    """Pin a model and write its digest lock; raises UsageError for a lock inside the folder that it locks."""
    artefact = resolve(Reference.parse(reference), cache, progress)
    made = lock_of(artefact, origin_of(artefact))
    if artefact.reference.kind == "folder" and artefact.root and output.resolve().is_relative_to(artefact.root):
        raise UsageError(
            f"{quote(str(output))} lies in the folder that it locks: whoever changes a file could change it too",
            hint="give another place: `--output FILE`",
        )
    try:
        write_whole(output, made.to_bytes())
    except WeighbridgeError as error:
        raise UsageError(error.message, hint="give another place: `--output FILE`") from error
    return made


def against_lock(target: Path, place: Path, progress: Progress) -> Checked:
    """Hold a copy against a lock; raises DamagedFile where that is none."""
    return _checked(open_copy(target), read_lock(place).expected(), progress)


def copy_and_lock(target: Path, place: Path | None) -> tuple[Path, Path | None]:
    """Return the copy and its lock: a target that is a lock itself names the folder that it locked.

    Raises UsageError where that folder is not known here.
    """
    if place is not None or target.suffix != ".json" or not target.is_file():
        return target, place
    locked = Reference.parse(read_lock(target).reference)
    if locked.kind not in {"folder", "file"}:
        raise UsageError(
            f"{quote(str(target))} locks {quote(locked.text)}, and says not where a copy is",
            hint=f"`weighbridge verify DIR --lock {target}`",
        )
    return Path(locked.target), target


def against_mirror(target: str, cache: DigestCache | None, progress: Progress) -> list[Checked]:
    """Hold mirrors against their manifests: a folder, or `s3://...`; [] for a folder without one.

    Raises DamagedFile for a manifest that contradicts itself, NotFound or HubUnreachable for a bucket.
    """
    try:
        return [_mirror(check) for check in check_all(target, cache, progress)]
    except NotFound:
        if target.startswith("s3://"):  # there is nothing else that a bucket could be held against
            raise
        return []


def _mirror(check: MirrorCheck) -> Checked:
    """Say what became of a mirror in the words of all comparisons."""
    manifest, kinds = check.manifest, {"changed": check.changed, "missing": check.missing, "extra": check.extra}
    found = [Difference(name, kind) for kind, names in kinds.items() for name in names]
    found += [Difference(name, "unread", reason) for name, reason in check.unread]
    origin = manifest.origin
    name = f"{origin.hub}:{origin.repository}@{origin.commit[:12]}" if origin.hub else origin.reference
    source = f"the mirror's manifest of {manifest.last_at[:10]} ({name})"
    return Checked(source, len(manifest.files), tuple(sorted(found)), check)


def against_what_is_known(target: Path, workspace: Workspace, progress: Progress) -> Checked:
    """Hold a copy against the evidence in a workspace, else against the digests that `hf download` noted in it.

    Raises NotFound where there is neither.
    """
    copy = open_copy(target)
    expected = _stated(copy, workspace) or (recorded_digests(copy.root) if target.is_dir() else None)
    if expected is None:
        raise NotFound(
            f"nothing is known of the files in {quote(str(target))}",
            hint="give a lock (`--lock FILE`), a hub's model (`--against hf:maker/model`) or a signature",
        )
    return _checked(copy, expected, progress)


def _stated(copy: Copy, workspace: Workspace) -> Expected | None:
    """Return what evidence states of files: of several statements the one with the names most like the copy's."""
    try:
        with workspace.store(read_only=True) as store:
            statements = [one for one in store.select(kind="files/v1") if _likeness(_names(one), copy)]
    except NotFound:
        return None
    if not statements:
        return None
    best = max(statements, key=lambda one: (_likeness(_names(one), copy), one.made_on))
    files = {one["name"]: Wanted(one["size"], one["sha256"]) for one in best.body["files"]}
    return Expected(f"the evidence of {best.made_on} about `{short(best.subject)}`", files)


def against_reference(target: Path, reference: str, cache: DigestCache | None, progress: Progress) -> Checked:
    """Hold a copy against a model on a hub by the hub's own digests, or against another copy."""
    artefact = resolve(Reference.parse(reference), cache, progress)
    expected = lock_of(artefact, origin_of(artefact)).expected()
    commit = f" at commit {artefact.shadow.commit}" if artefact.shadow else ""
    return _checked(open_copy(target), Expected(f"{quote(reference)}{commit}", expected.files), progress)


def against_signature(target: Path, place: Path, trust: Trust, progress: Progress) -> Outcome:
    """Hold a copy against a model signature; raises DamagedFile where that is none."""
    return verify_model(open_copy(target), place, trust, progress)


def load_trust(key: Path | None, certificates: Path | None, signer: Signer | None = None) -> Trust:
    """Read what the user trusts; raises ExtraMissing, DamagedFile or UsageError."""
    if signer is not None:
        if key or certificates:
            raise UsageError("one signature is held against one thing", hint="a key, certificates, or an identity")
        return Trust(signer=signer)
    if key is None and certificates is None:
        return Trust()
    from weighbridge.inspection.provenance.keys import load_public  # says what is missing without the extra

    if key is not None:
        return Trust(load_public(key))
    from weighbridge.inspection.provenance.chain import load_certificates

    return Trust(certificates=tuple(load_certificates(certificates))) if certificates else Trust()


def _checked(copy: Copy, expected: Expected, progress: Progress) -> Checked:
    return Checked(expected.source, len(expected.files), tuple(compare(copy, expected, progress)))


def _names(statement: Evidence) -> frozenset[str]:
    """Return the names of the files that a statement lists; a store may hold what others wrote."""
    files = statement.body.get("files")
    if not isinstance(files, list) or not all(
        isinstance(one, dict) and {"name", "size", "sha256"} <= one.keys() for one in files
    ):
        return frozenset()
    return frozenset(str(one["name"]) for one in files)


def _likeness(names: frozenset[str], copy: Copy) -> float:
    """Return the share of names that both have: 0 to 1."""
    here = copy.files.keys()
    return len(names & here) / len(names | here) if names else 0.0
