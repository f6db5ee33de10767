"""Which looked-at exchanges count for drift: few of one user, and of one key at most as many as of all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.pilot.observation.callers import Callers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.observation.noun import Observation

__all__ = ["LEAST_CALLERS", "LEAST_OTHERS", "Admission"]

LEAST_CALLERS = 5
"""Where one key is in use, an alarm rests on so many callers at least, or on all there are."""

LEAST_OTHERS = 20
"""Counted exchanges of other keys, today and yesterday, from which on a key is one of several."""

_FREE = 100  # that a key may count beyond all others together, today and yesterday
_MOST_KEYS = 64
_DAY_S = 86_400


class Admission:
    """Decides by who asked and when, never by what came of it, so that what counts is a fair sample still.

    Of a user five exchanges a day count (`Callers`); a caller who names no user is bounded by its key alone. A key
    that is one of several counts no more than all others together, and the only key in use counts whole.
    """

    def __init__(self) -> None:
        self.callers = Callers()
        self.known: list[str] = []  # the first few callers ever
        self._day = 0
        self._counts: list[dict[str, int]] = [{}, {}]  # by key: today's, yesterday's

    def admit(self, seen: Observation) -> bool:
        """Whether an exchange counts."""
        day = int(seen.at // _DAY_S)
        if not self._day - 1 <= day <= self._day:
            self._counts = [{}, self._counts[0] if day == self._day + 1 else {}]
            self._day = day
        user = seen.user if seen.key and seen.user != seen.key else ""
        mine, others = self._both(seen.key)
        if others >= LEAST_OTHERS and mine >= others + _FREE:
            return False
        if not self.callers.admit(seen.key, user, seen.at):
            return False
        today = self._counts[0]
        today[seen.key] = today.get(seen.key, 0) + 1
        if len(today) > _MOST_KEYS:
            del today[min(today, key=today.__getitem__)]
        if len(self.known) < LEAST_CALLERS and seen.user not in self.known:
            self.known.append(seen.user)
        return True

    def is_one_of_several(self, key: str) -> bool:
        """Whether others are there who would see what this key sees, if it were so."""
        return self._both(key)[1] >= LEAST_OTHERS

    def least_callers(self) -> int:
        """Return on how many callers an alarm must rest: five or all there are, one where there are several keys."""
        today = self._counts[0]
        return 1 if today and self.is_one_of_several(next(iter(today))) else min(LEAST_CALLERS, len(self.known))

    def _both(self, key: str) -> tuple[int, int]:
        """Return what counted of a key and of all others, today and yesterday."""
        mine = sum(counts.get(key, 0) for counts in self._counts)
        return mine, sum(sum(counts.values()) for counts in self._counts) - mine

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `restore`."""
        return {"callers": self.callers.state(), "known": self.known, "day": self._day, "counts": self._counts}

    def restore(self, state: Mapping[str, Any]) -> Admission:
        """Take over what `state` described, and return itself; raises KeyError, TypeError or ValueError."""
        self.callers.restore(state["callers"])
        self.known, self._day = list(state["known"]), int(state["day"])
        today, yesterday = state["counts"]
        self._counts = [dict(today), dict(yesterday)]
        return self
