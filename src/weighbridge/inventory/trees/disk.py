"""A folder on disk, read without following a link out of it and without opening what is no regular file."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import Literal

from weighbridge.errors import DamagedFile
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.inventory.trees.tree import Entry, Unreadable, printable

__all__ = ["DiskTree"]

_IN_CACHE = re.compile(r"(.*/models--[^/]+)/snapshots(?:/|$)")
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY  # a pipe must not wait for a writer


class DiskTree:
    """The tree under a folder on disk."""

    def __init__(self, root: Path) -> None:
        self._shown = str(root)
        self._above = self._shown.rstrip("/") + "/"
        self._root = os.path.realpath(root)
        self._inside = self._root.rstrip("/") + "/"
        cache = _IN_CACHE.match(self._root)  # a snapshot's files are links to blobs of the same model, above it
        self._linked = f"{cache[1]}/" if cache else self._inside

    def entries(self, folder: str) -> list[Entry]:
        """Return the names in a folder, sorted; raises Unreadable."""
        found: list[Entry] = []
        try:
            with os.scandir(self._at(folder)) as entries:
                found.extend(Entry(entry.name, _kind(entry)) for entry in entries)
        except OSError as error:
            raise _unreadable(error) from error
        found.sort(key=lambda entry: entry.name)
        return found

    def head(self, path: str, most: int) -> bytes:
        """Return the first `most` bytes of a regular file under the root; raises Unreadable."""
        try:
            descriptor = self._open(path)
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise Unreadable("is not a regular file")
                return _read(descriptor, status.st_size, most)
            finally:
                os.close(descriptor)
        except (OSError, ValueError) as error:
            raise _unreadable(error) from error

    def size(self, path: str) -> int:
        """Return the bytes of a file; raises Unreadable."""
        try:
            status = os.lstat(self._at(path))
            if stat.S_ISLNK(status.st_mode):
                status = os.lstat(self._at(self.target(path)))
        except OSError as error:
            raise _unreadable(error) from error
        return status.st_size

    def target(self, path: str) -> str:
        """Return what a link leads to under the root; raises Unreadable for one that leaves it or leads nowhere."""
        try:
            real = os.path.realpath(self._at(path), strict=True)
        except OSError as error:
            is_circle = error.errno == errno.ELOOP
            raise Unreadable("is a link in a circle" if is_circle else "is a link that leads nowhere") from error
        if not real.startswith(self._linked):
            raise Unreadable("is a link that leads out of the folder searched")
        return os.path.relpath(real, self._root)

    def source(self, path: str) -> BoundedFile:
        """Return a file that is read at any offset, to be closed by the caller; raises Unreadable."""
        try:
            return BoundedFile(Path(self._at(path)))
        except DamagedFile as error:
            raise Unreadable("cannot be read") from error

    def place(self, path: str) -> str:
        """Return the path under the root as it was given."""
        return printable(f"{self._above}{path}") if path else printable(self._shown)

    def on_disk(self, path: str) -> str:
        """Return the absolute path."""
        return printable(self._at(path))

    def _at(self, path: str) -> str:
        return self._inside + path if path else self._root

    def _open(self, path: str) -> int:
        try:
            return os.open(self._at(path), _FLAGS | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno != errno.ELOOP:  # ELOOP is how Linux says that the last name is a link
                raise
        return os.open(self._at(self.target(path)), _FLAGS | os.O_NOFOLLOW)


def _read(descriptor: int, size: int, most: int) -> bytes:
    """Return up to `most` bytes of a file of `size`, which may grow or shrink meanwhile."""
    data = os.read(descriptor, min(size + 1, most))  # room for `most` would be mapped and given back for each file
    if not data or len(data) in {size, most}:
        return data
    pieces, left = [data], most - len(data)
    while left > 0 and (data := os.read(descriptor, left)):
        pieces.append(data)
        left -= len(data)
    return b"".join(pieces)


def _kind(entry: os.DirEntry[str]) -> Literal["file", "folder", "link", "special"]:
    if entry.is_file(follow_symlinks=False):
        return "file"
    if entry.is_symlink():
        return "link"
    return "folder" if entry.is_dir(follow_symlinks=False) else "special"


def _unreadable(error: OSError | ValueError) -> Unreadable:
    return Unreadable(f"cannot be read: {(getattr(error, 'strerror', None) or str(error)).lower()}")
