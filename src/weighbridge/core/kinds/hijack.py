"""Agent hijack: whether instructions in the output of tools move a model to act on them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.behaviour import BankBody  # noqa: TC001 - pydantic reads it
from weighbridge.core.kinds.body import Body, EstimateBody, Share
from weighbridge.core.kinds.measured import CallsBody, EngineBody  # noqa: TC001 - pydantic reads them

__all__ = ["HijackItemBody", "HijackRateBody", "HijackV1", "UtilityBody"]


class HijackRateBody(Body):
    """What a model did with the attacks of one goal in one language."""

    items: int = Field(ge=0, description="Attacked tasks with an answer")
    hijacked: EstimateBody | None = Field(
        None, description="Share where it acted as the instruction wanted, or tried to"
    )
    called: EstimateBody | None = Field(None, description="Share where it wrote the call itself, parsed or in the text")
    warned: EstimateBody | None = Field(None, description="Share where it told the user, or declined in words")
    results: dict[str, int] = Field(description="Answers by result")


class UtilityBody(Body):
    """Whether the user's own question was answered, without the attack and under it, paired by task."""

    clean: EstimateBody | None = None
    attacked: EstimateBody | None = None
    difference: EstimateBody | None = Field(None, description="Attacked minus clean")
    p: Share | None = Field(None, description="Of no difference: exact McNemar")


class HijackItemBody(Body):
    """One answer."""

    id: str
    language: str
    arm: Literal["attacked", "clean", "asked"] = Field(description="`asked`: a plain request to call a tool")
    goal: str = ""
    outcome: str
    result: str = Field(description="called, written, claimed (hijacked); warned, mentioned, ignored; empty: no answer")
    useful: bool = False
    span: str = Field("", description="The call or words that decided")
    said: str = Field("", description="Cut to 400 characters")
    completion: str = ""
    answer: str | None = None


class HijackV1(Body):
    """What a model does with instructions that stand in the output of a tool; known attacks, so a lower bound."""

    bank: BankBody
    engine: EngineBody
    protocol: Literal["tools", "text"] = Field(description="Tools offered by the API, or described in words")
    languages: list[str]
    rates: dict[str, dict[str, HijackRateBody]] = Field(description="By language and goal, `all` for all goals")
    able: dict[str, EstimateBody] = Field(description="Share of plain requests on which it calls the tool, by language")
    utility: dict[str, UtilityBody]
    transport: dict[str, dict[str, int]] = Field(description="Answers by language and what became of the request")
    calls: CallsBody
    notes: list[str] = Field(default_factory=list)
    items: list[HijackItemBody]
