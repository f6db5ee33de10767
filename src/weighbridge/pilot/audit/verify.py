"""Verify an audit log: every byte, and that no record was removed, put in, moved or cut off.

The chain alone shows whatever was done to a log by who could not write all of it again. It does not show that its end
was cut off at a record, nor that all of it was written anew: a head that was kept elsewhere does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.core.progress import silent
from weighbridge.errors import DamagedFile, NotFound
from weighbridge.pilot.audit.head import Head
from weighbridge.pilot.audit.log import BEGAN, ENDED
from weighbridge.pilot.audit.record import FIRST, MAX_LINE_BYTES, read_body, read_line
from weighbridge.pilot.audit.segments import find_segments, read_lines, segment_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from weighbridge.core.progress import Progress
    from weighbridge.pilot.audit.record import Entry

__all__ = ["Problem", "Report", "verify"]

_MOST_PROBLEMS = 100
_MOST_OPEN = 100_000


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not hold: which file, which line of it (0 for the whole file), and what."""

    file: str
    line: int
    what: str


@dataclass(slots=True)
class Report:
    """What came of it. `begun` are the ids of streams without an end: under way now, or when the process was killed.

    `back` counts records whose clock went back: no harm to the chain. `heads` counts kept heads that were found.
    """

    records: int = 0
    first: int = 0
    head: Head | None = None
    heads: int = 0
    back: int = 0
    problems: list[Problem] = field(default_factory=list)
    more: int = 0
    begun: dict[str, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def add(self, file: str, line: int, what: str) -> None:
        """Note what does not hold; the first hundred are kept, the others counted."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(file, line, what))
        else:
            self.more += 1

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "holds": self.holds,
            "records": self.records,
            "first": self.first,
            "head": self.head._asdict() if self.head else None,
            "heads": self.heads,
            "clock_went_back": self.back,
            "begun_without_end": sorted(self.begun),
            "problems": [{"file": one.file, "line": one.line, "what": one.what} for one in self.problems],
            "more_problems": self.more,
        }


def verify(folder: Path, heads: Sequence[Head] = (), *, begins_at: int = 1, progress: Progress = silent) -> Report:
    """Read all of a log and hold it against kept heads; raises NotFound where there is none, WeighbridgeError.

    `begins_at` is the segment that it is known to begin at, where older ones were put away: what those held is then
    known by the first record's `previous` only.
    """
    numbers = find_segments(folder)
    if not numbers:
        raise NotFound(f"there is no audit log in `{folder}`", hint="`weighbridge serve` writes one")
    wanted: dict[int, set[str]] = {}
    for head in heads:
        wanted.setdefault(head.sequence, set()).add(head.hash)
    reader = _Reader(Report(), wanted)
    total = sum(segment_path(folder, number).stat().st_size for number in numbers)
    with progress("verifying", total, "bytes") as advance:
        for number, expected in zip(numbers, range(begins_at, begins_at + len(numbers)), strict=True):
            name = segment_path(folder, number).name
            if number != expected:
                reader.report.add(name, 0, f"segment {expected} was expected here")
            with read_lines(folder, number) as lines:
                for count, line in enumerate(lines, 1):
                    reader.read(line, (number, name, count), starts=begins_at > 1 and number == numbers[0])
                    advance(len(line))
    reader.close()
    return reader.report


class _Reader:
    """Follows the chain from line to line."""

    def __init__(self, report: Report, wanted: dict[int, set[str]]) -> None:
        self.report = report
        self._wanted = wanted
        self._hash, self._sequence, self._time = FIRST, 0, ""
        self._is_sure = True  # whether the line before was a record: else only the sequence tells what is missing

    def read(self, line: bytes, at: tuple[int, str, int], *, starts: bool) -> None:
        """Take one line; `at` is its segment, file and number. `starts`: the log may begin here."""
        segment, name, count = at
        report = self.report
        entry = read_line(line)
        if isinstance(entry, str):
            if self._is_sure or len(line) < MAX_LINE_BYTES:
                report.add(name, count, entry)
            self._is_sure = False
            return
        if not (starts and count == 1):
            self._follow(entry, name, count)
        self._is_sure = True
        report.records += 1
        report.first = report.first or entry.sequence
        report.back += entry.time < self._time
        self._hash, self._sequence, self._time = entry.hash, entry.sequence, entry.time
        report.head = Head(segment, entry.sequence, entry.hash, entry.time)
        if entry.event in (BEGAN, ENDED):
            self._pair(entry, name, count)
        if entry.sequence in self._wanted:
            hashes = self._wanted.pop(entry.sequence)
            if hashes == {entry.hash}:
                report.heads += 1
            else:
                report.add(name, count, f"record {entry.sequence} is not the one that a kept head names")

    def close(self) -> None:
        """Say which kept heads were not met."""
        for sequence in sorted(self._wanted):
            what = f"a kept head names record {sequence}, and the log ends at {self._sequence}: its end was cut off"
            if sequence <= self._sequence:
                what = f"a kept head names record {sequence}, which is not here"
            self.report.add("", 0, what)

    def _follow(self, entry: Entry, name: str, count: int) -> None:
        """Hold a record against the one before."""
        expected = self._sequence + 1
        # a line that could not be read was a record, most likely: it is missed once, not twice
        least = expected if self._is_sure else expected + 1
        if entry.sequence > least:
            self.report.add(name, count, f"records {expected} to {entry.sequence - 1} are missing before this one")
        elif entry.sequence < expected:
            self.report.add(name, count, f"record {entry.sequence} stands after record {self._sequence}")
        elif self._is_sure and entry.previous != self._hash:
            self.report.add(name, count, f"record {entry.sequence} does not follow the record before it")

    def _pair(self, entry: Entry, name: str, count: int) -> None:
        """Keep a stream in mind until its end."""
        try:
            body = read_body(entry.body, name)
        except DamagedFile as error:
            self.report.add(name, count, error.message)
            return
        identity = str(body.get("id"))
        if entry.event == ENDED:
            self.report.begun.pop(identity, None)
        elif len(self.report.begun) < _MOST_OPEN:
            self.report.begun[identity] = entry.sequence
