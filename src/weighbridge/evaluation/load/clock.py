"""The client's clock: waits to the tenth of a millisecond, and how late the client itself was."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clock", "Heartbeat", "WallClock"]

_COARSE_S = 0.0015  # timers of the loop are good to a millisecond; the rest is waited out turn by turn


class Clock(Protocol):
    """What the driver needs of time; tests give a virtual one. `beat_s` is how often to look, in seconds."""

    beat_s: float

    def now(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...

    async def until(self, moment: float) -> None:
        """Wait until a moment of this clock."""
        ...


class WallClock:
    """The real one."""

    beat_s = 0.01

    def now(self) -> float:
        """Return `time.perf_counter`: what the engines time their pieces with."""
        return time.perf_counter()

    async def until(self, moment: float) -> None:
        """Sleep, then let the loop turn until it is time."""
        if (rest := moment - self.now() - _COARSE_S) > 0:
            await asyncio.sleep(rest)
        while self.now() < moment:  # noqa: ASYNC110 - there is no event: the clock is what is waited for
            await asyncio.sleep(0)


class Heartbeat:
    """Asks every beat how late the loop is: as late, a piece of an answer is timed.

    `lags` are the delays in seconds.
    """

    def __init__(self, clock: Clock, look: Callable[[], None] = lambda: None) -> None:
        self.lags: list[float] = []
        self._clock, self._look = clock, look

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            wanted = self._clock.now() + self._clock.beat_s
            await asyncio.sleep(self._clock.beat_s)
            self.lags.append(max(0.0, self._clock.now() - wanted))
            self._look()
