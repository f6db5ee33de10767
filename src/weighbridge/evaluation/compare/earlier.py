"""The plan of the same comparison that is in the store already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.evaluation.compare.terms import Terms
    from weighbridge.evaluation.suite import Suite
    from weighbridge.store.protocol import Store

__all__ = ["EarlierPlan", "earlier_plan"]


@dataclass(frozen=True, slots=True)
class EarlierPlan:
    """What the first plan of a comparison rested on: whether both models are asked, and which earlier outcomes."""

    both: bool
    history: tuple[str, ...]


def earlier_plan(store: Store, suite: Suite, subjects: tuple[str, str], terms: Terms, seed: int) -> EarlierPlan | None:
    """Return the first plan of the same models, suite, terms and seed, or None; the budget may differ.

    A new plan each time the store learns something would be a new throw of the dice for the same question.
    """
    margin = terms.margin if terms.question == "noninferior" else None
    wanted = {"question": terms.question, "alpha": terms.alpha, "margin": margin, "seed": seed}
    for evidence in store.select(subject=subjects[0], kind="plan/v1"):
        body = evidence.body
        if body["baseline"] != subjects[1] or body["suite"]["digest"] != suite.digest:
            continue
        if all(body["plan"].get(key) == value for key, value in wanted.items()):
            return EarlierPlan(bool(body["plan"]["both"]), tuple(body["history"]))
    return None
