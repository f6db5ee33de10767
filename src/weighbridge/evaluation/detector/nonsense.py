"""Answers that are no answer in any language: loops, echoes of the question, broken characters."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

__all__ = ["find_nonsense"]

_UNIT = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W\d_぀-ヿ㐀-鿿가-힯]+|\d")
_MOST_UNITS = 400
_MOST_CHARACTERS = 8_000
_GRAM = 4
_FEWEST_UNITS = 16
# Share of the units that stand in a repeated run of four. Of labelled real answers nearly all lie below 0.46
# (Chinese characters) and 0.61 (English words, lists); loops of small models lie above.
_LOOP = {"zh": 0.5, "other": 0.65}
_BROKEN = "�"


def find_nonsense(question: str, answer: str, language: str) -> str | None:
    """Say why an answer is nonsense (`loop`, `echo`, `broken`, `no words`), or None where it may be one.

    Fluent text without sense is not found: that needs a reader.
    """
    if _BROKEN in answer.strip(_BROKEN + " \n"):  # at the end the token limit may have cut a character
        return "broken"
    dense = "".join(answer.split())
    if len(dense) >= _FEWEST_UNITS and sum(map(str.isalnum, dense)) < 0.3 * len(dense):
        return "no words"
    units, asked = _units(answer), _units(question)
    if len(units) >= _FEWEST_UNITS and _looped_share(units) >= _LOOP.get(language, _LOOP["other"]):
        return "loop"
    rest = _without(units, asked)
    if len(asked) >= _GRAM and len(rest) < len(units) and _is_empty_rest(rest, asked, units):
        return "echo"
    return None


def _units(text: str) -> list[str]:
    """Split into words, or single characters where a script has no blanks."""
    return _UNIT.findall(unicodedata.normalize("NFKC", text[:_MOST_CHARACTERS]).lower())[:_MOST_UNITS]


def _looped_share(units: list[str]) -> float:
    """Return the share of units that lie in a run of four which comes again."""
    grams = [tuple(units[start : start + _GRAM]) for start in range(len(units) - _GRAM + 1)]
    counts = Counter(grams)
    covered: set[int] = set()
    for start, gram in enumerate(grams):
        if counts[gram] > 1:
            covered.update(range(start, start + _GRAM))
    return len(covered) / len(units)


def _without(units: list[str], asked: list[str]) -> list[str]:
    """Take every verbatim copy of the question out of the answer."""
    kept: list[str] = []
    place, length = 0, len(asked)
    while place < len(units):
        if length and units[place : place + length] == asked:
            place += length
        else:
            kept.append(units[place])
            place += 1
    return kept


def _is_empty_rest(rest: list[str], asked: list[str], units: list[str]) -> bool:
    """Say whether what is left beside the question is nothing, or words of another script."""
    if len(rest) < max(3, len(asked) // 4) and len(units) < 3 * len(asked):
        return True
    return _is_han(asked) and not _is_han(rest)


def _is_han(units: list[str]) -> bool:
    """Say whether at least a fifth of the units are Chinese characters."""
    return sum(len(unit) == 1 and "㐀" <= unit <= "鿿" for unit in units) * 5 >= max(1, len(units))
