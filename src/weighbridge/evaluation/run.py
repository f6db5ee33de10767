"""The runner: asks a plan's open requests with bounded concurrency, and keeps every answer as it comes.

A killed run loses at most half a second of answers; the next one asks only what is missing. What failed is
not kept, so that it is asked again.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.plan import forms_of, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.progress import Advance
    from weighbridge.engine.protocol import Engine, Form
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.suite import Suite
    from weighbridge.store.protocol import Store

__all__ = ["Run", "ask", "settle_form"]

_KEPT = frozenset({Outcome.ANSWERED, Outcome.TRUNCATED, Outcome.EMPTY, Outcome.FILTERED})
_FLUSH_ROWS, _FLUSH_S = 5000, 0.5  # by time: writing holds up the loop, and half a second is all that a kill costs


@dataclass(slots=True)
class Run:
    """The completions of a plan, item by item, with what they cost."""

    completions: list[Completion]
    calls: int = 0
    reused: int = 0

    @property
    def failed(self) -> int:
        """Questions without an answer."""
        return sum(completion.outcome not in _KEPT for completion in self.completions)


@dataclass(slots=True)
class _Keeper:
    """Gathers answers and writes them in batches."""

    store: Store
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    written_at: float = field(default_factory=time.monotonic)

    def keep(self, recipe: str, completion: Completion) -> None:
        """Keep an answer; write when a batch is full or old."""
        if completion.outcome in _KEPT:
            self.rows[recipe] = completion.to_json()
        if len(self.rows) >= _FLUSH_ROWS or time.monotonic() - self.written_at > _FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Write what is gathered."""
        if self.rows:
            self.store.add_completions(self.rows)
            self.rows = {}
        self.written_at = time.monotonic()


async def settle_form(suite: Suite, subject: str, engine: Engine, store: Store, *, draw: int = 0) -> Form:
    """Return the prompt form to use: the first one that this engine can answer.

    Costs no call of its own: the answer is kept, and is the first of the run.
    """
    forms = forms_of(suite)
    plans = [make_plan(suite, subject, engine.identity, form, limit=1, draw=draw) for form in forms]
    if len(forms) == 1:
        return forms[0]
    for form, plan in zip(forms, plans, strict=True):
        if store.completions(plan.recipes):
            return form
    first = await engine.complete(plans[0].requests[0])
    told_never = first.outcome is Outcome.FAILED and first.detail.startswith("HTTP 4")
    if told_never or (first.outcome in _KEPT and not plans[0].generates and not first.top_logprobs):
        return forms[1]
    keeper = _Keeper(store)
    keeper.keep(plans[0].recipes[0], first)
    keeper.flush()
    return forms[0]


async def ask(plan: Plan, engine: Engine, store: Store, advance: Advance, *, lanes: int | None = None) -> Run:
    """Ask what the store does not hold yet, and return all completions in the plan's order."""
    known = store.completions(plan.recipes)
    run = Run([Completion(Outcome.NOT_ASKED, attempts=0)] * len(plan.requests))
    pending = []
    for index, recipe in enumerate(plan.recipes):
        if recipe in known:
            run.completions[index] = Completion.from_json(known[recipe])
        else:
            pending.append(index)
    run.reused = len(plan.requests) - len(pending)
    advance(run.reused)
    keeper = _Keeper(store)

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
    finally:
        keeper.flush()
    return run
