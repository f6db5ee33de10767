"""Candidate beside baseline: the plan that was frozen before the first call, what was found, and outcomes to keep."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body, EstimateBody, Share
from weighbridge.core.kinds.measured import EngineBody, SuiteBody  # noqa: TC001 - pydantic reads the fields' types

__all__ = ["ComparisonV1", "DrawnBody", "OutcomesV1", "PlanV1", "SequentialBody"]


class OutcomesV1(Body):
    """One character an item: what later comparisons learn of an item's difficulty, without texts."""

    suite: SuiteBody
    form: str
    scorer: str
    items: str = Field(description="Digest of the item ids in the suite's order")
    marks: str = Field(
        pattern=r"^[01-]*$", description="In the suite's order: 1 right, 0 wrong, - not asked or not marked"
    )


class PlanV1(Body):
    """A sequential comparison as it was frozen before its first call."""

    suite: SuiteBody
    form: str
    scorer: str
    engine: EngineBody
    baseline: str = Field(description="Digest of the baseline")
    baseline_name: str
    baseline_engine: EngineBody | None = Field(
        description="The engine that answers for the baseline; None where its stored answers are used"
    )
    plan: dict[str, Any] = Field(description="The frozen plan of `weighbridge.statistics.sequential`, seed included")
    history: list[str] = Field(description="Ids of the `outcomes/v1` of earlier models, in the order used")


class SequentialBody(Body):
    """How a comparison that stops early ended, and what that guarantees.

    The chance of a wrong verdict is at most `alpha` at any stopping time, over the order in which items are drawn;
    it is about these items, answered as in this run, and so is the interval `finite`.
    """

    verdict: Literal["noninferior", "inferior", "better", "worse"] | None = Field(
        description="None: undecided, by the budget or by answers that could not be marked"
    )
    question: Literal["noninferior", "better"]
    reason: Literal["evidence", "arithmetic", "budget", "exhausted"] = Field(
        description="What gave the verdict: `arithmetic` where what was left could not change it"
    )
    margin: Share | None = Field(description="Largest loss that is accepted, a share; None where it asks who is better")
    alpha: Share
    log_e_up: float = Field(
        description="Natural logarithm of the greatest e-value against 'not above the threshold': e^-it is a p-value"
    )
    log_e_down: float = Field(description="The same against 'not below the threshold'")
    drawn: int = Field(ge=0, description="Items whose outcome the test has seen")
    missing: int = Field(
        ge=0, description="Of these, answers without a mark: wrong for one verdict, right for the other"
    )
    calls: int = Field(ge=0, description="Questions asked of the two models in this comparison, stored ones included")
    full_calls: int = Field(
        ge=0, description="Questions that asking everything would have taken: of the candidate, or of both"
    )
    history: int = Field(ge=0, description="Earlier models whose outcomes predicted this one's")
    baseline_stored: bool = Field(description="Whether the baseline's whole run was in the store")
    finite: EstimateBody = Field(
        description="The difference that two whole runs over these very items would show: anytime-valid, widened by "
        "what could not be marked"
    )


class DrawnBody(Body):
    """One drawn item: how it was marked for both, and where the answers are."""

    id: str
    candidate: str = Field(description="`right`, `wrong`, or `unscored: <reason>`")
    baseline: str
    completion: str = Field(description="Recipe of the candidate's completion")
    answer: str | None = Field(description="Digest of the candidate's stored completion; None where nothing is stored")
    question: str = Field("", description="Of a flip: the question, cut to 400 characters")
    expected: str = ""
    said: str = Field("", description="Of a flip: what the candidate said, cut to 400 characters")
    baseline_said: str = Field("", description="Of a flip: what the baseline said, cut to 400 characters")


class ComparisonV1(Body):
    """Candidate against baseline on the same questions.

    `difference` is about questions like these: from whole runs with Newcombe's interval for paired data, from a
    comparison that stopped early with the interval that also counts what was not asked. How that one ended, and what
    holds for these very questions, stands in `sequential`.
    """

    suite: SuiteBody
    form: str
    baseline: str = Field(description="Digest of the baseline")
    baseline_name: str
    difference: EstimateBody = Field(description="Share right of the candidate minus that of the baseline, paired")
    both: int
    neither: int
    candidate_only: int
    baseline_only: int
    p_value: Share | None = Field(
        description="Exact McNemar test of no difference, two-sided; None where items were drawn until it was clear"
    )
    flips: list[str] = Field(description="Ids of the questions that only one of the two gets right")
    sequential: SequentialBody | None = None
    drawn: list[DrawnBody] = Field(default_factory=list)
