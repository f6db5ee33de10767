"""Behaviour by language, class and topic, from a bank of matched items or from answers that were imported."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body, EstimateBody, Share
from weighbridge.core.kinds.measured import CallsBody, EngineBody  # noqa: TC001 - pydantic reads them

__all__ = [
    "AnswerBody", "BankBody", "BehaviourComparisonV1", "BehaviourV2", "CellBody", "ContrastBody", "DetectorBody",
    "PairBody", "RateBody", "ServiceBody", "TopicBody",
]  # fmt: skip


class BankBody(Body):
    """Which items were asked."""

    name: str
    version: str
    digest: str
    licence: str
    source: str
    size: int = Field(ge=0, description="Items that the bank holds")


class RateBody(Body):
    """What the answers of one language to one group of items do; nonsense is in no share but `invalid`.

    Where nobody has measured the detector in the language there are counts, and no shares but `invalid` and those that
    hand labels correct. Of `all`, nothing is said of items that should be refused together with items that should not.
    """

    items: int = Field(ge=0, description="Items of the group with a valid answer; draws of an item count once")
    asked: int = Field(0, ge=0, description="Items of the group that were asked, answered or not")
    answered: EstimateBody | None = Field(
        None,
        description="Share of the items asked with a valid answer: empty, open reasoning, filtered, failed, timed out "
        "and nonsense are none",
    )
    counts: dict[str, int] = Field(description="Answers by behaviour, transport outcomes apart")
    refused: EstimateBody | None = Field(None, description="Share refused, wholly or partly")
    avoided: EstimateBody | None = Field(None, description="Share not answered in full: refused, partly or deflected")
    narrative: EstimateBody | None = Field(
        None, description="Share that asserts a state's line in the model's own voice, of the items that have one"
    )
    invalid: EstimateBody | None = Field(None, description="Share of nonsense among all answers that were given")
    corrected: EstimateBody | None = Field(
        None, description="Share refused, corrected by hand labels (prediction-powered); None with fewer than ten"
    )
    corrected_avoided: EstimateBody | None = Field(
        None, description="Share not answered in full, corrected by hand labels in the same way"
    )
    labels: int = Field(0, ge=0, description="Items with a hand label that these corrections rest on, or would")
    observed: Share | None = Field(
        None,
        description="Share refused as counted, of all items asked: what a gate of fixed size looks at, without an "
        "interval",
    )


class TopicBody(Body):
    """One topic in one language."""

    items: int = Field(ge=0)
    avoided: float = Field(ge=0, description="Items not answered in full (a share of an item where several were drawn)")
    narrative: int = Field(ge=0, description="Items with a state's line in the model's own voice")
    pooled: EstimateBody | None = Field(None, description="Share avoided, by partial pooling over topics")


class ContrastBody(Body):
    """One difference of shares, from matched items."""

    what: Literal["language-gap", "sensitive-control", "difference-in-differences", "to-baseline"]
    outcome: Literal["avoided", "refused", "narrative", "silent"] = Field(
        description="`silent` is no valid answer: nonsense or none at all, of every item asked"
    )
    group: str = Field(description="Group of items: a class, or `sensitive-CN` for items about one jurisdiction")
    language: str
    reference: str = Field("", description="Language that is taken off; empty within one language")
    estimate: EstimateBody | None = Field(None, description="Difference of shares, with its interval; None: too few")
    here_only: int | None = Field(None, description="Items with the outcome only here, where items are paired")
    there_only: int | None = Field(None, description="Items with the outcome only on the other side")
    p: Share | None = Field(None, description="Of no difference: exact McNemar at one draw, else by the interval")
    p_adjusted: Share | None = Field(
        None,
        description="By Holm over its kind and outcome; the headlines, named beforehand, over themselves alone",
    )
    equivalence: Literal["equivalent", "different"] | None = Field(
        None,
        description="Whether the gap is shown to lie within the margin, by two one-sided tests; None: neither is "
        "shown, or more than one item in ten is left out",
    )
    margin: Share | None = Field(None, description="What equivalence was tested against; None where it was not tested")
    left_out: int = Field(0, ge=0, description="Items or forms without a valid answer on every side")


class DetectorBody(Body):
    """How far the labels of one language can be trusted."""

    n: int = Field(ge=0, description="Labelled answers that this was measured on; 0 is not measured")
    answers: str = Field("", description="Which answers these were, and who labelled them")
    recall: EstimateBody | None = Field(None, description="Share of refusals, whole or partial, that were found")
    specificity: EstimateBody | None = Field(None, description="Share of other answers that were left alone")
    deflections: EstimateBody | None = Field(
        None,
        description="Share of the answers that hand labels of this run call refused, partly or deflected, that were "
        "found to be one of these; None: not measured",
    )


class AnswerBody(Body):
    """One answer, what it does, and where it is."""

    id: str
    language: str = Field(description="Language it was asked in (BCP 47)")
    draw: int = Field(0, ge=0)
    group: str
    topic: str = ""
    about: str = ""
    form: str = ""
    outcome: str = Field(description="`answered`, or why not wholly: truncated, empty, filtered, timeout, failed")
    behaviour: str = Field(description="One of the five behaviours; empty where there is no answer to judge")
    unsure: bool = False
    score: Share = Field(0, description="Chance that it refuses, wholly or partly")
    flags: list[str] = Field(default_factory=list)
    decided_by: Literal["detector", "judge", "hand"] = "detector"
    question: str = Field("", description="Cut to 400 characters")
    said: str = Field("", description="Cut to 400 characters")
    marked: str = Field("", description="The words that decided")
    key: str = Field("", description="Digest of language, question and answer: what hand labels are tied to")
    completion: str = Field("", description="Recipe of the stored completion; empty for imported answers")
    answer: str | None = Field(None, description="Digest of the stored completion")


class BehaviourV2(Body):
    """What a model refuses, evades and says in its own voice, by language."""

    bank: BankBody
    engine: EngineBody | None = Field(None, description="None where answers were imported")
    origin: str = Field("asked", description="`asked`, or the file that the answers came from")
    languages: list[str]
    reference: str = Field(description="Language that the others are compared with")
    rates: dict[str, dict[str, RateBody]] = Field(description="By language and group of items")
    topics: dict[str, dict[str, TopicBody]] = Field(default_factory=dict, description="By topic and language")
    contrasts: dict[str, ContrastBody] = Field(default_factory=dict)
    headline: str | None = Field(None, description="The first of `headlines`")
    headlines: list[str] = Field(
        default_factory=list,
        description="The contrasts that answer whether it avoids its own state's matters: one for each language beside "
        "the reference, in the order asked; where too many items have no valid answer there is none, and a note",
    )
    instability: dict[str, EstimateBody] = Field(
        default_factory=dict, description="Share of repeated items whose behaviour changes between draws, by language"
    )
    flags: dict[str, dict[str, int]] = Field(default_factory=dict, description="Answers by language and flag")
    transport: dict[str, dict[str, int]] = Field(
        default_factory=dict, description="Answers by language and what became of the request"
    )
    detector: dict[str, DetectorBody] = Field(default_factory=dict)
    unsure: dict[str, int] = Field(default_factory=dict, description="Answers in the unsure band, by language")
    labelled: dict[str, int] = Field(default_factory=dict, description="Answers with a hand label, by language")
    judge: str | None = Field(None, description="Model that judged the unsure answers, blind")
    sampling: str = Field("", description="Temperature, draws and token budget")
    calls: CallsBody | None = None
    notes: list[str] = Field(default_factory=list)
    items: list[AnswerBody]


class CellBody(Body):
    """One topic in one language, two models on the same items."""

    items: int = Field(ge=0, description="Items that both answered")
    candidate: float = Field(ge=0, description="Items that the candidate avoided")
    baseline: float = Field(ge=0, description="Items that the baseline avoided")


class PairBody(Body):
    """One question on which two models differ, with both answers."""

    id: str
    language: str
    topic: str = ""
    group: str = ""
    question: str
    candidate: str = Field(description="Behaviour of the candidate")
    baseline: str = Field(description="Behaviour of the baseline")
    candidate_flags: list[str] = Field(default_factory=list)
    baseline_flags: list[str] = Field(default_factory=list)
    candidate_said: str = ""
    baseline_said: str = ""


class ServiceBody(Body):
    """The same items on two hosts: whether it is the same model, and whether a filter stands in front."""

    items: int = Field(ge=0, description="Answers compared: same item, language and draw")
    identical: EstimateBody | None = Field(None, description="Share of answers that are the same to the character")
    agreeing: EstimateBody | None = Field(None, description="Share of answers with the same behaviour")
    noise: EstimateBody | None = Field(
        None, description="Share of answers that the first host itself repeats to the character, asked twice"
    )
    steady: EstimateBody | None = Field(
        None, description="Share of answers whose behaviour the first host itself repeats, asked twice"
    )
    filtered_here: int = Field(0, ge=0, description="Filtered by the first host and answered by the second")
    filtered_there: int = Field(0, ge=0, description="Filtered by the second host and answered by the first")
    silent_here: int = Field(
        0, ge=0, description="Answered by the second host; the first is empty, fails, times out or never ends reasoning"
    )
    silent_there: int = Field(
        0, ge=0, description="Answered by the first host; the second is empty, fails, times out or never ends reasoning"
    )
    canned_here: int = Field(0, ge=0, description="Canned refusals of the first host that the second answers")
    canned_there: int = Field(0, ge=0, description="Canned refusals of the second host that the first answers")
    filter_p: Share | None = Field(None, description="Of as many on either side: exact McNemar")
    verdict: Literal["same behaviour", "different behaviour", "filter in front", "not shown"]
    reason: str


class BehaviourComparisonV1(Body):
    """Two models on the same items, or one model on two hosts: where they behave differently."""

    relation: Literal["baseline", "service"]
    bank: BankBody
    candidate_name: str
    baseline_name: str
    baseline: str = Field(description="Artefact of the other side")
    languages: list[str]
    differences: dict[str, ContrastBody]
    topics: dict[str, dict[str, CellBody]] = Field(default_factory=dict, description="By topic and language")
    differing: int = Field(0, ge=0, description="Questions on which the two differ")
    pairs: list[PairBody] = Field(default_factory=list, description="The first of these, with both answers")
    service: ServiceBody | None = None
    notes: list[str] = Field(default_factory=list)
