"""Is the candidate not worse by the margin? Evidence that an advance may rest on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from weighbridge.statistics.arms.block import Block, Rates, apart, evidence, inside, is_whole
from weighbridge.statistics.arms.guess import Guess

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SafetyTest"]

TILTS = (0.0, 0.35)  # margins by which the candidate is bet to be worse: none, and some of it
_MOST = 700.0  # of a logarithm
_LEAST = 1e-4  # a smaller margin cannot be shown


class SafetyTest:
    """An e-process against "B's rate is at least A's plus `margin`" in every block, whatever A's rate does.

    It bets that both arms are alike, or nearly, at the rate that both have shown so far. Raises ValueError unless
    0 < margin < 1.
    """

    def __init__(self, margin: float) -> None:
        if not 0 < margin < 1:
            raise ValueError(f"a margin of {margin}")
        self.margin = margin
        self._logs = [0.0] * len(TILTS)
        self._guess = Guess()

    @property
    def value(self) -> float:
        """The e-value: at 1 / alpha the null is rejected at alpha."""
        return math.fsum(math.exp(min(log, _MOST)) for log in self._logs) / len(TILTS)

    @property
    def usual(self) -> float:
        """The rate of both arms as it is expected now."""
        return self._guess.rate

    def update(self, block: Block, slack: float = 0.0) -> float:
        """Take a block with answers of both arms, and return the e-value; raises ValueError for an arm without.

        With `slack`, known before the block, the null is "B's rate is at least A's plus `margin` less `slack`": where
        that leaves nothing, a block only tells what rate to expect.
        """
        if not is_whole(block):
            raise ValueError(f"no block of two arms: {tuple(block)}")
        margin = self.margin - slack
        for place, tilt in enumerate(TILTS if margin >= _LEAST else ()):
            bets = Rates(self.usual, inside(self.usual + tilt * margin))
            self._logs[place] += evidence(block, bets, apart(block, bets, margin))
        self._guess.learn(block.bad_a + block.bad_b, block.n_a + block.n_b)
        return self.value

    def needed(self, alpha: float, ratio: float, slack: float = 0.0) -> int:
        """Return how many more answers of arm B it takes about, if both arms stay alike and the slack stays, too.

        `ratio` is how many answers of arm A come with one of arm B.
        """
        rate = self._guess.rate
        sizes = Block(max(1, round(1000 * ratio)), 0, 1000, 0)
        null = apart(sizes, Rates(rate, rate), max(_LEAST, self.margin - slack))
        gain = sizes.n_a / sizes.n_b * _divergence(rate, null.a) + _divergence(rate, null.b)
        missing = math.log(1 / alpha) - math.log(max(self.value, 1e-300))
        return max(0, math.ceil(missing / max(gain, 1e-9)))

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `from_state`."""
        return {"margin": self.margin, "logs": list(self._logs), "bad": self._guess.bad, "n": self._guess.n}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> SafetyTest:
        """Return the test that `state` described; raises ValueError where it describes none."""
        try:
            test = cls(float(state["margin"]))
            test._logs = [float(log) for log in state["logs"]]
            test._guess = Guess(float(state["bad"]), float(state["n"]))
        except (KeyError, TypeError) as error:
            raise ValueError("this is not the state of a test") from error
        if len(test._logs) != len(TILTS) or not all(math.isfinite(log) for log in test._logs):
            raise ValueError("the bets of a test are one per tilt, all finite")
        return test


def _divergence(rate: float, other: float) -> float:
    """Return the Kullback-Leibler divergence of one answer, in nats."""
    return rate * math.log(rate / other) + (1 - rate) * math.log((1 - rate) / (1 - other))
