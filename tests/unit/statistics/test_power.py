"""Sizes of runs against published figures and against simulation."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower

from weighbridge.statistics.power import minimum_detectable, paired_size, questions_needed


@pytest.mark.parametrize(("answers", "n"), [(1, 3876.0), (10, 1259.7), (math.inf, 969.0)])
def test_the_published_sizes(answers: float, n: float) -> None:
    """Miller, arXiv 2411.00640, section 5: three points at 80% with 1, 10 and infinitely many answers a question."""
    assert questions_needed(0.03, answers=(answers, answers)) == pytest.approx(n, abs=0.05)


def test_the_paired_size_of_a_finite_benchmark() -> None:
    """MMLU's real pair: discordance 0.2306, margin 3 points, one-sided 5%, power 90%, 14,042 questions."""
    assert paired_size(0.2306, 0.03, population=14_042) == pytest.approx(1897.8, abs=0.05)


@given(st.floats(0.05, 0.6), st.floats(0.01, 0.2), st.floats(0.5, 0.99))
def test_without_a_population_it_is_the_one_sample_z_test(discordance: float, margin: float, power: float) -> None:
    """The power of statsmodels for a z-test on differences with variance = discordance (ratio 0: one sample)."""
    effect = margin / math.sqrt(discordance)
    reference = NormalIndPower(ddof=0).solve_power(effect, alpha=0.05, power=power, ratio=0, alternative="larger")
    assert paired_size(discordance, margin, power=power) == pytest.approx(reference, rel=1e-6)


@given(st.integers(50, 5000), st.floats(0.05, 0.5), st.floats(0, 0.1), st.sampled_from([None, 6000, 14_042]))
def test_the_detectable_difference_inverts_the_size(
    n: int, discordance: float, margin: float, population: int | None
) -> None:
    """At the smallest detectable difference the size needed is the size given."""
    smallest = minimum_detectable(n, discordance, margin=margin, population=population)
    if smallest is not None and smallest > -discordance:
        needed = paired_size(discordance, margin, difference=smallest, population=population)
        assert needed == pytest.approx(n, rel=1e-6)


def test_what_cannot_be_detected_is_none() -> None:
    """Five questions show nothing, a full run everything, and models that rarely differ are inside the margin."""
    assert minimum_detectable(5, 0.01) is None
    assert minimum_detectable(1000, 0.2, margin=0.03, population=1000) == -0.03
    assert minimum_detectable(1000, 0.001, margin=0.1) == -0.001
    assert paired_size(0.2, 0.03, difference=-0.03) == math.inf


def test_impossible_plans_are_refused() -> None:
    """A discordance below the difference, no questions, a difference of zero."""
    with pytest.raises(ValueError, match="cannot hold"):
        paired_size(0.01, 0.03, difference=0.02)
    with pytest.raises(ValueError, match="0 questions"):
        minimum_detectable(0, 0.2)
    with pytest.raises(ValueError, match="not above zero"):
        questions_needed(0.0)


def test_the_planned_power_is_had() -> None:
    """A z-test at the planned size clears an equal candidate in 90% of 1,500 seeded runs (one-sided 5%)."""
    draw, runs, cleared = random.Random(20261122), 1500, 0  # noqa: S311 - a simulation
    n = math.ceil(paired_size(0.2, 0.06))
    for _ in range(runs):
        flips = [draw.random() for _ in range(n)]
        better, worse = sum(x < 0.1 for x in flips), sum(0.1 <= x < 0.2 for x in flips)
        mean = (better - worse) / n
        error = math.sqrt(((better + worse) / n - mean**2) / n)
        cleared += mean + 0.06 > 1.6448536 * error
    assert cleared / runs == pytest.approx(0.9, abs=0.025)
