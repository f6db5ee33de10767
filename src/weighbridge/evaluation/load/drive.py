"""The drivers: requests at Poisson moments whatever the server does, and users who wait for their answers.

In the open loop a request is due at a moment that was drawn before, and every time counts from it: a server that stalls
makes the requests that come meanwhile wait, and all of that is seen (no coordinated omission; G. Tene, "How not to
measure latency"). The closed loop hides it, and stands beside for that reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from weighbridge.evaluation.load.clock import Clock, Heartbeat, WallClock
from weighbridge.evaluation.load.sample import Sample, sample_of
from weighbridge.evaluation.run.stop import Stop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from weighbridge.engine.protocol import Completion, Request
    from weighbridge.evaluation.load.shots import Prompts, Shape

__all__ = ["MOST_IN_FLIGHT", "Budget", "Driven", "Pace", "Target", "User", "closed_loop", "open_loop"]

MOST_IN_FLIGHT = 4096
_LEAD_S = 0.05
_LONGER = 10
_GRACE_S = 10.0  # what is in flight when somebody stops the run has this long to end


class Target(Protocol):
    """What is put under load."""

    async def once(self, request: Request, extra: Mapping[str, Any] | None = None) -> Completion:
        """Send one request at once, and only once."""
        ...


@dataclass(slots=True)
class Budget:
    """Requests and tokens (in and out, as asked for) that a whole run may still send, and until when; None: no bound.

    `until` is a moment of the run's clock.
    """

    requests: int | None = None
    tokens: int | None = None
    until: float | None = None

    def take(self, shape: Shape, now: float) -> bool:
        """Pay for a request; False where it cannot be paid."""
        if self.until is not None and now >= self.until:
            return False
        cost = shape.tokens_in + shape.tokens_out
        if (self.requests is not None and self.requests < 1) or (self.tokens is not None and self.tokens < cost):
            return False
        self.requests = None if self.requests is None else self.requests - 1
        self.tokens = None if self.tokens is None else self.tokens - cost
        return True


@dataclass(slots=True)
class User:
    """Who asks: the target, its prompts, extra fields of the body, and what all runs share."""

    target: Target
    prompts: Prompts
    extra: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    stop: Stop = field(default_factory=Stop)
    clock: Clock = field(default_factory=WallClock)
    advance: Callable[[int], None] = lambda _seconds: None


@dataclass(frozen=True, slots=True)
class Pace:
    """How long: seconds measured after seconds of warm-up, which are asked alike and counted nowhere.

    `seed` draws the moments; `first` is the number of the first prompt. A closed loop goes on until it has `fewest`
    answers, for at most ten times as long, and until it has sent `most`.
    """

    seconds: float
    warmup_s: float = 0.0
    seed: int | str = 0
    first: int = 0
    fewest: int = 0
    most: int | None = None


@dataclass(slots=True)
class Driven:
    """One stretch of load: samples by the moment they were due, since it began, warm-up included.

    `in_flight` are (moment, requests under way), a look a beat; `loop_lags` are how late the client's loop was then;
    `seconds` is where arrivals ended, less the warm-up; `stopped` says why before its time: "", "interrupted",
    "decided", "budget".
    """

    warmup_s: float
    seconds: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    in_flight: list[tuple[float, int]] = field(default_factory=list)
    loop_lags: list[float] = field(default_factory=list)
    cpu_share: float = 0.0
    stopped: str = ""

    @property
    def measured(self) -> list[Sample]:
        """The samples after the warm-up whose end is known."""
        return [one for one in self.samples if one.due >= self.warmup_s and one.status != "unfinished"]


class _Stretch:
    """A stretch under way: sends, collects in the order of the moments due, and tells `watch` in that order."""

    def __init__(self, user: User, pace: Pace, watch: Callable[[Sample], bool]) -> None:
        self.user, self.watch = user, watch
        self.driven = Driven(pace.warmup_s)
        self.began = user.clock.now() + _LEAD_S
        self.ends = pace.warmup_s + pace.seconds
        self.number = pace.first
        self.decided = False
        self._done: list[Sample | None] = []
        self._dues: list[tuple[float, int]] = []
        self._told = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        """Return the seconds since the stretch began."""
        return self.user.clock.now() - self.began

    def pay(self) -> tuple[Request, Shape] | None:
        """Return the next request; None where the budget is spent."""
        request, shape = self.user.prompts.request(self.number)
        self.number += 1
        if self.user.budget.take(shape, self.user.clock.now()):
            return request, shape
        self.driven.stopped = "budget"
        return None

    def launch(self, due: float, request: Request, shape: Shape) -> asyncio.Task[None] | None:
        """Send a request now, whatever else is under way; one too many for this client is its own error."""
        place = len(self._done)
        self._done.append(None)
        self._dues.append((due, shape.tokens_out))
        if len(self._tasks) >= MOST_IN_FLIGHT:
            self._take(place, Sample(due, 0.0, "error", wanted=shape.tokens_out, detail="client: too many in flight"))
            return None
        task = asyncio.create_task(self._send(place, due, request, shape))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _send(self, place: int, due: float, request: Request, shape: Shape) -> None:
        sent = self.now()
        completion = await self.user.target.once(request, self.user.extra)
        self._take(place, sample_of(due, sent, completion, shape.tokens_out))

    def _take(self, place: int, sample: Sample) -> None:
        self._done[place] = sample
        while self._told < len(self._done) and (ready := self._done[self._told]) is not None:
            self._told += 1
            if ready.due >= self.driven.warmup_s and self.watch(ready):
                self.decided = True

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Beat beside the block, and close the books after it."""
        heart = Heartbeat(self.user.clock, self._look)
        beating = asyncio.create_task(heart.run())
        cpu, wall = time.process_time(), self.user.clock.now()
        try:
            with self.user.stop.on_interrupt():
                yield
                asked = self.user.stop.asked
                self.driven.stopped = "interrupted" if asked else self.driven.stopped
                self.driven.seconds = max(0.0, min(self.now(), self.ends) - self.driven.warmup_s)
                await self._drain(_GRACE_S if asked else None)
        finally:
            beating.cancel()
            for task in self._tasks:
                task.cancel()
        spent = max(self.user.clock.now() - wall, 1e-9)
        self.driven.cpu_share = (time.process_time() - cpu) / spent
        self.driven.loop_lags = heart.lags
        left = ((due, wanted) for (due, wanted), one in zip(self._dues, self._done, strict=True) if one is None)
        unfinished = [Sample(due, 0.0, "unfinished", wanted=wanted) for due, wanted in left]
        self.driven.samples = sorted([*filter(None, self._done), *unfinished], key=lambda one: one.due)

    async def _drain(self, grace_s: float | None) -> None:
        """Wait for what is under way; each ends by its answer or its time-out."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace_s)

    def _look(self) -> None:
        if 0 <= (now := self.now()) <= self.ends:
            self.driven.in_flight.append((now, len(self._tasks)))


async def open_loop(
    user: User, rate: float, pace: Pace, watch: Callable[[Sample], bool] = lambda _sample: False
) -> Driven:
    """Send requests at Poisson moments, `rate` a second, and return when the last of them has ended.

    `watch` sees every sample after the warm-up in the order of the moments due; True from it ends the arrivals.
    """
    draw = random.Random(f"{pace.seed}/{rate}")  # noqa: S311 - moments, not secrets
    stretch = _Stretch(user, pace, watch)
    due, told = draw.expovariate(rate), 0
    async with stretch.watched():
        with user.stop.scope():
            while due < stretch.ends and (paid := stretch.pay()) is not None:
                await user.clock.until(stretch.began + due)
                if stretch.decided:
                    stretch.driven.stopped = "decided"
                    break
                stretch.launch(due, *paid)
                user.advance(int(due) - told)
                told, due = int(due), due + draw.expovariate(rate)
            else:
                if not stretch.driven.stopped:
                    await user.clock.until(stretch.began + stretch.ends)
    user.advance(int(stretch.ends) - told)
    return stretch.driven


async def closed_loop(user: User, users: int, pace: Pace) -> Driven:
    """Let so many users ask, each as soon as its last answer has come; times count from sending."""
    told = answers = sent = 0

    def count(_sample: Sample) -> bool:
        nonlocal answers
        answers += 1
        return False

    stretch = _Stretch(user, pace, count)
    latest = stretch.ends + _LONGER * pace.seconds

    def is_over(now: float) -> bool:
        return now >= (stretch.ends if answers >= pace.fewest else latest)

    async def one_user() -> None:
        nonlocal told, sent
        while (
            not is_over(now := stretch.now())
            and (pace.most is None or sent < pace.most)
            and (paid := stretch.pay()) is not None
        ):
            sent += 1
            task = stretch.launch(now, *paid)
            if task is None:
                return
            await asyncio.wait({task})
            user.advance(int(stretch.now()) - told)
            told = int(stretch.now())

    async with stretch.watched():
        with user.stop.scope():
            await user.clock.until(stretch.began)
            async with asyncio.TaskGroup() as group:
                for _ in range(users):
                    group.create_task(one_user())
        stretch.ends = max(stretch.ends, stretch.now())
    return stretch.driven
