"""Percentiles of latency with intervals that respect blocks, and ratios of two systems' percentiles.

Consecutive requests err together (a stall hits many), so the unit that is resampled is a block of requests: a stretch
of time, or one ABBA round of two systems. On dependent samples, intervals that treat requests as independent cover
33-84% instead of 95% (our knowledge base, statistics.md, section 6). A request that timed out is math.inf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from weighbridge.core.estimate import Estimate
from weighbridge.statistics.interval import LEVEL

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    Samples: TypeAlias = Sequence[float] | NDArray[np.floating[Any]]

__all__ = ["QUANTILES", "LatencySummary", "latency_summary", "quantile_ratios"]

QUANTILES = (0.5, 0.9, 0.95, 0.99)
FEWEST_BLOCKS = 10  # resampling fewer knows too little about how blocks differ
FEWEST_BEYOND = 10  # samples beyond a quantile: p99 from 1,000 requests on, p95 from 200, p90 from 100, p50 from 20
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Quantiles of one set of requests, in the samples' unit.

    `quantiles` maps each q to its estimate; None where fewer than 10 samples lie beyond it (p99 needs 1,000), or
    where there are fewer than 10 blocks. A value or limit of math.inf means: beyond the time-out. `timeouts` counts
    the infinite samples, `n` all of them.
    """

    n: int
    blocks: int
    timeouts: int
    quantiles: dict[float, Estimate | None]


def latency_summary(
    samples: Samples,
    blocks: Sequence[Hashable],
    *,
    seed: int,
    quantiles: Sequence[float] = QUANTILES,
    level: float = LEVEL,
) -> LatencySummary:
    """Return the quantiles of n samples, each with its block's label, by the percentile block bootstrap.

    Quantiles are samples themselves (the smallest x with at least q of the samples at or below it), so time-outs need
    no arithmetic. Raises ValueError where the lengths differ or a sample is not a number.
    """
    ordered = _order(samples, blocks, {})
    n, count = len(ordered.values), len(ordered.labels)
    usable = [q for q in quantiles if _enough(n, count, q)]
    estimates: dict[float, Estimate | None] = dict.fromkeys(quantiles)
    if usable:
        found = _resampled(ordered, usable, _draws(count, seed))
        for column, q in enumerate(usable):
            estimates[q] = _estimate(float(found[0, column]), found[1:, column], n, count, level)
    return LatencySummary(n, count, int(np.isinf(ordered.values).sum()), estimates)


def quantile_ratios(
    candidate: tuple[Samples, Sequence[Hashable]],
    baseline: tuple[Samples, Sequence[Hashable]],
    *,
    seed: int,
    quantiles: Sequence[float] = QUANTILES,
    level: float = LEVEL,
) -> dict[float, Estimate | None]:
    """Return the candidate's quantile over the baseline's at each q (the shift function), by the paired bootstrap.

    Each system is (samples, block labels) over the same blocks, in which both were asked in turn, so a block is drawn
    for both at once and what slows both cancels. None where either has fewer than 10 samples beyond the quantile, where
    there are fewer than 10 blocks, or where time-outs leave the ratio unknown. n of an estimate counts both systems'
    samples. Raises ValueError where a block lacks one system, or a sample is not a number.
    """
    index: dict[Hashable, int] = {}
    first, second = _order(*candidate, index), _order(*baseline, index)
    if set(first.labels) != set(second.labels):
        raise ValueError("every block needs requests to both systems")
    count, sizes = len(index), (len(first.values), len(second.values))
    usable = [q for q in quantiles if _enough(min(sizes), count, q)]
    estimates: dict[float, Estimate | None] = dict.fromkeys(quantiles)
    if not usable:
        return estimates
    draws = _draws(count, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = _resampled(first, usable, draws) / _resampled(second, usable, draws)
    for column, q in enumerate(usable):
        estimates[q] = _estimate(float(ratios[0, column]), ratios[1:, column], sum(sizes), count, level)
    return estimates


@dataclass(frozen=True, slots=True)
class _Ordered:
    """Samples in ascending order, the number of the block of each, and the blocks' labels."""

    values: NDArray[np.float64]
    members: NDArray[np.int64]
    labels: tuple[Hashable, ...]


def _order(samples: Samples, blocks: Sequence[Hashable], index: dict[Hashable, int]) -> _Ordered:
    """Return the samples in order; `index` numbers the blocks and grows by new ones."""
    values = np.asarray(samples, np.float64)
    if values.ndim != 1 or len(values) != len(blocks) or np.isnan(values).any():
        raise ValueError("samples are numbers, each with the label of its block")
    members = np.array([index.setdefault(block, len(index)) for block in blocks], np.int64)
    order = np.argsort(values, kind="stable")
    return _Ordered(values[order], members[order], tuple(dict.fromkeys(blocks)))


def _enough(n: int, count: int, q: float) -> bool:
    """Return whether a quantile may be told from n samples in that many blocks."""
    return count >= FEWEST_BLOCKS and n * (1 - q) >= FEWEST_BEYOND - 1e-9


def _draws(count: int, seed: int) -> NDArray[np.int64]:
    """Return how often each block is drawn, int[1 + RESAMPLES, count]: in the first row once (the sample itself)."""
    shares = np.full(count, 1 / count)
    drawn = np.random.default_rng(seed).multinomial(count, shares, size=RESAMPLES)
    return np.vstack([np.ones((1, count), np.int64), drawn])


def _resampled(ordered: _Ordered, quantiles: Sequence[float], draws: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the quantiles of each resample, float[len(draws), len(quantiles)]: the samples are sorted only once."""
    shares, found = np.array(quantiles), np.empty((len(draws), len(quantiles)))
    for row, times in enumerate(draws):
        upto = np.cumsum(times[ordered.members])
        found[row] = ordered.values[np.searchsorted(upto, np.maximum(1, np.ceil(shares * upto[-1] - 1e-9)))]
    return found


def _estimate(value: float, drawn: NDArray[np.float64], n: int, count: int, level: float) -> Estimate | None:
    """Return the value with the percentile interval of its resamples; None where one of them is unknown."""
    if np.isnan(value) or np.isnan(drawn).any():
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], method="inverted_cdf")
    return Estimate(value, float(low), float(high), n, f"block bootstrap, {count} blocks", level)
