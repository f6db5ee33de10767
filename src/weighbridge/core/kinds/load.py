"""Under load: what many users at once would wait for, service levels, and how it compares with another model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body, EstimateBody, Share
from weighbridge.core.kinds.measured import EngineBody  # noqa: TC001 - pydantic reads the fields' types

__all__ = [
    "AgainstBody", "BeyondBody", "LoadV1", "PointBody", "QuantilesBody", "RooflineBody", "SloBody", "SlowerBody",
    "TrafficBody",
]  # fmt: skip

Verdict = Literal["met", "not met", "undecided"]


class BeyondBody(Body):
    """A percentile of which an end of the interval lies beyond the time-out; None is beyond it."""

    value: float | None
    low: float | None


class QuantilesBody(Body):
    """Percentiles with block-bootstrap intervals; None where too few requests (p99: 1,000) or blocks (10) tell them.

    A request that failed or timed out is slower than every other.
    """

    p50: EstimateBody | None = None
    p90: EstimateBody | None = None
    p95: EstimateBody | None = None
    p99: EstimateBody | None = None
    beyond: dict[str, BeyondBody] = Field(
        default_factory=dict, description="Percentiles whose interval reaches beyond the time-out; they are None above"
    )


class SloBody(Body):
    """One service level, decided by an e-process over blocks of time; a false verdict has probability `alpha`."""

    limit_s: float = Field(description="Seconds")
    allowed: Share = Field(description="Share of requests that may exceed it")
    verdict: Verdict
    alpha: Share
    exceeded: EstimateBody | None = Field(
        description="Share of the requests that exceeded; the mean over blocks of time"
    )
    requests: int = Field(ge=0, description="Requests in those blocks")
    blocks: int = Field(ge=0, description="Blocks that the test has seen at its verdict")
    alike: bool = Field(
        False, description="Whether neighbouring blocks fared too much alike for a verdict: it takes longer blocks"
    )
    correlation: float | None = Field(
        None, description="Rank correlation of the medians of neighbouring blocks; None below ten blocks"
    )
    log_e_met: float = Field(description="Natural logarithm of the evidence for `met`")
    log_e_not_met: float = Field(description="Natural logarithm of the evidence for `not met`")


class PointBody(Body):
    """One stretch of load."""

    loop: Literal["open", "closed"] = Field(
        description="`open`: Poisson arrivals, timed from when they were due; `closed`: users who wait, hiding stalls"
    )
    rate: float | None = Field(description="Requests a second that were due; None in a closed loop")
    users: int | None = Field(description="Users at once; None in an open loop")
    seconds: float = Field(ge=0, description="Measured, after the warm-up")
    warmup_s: float
    valid: bool = Field(description="Whether these figures are the server's and not our own client's")
    invalid_because: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    stopped: str = Field("", description="Why before its time: interrupted, decided, budget")
    requests: int = Field(ge=0, description="Requests measured")
    errors: int = Field(ge=0)
    timeouts: int = Field(ge=0)
    unfinished: int = Field(ge=0, description="Under way when somebody stopped the run: in no figure")
    failures: dict[str, int] = Field(default_factory=dict, description="The most frequent errors")
    short: int = Field(ge=0, description="Answers with fewer tokens than were asked for")
    ttft: QuantilesBody = Field(description="Time to the first token, seconds")
    tpot: QuantilesBody = Field(description="Time per output token after the first, (end to end - TTFT) / (n - 1)")
    gap: QuantilesBody = Field(description="The longest wait between two pieces of each answer, seconds")
    e2e: QuantilesBody = Field(description="Time to the whole answer, seconds")
    per_token: QuantilesBody = Field(description="Time to the whole answer over its tokens, seconds")
    output_tokens_s: float | None = Field(description="Tokens of the answers that ended in the measured time, a second")
    input_tokens_s: float | None = Field(None, description="Prompt tokens of the same, where the server counts them")
    cached_share: Share | None = Field(None, description="Share of the prompt tokens that the server had in its cache")
    answers_s: float = Field(ge=0, description="Whole answers a second")
    goodput: EstimateBody | None = Field(None, description="Share of requests that met all service levels at once")
    slo: dict[str, SloBody] = Field(default_factory=dict)
    in_flight: float | None = Field(description="Requests under way, mean")
    growth: float | None = Field(description="Requests a second by which the queue grew (slope of requests under way)")
    growing: bool = Field(
        description="Whether it grew by more than 5% of the rate: latencies then only say how long we looked"
    )
    lag_p99_s: float | None = Field(description="How late our client sent requests, 99th percentile, seconds")
    loop_lag_p99_s: float | None = Field(description="How late our client read the clock, 99th percentile, seconds")
    client_cpu: float = Field(ge=0, description="CPU seconds of our client a second")
    usd_per_million_output: float | None = Field(
        None, description="Dollars a million output tokens at the device price given"
    )


class TrafficBody(Body):
    """What was asked."""

    shapes: list[str] = Field(description="Tokens in and out and weight of each kind of request, `512:128@1`")
    form: str
    max_tokens: str = Field("as in shapes", description="How the length of answers was set")
    ignore_eos: bool = Field(description="Whether the server was told to go on after the end of an answer")
    shared_tokens: int = Field(ge=0, description="Tokens that all prompts begin with; 0: no prefix cache can help")
    seed: int
    timeout_s: float


class SlowerBody(Body):
    """Whether at most 5% of the candidate's requests take longer than `allowed` times the baseline's p95."""

    metric: str
    allowed: float = Field(description="1.2: not more than 20% slower")
    verdict: Verdict
    alpha: Share
    blocks: int = Field(ge=0)


class AgainstBody(Body):
    """Beside another model at the same rate: blocks in the order A B B A, the same words asked of both."""

    baseline: str = Field(description="Digest of the baseline")
    baseline_name: str
    baseline_engine: EngineBody
    rounds: int = Field(ge=0, description="Whole ABBA rounds")
    baseline_point: PointBody
    ratios: dict[str, QuantilesBody] = Field(description="Candidate's percentile over the baseline's, by metric")
    slower: dict[str, SlowerBody] = Field(description="By metric")


class RooflineBody(Body):
    """The measured speed beside what the devices could do at most, by `weighbridge fit`."""

    device: str
    devices: int = Field(ge=1)
    sequences: int = Field(ge=1, description="Sequences at once that the bound is for")
    bound_tokens_s: float = Field(description="Output tokens a second at most")
    measured_tokens_s: float
    share: float = Field(description="Measured over bound")
    binds: str


class LoadV1(Body):
    """A served model under load. The figures at the top are those of one stretch, `headline`."""

    engine: EngineBody
    machine: str = Field(description="Processor and cores of the machine that asked")
    traffic: TrafficBody
    headline: PointBody = Field(
        description="The stretch at the highest rate that met all service levels, else at the lowest rate measured"
    )
    points: list[PointBody] = Field(description="All stretches, in the order measured")
    valid: bool = Field(description="Whether the headline's figures are the server's and not our own client's")
    slo: dict[str, SloBody] = Field(default_factory=dict, description="Of the headline, by metric")
    best_rate: float | None = Field(
        None,
        description="Highest rate measured at which all service levels were met; None: none was, or none was asked",
    )
    against: AgainstBody | None = None
    roofline: RooflineBody | None = None
    list_prices: dict[str, float] = Field(
        default_factory=dict, description="What hosts ask for a million output tokens, dollars, by host"
    )
