"""Append lines to segments: one `write` a record at once, one flush to the disk for all of the last 50 ms.

What is written survives the end of the process (kill -9), because the kernel holds it; what is flushed survives the
end of the power. A `write` costs 1-4 us here, to hand a record to another thread costs more, so only flushing has one.
"""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.pilot.audit.segments import segment_path

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SegmentWriter", "lock_folder"]

_LOCK = "audit.lock"
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700
_NEW = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_OLD = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW


def lock_folder(folder: Path) -> int:
    """Make a log's folder where there is none, and hold it for this process; return the lock's descriptor.

    Raises UsageError where another process writes to it.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE)
    except OSError as error:
        raise WeighbridgeError(f"`{folder}` cannot be written: {error.strerror}", hint="give another folder") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise UsageError(
            f"another process writes the audit log in `{folder}`",
            hint="one gateway a log: stop the other, or give this one a workspace of its own",
        ) from error
    return descriptor


class SegmentWriter:
    """The end of a log that is written to. Not thread-safe: its owner holds a lock, but `flush` may run beside."""

    def __init__(self, folder: Path, number: int, size: int, torn: bytes) -> None:
        self.number = number
        self.size = size
        self._folder = folder
        self._old: list[int] = []
        self._fd = -1
        if number:
            self._fd = os.open(segment_path(folder, number), _OLD)
            if torn:
                os.ftruncate(self._fd, size)

    def write(self, line: bytes) -> None:
        """Append one line, whole or not at all; raises OSError."""
        written = os.write(self._fd, line)
        if written != len(line):
            os.ftruncate(self._fd, self.size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += written

    def open_next(self, line: bytes) -> None:
        """Begin the next segment with a line; raises OSError, and then the segment before is still the last."""
        number = self.number + 1
        path = segment_path(self._folder, number)
        descriptor = os.open(path, _NEW, _FILE_MODE)
        before = (self.number, self.size, self._fd)
        self.number, self.size, self._fd = number, 0, descriptor
        try:
            self.write(line)
        except OSError:
            self.number, self.size, self._fd = before
            os.close(descriptor)
            path.unlink()
            raise
        if before[2] >= 0:
            self._old.append(before[2])

    def flush(self) -> None:
        """Have the disk hold what was written; raises OSError. Segments that ended are closed."""
        while self._old:
            os.fdatasync(self._old[0])
            os.close(self._old.pop(0))
            self._flush_folder()
        os.fdatasync(self._fd)  # read only now: a segment that ended meanwhile would be closed above

    def free_bytes(self) -> int:
        """Return the bytes that are free where the log is."""
        state = os.statvfs(self._folder)
        return state.f_bavail * state.f_frsize

    def close(self) -> None:
        """Close what is open."""
        for descriptor in (*self._old, self._fd):
            if descriptor >= 0:
                os.close(descriptor)
        self._old, self._fd = [], -1

    def _flush_folder(self) -> None:
        """Have the disk hold the names of the segments."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
