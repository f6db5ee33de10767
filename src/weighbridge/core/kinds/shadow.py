"""A candidate beside the primary on real traffic, as far as a verdict."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body, EstimateBody, Share

__all__ = ["RatioBody", "ShadowV1"]


class RatioBody(Body):
    """The candidate's number over the primary's, prompt by prompt: the median and the 90th percentile."""

    median: float
    median_low: float = Field(description="Lower end of the median's interval, which holds at any time")
    median_high: float
    p90: float
    p90_low: float
    p90_high: float
    n: int = Field(ge=0, description="Prompts on which both numbers are known")


class ShadowV1(Body):
    """Real prompts, sampled by hash, that a candidate answered beside the primary; nobody was sent its answers.

    `preference` is the mean over sampled prompts of 1 where the candidate's answer is better, 0 where it is worse and
    0.5 where they tie: equal answers tie and a candidate that fails loses by definition, the others were judged with
    known chances. The verdict is that of a test that may be looked at at any time: "not worse" says that neither the
    preference nor any sign of harm (failed, refused, malformed, another language, cut off) is worse by more than
    `margin`. "Not looked at" withdraws an earlier one: its judge went by the place an answer was shown in. Rates
    are of prompts on which only one of the two models did it.
    """

    route: str
    baseline: str = Field(description="Id of the decision that the primary is served on")
    baseline_model: str = Field(description="The primary's name at its server")
    candidate: str = Field(description="Id of the decision that admits the candidate")
    candidate_model: str = Field(description="The candidate's name at its server")
    judge: str = Field(description="The judge's name at its server")
    instruction: str = Field(description="Digest of what judges are told")
    scoring: int = Field(ge=1, description="The way in which pairs are scored")
    verdict: Literal["not worse", "worse", "not looked at"]
    margin: Share = Field(description="The largest loss of preference that is accepted")
    error: Share = Field(description="The chance of a wrong verdict, at most")
    preference: EstimateBody | None = Field(description="None where nobody looked at which answers are better")
    since: str = Field(description="When the first pair was scored (RFC 3339)")
    until: str = Field(description="When the verdict was reached, or withdrawn")
    shadowed: int = Field(ge=0, description="Prompts that both models were asked")
    counted: int = Field(ge=0, description="Of these, those that the preference is about")
    gaps: int = Field(ge=0, description="Of these, those that came while no judge could be asked")
    unavailable: int = Field(ge=0, description="Of these, those for which the candidate's server was not there or busy")
    judged: int = Field(ge=0, description="Pairs that a judge was asked about")
    unread: int = Field(ge=0, description="Of these, replies without a verdict: against either side in the interval")
    failed: EstimateBody | None = Field(None, description="Prompts that the candidate failed on")
    refused_by_candidate: EstimateBody | None = None
    refused_by_baseline: EstimateBody | None = None
    malformed_by_candidate: EstimateBody | None = Field(None, description="Not in the form asked for")
    malformed_by_baseline: EstimateBody | None = None
    language_changed_by_candidate: EstimateBody | None = Field(None, description="Not in the language of the prompt")
    language_changed_by_baseline: EstimateBody | None = None
    shown_first: EstimateBody | None = Field(
        None, description="Decisive verdicts for the answer shown first: a fair judge's share is one half"
    )
    length_ratio: RatioBody | None = None
    total_time_ratio: RatioBody | None = None
    first_token_ratio: RatioBody | None = None
    usd: float = Field(ge=0, description="What candidate, embeddings and judge cost; 0 where no price is known")
