"""Take records out of a log: by time, key, route and event, as CSV or as JSON Lines."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from weighbridge.errors import NotFound, StoreDamaged
from weighbridge.pilot.audit.record import read_body, read_line
from weighbridge.pilot.audit.segments import find_segments, read_lines, segment_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

__all__ = ["COLUMNS", "Wanted", "csv_lines", "json_lines", "select"]

COLUMNS = (
    "sequence", "time", "event", "arrived", "id", "key", "tenant", "user", "route", "leg", "decision", "path", "stream",
    "status", "upstream_status", "error", "request_bytes", "sent_bytes", "input_tokens", "output_tokens", "usd",
    "first_s", "total_s", "request_sha256", "upstream_sha256", "sent_sha256", "facts",
)  # fmt: skip
_UNITS = {"nano_usd": ("usd", 9), "first_us": ("first_s", 6), "total_us": ("total_s", 6)}
_COLUMNS = frozenset(COLUMNS)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for one (OWASP, CSV injection)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: written from `since` on and before `until` (with a time zone); empty for any."""

    since: datetime | None = None
    until: datetime | None = None
    key: str = ""
    route: str = ""
    event: str = ""

    def bounds(self) -> tuple[str, str]:
        """Return both times as records write theirs, so that text compares as time does."""
        since, until = (_text(at) if at else "" for at in (self.since, self.until))
        return since, until or "9999"


def select(folder: Path, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Yield records: `sequence`, `time`, `event`, `body`; raises NotFound, and StoreDamaged at one that does not hold.

    What is yielded has a hash that holds; that nothing is missing between, `verify` says.
    """
    numbers = find_segments(folder)
    if not numbers:
        raise NotFound(f"there is no audit log in `{folder}`", hint="`weighbridge serve` writes one")
    since, until = wanted.bounds()
    for number in numbers:
        with read_lines(folder, number) as lines:
            for count, line in enumerate(lines, 1):
                entry = read_line(line)
                if isinstance(entry, str):
                    raise StoreDamaged(
                        f"`{segment_path(folder, number)}`, line {count}, {entry}", hint="`weighbridge audit verify`"
                    )
                is_meant = since <= entry.time < until and wanted.event in ("", entry.event)
                if not is_meant:
                    continue
                body = read_body(entry.body, segment_path(folder, number))
                if wanted.key in ("", body.get("key")) and wanted.route in ("", body.get("route")):
                    yield {"sequence": entry.sequence, "time": entry.time, "event": entry.event, "body": body}


def json_lines(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield records as lines of JSON."""
    encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode
    for record in records:
        yield f"{encode(record)}\n"


def csv_lines(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield a head and a line a record, in COLUMNS; what an event says beyond them is JSON in `facts`.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    write = csv.writer(_Echo(), lineterminator="\n").writerow
    yield write(COLUMNS)
    for record in records:
        values: dict[str, Any] = {"sequence": record["sequence"], "time": record["time"], "event": record["event"]}
        facts: dict[str, Any] = {}
        for name, value in record["body"].items():
            column, digits = _UNITS.get(name, (name, 0))
            if column not in _COLUMNS or isinstance(value, dict | list):
                facts[name] = value
            elif digits and isinstance(value, int):
                values[column] = _decimal(value, digits)
            else:
                values[column] = value
        if facts:
            values["facts"] = json.dumps(facts, ensure_ascii=True, sort_keys=True)
        yield write([_cell(values.get(column)) for column in COLUMNS])


class _Echo:
    """A file whose `write` returns the text: csv's writer returns what that does."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def _cell(value: object) -> str:
    """Return a value as a cell; control characters are written as JSON writes them."""
    if value is None:
        return ""
    if type(value) is int:
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if not text.isprintable():
        text = json.dumps(text, ensure_ascii=True)[1:-1]
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _decimal(value: int, digits: int) -> str:
    """Return a whole number of small units as a decimal, exactly."""
    whole, rest = divmod(value, 10**digits)
    return f"{whole}.{rest:0{digits}d}"


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
