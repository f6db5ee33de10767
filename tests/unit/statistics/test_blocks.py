"""Quantiles by blocks: against NumPy, and their coverage where requests depend on each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from weighbridge.statistics.blocks import latency_summary, quantile_ratios
from weighbridge.statistics.interval import quantile_estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_the_quantiles_are_numpys() -> None:
    """The smallest sample with at least q of the samples at or below it, as NumPy's inverted_cdf."""
    samples = np.random.default_rng(1).lognormal(size=1237)
    summary = latency_summary(samples, [i // 30 for i in range(1237)], seed=1)
    for q, estimate in summary.quantiles.items():
        assert estimate is not None
        assert estimate.value == np.quantile(samples, q, method="inverted_cdf")
        assert estimate.low <= estimate.value <= estimate.high


def test_independent_samples_get_the_interval_of_order_statistics() -> None:
    """With blocks of one request the limits are near the distribution-free ones."""
    samples = np.random.default_rng(2).lognormal(size=2000)
    estimate = latency_summary(samples, range(2000), seed=2).quantiles[0.9]
    reference = quantile_estimate(samples.tolist(), 0.9)
    assert estimate is not None
    assert reference is not None
    assert estimate.high - estimate.low == pytest.approx(reference.high - reference.low, rel=0.15)


def test_a_percentile_needs_its_samples() -> None:
    """p99 only from 1,000 requests on, p95 from 200, p90 from 100, p50 from 20, and none from nine blocks."""
    for n, allowed in (
        (1000, {0.5, 0.9, 0.95, 0.99}),
        (999, {0.5, 0.9, 0.95}),
        (199, {0.5, 0.9}),
        (99, {0.5}),
        (19, set()),
    ):
        found = latency_summary(np.arange(n) / 10, [i % 12 for i in range(n)], seed=1).quantiles
        assert {q for q, estimate in found.items() if estimate is not None} == allowed
    assert set(latency_summary(np.arange(2000) / 10, [i % 9 for i in range(2000)], seed=1).quantiles.values()) == {None}
    assert latency_summary([], [], seed=1).n == 0


def test_a_timeout_is_infinity() -> None:
    """Six in a hundred timed out: p50 is what it was, p95 lies beyond the time-out, and the count is told."""
    samples = [math.inf if i % 100 < 6 else 1.0 + i / 2000 for i in range(2000)]
    summary = latency_summary(samples, [i // 40 for i in range(2000)], seed=1)
    median, p95 = summary.quantiles[0.5], summary.quantiles[0.95]
    assert median is not None
    assert p95 is not None
    assert (summary.timeouts, p95.value, p95.high) == (120, math.inf, math.inf)
    assert 1.0 < median.value < 2.0


def test_the_same_seed_gives_the_same_interval() -> None:
    """What is written into a dossier can be computed again."""
    samples, blocks = np.random.default_rng(3).lognormal(size=400), [i // 10 for i in range(400)]
    assert latency_summary(samples, blocks, seed=7) == latency_summary(samples, blocks, seed=7)


def test_samples_without_a_block_are_refused() -> None:
    """Lengths that differ and values that are no numbers are the caller's mistake."""
    with pytest.raises(ValueError, match="label of its block"):
        latency_summary([1.0, 2.0], [1], seed=1)
    with pytest.raises(ValueError, match="label of its block"):
        latency_summary([math.nan], [1], seed=1)
    with pytest.raises(ValueError, match="both systems"):
        quantile_ratios(([1.0], ["a"]), ([1.0], ["b"]), seed=1)


def stalls(random: np.random.Generator, blocks: int, size: int) -> NDArray[np.float64]:
    """Return latencies [blocks, size] whose blocks share a factor: log-normal, half of the variance between blocks."""
    return np.exp(random.normal(size=(blocks, 1)) + random.normal(size=(blocks, size)))


def test_the_block_interval_covers_and_the_independent_one_does_not() -> None:
    """Median of stalling requests, 60 blocks of 20, true value 1; 120 seeded runs, nominal 95%."""
    random, runs, covered, naive = np.random.default_rng(20261122), 120, 0, 0
    labels = [i // 20 for i in range(1200)]
    for seed in range(runs):
        samples = stalls(random, 60, 20).ravel()
        estimate = latency_summary(samples, labels, seed=seed, quantiles=(0.5,)).quantiles[0.5]
        flat = quantile_estimate(samples.tolist(), 0.5)
        assert estimate is not None
        assert flat is not None
        covered += estimate.low <= 1.0 <= estimate.high
        naive += flat.low <= 1.0 <= flat.high
    assert 0.9 <= covered / runs <= 0.985
    assert naive / runs < 0.7


def test_the_paired_ratio_cancels_what_blocks_share() -> None:
    """The candidate is 1.2 times slower: the ratio's interval holds 1.2, and is narrower than unpaired blocks give."""
    random = np.random.default_rng(20261122)
    factors = np.exp(random.normal(size=(60, 1)))
    baseline = (factors * np.exp(0.2 * random.normal(size=(60, 20)))).ravel()
    candidate = 1.2 * (factors * np.exp(0.2 * random.normal(size=(60, 20)))).ravel()
    labels = [i // 20 for i in range(1200)]
    paired = quantile_ratios((candidate, labels), (baseline, labels), seed=1)
    shuffled = [f"{(i // 20 * 7 + 3) % 60}" for i in range(1200)]
    unpaired = quantile_ratios((candidate, [str(label) for label in labels]), (baseline, shuffled), seed=1)
    median, loose = paired[0.5], unpaired[0.5]
    assert median is not None
    assert loose is not None
    assert median.value == np.quantile(candidate, 0.5, method="inverted_cdf") / np.quantile(
        baseline, 0.5, method="inverted_cdf"
    )
    assert median.low < 1.2 < median.high
    assert median.high - median.low < 0.6 * (loose.high - loose.low)


def test_ratios_of_timeouts_are_unknown() -> None:
    """Infinity over infinity is no ratio; infinity over a number is infinite; too few requests are None."""
    labels = [i % 20 for i in range(400)]
    slow = [math.inf if i % 3 == 0 else 1.0 for i in range(400)]
    both = quantile_ratios((slow, labels), (slow, labels), seed=1)
    assert both[0.9] is None
    assert both[0.5] is not None
    against = quantile_ratios((slow, labels), ([1.0] * 400, labels), seed=1)[0.9]
    assert against is not None
    assert against.value == math.inf
    assert both[0.99] is None
    assert set(quantile_ratios(([1.0], ["a"]), ([1.0], ["a"]), seed=1).values()) == {None}
