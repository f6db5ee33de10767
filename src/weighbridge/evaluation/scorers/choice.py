"""Mark a multiple-choice answer by the distribution of its first token over the letters.

One request a question gives the same answer as one request a choice where choices are single letters.
A completion cut after that token (`truncated`) is as good as a whole one.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING

from weighbridge.evaluation.suite import LETTERS, Score, Unscored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.suite import Item

__all__ = ["choice"]

_BLANKS = " \t\r\n▁Ġ"  # the last two are how some tokenizers write a leading blank
_MAX_CHARACTERS = 2_000
# Searched after NFKC, which makes Chinese colons, commas and brackets plain ones.
_FIRST = re.compile(r"^[\s*\"'(\[「]{0,6}([A-J])(?=[\n*\"')\]」.:、,。;!?]|$)")  # no blank: "A dog", "I think"
_SENTENCES = (
    re.compile(
        r"(?i:answer|choice|option)(?i: is| would be)?\s{0,3}:?[\s*(\[]{0,4}"
        r"([A-J])(?![A-Za-z'\u2019]|\s?(?:or|and|/)\s?[A-J]\b)"
    ),
    re.compile(
        r"(?:答案|选项|選項|选择|選擇|选|選)(?:应该|應該)?(?:是|为|為)?\s{0,3}:?[\s*(\[]{0,4}"
        r"([A-J])(?![A-Za-z]|\s?[或和与與、]\s?[A-J])"
    ),
)


def choice(item: Item, completion: Completion) -> Score | Unscored:
    """Pick the likeliest letter of the item's choices; `said` is the letter.

    Tokens that write one letter differently ("A", " A") count together. A letter that is not among the
    reported tokens is less likely than the least likely one reported, so it can lose only. Of letters
    that are exactly as likely the earlier wins: half of such ties are then right by chance, as
    in guessing, and the same answer gives the same mark on every run.
    """
    letters = LETTERS[: len(item.choices)]
    if not letters:
        return Unscored("the item has no choices")
    if completion.top_logprobs:
        letter = _likeliest(letters, completion.top_logprobs)
        if letter is None:
            return Unscored("no letter among the likeliest tokens")
    else:
        letter = _named(completion.text)
        if letter is None or letter not in letters:
            return Unscored("no choice named")
    return Score("right" if letter == item.answer else "wrong", letter)


def _likeliest(letters: str, tokens: Sequence[tuple[str, float]]) -> str | None:
    """Return the letter with the greatest probability over all its spellings."""
    logprobs: dict[str, list[float]] = {}
    for token, logprob in tokens:
        letter = token.strip(_BLANKS)
        if len(letter) == 1 and letter in letters and not math.isnan(logprob):
            logprobs.setdefault(letter, []).append(min(logprob, 0.0))
    if not logprobs:
        return None
    totals = {letter: _log_sum_exp(logprobs[letter]) for letter in sorted(logprobs)}
    return max(totals, key=lambda letter: totals[letter])


def _log_sum_exp(logprobs: list[float]) -> float:
    """Add probabilities given as logarithms."""
    peak = max(logprobs)
    if peak == -math.inf:
        return peak
    return peak + math.log(math.fsum(math.exp(logprob - peak) for logprob in logprobs))


def _named(text: str) -> str | None:
    """Return the letter that an answer in words names, by rules that rather see none than a wrong one."""
    start = unicodedata.normalize("NFKC", text[:_MAX_CHARACTERS]).strip()
    if match := _FIRST.match(start):
        return match[1]
    found = {match[1] for pattern in _SENTENCES for match in pattern.finditer(start)}
    return found.pop() if len(found) == 1 else None
