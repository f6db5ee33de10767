"""Is the candidate worse? Evidence that rises soon after a regress, whenever that begins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from weighbridge.statistics.arms.block import Block, Rates, evidence, inside, is_whole, together
from weighbridge.statistics.arms.guess import Guess

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CEILING", "HarmTest", "in_hand"]

ODDS = (1.5, 2.5, 6.0, 30.0, 500.0)  # regresses by so much are found soonest; any is found
CEILING = 1e300


class HarmTest:
    """An e-process against "B's rate is at most A's" in every block, whatever A's rate does.

    The stake of 1 is laid out over time: before the t-th block 1 / (1 + log t) - 1 / (1 + log(t + 1)) of it goes
    into bets, in equal parts into alternatives with `ODDS` times A's odds, the rest stays in hand. So a regress that
    begins late is met by fresh bets, and costs 2 log log t + log t nats of evidence more than one at the start; what is
    in hand and in bets is a martingale under every null, as a mixture of e-processes is (Shin, Ramdas and Rinaldo,
    New England Journal of Statistics in Data Science 2, 2023, with weights that sum to 1 instead of a detector's).

    Attributes: `blocks` taken so far.
    """

    def __init__(self) -> None:
        self.blocks = 0
        self._stakes = [0.0] * len(ODDS)
        self._guess = Guess()

    @property
    def value(self) -> float:
        """The e-value: at 1 / alpha the null is rejected at alpha."""
        return min(CEILING, math.fsum(self._stakes) + in_hand(self.blocks))

    @property
    def usual(self) -> float:
        """The rate of arm A as it is expected now."""
        return self._guess.rate

    def update(self, block: Block, slack: float = 0.0) -> float:
        """Take a block with answers of both arms, and return the e-value; raises ValueError for an arm without.

        With `slack`, known before the block, the null is "B's rate is at most A's plus `slack`".
        """
        if not is_whole(block):
            raise ValueError(f"no block of two arms: {tuple(block)}")
        stake = (in_hand(self.blocks) - in_hand(self.blocks + 1)) / len(ODDS)
        usual = self.usual
        for place, times in enumerate(ODDS):
            odds = times * usual / (1 - usual)
            bets = Rates(usual, inside(odds / (1 + odds)))
            gain = evidence(block, bets, together(block, bets, slack))
            self._stakes[place] = min(CEILING, (self._stakes[place] + stake) * math.exp(min(gain, 600.0)))
        self.blocks += 1
        self._guess.learn(block.bad_a, block.n_a)
        return self.value

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `from_state`."""
        return {"blocks": self.blocks, "stakes": list(self._stakes), "bad": self._guess.bad, "n": self._guess.n}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> HarmTest:
        """Return the test that `state` described; raises ValueError where it describes none."""
        test = cls()
        try:
            test.blocks = int(state["blocks"])
            test._stakes = [float(stake) for stake in state["stakes"]]
            test._guess = Guess(float(state["bad"]), float(state["n"]))
        except (KeyError, TypeError) as error:
            raise ValueError("this is not the state of a test") from error
        if len(test._stakes) != len(ODDS) or not all(0 <= stake <= CEILING for stake in test._stakes):
            raise ValueError("the stakes of a test are one per alternative, none below zero")
        return test


def in_hand(blocks: int) -> float:
    """Return what is not in bets after so many blocks."""
    return 1 / (1 + math.log1p(blocks))
