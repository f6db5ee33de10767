"""Intervals against scipy, published figures and exact coverage."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import betainc
from scipy.stats import beta, binom, binomtest, t

from weighbridge.statistics.interval import (
    beta_quantile,
    clopper_pearson,
    quantile_estimate,
    share_estimate,
    student_quantile,
    student_tails,
    wilson,
)


@given(st.integers(1, 3000), st.data())
def test_wilson_equals_scipy(n: int, data: st.DataObject) -> None:
    """The limits are those of scipy's implementation."""
    successes = data.draw(st.integers(0, n))
    reference = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert wilson(successes, n) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_wilson_gives_the_published_figures() -> None:
    """Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3: 81 of 263 and 0 of 20."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_wilson_at_the_edges_gives_statsmodels_figures() -> None:
    """28 of 30 and 0 of 30, from statsmodels' proportion_confint(method="wilson")."""
    assert wilson(28, 30) == pytest.approx((0.786765, 0.981523), abs=5e-7)
    assert wilson(0, 30) == pytest.approx((0.0, 0.113513), abs=5e-7)


@given(st.integers(1, 30_000), st.sampled_from([0.8, 0.9, 0.95, 0.999]), st.data())
def test_clopper_pearson_equals_scipy(n: int, level: float, data: st.DataObject) -> None:
    """The exact limits are those of scipy's implementation."""
    successes = data.draw(st.integers(0, n))
    reference = binomtest(successes, n).proportion_ci(level, method="exact")
    assert clopper_pearson(successes, n, level) == pytest.approx((reference.low, reference.high), abs=1e-10)


def test_clopper_pearson_gives_the_known_figure() -> None:
    """0 of 30 is at most 11.6%; nothing seen is anything possible; an impossible count is refused."""
    assert clopper_pearson(0, 30) == pytest.approx((0.0, 0.115703), abs=5e-7)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="31 successes of 30"):
        clopper_pearson(31, 30)


@given(st.floats(0.3, 1e6), st.floats(0.3, 1e6), st.floats(0.001, 0.999))
def test_beta_quantile_equals_scipy(a: float, b: float, probability: float) -> None:
    """The quantile of a Beta variable is scipy's, for small and for large parameters."""
    assert beta_quantile(probability, a, b) == pytest.approx(beta.ppf(probability, a, b), rel=1e-7, abs=1e-12)


@given(st.integers(1, 10_000), st.floats(0.001, 0.999))
def test_student_quantile_equals_scipy(freedom: int, probability: float) -> None:
    """The quantile of Student's t is scipy's, on both sides of zero."""
    assert student_quantile(probability, freedom) == pytest.approx(t.ppf(probability, freedom), rel=1e-6, abs=1e-6)


def test_a_quantile_outside_its_domain_is_a_mistake() -> None:
    """No probability above one, no parameter of zero."""
    for probability, a in ((1.1, 2.0), (0.5, 0.0)):
        with pytest.raises(ValueError, match="no quantile"):
            beta_quantile(probability, a, 3.0)


def test_nothing_marked_is_no_share() -> None:
    """Without marks there is no value, not a zero."""
    assert share_estimate(0, 0, unscored=5) is None


def test_more_successes_than_trials_is_a_mistake() -> None:
    """An impossible count is refused."""
    with pytest.raises(ValueError, match="5 successes of 4"):
        wilson(5, 4)


@pytest.mark.parametrize(("n", "ranks"), [(6, (1, 6)), (8, (1, 8)), (9, (2, 8)), (20, (6, 15)), (40, (14, 27))])
def test_median_ranks_are_the_tabled_ones(n: int, ranks: tuple[int, int]) -> None:
    """Ranks of the 95% interval for a median (Conover, Practical Nonparametric Statistics, from the sign test)."""
    estimate = quantile_estimate([float(i) for i in range(1, n + 1)], 0.5)
    assert estimate is not None
    assert (estimate.low, estimate.high) == ranks


@given(st.integers(1, 200), st.sampled_from([0.5, 0.9, 0.95]))
def test_quantile_interval_covers_as_promised(n: int, q: float) -> None:
    """The exact coverage of the chosen ranks is at least the level, by scipy's binomial distribution."""
    estimate = quantile_estimate([float(i) for i in range(1, n + 1)], q)
    if estimate is None:
        assert binom.pmf(n, n, q) > 0.025 or binom.pmf(0, n, q) > 0.025
    else:
        covered = binom.cdf(estimate.high - 1, n, q) - binom.cdf(estimate.low - 1, n, q)
        assert covered >= 0.95 - 1e-9


def test_many_values_do_not_overflow() -> None:
    """A long suite has its median's interval, too, as narrow as scipy's distribution allows."""
    estimate = quantile_estimate([float(i) for i in range(1, 2001)], 0.5)
    assert estimate is not None
    assert binom.cdf(estimate.high - 1, 2000, 0.5) - binom.cdf(estimate.low - 1, 2000, 0.5) >= 0.95
    assert estimate.high - estimate.low < 90


def test_too_few_values_give_no_interval() -> None:
    """Eight answers cannot bound a 90th percentile at 95%, so none is given."""
    assert quantile_estimate([0.1] * 8, 0.9) is None
    assert quantile_estimate([], 0.5) is None


@given(st.floats(-40, 40), st.floats(1, 500))
@example(1e-5, 7.0)
@example(7e-9, 1.0)
def test_the_tails_of_student_are_scipys(value: float, freedom: float) -> None:
    """Two-sided p-values of t, near and far; near to zero by scipy's incomplete beta, as its `t.sf` errs by 4e-9."""
    near = 1 - betainc(0.5, freedom / 2, value * value / (freedom + value * value))
    reference = near if abs(value) < 1 else 2 * t.sf(abs(value), freedom)
    assert student_tails(value, freedom) == pytest.approx(reference, abs=1e-12)


@given(st.floats(0, 1e6))
def test_with_one_degree_of_freedom_the_tails_are_cauchys(value: float) -> None:
    """P(|T| >= t) = 1 - 2 atan(t) / pi."""
    assert student_tails(value, 1.0) == pytest.approx(1 - 2 * math.atan(value) / math.pi, abs=1e-12)
