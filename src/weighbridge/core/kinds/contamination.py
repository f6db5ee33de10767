"""Hints that a model has seen a suite's questions before; hints, never proof."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body, EstimateBody, Share
from weighbridge.core.kinds.measured import EngineBody, SuiteBody  # noqa: TC001 - pydantic reads the fields' types

__all__ = ["ContaminationV1", "HintBody", "ProbeBody"]


class HintBody(Body):
    """One question that looks known by heart: what the suite says, and what the model said."""

    id: str
    expected: str = Field(description="How the suite goes on, cut to 400 characters")
    said: str = Field(description="How the model went on, cut to 400 characters")


class ProbeBody(Body):
    """One probe: the suite beside a control, and how likely that is by chance."""

    probe: Literal["verbatim", "missing-option", "order", "paraphrase"]
    form: str = Field(description="Prompt form")
    found: EstimateBody = Field(description="Share of the suite's questions: repeated, guessed, or right as published")
    control: EstimateBody | None = Field(description="The same share of the control")
    difference: EstimateBody | None = Field(description="Suite minus control; None where the two never differ")
    p_value: Share = Field(description="One-sided: chance of as much or more, were the suite like the control")
    adjusted: Share = Field(description="The same after Holm's correction for the probes made")
    hints: bool = Field(description="Whether the adjusted p-value is at most `alpha`")
    left_out: int = Field(ge=0, description="Questions of the suite that this probe cannot use, or that got no answer")
    method: str
    shows: str = Field(description="What this can show and what it cannot")
    examples: list[HintBody] = Field(default_factory=list)


class ContaminationV1(Body):
    """Probes for questions seen in training.

    None of them proves anything: a model may know a text without its answer, or have learnt from a translation that no
    probe finds. If the suite is to the model as the control is, the chance that any probe hints is at most `alpha`.
    """

    suite: SuiteBody
    engine: EngineBody
    control_name: str = Field(description="Questions taken as unseen; `none` where no probe needed them")
    control_digest: str | None
    alpha: Share
    probes: list[ProbeBody]
    hinting: list[str] = Field(description="Probes that hint; empty is no proof of absence")
    not_done: dict[str, str] = Field(description="Probes that were not made, and why")
    calls: int = Field(ge=0, description="Requests sent")
