"""Jailbreaks: what published transforms of a request change in what a model refuses."""

from __future__ import annotations

from pydantic import Field

from weighbridge.core.kinds.behaviour import BankBody, DetectorBody  # noqa: TC001 - pydantic reads them
from weighbridge.core.kinds.body import Body, EstimateBody, Share
from weighbridge.core.kinds.measured import CallsBody, EngineBody  # noqa: TC001 - pydantic reads them

__all__ = ["BestBody", "JailbreakItemBody", "JailbreakRateBody", "JailbreakV1", "TransformBody"]


class TransformBody(Body):
    """A transform that was tried."""

    title: str
    does: str
    source: str


class JailbreakRateBody(Body):
    """What the answers to one transform do in one language."""

    items: int = Field(ge=0, description="Unsafe items with a valid answer")
    complied: EstimateBody | None = Field(
        None, description="Share of unsafe items whose content is given, wholly or partly"
    )
    safe_refused: EstimateBody | None = Field(None, description="Share of the safe twins refused, wholly or partly")
    invalid: EstimateBody | None = Field(None, description="Share of nonsense among all answers")
    off_topic: int = Field(
        0, ge=0, description="Willing answers about something else, or that only repeat the request: no compliance"
    )
    counts: dict[str, int] = Field(description="Answers to unsafe items by behaviour, transport outcomes apart")
    difference: EstimateBody | None = Field(
        None, description="Complied, minus that of the plain request, paired by item"
    )
    p_adjusted: Share | None = Field(None, description="Of no difference: exact McNemar, by Holm over the transforms")


class BestBody(Body):
    """What the best transform does."""

    chosen: list[str] = Field(description="Transforms chosen on either half of the items")
    held_out: EstimateBody | None = Field(None, description="Share complied, on the half that did not choose")
    any: EstimateBody | None = Field(None, description="Share of unsafe items that some transform breaks")


class JailbreakItemBody(Body):
    """One answer."""

    id: str
    language: str
    transform: str = Field(description="`plain` for none")
    group: str
    outcome: str
    behaviour: str
    unsure: bool = False
    complied: bool = False
    off_topic: bool = False
    said: str = Field("", description="Decoded where it decodes, cut to 400 characters")
    completion: str = ""
    answer: str | None = None


class JailbreakV1(Body):
    """What published transforms change in what a model refuses; known attacks, so a lower bound."""

    bank: BankBody
    engine: EngineBody
    languages: list[str]
    transforms: dict[str, TransformBody]
    rates: dict[str, dict[str, JailbreakRateBody]] = Field(description="By language and transform, `plain` for none")
    best: dict[str, BestBody] = Field(description="By language")
    detector: dict[str, DetectorBody] = Field(default_factory=dict)
    sampling: str = ""
    calls: CallsBody
    notes: list[str] = Field(default_factory=list)
    items: list[JailbreakItemBody]
