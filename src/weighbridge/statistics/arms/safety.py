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


class SafetyTest:
    """An e-process against "B's rate is at least A's plus `margin`" in every block, whatever A's rate does.

    It bets that both arms are alike, or nearly, at the rate that both have shown so far. Raises ValueError unless
    0 < margin < 1.

    Answers of one caller resemble each other: the variance of a rate is then greater than that of independent answers
    by the design effect (Kish, Survey Sampling, 1965), and they tell as much as so many fewer. So the logarithm of what
    each bet has won is divided by the effect: a power below 1 of an e-value is one, too (Jensen), and where rates of
    groups are about normal it is the likelihood ratio of the answers as they depend on each other. Attributes:
    `margin`; `effect`, the design effect by the last block.
    """

    def __init__(self, margin: float) -> None:
        if not 0 < margin < 1:
            raise ValueError(f"a margin of {margin}")
        self.margin, self.effect = margin, 1.0
        self._logs = [0.0] * len(TILTS)
        self._guess = Guess()

    @property
    def value(self) -> float:
        """The e-value: at 1 / alpha the null is rejected at alpha."""
        return math.fsum(math.exp(min(log / self.effect, _MOST)) for log in self._logs) / len(TILTS)

    def update(self, block: Block, effect: float = 1.0) -> float:
        """Take a block with answers of both arms, and return the e-value; `effect` is the design effect of all so far.

        Raises ValueError for an arm without answers, and for an effect below 1.
        """
        if not is_whole(block):
            raise ValueError(f"no block of two arms: {tuple(block)}")
        if not 1 <= effect < math.inf:
            raise ValueError(f"a design effect of {effect}")
        self.effect = effect
        rate = self._guess.rate
        for place, tilt in enumerate(TILTS):
            bets = Rates(rate, inside(rate + tilt * self.margin))
            self._logs[place] += evidence(block, bets, apart(block, bets, self.margin))
        self._guess.learn(block.bad_a + block.bad_b, block.n_a + block.n_b)
        return self.value

    def needed(self, alpha: float, ratio: float) -> int:
        """Return how many more answers of arm B it takes about, if both arms stay alike and the effect as it is.

        `ratio` is how many answers of arm A come with one of arm B.
        """
        missing = math.log(1 / alpha) - math.log(max(self.value, 1e-300))
        return max(0, math.ceil(missing * self.effect / self._gain(ratio)))

    def independent(self, alpha: float, ratio: float) -> int:
        """Return how many answers of arm B it takes about, from the first, if each is of a caller of its own."""
        return math.ceil(math.log(1 / alpha) / self._gain(ratio))

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `from_state`."""
        guess = {"bad": self._guess.bad, "n": self._guess.n}
        return {"margin": self.margin, "effect": self.effect, "logs": list(self._logs), **guess}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> SafetyTest:
        """Return the test that `state` described; raises ValueError where it describes none."""
        try:
            test = cls(float(state["margin"]))
            test.effect = float(state["effect"])
            test._logs = [float(log) for log in state["logs"]]
            test._guess = Guess(float(state["bad"]), float(state["n"]))
        except (KeyError, TypeError) as error:
            raise ValueError("this is not the state of a test") from error
        if len(test._logs) != len(TILTS) or not all(math.isfinite(log) for log in (*test._logs, test.effect)):
            raise ValueError("the bets of a test are one per tilt, all finite")
        return test

    def _gain(self, ratio: float) -> float:
        """Return how many nats one answer of arm B brings, with those of arm A, if both are alike."""
        rate = self._guess.rate
        sizes = Block(max(1, round(1000 * ratio)), 0, 1000, 0)
        null = apart(sizes, Rates(rate, rate), self.margin)
        gain = sizes.n_a / sizes.n_b * _divergence(rate, null.a) + _divergence(rate, null.b)
        return max(gain, 1e-9)


def _divergence(rate: float, other: float) -> float:
    """Return the Kullback-Leibler divergence of one answer, in nats."""
    return rate * math.log(rate / other) + (1 - rate) * math.log((1 - rate) / (1 - other))
