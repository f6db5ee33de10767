"""Which licences are in force for an artefact, from where, what they say, and what they ask of a use."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body

__all__ = ["AnswerWord", "ConflictBody", "DifferenceBody", "DutyKind", "Effect", "ForceBody", "GateBody", "LicenceV1",
           "TermBody", "ThresholdBody", "WhenBody"]  # fmt: skip

AnswerWord = Literal["allowed", "allowed with duties", "a human must decide", "needs a licence", "forbidden"]
Effect = Literal["duty", "ask", "needs-licence", "forbidden"]
DutyKind = Literal["notice", "naming", "display", "policy", "register", "other"]
Basis = Literal["text", "declared", "known family"]

Place = Annotated[str, Field(pattern="^([A-Z]{2}|EU)$")]


class ThresholdBody(Body):
    """A figure above which something follows: whose, of what, counted when."""

    subject: Literal["product", "group"] = Field(
        description="product: what the model is used for; group: all products of the licensee and its affiliates"
    )
    measure: Literal["monthly users", "daily users", "monthly revenue", "annual revenue"]
    amount: float = Field(ge=0, description="More than this")
    unit: Literal["users", "USD"]
    moment: Literal["at release", "ongoing", "at application"] = Field(
        description="at release: counted once, on the release date of the model's version"
    )


class WhenBody(Body):
    """What must be true of the use for a clause to bite: everything that is given here."""

    commercial: bool | None = Field(default=None, description="The use aims at gain")
    business: bool | None = Field(default=None, description="The same, internal work of a business included")
    offer: list[Literal["internal", "product", "hosted-api", "resale", "assistant"]] = Field(default_factory=list)
    to_others: bool | None = Field(default=None, description="People outside the company use it")
    distributes: bool | None = Field(default=None, description="Weights, changed or not, are handed to others")
    fine_tunes: bool | None = None
    trains_models: bool | None = Field(default=None, description="Model or outputs serve to train another model")
    seat: list[Place] = Field(default_factory=list, description="The company's seat is in one of these")
    users: list[Place] = Field(default_factory=list, description="Users are in one of these")
    fields: list[str] = Field(default_factory=list, description="The use touches one of these fields")
    multimodal: bool | None = Field(default=None, description="The model takes more than text")
    above: list[ThresholdBody] = Field(default_factory=list, description="Any one of these is passed")


class GateBody(Body):
    """One clause, and what follows for a use that meets it."""

    term: str = Field(description="The column of the terms that it belongs to")
    effect: Effect
    duty: DutyKind | None = None
    says: str = Field(description="The duty, the question, or what is forbidden, in one line")
    when: WhenBody = WhenBody()
    licence: str = Field(default="", description="Id of the licence")
    licensor: str = Field(default="", description="Who can grant what is missing")
    clause: str = ""
    quote: str = Field(default="", description="The clause, verbatim; empty where the question is ours")
    source: str = Field(default="", description="Where this licence comes into force from")


class TermBody(Body):
    """What is known of one term."""

    value: str | None = Field(default=None, description="Empty: not in the text. None: not known, `reason` says why")
    clause: str = ""
    quotes: list[str] = Field(default_factory=list, description="The clause, verbatim")
    licence: str | None = None
    source: str = Field(default="", description="Where the licence comes into force from")
    reason: str | None = Field(default=None, description="Why it is not known, or that it was read from the text")


class DifferenceBody(Body):
    """One difference between a text and the reference that it was compared with."""

    kind: str
    text: str
    reference: str
    material: bool


class ForceBody(Body):
    """One licence that bears on the artefact, and where it comes from."""

    source: str = Field(description="File, tag, base model or data set, by name")
    role: Literal["weights", "code", "policy", "base", "dataset", "tag"]
    basis: Basis = Field(description="text: the text was read here; declared: somebody says so; known family: by name")
    licence: str | None = Field(default=None, description="Id of the licence; None where it cannot be named")
    name: str | None = None
    verdict: str | None = Field(default=None, description="How a text stands to the reference; None without a text")
    revision: str | None = None
    nearest: str | None = None
    differences: list[DifferenceBody] = Field(default_factory=list)
    verified_on: str | None = Field(default=None, description="Day on which our terms were last read against the text")


class ConflictBody(Body):
    """Two sources that cannot both be right, by name."""

    name: str = Field(description="Such as `file-against-tag`, `tag-against-base`, `title-against-body`")
    message: str


class LicenceV1(Body):
    """The licences in force along the chain: files, tag, base models, data sets. Not legal advice."""

    licences: list[str] = Field(default_factory=list, description="Ids of the licences whose text was read, unaltered")
    in_force: list[ForceBody] = Field(
        default_factory=list, description="Every licence that bears on it, and from where"
    )
    text_found: bool = Field(description="Whether a licence text for the weights was read; a tag is never the licence")
    terms: dict[str, TermBody] = Field(default_factory=dict, description="The strictest answer per term")
    gates: list[GateBody] = Field(default_factory=list, description="Clauses in a form that a use is judged by")
    multimodal: bool | None = Field(default=None, description="Whether the files show more than text as input")
    conflicts: list[ConflictBody] = Field(default_factory=list)
    conflicts_found: int = Field(0, ge=0, description="Number of conflicts")
    questions: list[str] = Field(default_factory=list, description="What a human must answer whatever the use")
    answer: AnswerWord | None = Field(
        default=None,
        description="Whether the policy's intended use is allowed; found at the decision, never in evidence",
    )
    advice: Literal["not legal advice"] = "not legal advice"
