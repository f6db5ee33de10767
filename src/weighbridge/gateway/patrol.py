"""Requests under way: who left, whose answer nobody reads, whose time is over, whose key has ended.

Most answers take milliseconds. Listening for a caller's leave costs a task, so it begins with the patrol's next round:
a caller's leave is then noticed within half a second, and quick answers do not pay for it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Literal, Self

from weighbridge.gateway.errors import BAD_REQUEST, UPSTREAM
from weighbridge.pilot.access.protocol import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.gateway.hooks import Receive
    from weighbridge.pilot.access.protocol import Caller

__all__ = ["Flight", "Patrol"]

_ROUND_S = 0.25
Reason = Literal["", "left", "stalled", "late", "revoked"]
_TOLD = {
    "late": Refusal(504, UPSTREAM, "upstream_timeout", "the model's server took too long"),
    "revoked": Refusal(401, BAD_REQUEST, "invalid_api_key", "the key has ended"),
    "": Refusal(503, "server_error", "gateway_stopping", "the gateway is stopping"),  # its server ends what is left
}


class Flight:
    """One request under way, within its own task: `with patrol.follow(caller, receive, total_s) as flight`.

    When it has to end early its task is cancelled, and `reason` says why.
    """

    __slots__ = ("_patrol", "_receive", "_task", "_watcher", "caller", "late_at", "reason", "sending_since")

    def __init__(
        self, patrol: Patrol, caller: Caller, receive: Receive, late_at: float, task: asyncio.Task[object] | None
    ) -> None:
        self.caller = caller
        self._patrol = patrol
        self._receive = receive
        self._task = task
        self._watcher: asyncio.Task[None] | None = None
        self.late_at = late_at
        self.reason: Reason = ""
        self.sending_since = 0.0

    def __enter__(self) -> Self:
        self._patrol.flights.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._patrol.flights.discard(self)
        self._task = None
        if self._watcher is not None:
            self._watcher.cancel()

    def end(self, reason: Reason) -> None:
        """End it early."""
        if self._task is not None and not self.reason:
            self.reason = reason
            self._task.cancel()

    @property
    def refusal(self) -> Refusal | None:
        """What to tell the caller whose request is ended early; None where nobody listens."""
        return _TOLD.get(self.reason)

    def resume(self) -> None:
        """Go on after the cancellation has been caught: what follows may wait again."""
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()

    def look(self, now: float, stall_s: float, *, is_live: bool) -> None:
        """See whether it has to end, and from the first look on listen for the caller's leave."""
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._listen())
        if self.sending_since and now - self.sending_since > stall_s:
            self.end("stalled")
        elif not is_live:
            self.end("revoked")
        elif now > self.late_at:
            self.end("late")

    async def _listen(self) -> None:
        """Wait until the caller leaves."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.end("left")


class Patrol:
    """Looks at every flight, four times a second; begins with the first flight and needs no end of its own.

    `is_live` says whether a caller's key still counts.
    """

    _loop: asyncio.AbstractEventLoop  # known from the first flight on: to ask for it each time costs

    def __init__(self, stall_s: float, is_live: Callable[[Caller], bool]) -> None:
        self.flights: set[Flight] = set()
        self._stall_s = stall_s
        self._is_live = is_live
        self._timer: asyncio.TimerHandle | None = None

    def follow(self, caller: Caller, receive: Receive, total_s: float) -> Flight:
        """Return a flight for the current task, which must end within `total_s`."""
        if self._timer is None:
            self._loop = asyncio.get_running_loop()
            self._timer = self._loop.call_later(_ROUND_S, self._round)
        task = asyncio.current_task(self._loop)
        return Flight(self, caller, receive, time.monotonic() + total_s, task)

    def _round(self) -> None:
        """Look once, and again as long as there is something to look at."""
        now = time.monotonic()
        for flight in tuple(self.flights):
            flight.look(now, self._stall_s, is_live=self._is_live(flight.caller))
        self._timer = self._loop.call_later(_ROUND_S, self._round) if self.flights else None
