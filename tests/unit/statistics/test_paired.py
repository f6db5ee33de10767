"""Paired tests against scipy, published figures and exact coverage."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from weighbridge.statistics.paired import mcnemar_exact, paired_difference, tango_interval

counts = st.integers(0, 400)


@given(counts, counts)
def test_mcnemar_equals_the_binomial_test(first_only: int, second_only: int) -> None:
    """The exact test is a two-sided binomial test of one half on the discordant pairs."""
    n = first_only + second_only
    reference = 1.0 if n == 0 else binomtest(first_only, n, 0.5).pvalue
    assert mcnemar_exact(first_only, second_only) == pytest.approx(reference, abs=1e-9)


def test_mcnemar_gives_the_published_figures() -> None:
    """Refusals of Qwen2-7B in 30 pairs: 10 against 3 gives p = .09, 0 against 7 gives p = .016."""
    assert round(mcnemar_exact(10, 3), 2) == 0.09
    assert round(mcnemar_exact(0, 7), 3) == 0.016


def test_mcnemar_gives_statsmodels_figure() -> None:
    """12 against 5 discordant pairs: p = 0.14346313 by statsmodels.stats.contingency_tables.mcnemar(exact=True)."""
    assert mcnemar_exact(12, 5) == pytest.approx(0.14346313, abs=5e-9)


def test_the_interval_gives_the_published_figures() -> None:
    """Newcombe 1998 (Statistics in Medicine 17:2635), table III, method 10: 36, 12, 2, 0 gives 0.0569 to 0.3404."""
    estimate = paired_difference(36, 12, 2, 0)
    assert estimate is not None
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.2, 0.0569, 0.3404), abs=5e-5)


def test_mcnemar_survives_many_pairs() -> None:
    """Thousands of discordant pairs neither underflow nor overflow."""
    assert 0 < mcnemar_exact(50_000, 50_500) < 1


@given(counts, counts, counts, counts)
def test_swapping_the_two_turns_the_sign(both: int, first: int, second: int, neither: int) -> None:
    """The interval of the swapped table is the mirrored one, and holds the difference."""
    one = paired_difference(both, first, second, neither)
    other = paired_difference(both, second, first, neither)
    if one is None or other is None:
        assert both + first + second + neither == 0
        return
    assert one.low <= one.value <= one.high
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low), abs=1e-12)


@pytest.mark.parametrize(("p", "q", "agree"), [(0.5, 0.5, 0.4), (0.3, 0.2, 0.15), (0.9, 0.85, 0.82)])
def test_the_interval_covers_the_truth(p: float, q: float, agree: float) -> None:
    """Exact coverage over all fourfold tables of 24 pairs is near 95%, and never below 92%."""
    cells = (agree, p - agree, q - agree, 1 - p - q + agree)
    n, covered = 24, 0.0
    for a, b, c in itertools.product(range(n + 1), repeat=3):
        if (d := n - a - b - c) < 0:
            continue
        estimate = paired_difference(a, b, c, d)
        if estimate is not None and estimate.low <= p - q <= estimate.high:
            ways = math.factorial(n) / math.prod(math.factorial(k) for k in (a, b, c, d))
            covered += ways * math.prod(cell**k for cell, k in zip(cells, (a, b, c, d), strict=True))
    assert 0.92 < covered < 0.999


@pytest.mark.parametrize(
    ("first_only", "second_only", "n", "level", "limits"),
    [
        (6, 16, 161, 0.95, (-0.1240, -0.0054)),
        (48, 41, 549, 0.90, (-0.0157, 0.0414)),
    ],
)
def test_tangos_interval_gives_published_figures(
    first_only: int, second_only: int, n: int, level: float, limits: tuple[float, float]
) -> None:
    """Cavo et al. 2012 by R's contingencytables 3.0 (its own tests), and a 90% interval by R's PropCIs::scoreci.mp."""
    estimate = tango_interval(first_only, second_only, n, level=level)
    assert estimate is not None
    assert (estimate.low, estimate.high) == pytest.approx(limits, abs=5e-5)


@pytest.mark.parametrize(("first_only", "second_only", "n"), [(6, 16, 161), (1, 7, 21), (3, 0, 30), (0, 4, 9)])
def test_tangos_limits_solve_the_score_equation(first_only: int, second_only: int, n: int) -> None:
    """At either limit the statistic with the constrained likelihood maximised by scipy is the normal quantile."""
    estimate = tango_interval(first_only, second_only, n)
    assert estimate is not None
    for limit, sign in ((estimate.low, 1), (estimate.high, -1)):

        def surprise(fewer: float, limit: float = limit) -> float:
            cells = (
                (first_only, fewer + limit),
                (second_only, fewer),
                (n - first_only - second_only, 1 - 2 * fewer - limit),
            )
            return -sum(count * math.log(max(chance, 1e-300)) for count, chance in cells if count)

        found = minimize_scalar(
            surprise, bounds=(max(0.0, -limit), (1 - limit) / 2), method="bounded", options={"xatol": 1e-12}
        )
        error = math.sqrt(n * (2 * found.x + limit - limit**2))
        assert (first_only - second_only - n * limit) / error == pytest.approx(sign * 1.959964, abs=1e-4)


@given(counts, counts, counts)
def test_tangos_interval_is_mirrored_and_holds_the_difference(first: int, second: int, same: int) -> None:
    """Swapping the two turns the sign; zero is inside exactly where McNemar's score does not reject."""
    one, other = (
        tango_interval(first, second, first + second + same),
        tango_interval(second, first, first + second + same),
    )
    if one is None or other is None:
        assert first + second + same == 0
        return
    assert -1 <= one.low <= one.value <= one.high <= 1
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)
    if first + second and abs(abs(first - second) / math.sqrt(first + second) - 1.959964) > 1e-4:
        assert (one.low <= 0 <= one.high) == (abs(first - second) / math.sqrt(first + second) < 1.96)


def test_tangos_interval_has_a_width_without_discordant_pairs() -> None:
    """No discordant pair of 44 leaves z^2 / (n + z^2) open on either side; more discordant than pairs is refused."""
    estimate = tango_interval(0, 0, 44)
    assert estimate is not None
    assert estimate.high == pytest.approx(1.959964**2 / (44 + 1.959964**2), abs=1e-6)
    with pytest.raises(ValueError, match="5 and 4 discordant of 8 pairs"):
        tango_interval(5, 4, 8)
