"""Mark a multiple-choice answer by the distribution of its first token over the letters, or by what it says.

One request a question gives the same answer as one request a choice where choices are single letters.
A completion cut after that token (`truncated`) is as good as a whole one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from weighbridge.engine.protocol import Outcome
from weighbridge.evaluation.scorers.reading.letters import named_letter, opening_letter
from weighbridge.evaluation.suite import LETTERS, Score, Unscored
from weighbridge.evaluation.thinking import opens_thinking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.suite import Item

__all__ = ["choice", "needs_forced"]

_BLANKS = " \t\r\n▁Ġ"  # the last two are how some tokenizers write a leading blank
_SPELLINGS = 2  # of a letter that may be hidden below the reported tokens: with and without a blank
_NO_LETTER = "no letter among the likeliest tokens"
_HIDDEN = "a letter is hidden below the reported tokens"
_THINKS = "the model thinks before it answers"
_FORCE = frozenset({_NO_LETTER, _HIDDEN, _THINKS})


def choice(item: Item, completion: Completion) -> Score | Unscored:
    """Pick the likeliest letter of the item's choices, or the letter that an answer in words names; `said` is it.

    Tokens that write one letter differently ("A", " A") count together. A letter that is not among the reported
    tokens is at most as likely as the least likely one reported, in each of its spellings, and as what all reported
    ones leave: where that is more than the winner has, nobody knows who won. Of letters that are exactly as
    likely the earlier wins: half of such ties are then right by chance, as in guessing, and the same answer gives
    the same mark on every run.
    """
    letters = LETTERS[: len(item.choices)]
    if not letters:
        return Unscored("the item has no choices")
    if completion.top_logprobs:
        found = _likeliest(letters, completion.top_logprobs)
    elif completion.outcome is Outcome.TRUNCATED:
        found = opening_letter(completion.text, letters) or Unscored("truncated")
    else:
        found = named_letter(completion.text, item.choices)
    if isinstance(found, Unscored):
        return found
    return Score("right" if found == item.answer else "wrong", found)


def needs_forced(item: Item, completion: Completion) -> bool:
    """Say whether to ask again with `choices`, the letters as the only answers: the first token did not tell.

    True for a distribution whose winner is not known, and for a single token, without a distribution, that names none.
    """
    if not completion.top_logprobs and completion.completion_tokens != 1:
        return False
    mark = choice(item, completion)
    return isinstance(mark, Unscored) and (mark.reason in _FORCE or not completion.top_logprobs)


def _likeliest(letters: str, tokens: Sequence[tuple[str, float]]) -> str | Unscored:
    """Return the letter with the greatest probability over all its spellings, if it is known."""
    known = [(token.strip(_BLANKS), min(logprob, 0.0)) for token, logprob in tokens if not math.isnan(logprob)]
    logprobs: dict[str, list[float]] = {}
    for said, logprob in known:
        if len(said) == 1 and said in letters:
            logprobs.setdefault(said, []).append(logprob)
    thinking = max((logprob for said, logprob in known if opens_thinking(said)), default=-math.inf)
    if not logprobs:
        return Unscored(_THINKS if thinking > -math.inf else _NO_LETTER)
    totals = {letter: _log_sum_exp(logprobs[letter]) for letter in sorted(logprobs)}
    winner = max(totals, key=lambda letter: totals[letter])
    if thinking > _log_sum_exp(list(totals.values())):
        return Unscored(_THINKS)
    hidden = len(totals) < len(letters) and _bound_of_hidden([logprob for _, logprob in known]) > math.exp(
        totals[winner]
    )
    return Unscored(_HIDDEN) if hidden else winner


def _bound_of_hidden(logprobs: list[float]) -> float:
    """Return the greatest probability that a letter can have of which no spelling was reported."""
    rest = 1.0 - math.fsum(map(math.exp, logprobs))
    return min(_SPELLINGS * math.exp(min(logprobs)), max(rest, 0.0))


def _log_sum_exp(logprobs: list[float]) -> float:
    """Add probabilities given as logarithms."""
    peak = max(logprobs)
    if peak == -math.inf:
        return peak
    return peak + math.log(math.fsum(math.exp(logprob - peak) for logprob in logprobs))
