"""SHA-256 of model files: streamed, several at once, remembered for files that have not changed."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import threading
import time
from collections import deque
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.artefact import FileEntry, NotInspected
from weighbridge.errors import WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.core.progress import Progress
    from weighbridge.hub.protocol import DigestCache

__all__ = ["hash_files", "open_regular", "printable"]

_BUFFER_BYTES = 1 << 20
_REPORT_S = 0.1
_SETTLED_NS = 2_000_000_000  # the coarsest clock a file system keeps (FAT): a later write could carry the same time


def hash_files(
    files: Mapping[str, str], cache: DigestCache | None, progress: Progress
) -> tuple[list[FileEntry], list[NotInspected]]:
    """Hash `files` (name to resolved path); return entries and unreadable files, each sorted by name.

    Files are read on as many threads as there are cores, the largest first; hashing leaves Python's lock.
    Each finished digest goes into `cache` at once, so an interruption keeps it. `progress` is advanced in
    bytes, from the calling thread only. Raises WeighbridgeError for a file that changes meanwhile.
    """
    reading = _Reading(files, cache)
    for name, path in files.items():
        try:
            status = Path(path).stat()
        except OSError as error:
            reading.unread.append(NotInspected(name, f"cannot be read: {error.strerror}"))
            continue
        known = cache.get(path, status.st_size, status.st_ctime_ns, status.st_ino) if cache else None
        if known:
            reading.entries.append(FileEntry(name, status.st_size, known))
        else:
            reading.jobs.append(_Job(name, status.st_size, _stamp(status), status.st_ctime_ns))
    if reading.jobs:
        _read(reading, progress)
    return sorted(reading.entries), sorted(reading.unread)


def open_regular(path: str) -> io.FileIO:
    """Open a file for reading; raises OSError, also for what is no regular file, and never waits for a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return io.FileIO(descriptor)


def printable(path: str) -> str:
    r"""Return a path as text that can be shown and stored: bytes that are not UTF-8 stand as `\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class _Job:
    """One file to read, as it was when it was listed; its path is looked up when it is read."""

    name: str
    size: int
    stamp: tuple[int, int, int, int]
    ctime_ns: int


@dataclass(slots=True)
class _Reading:
    """What the threads share; appending to a list and popping from a deque are atomic."""

    files: Mapping[str, str]
    cache: DigestCache | None
    jobs: deque[_Job] = field(default_factory=deque)
    entries: list[FileEntry] = field(default_factory=list)
    unread: list[NotInspected] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)


def _read(reading: _Reading, progress: Progress) -> None:
    """Work the jobs off on threads, and report from this one."""
    reading.jobs = deque(sorted(reading.jobs, key=lambda job: -job.size))
    total_bytes = sum(job.size for job in reading.jobs)
    count = min(os.cpu_count() or 1, len(reading.jobs))
    done_bytes = [0] * count
    label = f"hashing {len(reading.jobs)} file{'s' if len(reading.jobs) > 1 else ''}"
    with progress(label, total_bytes, "bytes") as advance, ThreadPoolExecutor(count, "hash") as pool:
        pending = {pool.submit(_work, reading, done_bytes, lane) for lane in range(count)}
        shown_bytes = 0
        try:
            while pending:
                done, pending = wait(pending, _REPORT_S, FIRST_EXCEPTION)
                for future in done:
                    future.result()
                now_bytes = sum(done_bytes)
                advance(now_bytes - shown_bytes)
                shown_bytes = now_bytes
        except BaseException:
            reading.stop.set()
            raise


def _work(reading: _Reading, done_bytes: list[int], lane: int) -> None:
    """Read files until none is left; `done_bytes[lane]` is this thread's own counter."""
    buffer = bytearray(_BUFFER_BYTES)
    while not reading.stop.is_set():
        try:
            job = reading.jobs.popleft()
        except IndexError:
            return
        before = done_bytes[lane]
        try:
            sha256 = _sha256(job, buffer, reading, done_bytes, lane)
        except OSError as error:
            reading.unread.append(NotInspected(job.name, f"cannot be read: {error.strerror}"))
        else:
            if sha256:
                reading.entries.append(FileEntry(job.name, job.size, sha256))
        done_bytes[lane] = before + job.size


def _sha256(job: _Job, buffer: bytearray, reading: _Reading, done_bytes: list[int], lane: int) -> str:
    """Hash one file; return nothing where the reading was stopped."""
    path, size, sha = reading.files[job.name], job.size, hashlib.sha256()
    view, read_bytes, started_ns = memoryview(buffer), 0, time.time_ns()
    with open_regular(path) as file:
        while read_bytes <= size and (count := file.readinto(buffer)):
            if reading.stop.is_set():
                return ""
            sha.update(view[:count])
            read_bytes += count
            done_bytes[lane] += count
        statuses = (os.fstat(file.fileno()), Path(path).stat())
    if read_bytes != size or any(_stamp(status) != job.stamp for status in statuses):
        raise WeighbridgeError(
            f"`{printable(path)}` changed while it was read",
            hint="wait until it is written, a download for example, and run it again",
        )
    if reading.cache and started_ns - job.ctime_ns > _SETTLED_NS:
        reading.cache.put(path, size, job.ctime_ns, job.stamp[2], sha.hexdigest())
    return sha.hexdigest()


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    """Return what tells that a file is still the same."""
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev
