"""A detector for a rate that moves, with a guaranteed mean time to a false alarm.

The Shiryaev-Roberts e-detector of Shin, Ramdas and Rinaldo (New England Journal of Statistics in Data Science 2,
2023): a sum of e-processes, one started at every observation. No model of the data after the change is needed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MULTIPLES", "SRDetector"]

MULTIPLES = (1.25, 1.5, 2.0, 3.0, 5.0)  # rises by so much are found soonest; any rise is found
CEILING = 1e300  # far above any threshold, far below overflow
KEPT = 0.8  # of the wealth at stake, at most this share is lost in one step when outcomes can fall below zero


class SRDetector:
    """Watches a stream in [0, 1] for a mean above `p0` (multiples above 1) or below it (multiples below 1).

    M_k <- (1 + lam_k (x - p0)) (M_k + 1), alarm while the mean of the M_k is at least `threshold`. As long as
    E[x | past] <= p0 (or >= p0 for a fall), the mean number of observations until the alarm is at least
    `threshold`, for any distribution. So p0 must be a *bound* of the reference rate, else its error becomes false
    alarms: `clopper_pearson(k, n, 0.9)[1]` for a rise, `[0]` for a fall. Of S streams give each S * threshold.

    Raises ValueError unless 0 < p0 < 1, threshold >= 1 and the multiples lie on one side of 1.
    """

    def __init__(self, p0: float, threshold: float, multiples: Sequence[float] = MULTIPLES) -> None:
        rise, fall = all(m > 1 for m in multiples), all(0 <= m < 1 for m in multiples)
        if not (multiples and 0 < p0 < 1 and 1 <= threshold < CEILING and (rise or fall)):
            raise ValueError(f"no detector for p0 {p0}, threshold {threshold}, multiples {tuple(multiples)}")
        self.p0, self.threshold, self.multiples = p0, threshold, tuple(multiples)
        self.values = [0.0] * len(self.multiples)
        self._plain = [self._bet(multiple, 1.0, 0.0) for multiple in self.multiples]  # where every prompt is scored

    @property
    def value(self) -> float:
        """The detector's value, to hold against the threshold."""
        return math.fsum(self.values) / len(self.values)

    @property
    def alarmed(self) -> bool:
        """Whether the value is at or above the threshold."""
        return self.value >= self.threshold

    def update(self, x: float | None, *, chance: float = 1.0, guess: float = 0.0) -> bool:
        """Take one observation and return whether the detector is alarmed.

        In a sampled stream `chance` is the probability with which this prompt was scored and `guess` the score
        expected for it, both fixed before scoring, and x is None where it was not scored: the bet is on
        guess + (scored / chance)(x - guess), whose mean is that of all traffic.
        Raises ValueError for values outside [0, 1], a chance of 0, or a missing x at chance 1.
        """
        if not (0 < chance <= 1 and 0 <= guess <= 1) or (x is None and chance >= 1):
            raise ValueError(f"an observation {x} with chance {chance} and guess {guess}")
        if x is not None and not 0 <= x <= 1:
            raise ValueError(f"{x} is no score between 0 and 1")
        if chance >= 1 and x is not None:
            payoff, bets = x, self._plain
        else:
            payoff = guess if x is None else guess + (x - guess) / chance
            lowest = guess - guess / chance
            bets = [self._bet(multiple, chance, lowest) for multiple in self.multiples]
        for k, bet in enumerate(bets):
            self.values[k] = min(CEILING, (1 + bet * (payoff - self.p0)) * (self.values[k] + 1))
        return self.alarmed

    def reset(self) -> None:
        """Start anew, as after an alarm that has been dealt with."""
        self.values = [0.0] * len(self.multiples)

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `from_state`."""
        return {
            "p0": self.p0,
            "threshold": self.threshold,
            "multiples": list(self.multiples),
            "values": list(self.values),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> SRDetector:
        """Return the detector that `state` described; raises ValueError where it describes none."""
        try:
            detector = cls(float(state["p0"]), float(state["threshold"]), [float(m) for m in state["multiples"]])
            values = [float(value) for value in state["values"]]
        except (KeyError, TypeError) as error:
            raise ValueError("this is not the state of a detector") from error
        if len(values) != len(detector.multiples) or not all(0 <= value <= CEILING for value in values):
            raise ValueError("the values of a detector are one per multiple, none below zero")
        detector.values = values
        return detector

    def _bet(self, multiple: float, chance: float, lowest: float) -> float:
        """Return lam: the likelihood ratio of the rate multiple * p0 for a scored 0/1 stream without guesses.

        Never so large that the wealth could fall below zero; fixed before the observation, so the guarantee holds.
        """
        other = min(multiple * self.p0, (1 + self.p0) / 2) if multiple > 1 else multiple * self.p0
        bet = (other / self.p0 - 1) / (1 / chance - self.p0)
        return min(bet, KEPT / (self.p0 - lowest)) if lowest < 0 < bet else bet
