"""Two models at one rate: slots in the order A B B A, the same words and moments for both, each round one pair."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.load.drive import Driven, Pace, User, open_loop
from weighbridge.evaluation.load.levels import METRICS, Level, Metric
from weighbridge.evaluation.load.point import quantiles_json
from weighbridge.evaluation.load.sample import missed
from weighbridge.evaluation.load.verdicts import block_shares
from weighbridge.statistics.blocks import latency_summary, quantile_ratios
from weighbridge.statistics.slo import BlockSloTest

if TYPE_CHECKING:
    from collections.abc import Hashable

    from weighbridge.evaluation.load.sample import Sample

__all__ = ["Pair", "abba", "ratios_json", "slower_json"]

_NUMBERS = 1_000_000  # prompts of one slot at most
_SHARE = 0.05
_P95 = 0.95
_HELD: tuple[Metric, ...] = ("ttft", "tpot", "e2e")


@dataclass(frozen=True, slots=True)
class Pair:
    """The slots of both models, in the order asked; two of each make a round."""

    candidate: list[Driven]
    baseline: list[Driven]

    @property
    def rounds(self) -> int:
        """Whole rounds."""
        return min(len(self.candidate), len(self.baseline)) // 2


async def abba(candidate: User, baseline: User, rate: float, slot: Pace, rounds: int) -> Pair:
    """Ask A B B A, A B B A ...; each slot begins on an idle server and ends when its last answer has come.

    A round that the user or the budget cut is left out.
    """
    asked: dict[str, list[Driven]] = {"a": [], "b": []}
    for number in range(rounds):
        slots = []
        for who, half in (("a", 0), ("b", 0), ("b", 1), ("a", 1)):
            place = 2 * number + half
            pace = replace(slot, seed=f"{slot.seed}/{place}", first=place * _NUMBERS)
            driven = await open_loop(candidate if who == "a" else baseline, rate, pace)
            slots.append((who, driven))
            if driven.stopped:
                return Pair(asked["a"], asked["b"])
        for who, driven in slots:
            asked[who].append(driven)
    return Pair(asked["a"], asked["b"])


def ratios_json(pair: Pair, seed: int) -> dict[str, Any]:
    """Return the candidate's percentiles over the baseline's by metric, rounds drawn in pairs."""
    found: dict[str, Any] = {}
    for metric in METRICS:
        ours, theirs = _values(pair.candidate, metric), _values(pair.baseline, metric)
        same = set(ours[1]) & set(theirs[1])
        if not same:
            found[metric] = quantiles_json({})
            continue
        found[metric] = quantiles_json(quantile_ratios(_within(ours, same), _within(theirs, same), seed=seed))
    return found


def slower_json(pair: Pair, *, allowed: float, alpha: float, block_s: float, seed: int) -> dict[str, Any]:
    """Return, by metric, whether at most 5% of the candidate's requests exceed `allowed` times the baseline's p95.

    The baseline's p95 is itself measured: `met` must hold at the lower end of its interval, `not met` at the upper,
    and half of `alpha` pays for that interval (its coverage is the block bootstrap's), half for the test.
    """
    found: dict[str, Any] = {}
    for metric in _HELD:
        values, rounds = _values(pair.baseline, metric)
        p95 = (
            latency_summary(values, rounds, seed=seed, quantiles=(_P95,), level=1 - alpha / 2).quantiles[_P95]
            if values
            else None
        )
        met, not_met = (
            _test(pair.candidate, Level(metric, allowed * limit, _SHARE), alpha / 2, block_s)
            for limit in ((p95.low, p95.high) if p95 is not None else (math.nan, math.nan))
        )
        known = p95 is not None and math.isfinite(p95.high)
        verdict = (
            met.verdict if met.verdict == "met" else not_met.verdict if not_met.verdict == "not met" else "undecided"
        )
        found[metric] = {
            "metric": metric,
            "allowed": allowed,
            "verdict": verdict if known else "undecided",
            "alpha": alpha,
            "blocks": max(met.blocks, not_met.blocks),
        }
    return found


def _test(slots: list[Driven], level: Level, alpha: float, block_s: float) -> BlockSloTest:
    """Return the test of one level over all slots of a model."""
    test = BlockSloTest(level.share, alpha=alpha)
    for slot in slots:

        def label(sample: Sample, slot: Driven = slot) -> Hashable:
            return int((sample.due - slot.warmup_s) / block_s)

        for share in block_shares(slot.measured, label, lambda one: missed(one, level)):
            test.update(share)
    return test


def _values(slots: list[Driven], metric: Metric) -> tuple[list[float], list[int]]:
    """Return the values of one metric with the number of the round of each."""
    rows = [(one.value(metric), number // 2) for number, slot in enumerate(slots) for one in slot.measured]
    kept = [(value, number) for value, number in rows if value is not None]
    return [value for value, _ in kept], [number for _, number in kept]


def _within(values: tuple[list[float], list[int]], same: set[int]) -> tuple[list[float], list[int]]:
    """Keep the rounds in which both models have values."""
    kept = [(value, number) for value, number in zip(*values, strict=True) if number in same]
    return [value for value, _ in kept], [number for _, number in kept]
