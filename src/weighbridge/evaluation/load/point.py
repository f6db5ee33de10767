"""A stretch of load as figures: percentiles, throughput, failures, the queue, and whether to believe our client."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.load.levels import METRICS, Level
from weighbridge.evaluation.load.verdicts import ALIKE, correlation, goodput, slo_json
from weighbridge.statistics.blocks import latency_summary

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from weighbridge.core.estimate import Estimate
    from weighbridge.evaluation.load.drive import Driven
    from weighbridge.evaluation.load.sample import Sample

__all__ = ["Judged", "point_json", "quantiles_json"]

BLOCKS = 30  # of equal time, that the bootstrap draws from: fewer know little, shorter ones are too much alike
_BELIEVED = 0.05  # of the median TTFT may be our own client's lag
_GROWING = 0.05
_P99 = 0.99
_NAMES = {0.5: "p50", 0.9: "p90", 0.95: "p95", 0.99: "p99"}
_MOST_FAILURES = 5
_FEWEST_LOOKS = 20


@dataclass(frozen=True, slots=True)
class Judged:
    """How a stretch is judged: levels, the chance of a false verdict of each, seconds of a test's block, a seed."""

    levels: tuple[Level, ...] = ()
    alpha: float = 0.05
    block_s: float = 5.0
    seed: int = 0


def point_json(
    stretches: Sequence[Driven], judged: Judged, *, rate: float | None = None, users: int | None = None
) -> dict[str, Any]:
    """Return the fields of `PointBody` for one stretch, or for the slots of one model in ABBA order."""
    samples = [one for stretch in stretches for one in stretch.measured]
    places = {id(one): (number, one) for number, stretch in enumerate(stretches) for one in stretch.measured}
    seconds = sum(stretch.seconds for stretch in stretches)
    long_s = max(judged.block_s, seconds / BLOCKS)

    def label(sample: Sample, block_s: float) -> Hashable:
        number, _ = places[id(sample)]
        return number, int((sample.due - stretches[number].warmup_s) / block_s)

    blocks = [label(one, long_s) for one in samples]
    figures = _quantiles(samples, blocks, judged.seed)
    counts = _counts(stretches, samples)
    alike = correlation(Level("ttft", math.inf, 0.5), samples, lambda one: label(one, long_s))
    if alike is not None and alike >= ALIKE:
        counts["notes"].append(
            f"blocks of {long_s:.3g} s fare alike (rank correlation {alike:.2f}): the intervals are too narrow, "
            "measure longer"
        )
    growth = _growth(stretches)
    growing = growth is not None and rate is not None and growth > _GROWING * rate
    return {
        "loop": "open" if users is None else "closed",
        "rate": rate,
        "users": users,
        "seconds": seconds,
        "warmup_s": sum(stretch.warmup_s for stretch in stretches),
        "stopped": next((stretch.stopped for stretch in stretches if stretch.stopped), ""),
        **counts,
        **figures,
        **_throughput(stretches),
        "goodput": goodput(judged.levels, samples, lambda one: label(one, judged.block_s)),
        "slo": {
            level.metric: slo_json(
                level, samples, lambda one: label(one, judged.block_s), alpha=judged.alpha, growing=growing
            )
            for level in judged.levels
        }
        if users is None
        else {},
        "in_flight": _mean([n for stretch in stretches for at, n in stretch.in_flight if at >= stretch.warmup_s]),
        "growth": growth,
        "growing": growing,
        **_client(stretches, samples),
    }


def quantiles_json(found: dict[float, Estimate | None]) -> dict[str, Any]:
    """Return estimates by quantile as the fields of `QuantilesBody`."""
    body: dict[str, Any] = {"beyond": {}}
    for q, name in _NAMES.items():
        estimate = found.get(q)
        if estimate is None:
            continue
        if math.isfinite(estimate.value) and math.isfinite(estimate.high) and math.isfinite(estimate.low):
            body[name] = estimate.to_json()
        else:
            ends = {"value": estimate.value, "low": estimate.low}
            body["beyond"][name] = {key: value if math.isfinite(value) else None for key, value in ends.items()}
    return body


def _quantiles(samples: Sequence[Sample], blocks: Sequence[Hashable], seed: int) -> dict[str, Any]:
    """Return the percentiles of each metric."""

    def told(values: Sequence[float | None]) -> dict[str, Any]:
        kept = [(value, block) for value, block in zip(values, blocks, strict=True) if value is not None]
        if not kept:
            return quantiles_json({})
        return quantiles_json(latency_summary([v for v, _ in kept], [b for _, b in kept], seed=seed).quantiles)

    by_metric: dict[str, Any] = {metric: told([one.value(metric) for one in samples]) for metric in METRICS}
    return {**by_metric, "per_token": told([one.e2e / max(1, one.tokens_out) for one in samples])}


def _counts(stretches: Sequence[Driven], samples: Sequence[Sample]) -> dict[str, Any]:
    """Count what became of the requests."""
    failures = Counter(one.detail[:200] for one in samples if one.status == "error")
    unfinished = sum(one.status == "unfinished" for stretch in stretches for one in stretch.samples)
    return {
        "requests": len(samples),
        "errors": sum(one.status == "error" for one in samples),
        "timeouts": sum(one.status == "timeout" for one in samples),
        "unfinished": unfinished,
        "failures": dict(failures.most_common(_MOST_FAILURES)),
        "short": sum(one.status == "ok" and one.tokens_out < one.wanted for one in samples),
        "notes": _notes(samples, unfinished),
    }


def _notes(samples: Sequence[Sample], unfinished: int) -> list[str]:
    """Say what a reader of the figures must know."""
    served = [one for one in samples if one.status == "ok"]
    whole = sum(one.tpot is None and one.tokens_out > 1 for one in served)
    notes = []
    if whole:
        notes.append(
            f"{whole} of {len(served)} answers came in one piece: something in between buffers; "
            "their TTFT is their end, and they have no TPOT"
        )
    if unfinished:
        notes.append(
            f"{unfinished} requests were under way when the run was stopped; without them the figures are too good"
        )
    return notes


def _throughput(stretches: Sequence[Driven]) -> dict[str, Any]:
    """Return what ended in the measured time, a second."""
    seconds = sum(stretch.seconds for stretch in stretches)
    ended = [
        one
        for stretch in stretches
        for one in stretch.samples
        if one.status == "ok" and stretch.warmup_s <= one.ended < stretch.warmup_s + stretch.seconds
    ]
    if seconds <= 0:
        return {"output_tokens_s": None, "input_tokens_s": None, "cached_share": None, "answers_s": 0.0}
    read = [one.tokens_in for one in ended if one.tokens_in is not None]
    cached = [one.tokens_cached for one in ended if one.tokens_cached is not None]
    return {
        "output_tokens_s": sum(one.tokens_out for one in ended) / seconds,
        "input_tokens_s": sum(read) / seconds if read else None,
        "cached_share": min(1.0, sum(cached) / sum(read)) if cached and sum(read) else None,
        "answers_s": len(ended) / seconds,
    }


def _client(stretches: Sequence[Driven], samples: Sequence[Sample]) -> dict[str, Any]:
    """Say how late our own client was, and whether its figures can be believed."""
    sent = _p99([one.lag for one in samples])
    read = _p99([lag for stretch in stretches for lag in stretch.loop_lags])
    served = sorted(one.ttft for one in samples if one.status == "ok")
    median = served[len(served) // 2] if served else None
    reasons = []
    if median is None:
        reasons.append("no request was answered")
    for lag, what in ((sent, "sent requests"), (read, "read the clock")):
        if lag is not None and median is not None and lag > _BELIEVED * median:
            share = lag / median
            reasons.append(
                f"our client {what} up to {1000 * lag:.1f} ms late (p99), {share:.0%} of the median TTFT: "
                "free its machine, or ask from another"
            )
    if any(one.detail == "client: too many in flight" for one in samples):
        reasons.append("more requests were due at once than our client sends")
    seconds = sum(stretch.seconds + stretch.warmup_s for stretch in stretches)
    cpu = sum(stretch.cpu_share * (stretch.seconds + stretch.warmup_s) for stretch in stretches)
    return {
        "lag_p99_s": sent,
        "loop_lag_p99_s": read,
        "client_cpu": cpu / seconds if seconds > 0 else 0.0,
        "valid": not reasons,
        "invalid_because": reasons,
    }


def _growth(stretches: Sequence[Driven]) -> float | None:
    """Return the slope of the requests under way over the measured time, a second (least squares); None for slots."""
    if len(stretches) != 1:
        return None
    (stretch,) = stretches
    looks = [(at, n) for at, n in stretch.in_flight if at >= stretch.warmup_s]
    if len(looks) < _FEWEST_LOOKS:
        return None
    at, n = sum(at for at, _ in looks) / len(looks), sum(n for _, n in looks) / len(looks)
    spread = sum((x - at) ** 2 for x, _ in looks)
    return sum((x - at) * (y - n) for x, y in looks) / spread if spread else None


def _p99(values: Sequence[float]) -> float | None:
    """Return the 99th percentile of what needs no interval: our own lag."""
    return sorted(values)[min(len(values) - 1, int(_P99 * len(values)))] if values else None


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None
