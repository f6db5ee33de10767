"""From a function that asks a model one item, to a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from weighbridge.errors import UsageError
from weighbridge.statistics.sequential.plan import Plan, items_digest
from weighbridge.statistics.sequential.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.statistics.sequential.features import Predictor
    from weighbridge.statistics.sequential.plan import Question
    from weighbridge.statistics.sequential.verdict import Standing

    Ask: TypeAlias = Callable[[int], float | None]

__all__ = ["decide_better", "decide_noninferior", "make_plan"]


def make_plan(
    predictor: Predictor,
    question: Question,
    *,
    items: Sequence[str] | None = None,
    margin: float = 0.0,
    alpha: float = 0.05,
    budget: int | None = None,
    seed: int = 0,
    batch: int = 64,
) -> Plan:
    """Return the plan of a comparison with a baseline, cached (the predictor's) or asked alongside (without one).

    `noninferior` asks whether the candidate's mean lies above the baseline's minus `margin` (a share: 0.03 is three
    points), `better` whether above or below the baseline's. Raises UsageError for values no comparison can have.
    """
    if items is None:
        items = [str(number) for number in range(predictor.n_items)]
    if len(items) != predictor.n_items or len(set(items)) != len(items):
        raise UsageError(f"{len(items)} names for {predictor.n_items} items", hint="name every item once, in order")
    if not 0 <= margin < 1 or (margin and question == "better"):
        raise UsageError(f"a margin of {margin}", hint="a share below 1; `better` takes none")
    return Plan(
        n_items=predictor.n_items,
        question=question,
        tau=(predictor.baseline or 0.0) - margin,
        items=items_digest(items),
        predictions=predictor.digest,
        both=predictor.baseline is None,
        baseline=predictor.baseline,
        margin=margin if question == "noninferior" else None,
        alpha=alpha,
        budget=budget,
        seed=seed,
        batch=batch,
    )


def decide_noninferior(
    predictor: Predictor,
    candidate: Ask,
    baseline: Ask | None = None,
    *,
    margin: float,
    alpha: float = 0.05,
    budget: int | None = None,
    seed: int = 0,
) -> Standing:
    """Decide whether the candidate is worse than the baseline by less than `margin`, asking as few items as it takes.

    `candidate` returns the score in [0, 1] of the item with that index, None where no answer came; `baseline` does
    so for the other model, and is called for the same items only where the predictor holds no cached scores.
    """
    plan = make_plan(predictor, "noninferior", margin=margin, alpha=alpha, budget=budget, seed=seed)
    return _run(Sampler(plan, predictor), candidate, baseline)


def decide_better(
    predictor: Predictor,
    candidate: Ask,
    baseline: Ask | None = None,
    *,
    alpha: float = 0.05,
    budget: int | None = None,
    seed: int = 0,
) -> Standing:
    """Decide whether the candidate is better or worse than the baseline; otherwise as `decide_noninferior`."""
    plan = make_plan(predictor, "better", alpha=alpha, budget=budget, seed=seed)
    return _run(Sampler(plan, predictor), candidate, baseline)


def _run(sampler: Sampler, candidate: Ask, baseline: Ask | None) -> Standing:
    """Ask item by item, in drawn order, until there is a verdict."""
    if sampler.plan.both == (baseline is None):
        raise UsageError(
            "the baseline has to be cached or asked, and not both",
            hint="give its scores to `make_predictor`, or a function that asks it",
        )
    while sampler.verdict is None:
        for item in sampler.next(sampler.plan.batch)[0].tolist():
            if sampler.verdict is None:
                sampler.record(item, candidate(item), None if baseline is None else baseline(item))
    return sampler.standing()
