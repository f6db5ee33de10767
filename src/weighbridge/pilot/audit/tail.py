"""The end of an audit log, read backwards: what happened last, whatever the length of the log."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from weighbridge.errors import DamagedFile, NotFound, WeighbridgeError
from weighbridge.pilot.audit.record import MAX_LINE_BYTES, read_body, read_line
from weighbridge.pilot.audit.segments import find_segments, segment_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from weighbridge.pilot.audit.export import Wanted
    from weighbridge.pilot.audit.record import Entry

__all__ = ["Tail", "lines_backwards", "read_tail"]

_BLOCK_BYTES = 256 << 10
_MOST_BYTES = 64 << 20
_CLOCK_BACK = timedelta(hours=1)


@dataclass(slots=True)
class Tail:
    """The last records that were wanted, the newest first.

    `is_whole`: there are no others. `damaged` counts lines that are no records: `verify` says which.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    is_whole: bool = False
    damaged: int = 0


def read_tail(folder: Path, wanted: Wanted, most: int, most_bytes: int = _MOST_BYTES) -> Tail:
    """Return up to `most` of the last records, having read `most_bytes` at most; raises NotFound, WeighbridgeError.

    A clock that went back by more than an hour may hide records from a search by time.
    """
    numbers = find_segments(folder)
    if not numbers:
        raise NotFound(f"there is no audit log in `{folder}`", hint="`weighbridge serve` writes one")
    since, until = wanted.bounds()
    early = replace(wanted, since=wanted.since - _CLOCK_BACK).bounds()[0] if wanted.since else ""
    tail = Tail()
    left = most_bytes
    for number in reversed(numbers):
        is_last_line = True
        for line in lines_backwards(folder, number):
            left -= len(line)
            if left < 0:
                return tail
            entry = read_line(line)
            if isinstance(entry, str):
                tail.damaged += 1
                continue
            if is_last_line and entry.time < early:  # segments end with the day: older ones are older still
                tail.is_whole = True
                return tail
            is_last_line = False
            if since <= entry.time < until and wanted.event in ("", entry.event) and (found := _record(entry, wanted)):
                if len(tail.records) == most:
                    return tail
                tail.records.append(found)
    tail.is_whole = True
    return tail


def _record(entry: Entry, wanted: Wanted) -> dict[str, Any] | None:
    """Return a record as `export.select` has it, or None for another key's or route's."""
    try:
        body = read_body(entry.body, "the record")
    except DamagedFile:
        return None
    if wanted.key in ("", body.get("key")) and wanted.route in ("", body.get("route")):
        return {"sequence": entry.sequence, "time": entry.time, "event": entry.event, "body": body}
    return None


def lines_backwards(folder: Path, number: int) -> Iterator[bytes]:
    """Yield a segment's whole lines, the last first; what is longer than a record comes as one that is none."""
    path = segment_path(folder, number)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            at = os.fstat(descriptor).st_size
            rest, is_end = b"", True
            while at > 0:
                start = max(0, at - _BLOCK_BYTES)
                stream.seek(start)
                first, *lines = (stream.read(at - start) + rest).split(b"\n")
                if is_end and lines:
                    lines.pop()  # what follows the last end of a line is under way, or nothing
                    is_end = False
                for line in reversed(lines):
                    yield line + b"\n"
                rest, at = first[: MAX_LINE_BYTES + 1], start
            if rest and not is_end:
                yield rest + b"\n"
    except OSError as error:
        raise WeighbridgeError(f"`{path}` cannot be read: {error.strerror}") from error
