"""The pace of asking one endpoint: a turn for every attempt, retries first, and the loop of attempts of a request."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from weighbridge.engine.breaker import Breaker
from weighbridge.engine.limits import Limits, Retries
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.engine.window import Window

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from weighbridge.engine.protocol import Engine

__all__ = ["Attempt", "Pace", "Paced", "is_junk", "is_refusal", "pace_of"]

Attempt = tuple[Completion, float | None, bool]
"""How one attempt ended: the completion, the seconds that Retry-After asks for, and whether to try again."""

_OVERLOAD = re.compile(r"HTTP (429|503|529)\b")
_AWAY = re.compile(r"HTTP \d|the connection failed|the worker was lost")
_MOST_JUNK = 3  # attempts
_LATE_S = 0.001  # a timer may be early by its resolution
_NOT_TRIED = Completion(Outcome.NOT_ASKED, attempts=0, detail="the endpoint failed too often in a row")
_UNANSWERED = frozenset({Outcome.FAILED, Outcome.TIMEOUT})


def _now() -> float:
    """Return the running loop's clock, in seconds."""
    return asyncio.get_running_loop().time()


class Paced(Protocol):
    """What a run needs of a pace: a turn before it draws a question, and word of turns that become free in between."""

    on_sleep: Callable[[], None] | None

    @property
    def asleep(self) -> int:
        """Requests that wait between attempts."""
        ...

    async def room(self) -> object:
        """Wait for a turn, and hold it for the next `complete`."""
        ...

    def give_back(self) -> None:
        """Give back a turn that `room` gave."""
        ...

    def told(self) -> str:
        """Say what holds the requests up, in a few words; nothing where nothing does."""
        ...


def is_refusal(completion: Completion) -> bool:
    """Tell whether the server said that it has too much to do."""
    return completion.outcome is Outcome.FAILED and _OVERLOAD.match(completion.detail) is not None


def is_junk(completion: Completion) -> bool:
    """Tell whether something came that is no answer: neither a status that says "later", nor silence."""
    return completion.outcome is Outcome.FAILED and _AWAY.match(completion.detail) is None


def pace_of(engine: Engine) -> Paced | None:
    """Return the pace of an engine that has one (attribute `pace`); others bound themselves by their lanes."""
    pace: Paced | None = getattr(engine, "pace", None)
    return pace


class Pace:
    """Bounds what is in flight by a window that adapts, waits out failures, and spends a bounded budget on retries.

    A run that draws its questions live takes a turn with `room` before it draws, so that no question drawn waits; the
    next `complete` uses that turn. `on_sleep` is called when a request begins to wait for its next attempt: its turn is
    free for another question meanwhile.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.window = Window(limits.in_flight)
        self.breaker = Breaker(limits)
        self.retries = Retries(limits)
        self.in_flight = 0
        self.asleep = 0
        self.on_sleep: Callable[[], None] | None = None
        self.leaves = False  # where a request leaves for another endpoint, and does not wait for this one to come back
        self._granted = 0
        self._again: deque[asyncio.Future[bool]] = deque()
        self._fresh: deque[asyncio.Future[bool]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def room(self) -> bool:
        """Wait for a turn, and hold it for the next `complete`; False where no turn is to be had any more."""
        taken = await self._take(self._fresh)
        self._granted += taken
        return taken

    def give_back(self) -> None:
        """Give back a turn that `room` gave."""
        if self._granted:
            self._granted -= 1
            self.breaker.dropped()
            self._release()

    def told(self) -> str:
        """Say what holds the requests up: an endpoint that is away, or a window narrower than it may be."""
        if self.breaker.given_up:
            return "endpoint given up"
        if not self.breaker.closed:
            return f"endpoint away, waited for {self.breaker.patience_left_s(_now()):.0f} s yet"
        width = int(self.window.limit)
        return f"{width} of {self.limits.in_flight} at once" if width < self.limits.in_flight else ""

    @property
    def is_ready(self) -> bool:
        """Whether a request would be sent, not held."""
        return not self.breaker.given_up and self.breaker.ready(_now())

    @property
    def load(self) -> float:
        """Turns taken and waited for, as a share of the window."""
        return (self.in_flight + len(self._again) + len(self._fresh)) / self.window.limit

    async def complete(self, attempt: Callable[[], Awaitable[Attempt]]) -> Completion:
        """Attempt a request until it is answered, refused for good, or out of attempts; says in how many."""
        self.retries.requests += 1
        completion = _NOT_TRIED
        tried = timeouts = refused = 0
        started = _now()
        while True:
            if not await self._enter(again=tried > 0):
                break
            tried += 1
            completion, asked_s, again = await self._one(attempt)
            timeouts += completion.outcome is Outcome.TIMEOUT
            refused += is_refusal(completion) and _now() - started < self.limits.patience_s
            hopeless = is_junk(completion) and tried >= _MOST_JUNK
            if not again or hopeless or timeouts >= self.limits.timeouts or self.breaker.given_up:
                break
            usual_s, in_a_row = self.window.usual_s, self.breaker.in_a_row
            wait_s = self.retries.wait_s(tried, asked_s, refused=refused, usual_s=usual_s, in_a_row=in_a_row)
            if wait_s is None:
                break
            if wait_s:
                await self._sleep(wait_s)
        return completion if tried <= 1 else replace(completion, attempts=tried)

    async def _one(self, attempt: Callable[[], Awaitable[Attempt]]) -> Attempt:
        """Make one attempt, and learn from it."""
        started = _now()
        self.window.sent(started, full=self.in_flight >= int(self.window.limit))
        try:
            ended = await attempt()
        except BaseException:
            self.breaker.dropped()
            self._release()
            raise
        completion, asked_s, again = ended
        now = _now()
        # "never" is a living endpoint's answer to this request; only "later" and silence count against it
        if again and is_junk(completion):
            self.window.ended(now, now - started, answered=False, refused=False)
            self.breaker.confused()
        elif again and completion.outcome in _UNANSWERED:
            refused = is_refusal(completion)
            self.window.ended(now, now - started, answered=False, refused=refused)
            self.breaker.failed(now, asked_s)
        else:
            self.window.ended(now, now - started, answered=True, refused=False)
            self.breaker.worked()
        self._release()
        return ended

    async def _sleep(self, wait_s: float) -> None:
        """Wait between attempts, while another question may use the turn."""
        self.asleep += 1
        if self.on_sleep is not None:
            self.on_sleep()
        try:
            await asyncio.sleep(wait_s)
        finally:
            self.asleep -= 1

    async def _enter(self, *, again: bool) -> bool:
        """Use the turn that `room` gave, or wait for one; requests under way come before new ones."""
        if self._granted and not again:
            self._granted -= 1
            return True
        return await self._take(self._again if again else self._fresh)

    async def _take(self, queue: deque[asyncio.Future[bool]]) -> bool:
        """Wait for a turn; False where none is to be had."""
        if not (self._again or self._fresh) and (taken := self._turn()) is not None:
            return taken
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._wake()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.breaker.dropped()
                self._release()
            raise

    def _turn(self) -> bool | None:
        """Take a turn where one is free (a probe needs none); False where nobody waits any more, None to wait."""
        if self.breaker.given_up:
            return False
        if self.breaker.closed and self.in_flight >= int(self.window.limit):
            return None
        if not self.breaker.admits(_now()):
            return False if self.leaves else None
        self.in_flight += 1
        return True

    def _release(self) -> None:
        """Give a turn back and hand it on."""
        self.in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        """Hand out the turns that are free, and come back when a pause is over."""
        while queue := self._again or self._fresh:
            if queue[0].done():  # cancelled while it waited
                queue.popleft()
            elif (taken := self._turn()) is not None:
                queue.popleft().set_result(taken)
            else:
                break
        pause_s = self.breaker.pause_s(_now())
        if pause_s is not None and queue and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(pause_s + _LATE_S, self._on_time)

    def _on_time(self) -> None:
        """Go on after a pause."""
        self._timer = None
        self._wake()
