"""The runner: asks a plan's open requests with bounded concurrency, and keeps every answer as it comes.

A killed run loses at most half a second of answers; the next one asks only what is missing. What failed is
not kept, so that it is asked again.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from weighbridge.core.progress import silent
from weighbridge.engine.protocol import STORED, Completion, Outcome
from weighbridge.evaluation.plan import forms_of, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.progress import Advance, Progress
    from weighbridge.engine.protocol import Engine, Form
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.suite import Suite
    from weighbridge.store.protocol import Store

__all__ = ["Run", "Session", "Settled", "ask", "settle_form"]

_ASKED_ON = "asked_on"
_NEVER = re.compile(r"HTTP (400|404|405|415|422|501)\b")
_FLUSH_ROWS, _FLUSH_S = 5000, 0.5  # by time: writing holds up the loop, and half a second is all that a kill costs


@dataclass(frozen=True, slots=True)
class Session:
    """What all suites of one run share: the store, the day, the progress bars, and how much is asked.

    `limit` asks fewer questions of each suite; another `draw` asks anew what was asked before.
    """

    store: Store
    on: date
    progress: Progress = silent
    limit: int | None = None
    draw: int = 0


@dataclass(slots=True)
class Run:
    """The completions of a plan, item by item, with what they cost and the day of the oldest answer."""

    completions: list[Completion]
    oldest: date
    calls: int = 0
    reused: int = 0

    @property
    def failed(self) -> int:
        """Questions without an answer."""
        return sum(completion.outcome not in STORED for completion in self.completions)


@dataclass(slots=True)
class _Keeper:
    """Gathers answers and writes them in batches."""

    store: Store
    on: date
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    written_at: float = field(default_factory=time.monotonic)

    def keep(self, recipe: str, completion: Completion) -> None:
        """Keep an answer; write when a batch is full or old."""
        if completion.outcome in STORED:
            self.rows[recipe] = {**completion.to_json(), _ASKED_ON: self.on.isoformat()}
        if len(self.rows) >= _FLUSH_ROWS or time.monotonic() - self.written_at > _FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Write what is gathered."""
        if self.rows:
            self.store.add_completions(self.rows)
            self.rows = {}
        self.written_at = time.monotonic()


@dataclass(frozen=True, slots=True)
class Settled:
    """The prompt form of a run, and what finding it out cost: calls, and answers that the run will find stored."""

    form: Form
    calls: int = 0
    answered: int = 0


async def settle_form(suite: Suite, subject: str, engine: Engine, session: Session) -> Settled:
    """Return the first prompt form that this engine can answer.

    A right guess costs nothing, as its answer is the first of the run; a wrong one costs one call.
    """
    forms = forms_of(suite)
    plans = [make_plan(suite, subject, engine.identity, form, limit=1, draw=session.draw) for form in forms]
    if len(forms) == 1:
        return Settled(forms[0])
    for form, plan in zip(forms, plans, strict=True):
        if session.store.completions(plan.recipes):
            return Settled(form)
    first = await engine.complete(plans[0].requests[0])
    told_never = first.outcome is Outcome.FAILED and _NEVER.match(first.detail) is not None
    if told_never or (first.outcome in STORED and not plans[0].generates and not first.top_logprobs):
        return Settled(forms[1], first.attempts)
    keeper = _Keeper(session.store, session.on)
    keeper.keep(plans[0].recipes[0], first)
    keeper.flush()
    return Settled(forms[0], first.attempts, int(first.outcome in STORED))


async def ask(plan: Plan, engine: Engine, session: Session, advance: Advance, *, lanes: int | None = None) -> Run:
    """Ask what the store does not hold yet, and return all completions in the plan's order."""
    known = session.store.completions(plan.recipes)
    run = Run([Completion(Outcome.NOT_ASKED, attempts=0)] * len(plan.requests), session.on)
    pending = []
    for index, recipe in enumerate(plan.recipes):
        if recipe in known:
            stored = dict(known[recipe])
            run.oldest = min(run.oldest, date.fromisoformat(stored.pop(_ASKED_ON)))
            run.completions[index] = Completion.from_json(stored)
        else:
            pending.append(index)
    run.reused = len(plan.requests) - len(pending)
    advance(run.reused)
    keeper = _Keeper(session.store, session.on)

    async def lane(todo: Iterator[int]) -> None:
        for index in todo:
            completion = await engine.complete(plan.requests[index])
            run.completions[index] = completion
            run.calls += completion.attempts
            keeper.keep(plan.recipes[index], completion)
            advance(1)

    width = lanes or engine.lanes(generates=plan.generates)
    queue = iter(pending)
    try:
        if plan.suite.prefix and width > 1:  # one request fills the server's prefix cache, the others find it
            await lane(iter(pending[:1]))
            queue = iter(pending[1:])
        async with asyncio.TaskGroup() as group:
            for _ in range(min(width, len(pending))):
                group.create_task(lane(queue))
    except ExceptionGroup as group_error:
        raise group_error.exceptions[0] from group_error  # an engine that cannot be started says so in every lane
    finally:
        keeper.flush()
    return run
