"""A time by which something must have happened, moved with every request at the price of an assignment."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["Deadline"]


class Deadline:
    """Calls `late` once its time has come. Its timer is not cancelled when it is moved on, but looks again."""

    __slots__ = ("_at", "_late", "_loop", "_rings_at", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, late: Callable[[], None]) -> None:
        self._loop = loop
        self._late = late
        self._at = self._rings_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether something is waited for."""
        return self._at < math.inf

    def set(self, seconds: float) -> None:
        """Wait so long from now, whatever was waited for before."""
        self._at = at = self._loop.time() + seconds
        if at < self._rings_at:
            self.close()
            self._at = at
            self._ring(seconds)

    def clear(self) -> None:
        """Wait no more."""
        self._at = math.inf

    def close(self) -> None:
        """Wait no more, and let go of the timer, which holds on to what it calls."""
        self._at = self._rings_at = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self, seconds: float) -> None:
        """Look again after so long."""
        self._rings_at = self._loop.time() + seconds
        self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        """See whether the time has come."""
        self._timer, self._rings_at = None, math.inf
        left_s = self._at - self._loop.time()
        if left_s <= 0:
            self._at = math.inf
            self._late()
        elif left_s < math.inf:
            self._ring(left_s)
