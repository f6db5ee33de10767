"""The number that an item expects: of an answer, or of a whole solution that ends with `#### number`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.evaluation.scorers.reading.final import MAX_CHARACTERS, fold
from weighbridge.evaluation.scorers.reading.numerals import numerals, plain_digits, spell_out

if TYPE_CHECKING:
    from weighbridge.evaluation.scorers.reading.numerals import Numeral

__all__ = ["expected_number", "plain"]


def plain(text: str) -> str:
    """Return the end of a text, folded, raised digits as powers, the digits of every script as ASCII."""
    return plain_digits(fold(spell_out(text[-MAX_CHARACTERS:])))


def expected_number(answer: str) -> Numeral | None:
    """Return the number that an item's answer names; None where it names none."""
    found = numerals(plain(answer.rpartition("####")[2]))
    return found[0] if found and found[0].readings else None
