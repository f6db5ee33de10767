"""Asking: lanes that draw the next question, ask it, and keep its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

from weighbridge.engine.pace import pace_of
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.run.keeper import Keeper, stored_answers
from weighbridge.evaluation.run.session import Run
from weighbridge.evaluation.run.tally import Tally

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.progress import Advance
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.run.session import Session

__all__ = ["Heard", "Order", "ask", "ask_and_tell"]

Order = Iterator[int] | AsyncIterator[int]
Heard = Callable[[int, Completion], None]
_SPARE = 3  # times the lanes: what waits for a next attempt is bounded, too
_BEAT_S = 1.0  # between looks whether something holds the requests up
_NOT_ASKED = Completion(Outcome.NOT_ASKED, attempts=0)


async def ask(
    plan: Plan,
    engine: Engine,
    session: Session,
    advance: Advance,
    *,
    lanes: int | None = None,
    order: Order | None = None,
    heard: Heard | None = None,
) -> Run:
    """Ask what the store does not hold yet, and return all completions in the plan's order.

    `order` draws the indices of the plan's items live, each when a lane is free for it: an iterator may choose by what
    was heard so far; an asynchronous one may also wait until it knows enough, and the lanes wait with it. Its end ends
    the run, once the requests in flight are heard. An index is drawn at most once (else ValueError); one never
    drawn stays NOT_ASKED. `heard` is called once a draw with the index and its completion: a stored answer is heard at
    once and costs no call. Without `order` every item is asked, in the plan's order.
    """
    asking = _Asking(plan, engine, session)
    await asking.run(order, lanes, advance, heard)
    return asking.result


async def ask_and_tell(
    plan: Plan,
    engine: Engine,
    session: Session,
    *,
    lanes: int | None = None,
    order: Order | None = None,
    heard: Heard | None = None,
) -> Run:
    """Ask as `ask` does, and show on the session's progress how it goes."""
    asking = _Asking(plan, engine, session)
    tally = Tally(plan, asking.result, pace_of(engine))
    with session.progress(plan.suite.name, len(plan.items), "questions", note=tally.line) as advance:
        hears = tally.heard if heard is None else _both(tally.heard, heard)
        await asking.run(order, lanes, advance, hears)
    return asking.result


def _both(first: Heard, second: Heard) -> Heard:
    """Let both hear an answer."""

    def hear(index: int, completion: Completion) -> None:
        first(index, completion)
        second(index, completion)

    return hear


class _Asking:
    """One run: the stored answers, the draw, and the answers so far."""

    def __init__(self, plan: Plan, engine: Engine, session: Session) -> None:
        self.result = Run([_NOT_ASKED] * len(plan.requests), session.on, price=session.price)
        self._plan, self._engine, self._session = plan, engine, session
        self._pace = pace_of(engine)
        self._keeper = Keeper(session.store, session.on)
        self._stored = {
            index: (completion, asked_on) for index, completion, asked_on in stored_answers(session.store, plan.recipes)
        }
        self._drawn = bytearray(len(plan.requests))
        self._drawing = asyncio.Lock()
        self._ended = False
        self._began: float | None = None
        self._advance: Advance = lambda _units: None
        self._heard: Heard | None = None

    async def run(self, order: Order | None, lanes: int | None, advance: Advance, heard: Heard | None) -> None:
        """Ask until the order ends or the session is stopped."""
        self._advance, self._heard = advance, heard
        width = lanes or self._engine.lanes(generates=self._plan.generates)
        spare = 0 if lanes else _SPARE * width  # a latency is that of one request at a time, whatever waits
        drawn = iter(_by_waves(self._plan, width)) if order is None else order
        beating = asyncio.create_task(self._beat()) if self._pace is not None else None
        try:
            with self._session.stop.scope():
                await self._over_lanes(drawn, min(width, len(self._plan.requests)), spare)
        except ExceptionGroup as group_error:
            raise group_error.exceptions[0] from group_error  # an engine that cannot be started says so in every lane
        finally:
            self._ended = True
            if beating is not None:
                beating.cancel()
            if self._pace is not None:
                self._pace.on_sleep = None
            self._keeper.flush()

    async def _beat(self) -> None:
        """Let the progress look again while nothing comes: an endpoint that is away is not waited for in silence."""
        while True:
            await asyncio.sleep(_BEAT_S)
            self._advance(0)

    async def _over_lanes(self, order: Order, width: int, spare: int) -> None:
        """Ask over `width` lanes, and over `spare` more while requests wait between attempts."""
        if self._plan.heads and width > 1:  # one request fills the server's prefix cache for the others
            await self._lane(order, calls=1)
        async with asyncio.TaskGroup() as group:
            self._open(group, order, width, spare)

    def _open(self, group: asyncio.TaskGroup, order: Order, width: int, spare: int) -> None:
        """Open the lanes; while a request waits for its next attempt, another lane uses its turn."""
        lanes = 0

        def open_lane() -> None:
            nonlocal lanes
            asleep = min(self._pace.asleep, spare) if self._pace is not None else 0
            if not self._ended and lanes < width + asleep:
                lanes += 1
                group.create_task(self._lane(order))

        if self._pace is not None:
            self._pace.on_sleep = open_lane
        for _ in range(width):
            open_lane()

    async def _lane(self, order: Order, calls: int = -1) -> None:
        """Ask one question after another, `calls` of them or until the order ends."""
        # an asynchronous order may wait for an answer that itself waits for a turn: nothing is held meanwhile
        turns = self._pace if isinstance(order, Iterator) else None
        while calls:
            if turns is not None:
                await turns.room()
            index = await self._next(order)
            if index is None:
                if turns is not None:
                    turns.give_back()
                return
            self._began = self._began or time.monotonic()
            completion = await self._engine.complete(self._plan.requests[index])
            calls -= 1
            self.result.calls += completion.attempts
            self.result.bill.add(completion)
            self.result.seconds = time.monotonic() - self._began
            self._keeper.keep(self._plan.recipes[index], completion)
            self._take(index, completion)

    async def _next(self, order: Order) -> int | None:
        """Draw until an index needs a call; hear on the way what does not."""
        while not self._ended:
            index = await self._draw(order)
            if index is None:
                self._ended = True
                break
            if self._drawn[index]:
                raise ValueError(f"the order drew item {index} twice")
            self._drawn[index] = 1
            if (known := self._stored.pop(index, None)) is not None:
                self._reuse(index, *known)
            else:
                return index
        return None

    async def _draw(self, order: Order) -> int | None:
        """Return the next index, or None at the end; one lane at a time waits for an asynchronous order."""
        if isinstance(order, Iterator):
            return next(order, None)
        async with self._drawing:
            return None if self._ended else await anext(order, None)

    def _reuse(self, index: int, completion: Completion, asked_on: date) -> None:
        """Hear a stored answer."""
        self.result.oldest = min(self.result.oldest, asked_on)
        self.result.reused += 1
        self._take(index, completion)

    def _take(self, index: int, completion: Completion) -> None:
        """Note an answer and let it be heard."""
        self.result.completions[index] = completion
        self._advance(1)
        if self._heard is not None:
            self._heard(index, completion)


def _by_waves(plan: Plan, width: int) -> list[int]:
    """Return the plan's order, the first request of each shared prefix as much earlier as there are lanes.

    When the others of its prefix are asked, it is answered, and the server holds the prefix; one lane needs no change.
    """
    ahead = dict.fromkeys(plan.heads, width - 0.5 if width > 1 else 0.0)
    return sorted(range(len(plan.requests)), key=lambda index: index - ahead.get(index, 0.0))
