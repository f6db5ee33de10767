"""Literals of the text opcodes, and short byte strings."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any

from weighbridge.formats.pickles.values import UNKNOWN, Data

if TYPE_CHECKING:
    from weighbridge.formats.pickles.machine import Bounds
    from weighbridge.formats.source import Source

__all__ = ["of_int_line", "of_string_line", "of_unicode_line", "short_bytes"]

_MOST_DIGITS = 40
_KEPT = 512
_QUOTES = (b"'", b'"')


def of_int_line(line: bytes) -> Any:
    """Return the number of an INT or LONG line; `00` and `01` are the truth values; raises ValueError."""
    if line in {b"00", b"01"}:
        return line == b"01"
    return int(line, 0) if len(line) <= _MOST_DIGITS else UNKNOWN


def of_string_line(line: bytes) -> Any:
    """Return the text of a STRING line, its escapes resolved; raises ValueError where it is not quoted."""
    line = line.strip()
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in _QUOTES:  # noqa: PLR2004 - two quotes
        raise ValueError
    if len(line) > 8 * _KEPT:
        return UNKNOWN
    return codecs.escape_decode(line[1:-1])[0].decode("latin-1")


def of_unicode_line(line: bytes) -> Any:
    """Return the text of a UNICODE line, its escapes resolved."""
    return line.decode("raw-unicode-escape") if len(line) <= 8 * _KEPT else UNKNOWN


def short_bytes(source: Source, where: Data, bounds: Bounds) -> bytes | Data:
    """Return a few bytes themselves, and of many only where they lie."""
    if where.size > _KEPT or bounds.text_bytes < where.size:
        return where
    bounds.text_bytes -= where.size
    return source.read(where.at, where.size)
