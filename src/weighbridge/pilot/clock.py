"""A clock that never goes back, so that setting it back does not open what has expired."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SteadyClock"]


class SteadyClock:
    """Seconds since 1970 (UTC): the wall clock's furthest, carried on by a clock that nobody sets.

    One that was set forward by mistake stays there until the process ends. Safe to call from threads.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def __call__(self) -> float:
        """Return the time."""
        steady, wall = self._steady(), self._wall()
        now = steady + self._ahead
        if wall <= now:
            return now
        self._ahead = wall - steady
        return wall
