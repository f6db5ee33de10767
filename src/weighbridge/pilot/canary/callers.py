"""Who was counted: a sticky caller comes back, and its answers resemble each other.

Callers, not requests, are dealt out to the two models. Where callers differ in what they ask, the rates of two groups
differ although the models do not, and by more than requests alone would say. So few exchanges of one caller count, and
the difference that two groups of callers may have by themselves is held in favour of the candidate.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.canary.lane import Arm

__all__ = ["LEAST_CALLERS", "MOST_A_DAY", "Callers"]

MOST_A_DAY = 5
"""Looked-at exchanges of one caller that count on one UTC day: the first ones."""

LEAST_CALLERS = 20
"""Of each model: what fewer show, they show of themselves."""

_RESEMBLANCE = 0.1  # assumed correlation of two answers to one caller; trials with clusters mostly find less
_DEVIATIONS = 2.5  # that groups of callers may differ by: 0.6% of all dealings go beyond
_PLACES = 4096
_DAY_S = 86_400


class Callers:
    """Counts by the hash of a caller in tables of fixed size: this day's exchanges, and who was seen at all.

    Two callers that share a place share its count: some exchanges are then left out, whatever came of them, which costs
    time and no truth. At most 20,480 exchanges a day count.
    """

    def __init__(self) -> None:
        self.counts: dict[Arm, int] = {"primary": 0, "canary": 0}
        self._day = 0
        self._today = bytearray(b"0" * _PLACES)
        self._known = 0  # a bit a place

    def admit(self, arm: Arm, user: str, at: float) -> bool:
        """Whether an exchange of this caller counts; one of nobody always does, as that of a caller by itself."""
        if not user:
            self.counts[arm] += 1
            return True
        day = int(at // _DAY_S)
        if day > self._day:
            self._day, self._today = day, bytearray(b"0" * _PLACES)
        place = int.from_bytes(hashlib.blake2b(user.encode(), digest_size=4).digest()) % _PLACES
        if self._today[place] >= ord("0") + MOST_A_DAY:
            return False
        self._today[place] += 1
        if not self._known >> place & 1:
            self._known |= 1 << place
            self.counts[arm] += 1
        return True

    def slack(self, rate: float) -> float:
        """Return by how much the rates of the two groups may differ where the models are alike.

        2.5 standard errors of the difference of two means of callers' own rates, whose variance is the resemblance
        times rate (1 - rate) (Donner and Klar, Design and Analysis of Cluster Randomization Trials, 2000).
        """
        inverse = sum(1 / max(1, count) for count in self.counts.values())
        return min(0.9, _DEVIATIONS * math.sqrt(_RESEMBLANCE * rate * (1 - rate) * inverse))

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `restore`."""
        known = f"{self._known:0{_PLACES // 4}x}"
        return {"counts": dict(self.counts), "day": self._day, "today": self._today.decode(), "known": known}

    def restore(self, state: Mapping[str, Any]) -> Callers:
        """Take over what `state` described, and return itself."""
        self.counts, self._day = dict(state["counts"]), state["day"]
        self._today, self._known = bytearray(state["today"].encode()), int(state["known"], 16)
        return self
