"""Mark an answer by what it must contain: retrieval from a long context, one needle or many."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from weighbridge.engine.protocol import Outcome
from weighbridge.evaluation.suite import Score, Unscored

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.suite import Item

__all__ = ["contains"]

_MAX_CHARACTERS = 300_000
_MAX_NEEDLES = 1_000
_MAX_NEEDLE_CHARACTERS = 200_000  # of all needles
_MOST_LOOKS = 10_000_000  # characters of the text, for each needle anew
_MOST_PARTS = 20_000  # places where a needle is a part of a longer word
_SAID = 200
_WORD = re.compile(r"[a-z0-9]+")


def contains(item: Item, completion: Completion) -> Score | Unscored:
    """Look for every needle of `data.needles` (or the item's answer) in the answer; `said` counts those found.

    Case, gaps and the width of characters do not count. A needle that begins or ends with a digit or a Latin letter
    stands for itself: "42" is not in "1428". A cut answer that holds them all is right; else nobody knows.
    """
    needles = item.data.get("needles") or [item.answer]
    if not isinstance(needles, list) or not all(isinstance(one, str) and one.strip() for one in needles):
        return Unscored("the item has no needles")
    if len(needles) > _MAX_NEEDLES or sum(map(len, needles)) > _MAX_NEEDLE_CHARACTERS:
        return Unscored(f"the item has more than {_MAX_NEEDLES:,} needles of {_MAX_NEEDLE_CHARACTERS:,} characters")
    text = _plain(completion.text[:_MAX_CHARACTERS])
    if not text:
        return Unscored("empty")
    looked = _looked(text, needles) if len(needles) * len(text) <= _MOST_LOOKS else {"": None}
    missing = [needle for needle, held in looked.items() if held is False]
    if None in looked.values() or (missing and len(completion.text) > _MAX_CHARACTERS):
        return Unscored("more text or needles than are looked through")
    if missing and completion.outcome is Outcome.TRUNCATED:
        return Unscored("truncated")
    found = len(looked) - len(missing)
    without = f", without {', '.join(missing)}" if missing else ""
    return Score("wrong" if missing else "right", f"{found} of {len(looked)}{without}"[:_SAID])


def _looked(text: str, needles: list[str]) -> dict[str, bool | None]:
    """Say of each needle whether the text holds it."""
    most_parts = max(20, _MOST_PARTS // len(needles))
    return {needle: _holds(text, _plain(needle), most_parts) for needle in needles}


def _plain(text: str) -> str:
    """Return text in NFKC, without case, with single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _holds(text: str, needle: str, most_parts: int) -> bool | None:
    """Say whether the needle stands in the text, not as a part of a longer word or number; None for too many parts."""
    at, parts = text.find(needle), 0
    while at >= 0:
        end = at + len(needle)
        if not (_joins(text[at - 1 : at], needle[0]) or _joins(needle[-1], text[end : end + 1])):
            return True
        if (parts := parts + 1) > most_parts:
            return None
        word = _WORD.match(text, at)  # a later start in the same word is joined to it, too
        at = text.find(needle, word.end() if word else at + 1)
    return False


def _joins(left: str, right: str) -> bool:
    """Say whether two neighbours belong to one word or number; scripts without gaps between words never do."""
    both = left + right
    return len(both) == 2 and both.isalnum() and both.isascii()  # noqa: PLR2004 - a pair
