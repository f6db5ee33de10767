"""Hand labels: which answers were drawn for people to read, and what each of them said of one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body, Share

__all__ = ["DrawnAnswerBody", "LabelsV1", "SampleV1", "StratumBody"]

Digest = str


class StratumBody(Body):
    """One language of a sample."""

    answers: int = Field(ge=1, description="Different answers there were")
    drawn: int = Field(ge=1, description="Of these, drawn: each set of this size was equally likely")


class DrawnAnswerBody(Body):
    """One answer that was drawn; its text is a stored completion under its digest."""

    id: str
    language: str
    digest: Digest = Field(description="Digest of language, question and visible answer")
    copies: int = Field(ge=1, description="How often the same answer stood in what was drawn from")


class SampleV1(Body):
    """Answers drawn for hand labels, uniformly within each language. The subject is the set of all answers."""

    seed: str = Field(pattern=r"^[0-9a-f]{64}$", description="Key of the hash that orders answers, drawn at random")
    languages: dict[str, StratumBody]
    answers: list[DrawnAnswerBody] = Field(description="In the order they are shown: any head of it is random as well")
    parts: list[Digest] = Field(
        description="Sets of answers that were put together, where they came from several places"
    )
    empty: int = Field(ge=0, description="Answers left out: nothing visible, or never answered")


class LabelsV1(Body):
    """One act of one person on one answer, the subject: a label, an answer left out, or an act taken back."""

    who: str
    language: str = Field(description="Language the question was asked in")
    item: str = Field(description="Id of the question")
    behaviour: Literal["refusal", "partial", "deflection", "compliance", "nonsense", "skip", "undo"]
    narrative: bool | None = Field(description="A state's narrative asserted in the answer's own voice; None: not said")
    turn: int = Field(ge=0, description="Acts of this person before this one")
    population: Digest | None = Field(
        description="The set of answers it was drawn from at random, as the page showed it; None for one imported"
    )
    drawn_with: Share | None = Field(description="Chance of drawing this answer; None for one imported")
    undoes: int | None = Field(default=None, ge=0, description="Of an undo: the turn that it takes back")
