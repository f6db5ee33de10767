"""Read a file in bounded pieces: no mapping, no surprise from a pipe, a device or a file that shrinks."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Self

from weighbridge.formats.place import damaged

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["BoundedFile", "read_small"]

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


class BoundedFile:
    """A regular file opened for reads at a given offset; `size` is in bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # NONBLOCK: opening a named pipe must not wait for a writer
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise damaged(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
        status = os.fstat(self._descriptor)
        self.size = status.st_size
        if not stat.S_ISREG(status.st_mode):
            os.close(self._descriptor)
            raise damaged(path, "is not a regular file")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; fewer only at the end of the file, none beyond it."""
        if offset >= self.size:  # the operating system takes no offset of more than 63 bits
            return b""
        try:
            return os.pread(self._descriptor, length, offset)
        except OSError as error:
            raise damaged(self.path, f"cannot be read at byte {offset}: {error.strerror}") from error

    def refuse_pointer(self) -> None:
        """Raise DamagedFile for a Git LFS pointer: the note that stands in for a large file."""
        if self.read(0, len(_LFS_POINTER)) == _LFS_POINTER:
            raise damaged(
                self.path,
                "is a Git LFS pointer, not the file itself",
                hint="fetch the files with `git lfs pull`",
            )


def read_small(path: Path, max_bytes: int) -> bytes:
    """Return the whole of a file of at most `max_bytes`; raises DamagedFile for a larger one."""
    with BoundedFile(path) as file:
        if file.size > max_bytes:
            raise damaged(path, f"is {file.size} bytes long; at most {max_bytes} are read")
        return file.read(0, max_bytes)
