"""Settling the prompt form: the first one that this engine can answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from weighbridge.engine.protocol import STORED, Outcome
from weighbridge.evaluation.plan import forms_of, make_plan
from weighbridge.evaluation.run.keeper import Keeper
from weighbridge.evaluation.run.session import Settled

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.run.session import Session
    from weighbridge.evaluation.suite import Suite

__all__ = ["settle_form"]

_NEVER = re.compile(r"HTTP (400|404|405|415|422|501)\b")


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
    keeper = Keeper(session.store, session.on)
    keeper.keep(plans[0].recipes[0], first)
    keeper.flush()
    return Settled(forms[0], first.attempts, first if first.outcome in STORED else None)
