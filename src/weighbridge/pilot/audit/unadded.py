"""What a gateway that was killed had answered and not yet added to its keys' usage: the log has it, beyond the mark."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from weighbridge.errors import DamagedFile
from weighbridge.pilot.audit.log import ENDED, EXCHANGE
from weighbridge.pilot.audit.record import read_body, read_line
from weighbridge.pilot.audit.segments import find_segments
from weighbridge.pilot.audit.tail import lines_backwards
from weighbridge.pilot.state.protocol import UsageRow

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from weighbridge.pilot.audit.record import Entry

__all__ = ["read_unadded"]

_MOST_BYTES = 1 << 30


def read_unadded(folder: Path, marks: Collection[str]) -> tuple[str, list[UsageRow]]:
    """Return the mark (a record's hash) that this log has, and what was used after it; ("", []) where it has none.

    The log is read backwards, 1 GiB at most, to the newest record that is a mark. What an exchange cost whose server
    did not say it is not in the log: its request counts, its money stays charged to the budget only. Raises
    WeighbridgeError.
    """
    if not marks:
        return "", []
    rows: list[UsageRow] = []
    left = _MOST_BYTES
    for number in reversed(find_segments(folder)):
        for line in lines_backwards(folder, number):
            left -= len(line)
            if left < 0:
                return "", []
            entry = read_line(line)
            if isinstance(entry, str):
                continue
            if entry.hash in marks:
                return entry.hash, rows
            if entry.event in (EXCHANGE, ENDED) and (row := _row(entry)) is not None:
                rows.append(row)
    return "", []


def _row(entry: Entry) -> UsageRow | None:
    """Return what one exchange used; None for one that no model was asked."""
    try:
        body = read_body(entry.body, "the record")
    except DamagedFile:
        return None
    key, route = body.get("key"), body.get("route")
    if not (isinstance(key, str) and isinstance(route, str) and body.get("leg")):
        return None
    numbers = [body.get(name) for name in ("input_tokens", "output_tokens", "nano_usd")]
    told, said, nano = (number if isinstance(number, int) else 0 for number in numbers)
    return UsageRow(date.fromisoformat(entry.time[:10]), key, route, 1, told, said, nano)
