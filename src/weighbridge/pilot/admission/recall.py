"""Checks that outlive a restart: when what is served was last found to be what was decided on, and when not.

A check reads gigabytes or asks a server a hundred questions, and counts for two hours. So that a restart does not close
what was open a moment before, the last one of each identity is kept in the workspace, readable by its owner only. It
counts for the same identity only (address, model, key's variable, subject, mirror, fingerprint), and for files that are
as they were by size, times and inode.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import canonical, digest_of
from weighbridge.errors import WeighbridgeError
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from weighbridge.pilot.admission.served import Identity, Served

__all__ = ["CHECKS_FILE", "Checked", "Recall", "files_of"]

CHECKS_FILE = "pilot-checks.json"
_MAX_BYTES = 1 << 20
_MOST = 500  # of identities; the oldest go
_MOST_FILES = 10_000  # of a mirror
_WHY = 1000


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that was made at `at` (seconds); `files` stands for the mirror's files as they were, "" for none."""

    at: float
    matches: bool
    why: str
    files: str = ""


class Recall:
    """The checks in a file. One that cannot be read or written is none: then everything is checked again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, identity: Identity) -> Checked | None:
        """Return the last check of an identity, where it matched then and its files are as they were."""
        found = self._read().get(_name(identity))
        if found is None or not found.matches or found.files != files_of(identity):
            return None
        return found

    def keep(self, identity: Identity, served: Served, files: str, now: float) -> None:
        """Keep a check, also one that found a difference: an older match, written by another process, must not win.

        `files` is what `files_of` said before they were read, `now` the time (seconds): a check that is to come was
        written by a clock that ran ahead, and counts for nothing.
        """
        known = self._read()
        name = _name(identity)
        checked = Checked(served.checked_at, served.state == "matches", served.why[:_WHY], files)
        if name in known and checked.at < known[name].at <= now:
            return
        known = {one: check for one, check in known.items() if check.at <= now} | {name: checked}
        newest = sorted(known.items(), key=lambda one: -one[1].at)[:_MOST]
        with suppress(OSError):
            _write(self._path, canonical({"checks": {one: asdict(check) for one, check in newest}}))

    def _read(self) -> dict[str, Checked]:
        """Read the file; what is wrong in it is left out."""
        try:
            found = parse_json(read_small(self._path, _MAX_BYTES), self._path, max_bytes=_MAX_BYTES)
            return {name: _checked(one) for name, one in found["checks"].items()}
        except (WeighbridgeError, OSError, LookupError, TypeError, ValueError, AttributeError):
            return {}


def files_of(identity: Identity) -> str:
    """Return what stands for a mirror's files as they are now, without reading them: "" where there is no mirror.

    Size, time, inode, and the time of the last change, which nobody but the system sets. What cannot be told is never
    the same twice.
    """
    if not identity.mirror:
        return ""
    found: list[list[str]] = []
    try:
        for folder, _, names in os.walk(identity.mirror, onerror=_raise):
            for name in names:
                path = Path(folder) / name
                one, target = path.lstat(), path.stat()
                stamps = (
                    stamp for of in (one, target) for stamp in (of.st_size, of.st_mtime_ns, of.st_ctime_ns, of.st_ino)
                )
                found.append([str(path), *(str(stamp) for stamp in stamps)])
            if len(found) > _MOST_FILES:
                return secrets.token_hex(16)
    except OSError:
        return secrets.token_hex(16)
    return digest_of(sorted(found))


def _raise(error: OSError) -> None:
    raise error


def _name(identity: Identity) -> str:
    """Return what an identity is known by: all of it, and the fingerprint's statement by its id."""
    upstream, expected = identity.upstream, identity.expected
    return digest_of(
        [upstream.url, upstream.model, upstream.key_variable, identity.subject, identity.has_files, identity.mirror,
         identity.is_fingerprinted, expected.id if expected else None]
    )  # fmt: skip


def _checked(value: Any) -> Checked:
    """Read a check; raises TypeError or LookupError for what is none."""
    at, matches, why, files = (value[name] for name in ("at", "matches", "why", "files"))
    if type(at) not in (int, float) or type(matches) is not bool or {type(why), type(files)} != {str}:
        raise TypeError("not a check")
    return Checked(at, matches, why[:_WHY], files)


def _write(path: Path, data: bytes) -> None:
    """Write a file for its owner only, so that a reader sees all of it or the one before; raises OSError."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
