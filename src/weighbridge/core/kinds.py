"""The kinds of evidence: one model a kind, each with a published JSON Schema.

A field's description is what `weighbridge explain KIND` prints. None means "not known": looked at, and
the files do not say. A field that ends in a unit is in that unit. Every estimate carries interval and count.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["KINDS", "AnatomyV1", "BehaviourV1", "CardV1", "ComparisonV1", "DecisionV1", "EngineBody", "EstimateBody",
           "FilesV1", "FindingBody", "ItemBody", "LatencyV1", "ScoreV1", "SuiteBody", "schema_of"]  # fmt: skip

Share = Annotated[float, Field(ge=0, le=1)]


class Body(BaseModel):
    """A body refuses what it does not know, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EstimateBody(Body):
    """A measured number with its interval and count."""

    value: float
    low: float = Field(description="Lower end of the interval")
    high: float = Field(description="Upper end of the interval")
    n: int = Field(ge=0, description="Observations behind the value")
    method: str = Field(description="How the interval was made")
    level: Share = 0.95
    unscored: int = Field(0, ge=0, description="Asked, but could not be marked; in no denominator")


class FileBody(Body):
    """One file of the artefact."""

    name: str
    size: int = Field(ge=0, description="Bytes")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class LeftAloneBody(Body):
    """A file that was seen and not inspected."""

    name: str
    reason: str


class FindingBody(Body):
    """One thing that a file check found."""

    check: str = Field(description="Id of the check: `weighbridge explain CHECK`")
    severity: Literal["low", "medium", "high", "critical"]
    confidence: Literal["low", "medium", "high"]
    place: str
    message: str


class SeverityCounts(Body):
    """How many findings of each severity."""

    low: int = 0
    medium: int = 0
    high: int = 0
    critical: int = 0
    total: int = 0


class FilesV1(Body):
    """Every file of the artefact with size and digest, and what the file checks found."""

    name: str
    reference: str = Field(description="What was typed to name the model")
    total_bytes: int = Field(ge=0, description="Bytes of all files together")
    count: int = Field(ge=0, description="Number of files")
    files: list[FileBody]
    left_alone: list[LeftAloneBody] = Field(default_factory=list, description="Seen and not inspected, with the reason")
    checks: list[str] = Field(default_factory=list, description="Ids of the checks that ran")
    findings: list[FindingBody] = Field(default_factory=list)
    findings_by_severity: SeverityCounts = Field(
        default_factory=SeverityCounts, description="Findings counted: `.high`, `.total` ..."
    )


class AnatomyV1(Body):
    """What the model is made of, read from its files without running it."""

    format: Literal["gguf", "safetensors", "config"] = Field(description="Where the figures come from")
    architecture: str | None = Field(default=None, description="The architecture's own name, e.g. `llama`")
    parameters: int | None = Field(
        None, description="Elements of all stored weight tensors, summed from the tensor tables"
    )
    weight_bytes: int | None = Field(default=None, description="Bytes of all stored tensors")
    bits_per_weight: float | None = Field(default=None, description="8 x weight_bytes / parameters")
    tensors: int | None = Field(default=None, description="Number of tensors")
    dtypes: dict[str, int] = Field(default_factory=dict, description="Elements by data type")
    layers: int | None = None
    hidden_size: int | None = None
    heads: int | None = Field(default=None, description="Query heads of a layer")
    kv_heads: int | None = Field(default=None, description="Key-value heads of a layer")
    attention: str | None = Field(default=None, description="MHA, GQA, MQA, MLA, or None where the files do not say")
    experts: int | None = Field(default=None, description="Routed experts of a layer; 0 for a dense model")
    experts_used: int | None = Field(default=None, description="Routed experts a token visits")
    context_length: int | None = Field(default=None, description="Longest sequence in tokens that the files declare")
    vocabulary: int | None = Field(default=None, description="Tokens in the vocabulary")
    chat_template: bool | None = Field(default=None, description="Whether a chat template is stored with the model")
    quantization: str | None = Field(default=None, description="Quantization that the files declare")
    notes: list[str] = Field(
        default_factory=list, description="Disagreements between sources, and what else to know of the figures"
    )


class CardV1(Body):
    """What the model card declares. A declaration, not a fact: a licence tag is never the licence."""

    source: str = Field(description="Where the declarations were read")
    licence: str | None = Field(default=None, description="Licence tag, as declared, in lower case")
    licence_name: str | None = None
    licence_link: str | None = None
    licence_files: list[str] = Field(
        default_factory=list, description="Licence files present; their text is not read yet"
    )
    base_models: list[str] = Field(default_factory=list, description="Declared base models")
    languages: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    library: str | None = None
    notes: list[str] = Field(default_factory=list)


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


class CallsBody(Body):
    """How many questions, requests and answers."""

    asked: int = Field(ge=0, description="Questions of the plan")
    calls: int = Field(ge=0, description="Requests sent in this run, retries included")
    reused: int = Field(ge=0, description="Answers taken from the store")
    failed: int = Field(ge=0, description="Questions without an answer after all retries")
    coverage: Share = Field(description="Share of the questions with an answer")


class ScoreV1(Body):
    """A suite's score: the share of right answers among those that could be marked."""

    suite: SuiteBody
    engine: EngineBody
    form: str = Field(description="Prompt form; scores of different forms are never compared")
    scorer: str
    accuracy: EstimateBody | None = Field(default=None, description="Share right of those marked")
    chance: Share = Field(description="Share right that guessing gives")
    calls: CallsBody
    unscored: dict[str, int] = Field(default_factory=dict, description="Reasons and counts of what could not be marked")
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


class ComparisonV1(Body):
    """Candidate against baseline on the same questions: the paired difference."""

    suite: SuiteBody
    form: str
    baseline: str = Field(description="Digest of the baseline")
    baseline_name: str
    difference: EstimateBody = Field(description="Share right of the candidate minus that of the baseline, paired")
    both: int
    neither: int
    candidate_only: int
    baseline_only: int
    p_value: Share = Field(description="Exact McNemar test of no difference, two-sided")
    flips: list[str] = Field(description="Ids of the questions that only one of the two gets right")


class DecisionV1(Body):
    """A decision as it was made; `weighbridge.decision.decide` says what is in it."""

    decision: dict[str, Any]


DECISION = "decision/v1"

KINDS: dict[str, type[Body]] = {
    "files/v1": FilesV1,
    "anatomy/v1": AnatomyV1,
    "card/v1": CardV1,
    "score/v1": ScoreV1,
    "behaviour/v1": BehaviourV1,
    "latency/v1": LatencyV1,
    "comparison/v1": ComparisonV1,
    DECISION: DecisionV1,
}


def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind's body; raises KeyError for an unknown kind."""
    return KINDS[kind].model_json_schema()
