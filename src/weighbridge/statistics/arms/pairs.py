"""Are the candidate's answers preferred less often? Evidence that rises soon after a regress, whenever that begins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from weighbridge.statistics.arms.harm import CEILING, in_hand
from weighbridge.statistics.stream_mean import STAKES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PairHarm"]

_EVEN = 0.5


class PairHarm:
    """An e-process against "B is preferred as often as A, or more often" at every pair.

    A value is 1 where B's answer is better, 0 where A's is, and lies in [1 - high, high] where it was looked at with a
    known chance only (`statistics.stream_mean.weighted`). Against a mean of 1/2 or more a share s of the wealth grows
    by 1 - s + s (high - value) / (high - 1/2), as in `StreamMean`; stakes are laid out over time as in `HarmTest`, so
    that a regress that begins late is met by fresh bets. Raises ValueError unless high >= 1.

    Attributes: `pairs` taken so far.
    """

    def __init__(self, high: float = 1.0) -> None:
        if not (high >= 1 and math.isfinite(high)):
            raise ValueError(f"values up to {high}")
        self.high = high
        self.pairs = 0
        self._stakes = [0.0] * len(STAKES)

    @property
    def value(self) -> float:
        """The e-value: at 1 / alpha the null is rejected at alpha."""
        return min(CEILING, math.fsum(self._stakes) + in_hand(self.pairs))

    def update(self, value: float) -> float:
        """Take a pair, and return the e-value; raises ValueError for a value that is out of bounds."""
        if not 1 - self.high <= value <= self.high:
            raise ValueError(f"{value}, where values lie in [{1 - self.high}, {self.high}]")
        fresh = in_hand(self.pairs) - in_hand(self.pairs + 1)
        grown = (self.high - value) / (self.high - _EVEN)
        for place, (share, part) in enumerate(STAKES):
            stake = self._stakes[place] + fresh * part
            self._stakes[place] = min(CEILING, stake * (1 + share * (grown - 1)))
        self.pairs += 1
        return self.value

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `from_state`."""
        return {"high": self.high, "pairs": self.pairs, "stakes": list(self._stakes)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> PairHarm:
        """Return the test that `state` described; raises ValueError where it describes none."""
        try:
            test = cls(float(state["high"]))
            test.pairs = int(state["pairs"])
            test._stakes = [float(stake) for stake in state["stakes"]]
        except (KeyError, TypeError) as error:
            raise ValueError("this is not the state of a test of pairs") from error
        if len(test._stakes) != len(STAKES) or not all(0 <= stake <= CEILING for stake in test._stakes):
            raise ValueError("the stakes of a test are one per share, none below zero")
        return test
