"""Settling how a suite is asked of an engine: the prompt form, how a choice is read, and whether the model reasons."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.engine.protocol import STORED, Completion, Outcome
from weighbridge.evaluation.plan import Asked, forms_of, make_plan
from weighbridge.evaluation.run.keeper import Keeper
from weighbridge.evaluation.run.session import Settled
from weighbridge.evaluation.thinking import answer_part, opens_thinking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.engine.protocol import Engine, Form
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.run.session import Session
    from weighbridge.evaluation.suite import Suite

__all__ = ["settle_form"]

_NEVER = re.compile(r"HTTP (400|404|405|415|422|501)\b")


async def settle_form(
    suite: Suite, subject: str, engine: Engine, session: Session, *, form: Form | None = None
) -> Settled:
    """Return the first way of asking that this engine can answer; `form` leaves only the ways in that prompt form.

    A choice is read off the first token's distribution where the engine gives one; else from an answer that the
    engine forces into a letter, else from one that is written. A model that reasons before it answers gets the suite's
    budget for that, or is told not to where one token is read. A right guess costs nothing, as its answer is the first
    of the run; each wrong one costs one call.
    """
    asked = Asked(session.limit, session.draw)
    ways = list(_ways(suite, asked, form))
    calls = 0
    for number, (this, way) in enumerate(ways):
        last = number == len(ways) - 1
        settled = await _try(suite, subject, engine, session, Settled(this, way, calls), last=last)
        if settled.accepted:
            return settled
        calls = settled.calls
    return Settled(*ways[-1], calls)


def _ways(suite: Suite, asked: Asked, form: Form | None) -> Iterator[tuple[Form, Asked]]:
    """Yield the ways of asking, the preferred one first."""
    forms = [form] if form else list(forms_of(suite))
    for one in forms:
        yield one, asked
    if suite.reads_distribution and "chat" in forms:
        yield "chat", replace(asked, reasons=True)
        yield "chat", replace(asked, reading="constrained")
        yield "chat", replace(asked, reading="generated")
        yield "chat", replace(asked, reading="generated", reasons=True)


async def _try(
    suite: Suite, subject: str, engine: Engine, session: Session, settled: Settled, *, last: bool
) -> Settled:
    """Ask the first item in one way, and return the way with what it cost; `accepted` where the run can use it."""
    plan = make_plan(suite, subject, engine.identity, settled.form, asked=replace(settled.asked, limit=1))
    patient = replace(settled.asked, reasons=True)
    may_reason = settled.form == "chat" and not suite.reads_distribution and suite.generation.thinking_tokens > 0
    if may_reason and session.store.completions(_recipes(suite, subject, engine, settled, patient)):
        return replace(settled, asked=patient, accepted=True)
    known = session.store.completions(plan.recipes[:1])
    first: Completion | None = None
    if known:
        stored = next(iter(known.values()))
        first = Completion.from_json({key: value for key, value in stored.items() if key != "asked_on"})
    elif last and not may_reason:
        return replace(settled, accepted=True)
    else:
        first = await engine.complete(plan.requests[0])
        settled = replace(settled, calls=settled.calls + first.attempts)
    if not _usable(suite, plan, first):
        return settled
    if may_reason and answer_part(first).style:
        return replace(settled, asked=patient, accepted=True)
    if known:
        return replace(settled, accepted=True)
    keeper = Keeper(session.store, session.on)
    keeper.keep(plan.recipes[0], first)
    keeper.flush()
    return replace(settled, answer=first if first.outcome in STORED else None, accepted=True)


def _recipes(suite: Suite, subject: str, engine: Engine, settled: Settled, asked: Asked) -> tuple[str, ...]:
    """Return the recipe of the first item asked in another way."""
    plan = make_plan(suite, subject, engine.identity, settled.form, asked=replace(asked, limit=1))
    return plan.recipes[:1]


def _usable(suite: Suite, plan: Plan, first: Completion) -> bool:
    """Say whether a run can be asked in this way; a failure that may pass says nothing against it."""
    if first.outcome not in STORED:
        refused = first.outcome is Outcome.FAILED and _NEVER.match(first.detail) is not None
        return not refused and not (plan.requests[0].choices and first.outcome is Outcome.FAILED)
    if not suite.reads_distribution:
        return True
    if plan.requests[0].top_logprobs:
        likeliest = max(first.top_logprobs, key=lambda pair: pair[1], default=None)
        return likeliest is not None and not opens_thinking(likeliest[0])
    cut = first.outcome is Outcome.TRUNCATED
    return not (cut and (answer_part(first).style or not plan.requests[0].choices))
