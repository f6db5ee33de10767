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

_MAX_CHARACTERS = 1_000_000
_MAX_NEEDLES = 1_000
_SAID = 200
_WORD = re.compile(r"[a-z0-9]+")


def contains(item: Item, completion: Completion) -> Score | Unscored:
    """Look for every needle of `data.needles` (or the item's answer) in the answer; `said` counts those found.

    Case, gaps and the width of characters do not count. A needle that begins or ends with a digit or a Latin letter
    stands for itself: "42" is not in "1428". A cut answer that holds them all is right; else nobody knows.
    """
    needles = item.data.get("needles") or [item.answer]
    if not isinstance(needles, list) or not all(isinstance(one, str) and _plain(one) for one in needles):
        return Unscored("the item has no needles")
    if len(needles) > _MAX_NEEDLES:
        return Unscored(f"the item has more than {_MAX_NEEDLES:,} needles")
    text = _plain(completion.text[:_MAX_CHARACTERS])
    if not text:
        return Unscored("empty")
    missing = [needle for needle in needles if not _holds(text, _plain(needle))]
    if missing and completion.outcome is Outcome.TRUNCATED:
        return Unscored("truncated")
    found = len(needles) - len(missing)
    without = f", without {', '.join(missing)}" if missing else ""
    return Score("wrong" if missing else "right", f"{found} of {len(needles)}{without}"[:_SAID])


def _plain(text: str) -> str:
    """Return text in NFKC, without case, with single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _holds(text: str, needle: str) -> bool:
    """Say whether the needle stands in the text, not as a part of a longer word or number."""
    at = text.find(needle)
    while at >= 0:
        end = at + len(needle)
        if not (_joins(text[at - 1 : at], needle[0]) or _joins(needle[-1], text[end : end + 1])):
            return True
        word = _WORD.match(text, at)  # a later start in the same word is joined to it, too
        at = text.find(needle, word.end() if word else at + 1)
    return False


def _joins(left: str, right: str) -> bool:
    """Say whether two neighbours belong to one word or number; scripts without gaps between words never do."""
    both = left + right
    return len(both) == 2 and both.isalnum() and both.isascii()  # noqa: PLR2004 - a pair
