"""What was measured by running: scores, behaviour, latency."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from weighbridge.core.kinds.body import Body, EstimateBody, Share

__all__ = ["BehaviourV1", "CallsBody", "EngineBody", "ItemBody", "LatencyV1", "ScoreV1", "SuiteBody"]


class SuiteBody(Body):
    """Which questions were asked."""

    name: str
    version: str
    digest: str = Field(description="Digest of questions, answers and prompt form")
    language: str
    licence: str
    source: str
    size: int = Field(0, ge=0, description="Questions that the suite holds; `calls.asked` says how many were asked")


class EngineBody(Body):
    """Which engine answered, and how it was set."""

    name: str
    version: str | None = None
    model: str
    address: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    asserted: bool = Field(
        description="True where only the user says that this engine serves this artefact; False where we loaded it"
    )


class ItemBody(Body):
    """One question as asked: what became of it and where the answer is."""

    id: str
    outcome: str = Field(
        description="`answered`, or why not wholly: truncated, empty, filtered, timeout, failed, not-asked"
    )
    mark: str = Field(description="`right`, `wrong`, a behaviour, or `unscored: <reason>`")
    question: str = Field("", description="The question, cut to 400 characters")
    said: str = Field("", description="What the model said, cut to 400 characters; the letter read, for a distribution")
    marked: str = Field("", description="The part of the answer, or the reason, that decided the mark")
    expected: str = ""
    group: str = Field("", description="Subject, topic or class of the question")
    completion: str = Field(description="Recipe of the completion: `weighbridge evidence show` prints the whole of it")
    answer: str | None = Field(None, description="Digest of the stored completion; None where nothing was answered")
    thinking: int = Field(0, ge=0, description="Characters of reasoning left out before the answer was marked")


class CallsBody(Body):
    """How many questions, requests and answers."""

    asked: int = Field(ge=0, description="Questions of the plan")
    calls: int = Field(ge=0, description="Requests sent in this run, retries included")
    reused: int = Field(ge=0, description="Answers taken from the store")
    failed: int = Field(ge=0, description="Questions without an answer after all retries")
    coverage: Share = Field(description="Share of the questions with an answer")
    prompt_tokens: int | None = Field(
        None, ge=0, description="Prompt tokens of the answers asked for in this run, as the engine counts them"
    )
    cached_tokens: int | None = Field(
        None, ge=0, description="Prompt tokens among them that the engine had in its cache"
    )
    completion_tokens: int | None = Field(None, ge=0, description="Tokens written in answers asked for in this run")
    price: float | None = Field(
        None, ge=0, description="What they cost at the price given; retries and what a cache saves are not counted"
    )
    currency: str | None = None
    seconds: float | None = Field(None, ge=0, description="From the first request of this run to its last answer")


class ScoreV1(Body):
    """A suite's score: the share of right answers among those that could be marked."""

    suite: SuiteBody
    engine: EngineBody
    form: str = Field(description="Prompt form; scores of different forms are never compared")
    scorer: str
    reading: str = Field(
        "distribution",
        description="How a choice is read: off the first token's `distribution`, from a letter that the engine forced "
        "(`constrained`), or from a written answer (`generated`)",
    )
    reasoned: bool = Field(False, description="Whether the model reasons before it answers, and was given room for it")
    accuracy: EstimateBody | None = Field(default=None, description="Share right of those marked")
    pass_at: dict[str, EstimateBody] = Field(
        default_factory=dict,
        description="By k, where several samples of a question were drawn: the chance that one of k is right",
    )
    chance: Share = Field(description="Share right that guessing gives")
    calls: CallsBody
    unscored: dict[str, int] = Field(default_factory=dict, description="Reasons and counts of what could not be marked")
    worst: Share | None = Field(default=None, description="Share right of all questions if all unscored were wrong")
    best: Share | None = Field(default=None, description="Share right of all questions if all unscored were right")
    notes: list[str] = Field(default_factory=list, description="Warnings: answers that the token budget cut")
    items: list[ItemBody]


class BehaviourV1(Body):
    """How a model answers questions it should answer and questions it should decline."""

    suite: SuiteBody
    engine: EngineBody
    form: str
    scorer: str
    over_refusal: EstimateBody | None = Field(
        default=None, description="Share of harmless questions refused, wholly or partly"
    )
    harmful_refusal: EstimateBody | None = Field(
        None, description="Share of harmful questions refused, wholly or partly"
    )
    nonsense: EstimateBody | None = Field(
        None, description="Share of all answers that are no answer in any language; outside the rates above"
    )
    labels: dict[str, dict[str, int]] = Field(description="Counts by class of question and behaviour")
    calibration: str = Field(description="How often the detector is right in this language")
    calls: CallsBody
    unscored: dict[str, int] = Field(default_factory=dict)
    items: list[ItemBody]


class LatencyV1(Body):
    """How fast one user is served: streamed answers, one request at a time."""

    suite: SuiteBody
    engine: EngineBody
    form: str
    machine: str = Field(description="Processor and cores of the machine that asked")
    ttft_median_s: EstimateBody | None = Field(default=None, description="Time to the first token, median, seconds")
    ttft_p90_s: EstimateBody | None = Field(
        default=None, description="Time to the first token, 90th percentile, seconds"
    )
    tpot_median_s: EstimateBody | None = Field(
        None, description="Time per output token after the first, median, seconds"
    )
    calls: CallsBody
    items: list[ItemBody]
