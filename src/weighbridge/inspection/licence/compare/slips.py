"""Whether two words are one word, written or recognised badly."""

from __future__ import annotations

import re

from weighbridge.inspection.licence.words.lexicon import load_lexicon, load_vocabulary

__all__ = ["are_one_word", "fold"]

_LOOKALIKES = str.maketrans({"1": "l", "i": "l", "|": "l", "0": "o", "5": "s", "8": "b", "é": "e", "ï": "i"})
_SAME = ({"owner", "holder"}, {"owners", "holders"})  # SPDX matching guidelines: "copyright holder" is "owner"
_LONG_WORD = 6
_SHORTEST = 3


def fold(word: str) -> str:
    """Return a word with characters that look alike made equal (l and 1, rn and m)."""
    return word.translate(_LOOKALIKES).replace("rn", "m").replace("vv", "w").replace("cl", "d")


def are_one_word(text: list[str], reference: list[str]) -> bool:
    """Whether some words are others with slips: other breaks, lookalikes, a wrong letter that makes no word."""
    if not text or not reference:
        return False
    if "".join(text) == "".join(reference):
        return not any(word[0].isdigit() for word in text + reference)
    if fold("".join(text)) == fold("".join(reference)):
        return True
    return len(text) == len(reference) and all(
        one == two or {one, two} in _SAME or fold(one) == fold(two) or _is_slip(one, two)
        for one, two in zip(text, reference, strict=True)
    )


def _is_slip(word: str, meant: str) -> bool:
    """Whether a word that nobody knows is one or two letters from one that licences use."""
    if len(meant) < _SHORTEST or not re.fullmatch(r"[^\W\d_]+", meant) or meant not in load_vocabulary():
        return False
    if word.isdigit() or word in load_vocabulary() or load_lexicon().knows(word):
        return False
    return _distance_within(word, meant, 2 if len(meant) >= _LONG_WORD else 1)


def _distance_within(one: str, two: str, most: int) -> bool:
    """Whether at most so many letters were put in, left out or replaced."""
    if abs(len(one) - len(two)) > most:
        return False
    row = list(range(len(two) + 1))
    for at, letter in enumerate(one, 1):
        last, row[0] = row[0], at
        for to, other in enumerate(two, 1):
            last, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, last + (letter != other))
    return row[-1] <= most
