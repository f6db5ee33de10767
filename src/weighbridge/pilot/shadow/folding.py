"""Texts as patterns see them: other scripts' digits, wide letters, spaces and dashes as ASCII has them."""

from __future__ import annotations

import unicodedata

__all__ = ["folded"]

_SPACES = frozenset({"Zs", "Cf"})  # what separates digits, seen or not (a no-break space, a zero-width one)


def folded(text: str) -> str:
    """Return a text of the same length with each character as its ASCII likeness (NFKC), where it has one of length 1.

    So a match in it is at the same place in the text itself.
    """
    return text if text.isascii() else text.translate(_LIKENESS)


class _Likeness(dict[int, str]):
    """Likenesses by code point, found when they are first needed (there are some 1.1 million)."""

    def __missing__(self, point: int) -> str:
        """Find one, and keep it."""
        character = chr(point)
        found = self[point] = _likeness(character)
        return found


def _likeness(character: str) -> str:
    """Return what a character looks like."""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(character)
    if category in _SPACES:
        return " "
    if category == "Pd":
        return "-"
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 and plain.isascii() else character


_LIKENESS = _Likeness()
