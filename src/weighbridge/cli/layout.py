"""How a line of the terminal is laid out, and how numbers are written there."""

from __future__ import annotations

import shutil
import textwrap
import unicodedata

from weighbridge.dossier.visible import cut, reveal

__all__ = ["line", "padded", "plain", "quantity", "size", "wrapped"]

_STEP = 1000
_INDENT = " " * 12
_MAX_LINE = 300


def line(label: str, text: str, right: str = "") -> str:
    """Lay out one line: label, text, and what stands at the right."""
    return f"  {padded(label, 12)}{padded(plain(text), 62)}  {plain(right)}".rstrip()


def padded(text: str, width: int) -> str:
    """Fill a text up with spaces to so many columns; a Chinese character takes two."""
    return text + " " * (width - len(text) - _wide(text))


def plain(text: str) -> str:
    """Return a text with nothing in it that a terminal would obey: names, tags and answers are a stranger's."""
    return reveal(cut(text, _MAX_LINE)).replace("\n", "⏎")


def quantity(number: float) -> str:
    """Write a large number as people do: 134.5 M, 1.54 B."""
    return _scaled(number, "kMBT")


def size(n_bytes: int) -> str:
    """Write bytes in decimal units."""
    return f"{_scaled(n_bytes, 'kMGT')}B" if n_bytes >= _STEP else f"{n_bytes} B"


def _scaled(number: float, letters: str) -> str:
    """Write a number in thousands, millions ... with their letters: a billion parameters is B, of bytes G."""
    power = 0
    while number >= _STEP and power < len(letters):
        number, power = number / _STEP, power + 1
    return f"{number:.4g} {letters[power - 1]}" if power else f"{number:g}"


def wrapped(text: str) -> list[str]:
    """Break a sentence into lines that fit the terminal."""
    width = max(60, min(110, shutil.get_terminal_size((100, 24)).columns))
    width -= round((width - len(_INDENT)) * 0.5 * _wide(text) / max(1, len(text)))
    return textwrap.wrap(reveal(text), width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)


def _wide(text: str) -> int:
    """Count the characters that take two columns (Unicode Standard Annex 11)."""
    return 0 if text.isascii() else sum(unicodedata.east_asian_width(one) in "WF" for one in text)
