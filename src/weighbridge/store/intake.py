"""Take in statements that another store exported, line by line."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from weighbridge.core.evidence import Evidence
from weighbridge.errors import DamagedFile, NotFound
from weighbridge.formats.strict_json import parse_json
from weighbridge.store.connection import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from weighbridge.store.protocol import Store

__all__ = ["take_in"]


def take_in(stream: IO[bytes], store: Store) -> tuple[int, int]:
    """Add each statement of JSON Lines, as `evidence export` writes them, that the store does not have yet.

    Returns how many were added, and how many lines there were. Order is kept: what was decided last there is what was
    decided last here. Raises DamagedFile at the first line that is none, or whose id is not that of its statement; the
    lines before it are in the store then.
    """
    added = number = 0
    while line := stream.readline(MAX_RECORD_BYTES + 1):
        number += 1
        evidence = _statement(line, number)
        if not _has(store, evidence.id):
            store.add(evidence)
            added += 1
    return added, number


def _has(store: Store, evidence_id: str) -> bool:
    try:
        store.get(evidence_id)
    except NotFound:
        return False
    return True


def _statement(line: bytes, number: int) -> Evidence:
    """Read a line; raises DamagedFile."""
    place = f"line {number}"
    value = parse_json(line, place, max_bytes=MAX_RECORD_BYTES, of_models=True)
    try:
        evidence = Evidence.from_json(value)
        stated, found = value["id"], evidence.id
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedFile(f"{place} is no statement", hint="`weighbridge evidence export` writes them") from error
    if stated != found:
        raise DamagedFile(f"{place} was changed: its id is not that of what it states", hint="export it again")
    return evidence
