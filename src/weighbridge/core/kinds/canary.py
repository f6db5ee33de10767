"""How a candidate did beside today's model, on a share of the callers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body, EstimateBody, Share

__all__ = ["CanarySignBody", "CanaryV1"]


class CanarySignBody(Body):
    """One sign against an answer, as the share of all looked-at exchanges that show it.

    `quality` is of prompts that both models were asked: the share on which this one's answer is the worse one in the
    eyes of the shadow's judge, a tie being half of each; it is there only where it was looked at.
    """

    sign: Literal["failed", "left", "unread", "refused", "out_of_form", "other_language", "late", "quality"]
    baseline: EstimateBody | None = Field(description="None where nothing was counted")
    candidate: EstimateBody | None = Field(description="None where nothing was counted")
    harm: float = Field(ge=0, description='E-value against "the candidate is not worse", over the trial; 1e6 at most')
    safe: float = Field(
        ge=0, description='E-value against "worse by the margin", in the last step; of `quality` over the trial'
    )


class CanaryV1(Body):
    """A canary that has ended."""

    route: str
    outcome: Literal["passed", "rolled back", "stopped"]
    why: str = Field(description="What ended it, in one sentence")
    candidate: str = Field(description="Id of the candidate's decision")
    baseline: str = Field(description="Id of the decision of the model that it was held against")
    trial: int = Field(ge=1, description="How often it was started")
    steps: list[Share] = Field(description="Shares of the callers")
    step: int = Field(ge=0, description="The step that it had reached, from 0")
    margin: Share = Field(description="How much worse a rate may be at the most")
    alpha: Share = Field(description="Chance of a false rollback, and of a false advance")
    late_s: float = Field(ge=0, description="What counted as late, seconds; 0 where that was not known yet")
    quality: Literal["looked at", "not looked at"] = Field(
        "not looked at", description="Whether a judge compared answers; where none did, passing says nothing of them"
    )
    began_at: str = Field(description="When the first step began (RFC 3339)")
    ended_at: str = Field(description="When it ended (RFC 3339)")
    signs: list[CanarySignBody]
