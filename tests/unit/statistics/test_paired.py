"""Paired tests against scipy, published figures and exact coverage."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from weighbridge.statistics.paired import mcnemar_exact, paired_difference

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
