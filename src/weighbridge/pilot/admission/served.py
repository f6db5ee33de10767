"""Whether what is served is what was decided on: by address, by mirror, by fingerprint."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from weighbridge.core.artefact import digest_of_endpoint
from weighbridge.core.progress import Progress, silent
from weighbridge.errors import DamagedFile, NotFound, WeighbridgeError
from weighbridge.formats.place import quote
from weighbridge.hub.mirror.check import check_mirror
from weighbridge.pilot.admission.likeness import hold_against

if TYPE_CHECKING:
    from weighbridge.engine.discovery.fingerprint import Likeness
    from weighbridge.hub.mirror.check import MirrorCheck
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.pilot.admission.likeness import Expected, Held, Probe
    from weighbridge.pilot.route import UpstreamSettings

__all__ = ["NOT_YET", "Identity", "Served", "Stamps", "check_served"]

State = Literal["matches", "differs", "unknown"]
_ORDER: tuple[State, ...] = ("matches", "unknown", "differs")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Served:
    """What came of holding what is served against its decision; `why` says it and what to do, in a line.

    `checked_at` is in seconds, 0 where nothing was checked. `is_lasting` says that time does not wear it out: an
    address stays the same, files and servers do not. `held` is what came of asking for a fingerprint, if one came.
    """

    state: State
    why: str = ""
    checked_at: float = 0.0
    is_lasting: bool = False
    held: Held | None = None


NOT_YET = Served("unknown", "it is being checked: wait a moment")


@dataclass(frozen=True, slots=True)
class Identity:
    """What is held against what: an upstream (address, name, key), and the subject of a decision.

    By a `mirror`, "" for none, and by a fingerprint where `is_fingerprinted`: the `expected` one, or why there is none.
    Whatever else a leg says does not matter here, so that a new price or time limit asks no server anew.
    """

    upstream: UpstreamSettings
    subject: str
    has_files: bool = False
    mirror: str = ""
    is_fingerprinted: bool = False
    expected: Expected | None = None
    problem: str = ""

    @property
    def is_quick(self) -> bool:
        """Whether nothing has to be read or asked for it."""
        return not (self.mirror or self.is_fingerprinted)


class Stamps:
    """Digests of files that have not changed since, in memory: by size, time, inode, and the time of the last change.

    Nobody but the system sets that last one, so that weights written over with their old time are read again. It is
    the one from before the file was read.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, ...], str]] = {}
        self._changed_ns: dict[str, int] = {}

    def get(self, path: str, size: int, mtime_ns: int, inode: int) -> str | None:
        """Return the SHA-256 known for this very file, or None."""
        self._changed_ns[path] = changed_ns = Path(path).stat().st_ctime_ns
        stamp, sha256 = self._known.get(path, (None, None))
        return sha256 if stamp == (size, mtime_ns, inode, changed_ns) else None

    def put(self, path: str, size: int, mtime_ns: int, inode: int, sha256: str) -> None:
        """Remember a digest."""
        self._known[path] = ((size, mtime_ns, inode, self._changed_ns[path]), sha256)


def check_served(
    identity: Identity, at: float, probe: Probe, cache: DigestCache | None = None, progress: Progress = silent
) -> Served:
    """Hold what is served against its decision by every means that is named; the worst answer counts."""
    upstream, held = identity.upstream, None
    found: list[tuple[State, str]] = []
    if identity.mirror:
        found.append(_by_mirror(identity.mirror, identity.subject, cache, progress))
    elif identity.subject == digest_of_endpoint(upstream.url, upstream.model):
        found.append(("matches", "the address that was decided on"))
    elif not identity.has_files:
        found.append(
            ("differs", "another address or model name was decided on: weigh this one, or name its own decision")
        )
    if identity.is_fingerprinted:
        held, told = _by_fingerprint(identity, probe, progress)
        found.append(told)
    if not found:
        found.append(
            ("unknown", "nothing ties the server to the files that were decided on: name `mirror` or `fingerprint`")
        )
    state, why = max(found, key=lambda one: _ORDER.index(one[0]))
    if state == "matches":
        why = "; ".join(one for _, one in found)
    return Served(state, why, at, is_lasting=identity.is_quick, held=held)


def _by_mirror(path: str, subject: str, cache: DigestCache | None, progress: Progress) -> tuple[State, str]:
    """Check a mirror's files against its manifest, and that against what was decided on."""
    try:
        found = check_mirror(Path(path), cache, progress)
    except (NotFound, DamagedFile):
        if not os.access(path, os.F_OK):
            return "differs", "there is no folder where `mirror` says; its path is relative to the routes' file"
        return "differs", "the mirror has no manifest, or one that contradicts itself; mirror it again"
    except (WeighbridgeError, OSError) as error:
        return (
            "unknown",
            f"the mirror cannot be read now ({type(error).__name__}): `weighbridge verify DIR` says why",
        )
    if subject not in {found.manifest.artefact, found.manifest.remote_digest}:
        return "differs", "the mirror holds another artefact than was decided on: weigh this one, or mirror that one"
    if not found.holds:
        return "differs", f"the mirror is not what it was: {_changes(found)}; mirror it again"
    count = len(found.manifest.files)
    return "matches", f"the mirror, {count} file{'s' if count != 1 else ''} unchanged"


def _changes(found: MirrorCheck) -> str:
    """Name what became of the files, the first of each."""
    parts = []
    for word in ("changed", "missing", "extra", "unread"):
        names = [name if isinstance(name, str) else name[0] for name in getattr(found, word)]
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            parts.append(f"{word} {', '.join(quote(name, 80) for name in names[:_SHOWN])}{more}")
    return "; ".join(parts)


def _by_fingerprint(identity: Identity, probe: Probe, progress: Progress) -> tuple[Held | None, tuple[State, str]]:
    """Ask the upstream, and compare."""
    if identity.expected is None:
        return None, ("unknown", identity.problem)
    held = hold_against(identity.expected, identity.upstream, probe, progress)
    if isinstance(held, str):
        return None, ("unknown", f"{held}: is the server up, and its key set?")
    return held, _told(held.likeness)


def _told(likeness: Likeness) -> tuple[State, str]:
    """Return what a likeness says of what is served."""
    match likeness.verdict:
        case "same" | "consistent":
            return "matches", f"the fingerprint, {likeness.verdict}"
        case "differs":
            return (
                "differs",
                f"the server answers otherwise than what was weighed: {likeness.why}; weigh what it serves",
            )
    return "unknown", f"the fingerprint does not tell: {likeness.why}"
