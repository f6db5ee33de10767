"""The mean of a stream at any time: held against exact values, other methods, and simulated streams."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from weighbridge.statistics import stream_mean
from weighbridge.statistics.interval import clopper_pearson
from weighbridge.statistics.stream_mean import STAKES, StreamMean, quantile_bounds, weighted

SHARES = np.array([share for share, _ in STAKES])
PARTS = np.array([part for _, part in STAKES])


def bernoulli(ones: int, n: int) -> StreamMean:
    """Return a stream of zeros and ones."""
    return StreamMean(counts={1.0: ones, 0.0: n - ones})


def wealth(values: np.ndarray, tau: float, low: float) -> np.ndarray:
    """Return the wealth against "at most tau" after each value, by the definition: an independent way over paths."""
    growth = np.log(1 - SHARES[:, None] + SHARES[:, None] * ((values - low) / (tau - low))[..., None, :])
    paths: np.ndarray = np.einsum("k,...kt->...t", PARTS, np.exp(np.minimum(growth.cumsum(-1), 60.0)))
    return paths


def test_the_wealth_of_one_stake_is_the_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros and ones 1101110111, threshold 0.5, lambda 0.5, which stakes a quarter: 3.352761 (statistics.md, 7.3)."""
    monkeypatch.setattr(stream_mean, "STAKES", ((0.25, 1.0),))
    assert math.exp(bernoulli(8, 10).log_above(0.5)) == pytest.approx(3.352761, abs=1e-6)


def test_all_stakes_together_begin_with_one_unit() -> None:
    """The parts add up to one, no stake can lose all, and order does not matter for the wealth at the end."""
    assert math.fsum(part for _, part in STAKES) == pytest.approx(1.0)
    assert all(0 < share < 1 for share, _ in STAKES)
    path = np.array([float(c) for c in "1101110111"])
    assert math.exp(bernoulli(8, 10).log_above(0.5)) == pytest.approx(float(wealth(path, 0.5, 0.0)[-1]), rel=1e-12)


def test_the_mean_wealth_over_all_streams_is_one_at_the_threshold() -> None:
    """Over all 3^6 streams of a weighted value, each as likely as it is, the wealth is 1 on the mean: a martingale."""
    chance, guess = 0.25, 0.5
    values = {
        weighted(None, chance, guess): 1 - chance,
        weighted(1.0, chance, guess): chance * 0.4,
        weighted(0.0, chance, guess): chance * 0.6,
    }
    mean = math.fsum(value * p for value, p in values.items())
    assert mean == pytest.approx(0.4)
    total = 0.0
    for path in itertools.product(values, repeat=6):
        stream = StreamMean(-1.5, 2.5)
        for value in path:
            stream.add(value)
        total += math.prod(values[value] for value in path) * math.exp(stream.log_above(mean))
    assert total == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("mean", [0.02, 0.5])
def test_the_interval_covers_at_every_time_at_once(mean: float) -> None:
    """Of 600 streams of 500 values the share that is ever rejected at the truth is at most alpha, on each side."""
    generator = np.random.default_rng(7)
    values = (generator.random((600, 500)) < mean).astype(float)
    for path in (wealth(values, mean, 0.0), wealth(1 - values, 1 - mean, 0.0)):
        ever = float((path.max(axis=1) >= 1 / 0.05).mean())
        assert ever <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


def test_a_weighted_stream_is_rejected_at_the_truth_no_more_often() -> None:
    """A tenth to a half of the values are looked at, more where they are low: the mean is still that of all."""
    generator = np.random.default_rng(8)
    kind = generator.random((600, 500)) < 0.3
    y = (generator.random(kind.shape) < np.where(kind, 0.2, 0.6)).astype(float)
    chance = np.where(kind, 0.5, 0.1)
    looked = generator.random(kind.shape) < chance
    values = np.where(looked, 0.5 + (y - 0.5) / chance, 0.5)
    mean, low = 0.3 * 0.2 + 0.7 * 0.6, weighted(0.0, 0.1, 0.5)
    assert values.mean() == pytest.approx(mean, abs=0.01)
    for path in (wealth(values, mean, low), wealth(1 - values, 1 - mean, low)):
        ever = float((path.max(axis=1) >= 1 / 0.05).mean())
        assert ever <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


@pytest.mark.parametrize(("ones", "n"), [(0, 100), (5, 100), (50, 100), (100, 100), (30, 1000), (480, 1000)])
def test_it_is_wider_than_the_exact_interval_of_one_look_and_near_the_best_of_many(ones: int, n: int) -> None:
    """It holds Clopper and Pearson's, and is at most a fifth wider than the Beta(1/2, 1/2) mixture's.

    That mixture (Krichevsky and Trofimov's; its wealth in closed form, computed here by the gamma function) is within
    a constant of the best bet in hindsight (Orabona and Jun, arXiv 2110.14099).
    """
    low, high = bernoulli(ones, n).interval(0.025)
    exact = clopper_pearson(ones, n, 0.95)
    assert low <= exact[0] <= ones / n <= exact[1] <= high
    kt = _kt_interval(ones, n)
    assert high - low <= 1.2 * (kt[1] - kt[0])


def test_intervals_shrink_and_bounds_are_one_sided_tests() -> None:
    """Ten times the values narrow it; its ends are where the tests begin to reject."""
    wide, narrow = bernoulli(40, 100).interval(0.05), bernoulli(400, 1000).interval(0.05)
    assert wide[0] < narrow[0] < 0.4 < narrow[1] < wide[1]
    stream = bernoulli(400, 1000)
    assert stream.log_above(narrow[0]) == pytest.approx(-math.log(0.05), abs=1e-6)
    assert stream.log_below(narrow[1]) == pytest.approx(-math.log(0.05), abs=1e-6)
    assert StreamMean().interval(0.05) == (0.0, 1.0)
    assert StreamMean().estimate() is None


def test_values_that_cannot_be_are_refused() -> None:
    """Outside the range that was fixed before, chances that are none, ranges that a mean in [0, 1] cannot have."""
    for wrong in (lambda: StreamMean().add(1.5), lambda: StreamMean(0.1, 1), lambda: StreamMean().add(0.5, -1)):
        with pytest.raises(ValueError, match="values"):
            wrong()
    for value, chance in ((0.5, 0.0), (None, 1.0), (0.5, 1.5)):
        with pytest.raises(ValueError, match="chance"):
            weighted(value, chance, 0.5)


def test_a_quantile_lies_between_its_bounds_at_every_time() -> None:
    """Of 200 streams of bins, looked at every 20 values, the true median and 90% lie outside in at most 5%."""
    generator = np.random.default_rng(9)
    missed = {0.5: 0, 0.9: 0}
    chances = np.array([0.1, 0.2, 0.15, 0.25, 0.1, 0.12, 0.08])
    true = {q: int(np.searchsorted(chances.cumsum(), q)) for q in missed}
    for _ in range(200):
        bins = generator.choice(7, size=200, p=chances)
        for q in missed:
            seen = (quantile_bounds(_counted(bins[:t]), q) for t in range(20, 201, 45))
            missed[q] += any(not low <= true[q] <= high for low, _, high in filter(None, seen))
    assert max(missed.values()) <= 200 * 0.05 + 3 * math.sqrt(200 * 0.05 * 0.95)
    assert quantile_bounds({}, 0.5) is None
    low, at, high = quantile_bounds(dict.fromkeys(range(-10, 11), 100), 0.5) or (0, 0, 0)
    assert -2 <= low < at == 0 < high <= 2


def _counted(bins: np.ndarray) -> dict[int, int]:
    places, counts = np.unique(bins, return_counts=True)
    return {int(place): int(count) for place, count in zip(places, counts, strict=True)}


def _kt_interval(ones: int, n: int) -> tuple[float, float]:
    """Return the interval by the Beta(1/2, 1/2) mixture of likelihood ratios, by a fine grid."""
    zeros = n - ones
    mixed = math.lgamma(ones + 0.5) + math.lgamma(zeros + 0.5) - math.lgamma(n + 1) - math.log(math.pi)
    grid = np.linspace(1e-6, 1 - 1e-6, 20_001)
    kept = grid[mixed - ones * np.log(grid) - zeros * np.log1p(-grid) < -math.log(0.025)]
    return float(kept[0]), float(kept[-1])
