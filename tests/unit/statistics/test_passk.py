"""pass@k against counting every draw, and its interval."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from math import comb

import pytest

from weighbridge.statistics.interval import wilson
from weighbridge.statistics.passk import pass_at_k, pass_at_k_estimate


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_the_estimate_is_the_share_of_draws_that_hold_a_pass(n: int) -> None:
    """Every set of k programs out of n, counted one by one."""
    for passed, k in itertools.product(range(n + 1), range(1, n + 1)):
        draws = list(itertools.combinations([True] * passed + [False] * (n - passed), k))
        assert pass_at_k(n, passed, k) == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-12)


def test_the_estimate_is_stable_for_many_programs() -> None:
    """200 programs, 3 passing: the definition, 1 - C(197, 100) / C(200, 100), in whole numbers."""
    truth = 1 - Fraction(comb(197, 100), comb(200, 100))
    assert pass_at_k(200, 3, 100) == pytest.approx(float(truth), abs=1e-12)
    assert pass_at_k(200, 0, 100) == 0.0


def test_more_draws_than_programs_are_refused() -> None:
    """pass@10 cannot be told from five programs."""
    with pytest.raises(ValueError, match="pass@10 of 5 programs"):
        pass_at_k(5, 1, 10)
    with pytest.raises(ValueError, match="6 of them passing"):
        pass_at_k(5, 6, 1)


def test_one_program_a_problem_is_a_share() -> None:
    """pass@1 of one program each has Wilson's interval, also where all pass."""
    estimate = pass_at_k_estimate([(1, 1)] * 120 + [(1, 0)] * 44, 1)
    assert estimate is not None
    assert (estimate.low, estimate.high) == wilson(120, 164)
    assert pass_at_k_estimate([], 1) is None


def test_problems_without_spread_keep_an_interval() -> None:
    """Every program of every problem passing does not show a rate of exactly one."""
    estimate = pass_at_k_estimate([(10, 10)] * 50, 1)
    assert estimate is not None
    assert (estimate.value, estimate.low, estimate.high) == (1.0, *wilson(50, 50))


def test_the_interval_covers_the_truth() -> None:
    """Problems of uniform difficulty, 10 programs each: pass@3 is E[1 - (1 - u)^3] = 3/4; 1,500 seeded runs."""
    draw, runs, covered = random.Random(20261122), 1500, 0  # noqa: S311 - a simulation
    for _ in range(runs):
        rates = [draw.random() for _ in range(60)]
        estimate = pass_at_k_estimate([(10, sum(draw.random() < rate for _ in range(10))) for rate in rates], 3)
        assert estimate is not None
        covered += estimate.low <= 0.75 <= estimate.high
    assert 0.93 <= covered / runs <= 0.97
