"""Hidden letters: where the engine reports too few tokens to tell the likeliest letter, it is made to write one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.engine.protocol import STORED
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import ask
from weighbridge.evaluation.scorers.choice import needs_forced

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.run import Run, Session

__all__ = ["force_hidden"]


async def force_hidden(plan: Plan, run: Run, subject: str, engine: Engine, session: Session) -> tuple[Plan, int]:
    """Ask again, with the letters as the only answers, where the distribution did not tell; return plan and count.

    Changes the completions of `run`; the plan returned names the recipes under which they are stored. An engine that
    cannot be held to letters leaves things as they were.
    """
    if plan.reading != "distribution" or plan.suite.scorer != "choice" or plan.generates:
        return plan, 0
    rows = enumerate(zip(plan.items, run.completions, strict=True))
    hidden = [index for index, (item, completion) in rows if needs_forced(item, completion)]
    if not hidden:
        return plan, 0
    forced = make_plan(
        plan.suite, subject, engine.identity, plan.form, asked=replace(plan.asked, reading="constrained")
    )
    second = await ask(forced, engine, session, lambda _units: None, order=iter(hidden))
    run.calls += second.calls
    recipes = list(plan.recipes)
    for index in hidden:
        if second.completions[index].outcome in STORED:
            run.completions[index], recipes[index] = second.completions[index], forced.recipes[index]
    return replace(plan, recipes=tuple(recipes)), len(hidden)
