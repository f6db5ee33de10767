"""Compare a copy on disk with what is expected of it: every missing, extra and changed file is named."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import NotFound
from weighbridge.formats.place import quote
from weighbridge.hub.hashing import hash_files, open_regular
from weighbridge.hub.walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from weighbridge.core.progress import Progress

__all__ = ["Copy", "Difference", "Expected", "Wanted", "compare", "open_copy"]

_NOT_THE_MODEL = "not part of the model"
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is expected of one file. `size` in bytes; digests in hex digits; "" and None are not known.

    Where there is no SHA-256, `git_oid` is the SHA-1 by which git names the file's content.
    """

    size: int | None = None
    sha256: str = ""
    git_oid: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a copy should hold. `source` says who says so; `ignored` are files and folders that may be there or not."""

    source: str
    files: Mapping[str, Wanted]
    ignored: frozenset[str] = frozenset()

    def ignores(self, name: str) -> bool:
        """Whether a file is ignored, itself or with a folder that it lies in."""
        parts = name.split("/")
        return any("/".join(parts[:count]) in self.ignored for count in range(1, len(parts) + 1))


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One file that is not as expected: `missing`, `extra`, `changed` or `unread`, and what is known of it."""

    name: str
    kind: str
    detail: str = ""


@dataclass(slots=True)
class Copy:
    """The files below a folder, or one file; `left` are those that cannot be read, with the reason."""

    root: str
    files: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)


def open_copy(path: Path) -> Copy:
    """List a folder, or one file; raises NotFound, or BadReference for a folder that is too large."""
    real = Path(os.path.realpath(path))
    if real.is_dir():
        listing = walk(str(real))
        left = {entry.name: entry.reason for entry in listing.left_alone if not entry.reason.endswith(_NOT_THE_MODEL)}
        return Copy(str(real), dict(listing.files), left)
    if not real.exists():
        raise NotFound(f"{quote(str(path))} was not found", hint="give the folder of the copy, or its file")
    return Copy(str(real.parent), {path.name: str(real)})


def compare(copy: Copy, expected: Expected, progress: Progress) -> list[Difference]:
    """Return every difference, sorted by name; files of another size, and extra ones, are not read.

    Every other file is read anew: no remembered digest counts here.
    """
    found: list[Difference] = []
    to_hash: dict[str, str] = {}
    for name, wanted in expected.files.items():
        if name in copy.files:
            path = copy.files[name]
            size = _size(path)
            if wanted.size is not None and size is not None and size != wanted.size:
                found.append(Difference(name, "changed", f"{size} bytes instead of {wanted.size}"))
            else:
                to_hash[name] = path
        elif not expected.ignores(name):
            reason = copy.left.get(name)
            found.append(Difference(name, "unread", reason) if reason else Difference(name, "missing"))
    extra = [name for name in copy.files if name not in expected.files and not expected.ignores(name)]
    found += [Difference(name, "extra") for name in extra]
    unknown = [name for name in copy.left if name not in expected.files and not expected.ignores(name)]
    found += [Difference(name, "extra", copy.left[name]) for name in unknown]
    found += _wrong(to_hash, expected.files, progress)
    return sorted(found)


def _wrong(to_hash: Mapping[str, str], wanted: Mapping[str, Wanted], progress: Progress) -> Iterable[Difference]:
    """Yield the files with another digest, and those that could not be read."""
    by_git = {name: path for name, path in to_hash.items() if wanted[name].git_oid and not wanted[name].sha256}
    entries, unread = hash_files({k: v for k, v in to_hash.items() if k not in by_git}, None, progress)
    for entry in entries:
        if entry.sha256 != wanted[entry.name].sha256:
            yield Difference(entry.name, "changed", f"SHA-256 {entry.sha256} instead of {wanted[entry.name].sha256}")
    yield from (Difference(entry.name, "unread", entry.reason) for entry in unread)
    for name, path in by_git.items():
        try:
            oid = _git_oid(path)
        except OSError as error:
            yield Difference(name, "unread", f"cannot be read: {error.strerror}")
            continue
        if oid != wanted[name].git_oid:
            yield Difference(name, "changed", f"git blob {oid} instead of {wanted[name].git_oid}")


def _git_oid(path: str) -> str:
    """Return the SHA-1 by which git names the content of a file: of `blob <size>`, a zero byte, and the content."""
    with open_regular(path) as file:
        sha = hashlib.sha1(b"blob %d\0" % os.fstat(file.fileno()).st_size, usedforsecurity=False)
        while chunk := file.read(_BUFFER_BYTES):
            sha.update(chunk)
    return sha.hexdigest()


def _size(path: str) -> int | None:
    """Return the size of a file in bytes, None where it cannot be asked."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return None
