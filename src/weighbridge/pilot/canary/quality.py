"""Whether the candidate's answers are as good: what the judge of the route's shadow says of both answers to a prompt.

The other signs are told of what callers got. Which answer is better nobody tells there, so the pairs of a shadow of the
same candidate are read. They are prompts of callers that the primary serves: each is answered by both models, so groups
of callers need not be alike, and a pair says the same whatever share the canary has. Therefore all pairs of a trial
count, and not only those of a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.core.estimate import Estimate
from weighbridge.pilot.shadow.pair import settings_of
from weighbridge.pilot.shadow.tally import cell_of, preference_of
from weighbridge.pilot.shadow.verdict import goes_by_place
from weighbridge.statistics.arms import PairHarm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.route import Route
    from weighbridge.pilot.shadow.pair import Outcome, Pair

__all__ = ["QUALITY", "Quality", "QualityTerms", "quality_terms"]

QUALITY = "quality"
"""The name of the sign."""

_EACH = 0.025  # of both ends of an interval, at 95%
_MOST = 700.0  # of a logarithm
_USUAL, _WORTH = 0.45, 20.0  # before any pair: the variance where 45% are judged with a chance of 1/4, worth 20 pairs
_MIXTURE = 1.0  # nats that it costs not to know the best stake; fitted to shadow/test_costs.py
_HIGH = preference_of({}, "tie").high


@dataclass(frozen=True, slots=True)
class QualityTerms:
    """Whose pairs count: those scored under the settings `test`; `margin` of preference may be lost at the most."""

    test: str
    margin: float


def quality_terms(route: Route) -> QualityTerms | None:
    """Return whose pairs tell of the canary's candidate; None where nobody judges its answers.

    They do where the shadow's candidate rests on the same decision, and has a judge.
    """
    shadow, canary = route.shadow, route.canary
    if shadow is None or canary is None or shadow.terms.judge is None or shadow.leg.decision != canary.leg.decision:
        return None
    return QualityTerms(settings_of(route), shadow.terms.margin)


class Quality:
    """The pairs of a trial; with a `margin` of None nobody judges, and nothing is shown.

    A prompt on which the candidate failed does not count: that is the sign `failed`. A judge's reply that cannot be
    read counts against whatever is to be shown. A judge that names a place rather than an answer tells of neither, and
    shows nothing.
    """

    def __init__(self, margin: float | None) -> None:
        self.margin = margin
        self._cells: dict[str, int] = {}
        self._places = {"first": 0, "second": 0}  # how often the answer that the judge was shown there was better
        self._harm = PairHarm(_HIGH)

    def add(self, pair: Pair) -> bool:
        """Take a pair, and return whether it counts; raises ValueError for a chance that no pair has."""
        cell = cell_of(pair)
        if pair.failed or not cell:
            return False
        self._cells[cell] = self._cells.get(cell, 0) + 1
        if pair.judged in _BOTH:
            self._places["first" if (pair.judged == "win") == pair.first else "second"] += 1
        (value,) = preference_of({cell: 1}, "win").counts
        self._harm.update(value)
        return True

    @property
    def pairs(self) -> int:
        """How many pairs count."""
        return sum(self._cells.values())

    @property
    def is_looked_at(self) -> bool:
        """Whether somebody says which answers are better."""
        return self.margin is not None and not goes_by_place(self._places)

    @property
    def harm(self) -> float:
        """The e-value against "the candidate's answers are preferred as often as the primary's"."""
        return self._harm.value

    @property
    def safe(self) -> float:
        """The e-value against "less often by the margin or more"; 1 where quality is not looked at."""
        mean = preference_of(self._cells, "loss")
        if self.margin is None or not self.is_looked_at or not mean.counts:
            return 1.0
        return math.exp(min(_MOST, mean.log_above(0.5 - self.margin)))

    def is_as_good(self, needed: float) -> bool:
        """Whether it is shown, where it is looked at, and the contrary is not."""
        return self.harm < needed and (not self.is_looked_at or self.safe >= needed)

    def worse(self) -> tuple[Estimate, Estimate] | None:
        """Return the shares of prompts on which the primary's answer is the worse one, and on which the candidate's is.

        A tie is half of each. None before the first pair.
        """
        if not self._cells:
            return None
        least, most = (preference_of(self._cells, unread).interval(_EACH) for unread in _BOTH)
        low, high = least[0], most[1]
        value = min(high, max(low, preference_of(self._cells, "tie").mean))
        unread = sum(count for cell, count in self._cells.items() if cell.endswith(" none"))
        how = "betting, at all times"
        return (
            Estimate(value, low, high, self.pairs, how, unscored=unread),
            Estimate(1 - value, 1 - high, 1 - low, self.pairs, how, unscored=unread),
        )

    def needed(self, alpha: float) -> int:
        """Return how many more pairs it takes about until the candidate may advance, if it is as good.

        The best stake gains margin^2 / (2 variance) nats a pair.
        """
        if self.margin is None or not self.is_looked_at or self.safe >= 1 / alpha:
            return 0
        seen = preference_of(self._cells, "tie")
        spread = math.fsum(count * (value - 0.5) ** 2 for value, count in seen.counts.items())
        variance = max(1e-4, (spread + _WORTH * _USUAL) / (seen.n + _WORTH))
        missing = math.log(1 / alpha) - math.log(max(self.safe, 1e-300)) + _MIXTURE * (self.safe <= 1)
        return max(1, math.ceil(missing * 2 * variance / self.margin**2))

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `of`."""
        return {"margin": self.margin, "cells": self._cells, "places": self._places, "harm": self._harm.state()}

    @classmethod
    def of(cls, state: Mapping[str, Any], margin: float | None) -> Quality:
        """Return what `state` described, under that margin from now on.

        Raises KeyError, TypeError or ValueError where it described nothing.
        """
        quality = cls(margin)
        quality._cells = {str(cell): int(count) for cell, count in state["cells"].items()}
        preference_of(quality._cells, "tie")
        quality._places = {place: int(state["places"][place]) for place in quality._places}
        quality._harm = PairHarm.from_state(state["harm"])
        return quality


_BOTH: tuple[Outcome, Outcome] = ("loss", "win")
