"""What a comparison can say at any moment."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from weighbridge.core.estimate import Estimate
    from weighbridge.statistics.sequential.plan import Plan, Verdict

__all__ = ["Reason", "Standing", "settle"]

Reason: TypeAlias = Literal["running", "evidence", "arithmetic", "budget", "exhausted"]
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The state of a comparison; all of it is valid at any time, however often it is looked at.

    `verdict` is None while the comparison runs; `reason` says what gave it: enough `evidence`, `arithmetic` (what is
    left cannot change the answer), the `budget`, or all items scored and the threshold met exactly (`exhausted`).
    `calls` is how many items the verdict took, or has taken so far; `released` how many the test has seen.
    `mean` estimates the mean score of the whole benchmark and `difference` that mean minus the baseline's, each with
    a confidence sequence at level 1 - 2 alpha_each, so that the verdict and the interval agree; None before the first
    score, and `difference` None where no baseline is known. `evidence_for`, `evidence_against` are the greatest wealth
    so far against "not above" and "not below" the threshold, decisive at `needed`: 1 over it is a p-value that may be
    looked at at any time. `current_for`, `current_against` are the wealth now: e-values, to be averaged or given to
    e-BH; the greatest are not (arXiv 2501.19360).
    `missing` counts answers that never came; they scored 0. `worst` and `best` are `mean` had all of them gone
    against the candidate or in its favour.
    """

    verdict: Verdict | None
    reason: Reason
    calls: int
    drawn: int
    released: int
    waiting: int
    mean: Estimate | None
    difference: Estimate | None
    evidence_for: float
    evidence_against: float
    current_for: float
    current_against: float
    needed: float
    missing: int
    worst: float | None
    best: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the standing as JSON values."""
        estimates = {"mean": self.mean, "difference": self.difference}
        return {**asdict(self), **{name: one and one.to_json() for name, one in estimates.items()}}


def settle(plan: Plan, seen: int, total: float) -> Verdict | None:
    """Return the verdict that arithmetic gives after `seen` scores with the sum `total`, or None.

    A mean equal to the threshold is not above it: `inferior`, for no margin is met by missing it; and neither
    `better` nor `worse`.
    """
    low, high = plan.range
    left, goal, slack = plan.n_items - seen, plan.n_items * plan.tau, _ROUNDING * plan.n_items
    if total + left * low > goal + slack:
        return "noninferior" if plan.question == "noninferior" else "better"
    if plan.question == "noninferior":
        return "inferior" if total + left * high <= goal + slack else None
    return "worse" if total + left * high < goal - slack else None
