"""Clustered standard errors against statsmodels, and their coverage in simulation."""

from __future__ import annotations

import random
from statistics import fmean, stdev

import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.statistics.clustered import (
    clustered_se,
    difference_estimate,
    mean_estimate,
    unit_mean_estimate,
)
from weighbridge.statistics.interval import wilson

SCORES = [1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1]
PASSAGES = [i // 4 for i in range(20)]


def test_the_known_standard_errors() -> None:
    """Five passages of four questions: statsmodels' cluster covariance without correction, and the naive error."""
    assert clustered_se(SCORES, PASSAGES) == pytest.approx(0.16431677, abs=5e-9)
    assert clustered_se(SCORES) == pytest.approx(0.11413289, abs=5e-9)
    assert clustered_se(SCORES) == pytest.approx(stdev(SCORES) / 20**0.5)


@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 6)), min_size=8, max_size=60))
def test_the_interval_is_statsmodels(rows: list[tuple[float, int]]) -> None:
    """With Student's t and the small-sample factor, the interval of a regression on a constant."""
    values, clusters = [value for value, _ in rows], [cluster for _, cluster in rows]
    estimate = mean_estimate(values, clusters)
    if estimate is None:
        return
    fit = sm.OLS(values, [[1.0]] * len(values)).fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
    low, high = fit.conf_int()[0]
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((fit.params[0], low, high), abs=1e-7)


def test_no_spread_is_no_interval() -> None:
    """Thirty right answers of thirty do not show a mean without error, and one cluster shows none at all."""
    assert mean_estimate([1.0] * 30) is None
    assert mean_estimate([0.0, 1.0, 1.0], ["a", "a", "a"]) is None
    assert mean_estimate([]) is None
    assert difference_estimate([1, 0, 1], [1, 0, 1]) is None


def test_shares_without_spread_get_wilsons_limits() -> None:
    """On [0, 1] the clusters stand in for trials: all right of ten, and one half throughout of five."""
    estimate = unit_mean_estimate([1.0] * 20, [i // 2 for i in range(20)])
    assert estimate is not None
    assert (estimate.low, estimate.high) == wilson(10, 10)
    middle = unit_mean_estimate([0.5] * 5)
    assert middle is not None
    assert (middle.value, middle.low, middle.high) == (0.5, wilson(2, 5)[0], wilson(3, 5)[1])
    assert unit_mean_estimate([]) is None


def test_the_paired_difference_is_the_mean_of_differences() -> None:
    """Pairing keeps what both models share out of the error, and the limits inside what is possible."""
    first, second = [1, 1, 0, 1, 0, 1], [1, 0, 0, 1, 0, 1]
    estimate = difference_estimate(first, second, within=(-1.0, 1.0))
    assert estimate is not None
    assert estimate.value == pytest.approx(fmean(first) - fmean(second))
    assert estimate.high - estimate.value == pytest.approx(2.570582 * 0.1666667, abs=1e-5)  # t(5), s / sqrt(6)
    assert mean_estimate([1, 1, 1, 0], within=(0.0, 1.0)).high == 1.0  # type: ignore[union-attr]


def test_impossible_values_are_refused() -> None:
    """No mean of a NaN, no error of one value, no labels short."""
    with pytest.raises(ValueError, match="finite"):
        mean_estimate([1.0, float("nan")])
    with pytest.raises(ValueError, match="one value"):
        clustered_se([1.0])
    with pytest.raises(ValueError, match="shorter"):
        clustered_se([1.0, 0.0], ["a"])


def test_the_clustered_interval_covers_and_the_naive_one_does_not() -> None:
    """Passages with their own difficulty: 40 of 5 questions each; 1,500 seeded runs, nominal 95%."""
    draw, runs = random.Random(20261122), 1500  # noqa: S311 - a simulation
    covered = naive = 0
    for _ in range(runs):
        scores = [
            draw.random() < difficulty for difficulty in (draw.betavariate(1, 1) for _ in range(40)) for _ in range(5)
        ]
        clustered = mean_estimate(scores, [i // 5 for i in range(200)])
        flat = mean_estimate(scores)
        assert clustered is not None
        assert flat is not None
        covered += clustered.low <= 0.5 <= clustered.high
        naive += flat.low <= 0.5 <= flat.high
    assert 0.93 <= covered / runs <= 0.97
    assert naive / runs < 0.88
