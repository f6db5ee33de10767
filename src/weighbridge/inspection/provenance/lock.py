"""The digest lock: path, size and SHA-256 of every file of an artefact, and the commit, in one small file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.core.artefact import FileEntry, digest_of_files
from weighbridge.core.digest import canonical
from weighbridge.errors import UsageError
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import damaged, quote
from weighbridge.formats.strict_json import parse_json
from weighbridge.inspection.provenance.copy import Expected, Wanted
from weighbridge.inspection.provenance.origin import Origin

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.core.artefact import Artefact

__all__ = ["LOCK_FILE", "MAX_LOCK_BYTES", "SCHEMA", "Lock", "is_lock", "lock_of", "read_lock"]

LOCK_FILE = "weighbridge.lock.json"
SCHEMA = "weighbridge/lock/v1"
MAX_LOCK_BYTES = 64 << 20  # 100,000 files take about 20 MB
_SHA256, _SHA1 = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{40}")
_FIELDS = frozenset({"schema", "artefact", "name", "reference", "hub", "repository", "commit", "files", "by_git"})


@dataclass(frozen=True, slots=True)
class Lock:
    """What an artefact was when it was locked.

    `digest` is the artefact's identity, as evidence names it. `by_git` are files of a hub that it names by a git
    object id alone (path, id). Where a model was not locked from a hub, `origin` is what its folder tells of one.
    """

    digest: str
    name: str
    reference: str
    origin: Origin
    files: tuple[FileEntry, ...]
    by_git: tuple[tuple[str, str], ...] = ()

    def to_bytes(self) -> bytes:
        """Return the lock as canonical JSON (RFC 8785): the same artefact has the same bytes."""
        return canonical(
            {
                "schema": SCHEMA,
                "artefact": self.digest,
                "name": self.name,
                "reference": self.reference,
                "hub": self.origin.hub,
                "repository": self.origin.repository,
                "commit": self.origin.commit,
                "files": [{"path": one.name, "size": one.size, "sha256": one.sha256} for one in sorted(self.files)],
                "by_git": [{"path": path, "git_oid": oid} for path, oid in sorted(self.by_git)],
            }
        )

    def expected(self) -> Expected:
        """Return what a copy should hold."""
        files = {one.name: Wanted(one.size, one.sha256) for one in self.files}
        files |= {path: Wanted(git_oid=oid) for path, oid in self.by_git}
        return Expected("the lock", files)


def lock_of(artefact: Artefact, origin: Origin) -> Lock:
    """Lock an artefact; raises UsageError for an endpoint, which has no files."""
    if artefact.is_endpoint:
        raise UsageError("an endpoint has no files to lock", hint="lock the model that it serves")
    by_git = tuple((entry.name, entry.git_oid) for entry in artefact.left_alone if entry.git_oid)
    return Lock(artefact.digest, artefact.name, artefact.reference.text, origin, tuple(sorted(artefact.files)), by_git)


def is_lock(value: Any) -> bool:
    """Whether a JSON value says that it is a lock."""
    return isinstance(value, dict) and value.get("schema") == SCHEMA


def read_lock(path: Path) -> Lock:
    """Read a lock; raises DamagedFile for what is none, and where its files are not those of its digest."""
    value = parse_json(read_small(path, MAX_LOCK_BYTES), path, max_bytes=MAX_LOCK_BYTES)
    if not is_lock(value):
        raise damaged(path, f"is not a lock (`{SCHEMA}`)", hint="make one: `weighbridge lock REF`")
    try:
        lock = _read(value)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"is a lock with a wrong or missing field: {quote(str(error))}") from error
    if digest_of_files(lock.files) != lock.digest:
        raise damaged(path, "contradicts itself: its files do not make the digest that it names")
    return lock


def _read(value: dict[str, Any]) -> Lock:
    """Read the fields; raises KeyError, TypeError or ValueError for a wrong one."""
    if unknown := value.keys() - _FIELDS:
        raise ValueError(min(unknown))
    files = tuple(
        FileEntry(_path(one["path"]), _size(one["size"]), _hex(one["sha256"], _SHA256)) for one in value["files"]
    )
    by_git = tuple((_path(one["path"]), _hex(one["git_oid"], _SHA1)) for one in value["by_git"])
    names = [one.name for one in files] + [path for path, _ in by_git]
    if len({*names}) < len(names):
        raise ValueError("a path that stands twice")
    origin = Origin(*(_text(value[name], optional=True) for name in ("hub", "repository", "commit")))
    return Lock(
        str(value["artefact"]), _text(value["name"]) or "", _text(value["reference"]) or "", origin, files, by_git
    )


def _path(value: Any) -> str:
    """Return a path inside the folder; one that leads out of it is no path."""
    path = _text(value) or ""
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"path {path!r}")
    return path


def _size(value: Any) -> int:
    """Return a size in bytes."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"size {value!r}")
    return value


def _hex(value: Any, form: re.Pattern[str]) -> str:
    """Return a digest of the right length."""
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError(f"digest {value!r}")
    return value


def _text(value: Any, *, optional: bool = False) -> str | None:
    """Return a text, or None where that is allowed."""
    if value is None and optional:
        return None
    if not isinstance(value, str):
        raise TypeError(f"text {value!r}")
    return value
