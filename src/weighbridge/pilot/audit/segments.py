"""The files of an audit log: `audit-000001.jsonl` and on, one chain through all of them."""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NamedTuple

from weighbridge.errors import StoreDamaged, WeighbridgeError
from weighbridge.pilot.audit.record import FIRST, MAX_LINE_BYTES, read_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from weighbridge.pilot.audit.record import Entry

__all__ = ["AUDIT_FOLDER", "OPENED", "Tip", "find_segments", "find_tip", "read_lines", "segment_path"]

AUDIT_FOLDER = "audit"  # in a workspace
OPENED = "segment.opened"
_UNDER_WAY_S = 0.05
_NAME = re.compile(r"audit-([0-9]{6})\.jsonl")


class Tip(NamedTuple):
    """Where a log ends: segment, its whole bytes, what stands torn behind them, last sequence, hash and time."""

    segment: int
    size: int
    torn: bytes
    sequence: int
    hash: str
    time: str


def segment_path(folder: Path, number: int) -> Path:
    """Return the file of a segment, counted from 1."""
    return folder / f"audit-{number:06d}.jsonl"


def find_segments(folder: Path) -> list[int]:
    """Return the numbers of the segments of a folder, in order; none where there is no folder."""
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise WeighbridgeError(f"`{folder}` cannot be read: {error.strerror}") from error
    return sorted(int(match.group(1)) for name in names if (match := _NAME.fullmatch(name)))


@contextmanager
def read_lines(folder: Path, number: int) -> Iterator[Iterator[bytes]]:
    """Read a segment's lines, each at most 64 KiB; what is longer comes in pieces, which are no records."""
    path = segment_path(folder, number)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            yield _lines(stream)
    except OSError as error:
        raise WeighbridgeError(f"`{path}` cannot be read: {error.strerror}") from error


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines; one without its end may be under way in a gateway that runs, and is looked at twice."""
    while line := stream.readline(MAX_LINE_BYTES):
        if not line.endswith(b"\n") and len(line) < MAX_LINE_BYTES:
            time.sleep(_UNDER_WAY_S)
            line += stream.readline(MAX_LINE_BYTES - len(line))
        yield line


def find_tip(folder: Path) -> Tip:
    """Return where a log ends, with its last segment's chain verified; raises StoreDamaged.

    A last line without its end is what a machine leaves that lost its power: it is returned as `torn`.
    """
    numbers = find_segments(folder)
    if not numbers:
        return Tip(0, 0, b"", 0, FIRST, "")
    size, torn, last = _read_last(folder, numbers[-1])
    if last is not None:
        return Tip(numbers[-1], size, torn, last.sequence, last.hash, last.time)
    # the last segment was made and nothing written to it
    before = _read_last(folder, numbers[-2])[2] if len(numbers) > 1 else None
    if before is None:
        return Tip(numbers[-1], 0, torn, 0, FIRST, "")
    return Tip(numbers[-1], 0, torn, before.sequence, before.hash, before.time)


def _read_last(folder: Path, number: int) -> tuple[int, bytes, Entry | None]:
    """Return a segment's whole bytes, its torn end, and its last record; raises StoreDamaged."""
    size, last = 0, None
    with read_lines(folder, number) as lines:
        for count, line in enumerate(lines, 1):
            if not line.endswith(b"\n") and len(line) < MAX_LINE_BYTES:
                return size, line, last
            entry = read_line(line)
            if isinstance(entry, str):
                raise _damaged(folder, number, count, entry)
            if last is not None and (entry.previous, entry.sequence) != (last.hash, last.sequence + 1):
                raise _damaged(folder, number, count, "does not follow the record before it")
            size, last = size + len(line), entry
    return size, b"", last


def _damaged(folder: Path, number: int, count: int, reason: str) -> StoreDamaged:
    return StoreDamaged(
        f"`{segment_path(folder, number)}`, line {count}, {reason}",
        hint="see `weighbridge audit verify`; to go on, move the folder away and keep it: the gateway begins a new log",
    )
