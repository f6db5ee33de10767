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


class SRDetector:
    """Watches a stream in [0, 1] for a mean above `p0` (multiples above 1) or below it (multiples below 1).

    M_k <- (1 + lam_k (x - p0)) (M_k + 1), alarm while the mean of the M_k is at least `threshold`. As long as
    E[x | past] <= p0 (or >= p0 for a fall), the mean number of observations until the alarm is at least
    `threshold`, for any distribution. So p0 must be what the past predicts (`aim` sets it as more is seen), or a bound
    of the reference's rate: else the reference's error becomes false alarms. Of S streams give each S * threshold.

    Raises ValueError unless 0 < p0 < 1, threshold >= 1 and the multiples lie on one side of 1.
    """

    def __init__(self, p0: float, threshold: float, multiples: Sequence[float] = MULTIPLES) -> None:
        rise, fall = all(m > 1 for m in multiples), all(0 <= m < 1 for m in multiples)
        if not (multiples and 0 < p0 < 1 and 1 <= threshold < CEILING and (rise or fall)):
            raise ValueError(f"no detector for p0 {p0}, threshold {threshold}, multiples {tuple(multiples)}")
        self.threshold, self.multiples = threshold, tuple(multiples)
        self.values = [0.0] * len(self.multiples)
        self.aim(p0, p0)

    @property
    def value(self) -> float:
        """The detector's value, to hold against the threshold."""
        return math.fsum(self.values) / len(self.values)

    @property
    def alarmed(self) -> bool:
        """Whether the value is at or above the threshold."""
        return self.value >= self.threshold

    def aim(self, p0: float, usual: float) -> None:
        """Hold what comes next against p0, and bet on the multiples of `usual`; both known before, in (0, 1).

        What was gathered stays: each bet was fair in its time. A multiple on the other side of p0 is not bet on.
        """
        self.p0, self.usual = p0, usual
        self._bets = [self._bet(multiple) for multiple in self.multiples]

    def update(self, x: float) -> bool:
        """Take one observation and return whether the detector is alarmed; raises ValueError for x outside [0, 1].

        Which exchanges are looked at must not depend on what they hold: then the mean is that of all traffic.
        """
        if not 0 <= x <= 1:
            raise ValueError(f"{x} is no score between 0 and 1")
        for k, bet in enumerate(self._bets):
            self.values[k] = min(CEILING, (1 + bet * (x - self.p0)) * (self.values[k] + 1))
        return self.alarmed

    def reset(self) -> None:
        """Start anew, as after an alarm that has been dealt with."""
        self.values = [0.0] * len(self.multiples)

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `from_state`."""
        return {
            "p0": self.p0,
            "usual": self.usual,
            "threshold": self.threshold,
            "multiples": list(self.multiples),
            "values": list(self.values),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> SRDetector:
        """Return the detector that `state` described; raises ValueError where it describes none."""
        try:
            detector = cls(float(state["p0"]), float(state["threshold"]), [float(m) for m in state["multiples"]])
            values, usual = [float(value) for value in state["values"]], float(state.get("usual", state["p0"]))
        except (KeyError, TypeError) as error:
            raise ValueError("this is not the state of a detector") from error
        if len(values) != len(detector.multiples) or not all(0 <= value <= CEILING for value in values):
            raise ValueError("the values of a detector are one per multiple, none below zero")
        if not 0 < usual < 1:
            raise ValueError("the rate of a detector lies between 0 and 1")
        detector.values = values
        detector.aim(detector.p0, usual)
        return detector

    def _bet(self, multiple: float) -> float:
        """Return lam: of a 0/1 stream the likelihood ratio of a multiple of `usual` to p0; no outcome ruins it."""
        if multiple > 1:
            other = max(self.p0, min(multiple * self.usual, (1 + self.p0) / 2))
        else:
            other = min(self.p0, multiple * self.usual)
        return (other / self.p0 - 1) / (1 - self.p0)
