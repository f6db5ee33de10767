"""The rows of a listing, sorted: a hub's list is believed only where each row is of the publisher asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from weighbridge.hub.catalogue.protocol import Entry

__all__ = ["sort_rows"]

_MOST_ROWS = 100_000
_MOST_SAID = 20
_NEVER = datetime.min.replace(tzinfo=UTC)


def sort_rows(
    publisher: str, rows: Iterable[Any], read: Callable[[dict[str, Any]], Entry | None]
) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Return the entries, the last changed first, and what was refused, in words.

    Refused are rows without a name, of another publisher, and a second, different row of one repository.
    """
    entries: dict[str, Entry] = {}
    refused: list[str] = []
    for number, row in enumerate(rows):
        if number >= _MOST_ROWS:
            refused.append(f"the listing goes on after {_MOST_ROWS} rows")
            break
        entry = read(row) if isinstance(row, dict) else None
        if entry is None:
            refused.append(f"row {number + 1} names no repository")
        elif entry.repository.partition("/")[0].casefold() != publisher.casefold():
            refused.append(f"{quote(entry.repository)} is not by {quote(publisher)}")
        elif entries.setdefault(entry.repository, entry) != entry:
            refused.append(f"{quote(entry.repository)} is listed twice, and differently")
    found = sorted(entries.values(), key=lambda entry: entry.repository)
    found.sort(key=lambda entry: entry.modified_at or _NEVER, reverse=True)
    more = len(refused) - _MOST_SAID
    return tuple(found), (*refused[:_MOST_SAID], *((f"and {more} rows more",) if more > 0 else ()))
