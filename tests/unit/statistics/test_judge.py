"""Corrected rates against the published reference, coverage in simulation, and orders by hand."""

from __future__ import annotations

import random

import pytest

from weighbridge.statistics.interval import wilson
from weighbridge.statistics.judge import Calibration, Place, corrected_rate, order_stats, preference_rate


@pytest.mark.parametrize(
    ("judged", "labels", "theta", "limits"),
    [
        ((5000, 10_000), Calibration(4500, 5000, 4500, 5000), 0.5, (0.4857088025790391, 0.514291197420961)),
        ((400, 1000), Calibration(180, 200, 140, 200), 1 / 6, (0.05635072484160894, 0.2627330257859588)),
    ],
)
def test_the_published_implementation(
    judged: tuple[int, int], labels: Calibration, theta: float, limits: tuple[float, float]
) -> None:
    """The two examples of UW-Madison-Lee-Lab/LLM-judge-reporting (arXiv 2511.21140), run with its own code."""
    estimate = corrected_rate(*judged, labels)
    assert estimate is not None
    assert estimate.value == pytest.approx(theta, abs=1e-12)
    assert (estimate.low, estimate.high) == pytest.approx(limits, abs=1e-12)


def test_a_judge_no_better_than_chance_is_refused() -> None:
    """Labels that do not show the judge to carry information leave nothing to correct, nor do no labels."""
    assert corrected_rate(500, 1000, Calibration(60, 100, 45, 100)) is None
    assert corrected_rate(500, 1000, Calibration(10, 10, 0, 0)) is None
    assert corrected_rate(0, 0, Calibration(100, 100, 100, 100)) is None


def test_the_value_stays_a_share() -> None:
    """A rate below the judge's false yeses is zero, not negative, and lies in its interval."""
    estimate = corrected_rate(10, 1000, Calibration(90, 100, 90, 100))
    assert estimate is not None
    assert estimate.low == estimate.value == 0.0 <= estimate.high


def test_a_raw_rate_near_one_half_is_refused() -> None:
    """55% of 10,000 is no finding without labels; 80% is, and 20% is; labels make 55% one."""
    assert preference_rate(5500, 10_000) is None
    assert preference_rate(0, 0) is None
    for wins in (8000, 2000):
        estimate = preference_rate(wins, 10_000)
        assert estimate is not None
        assert (estimate.low, estimate.high) == wilson(wins, 10_000)
    corrected = preference_rate(5500, 10_000, Calibration(850, 1000, 850, 1000))
    assert corrected is not None
    assert corrected.value == pytest.approx(0.4 / 0.7)


def test_impossible_counts_are_refused() -> None:
    """More right than labelled, more yes than judged."""
    with pytest.raises(ValueError, match="11 right of 10"):
        Calibration(11, 10, 5, 10)
    with pytest.raises(ValueError, match="5 of 4 judged yes"):
        corrected_rate(5, 4, Calibration(9, 10, 9, 10))


def test_a_judge_that_follows_the_answer_has_no_liking_for_a_place() -> None:
    """A wins in both orders, or B does: half the verdicts name the first place, and none flips."""
    verdicts: dict[tuple[Place, Place], int] = {("first", "second"): 7, ("second", "first"): 4, ("tie", "tie"): 1}
    pairs = [pair for pair, times in verdicts.items() for _ in range(times)]
    stats = order_stats(pairs)
    assert stats.first_place is not None
    assert stats.flips is not None
    assert stats.first_place.value == 0.5
    assert stats.first_place.low < 0.5 < stats.first_place.high
    assert stats.flips.value == 0.0


def test_a_judge_that_follows_the_place_always_flips() -> None:
    """The first answer wins whichever it is: first-place rate and flip rate are one, with an interval."""
    stats = order_stats([("first", "first")] * 20)
    assert stats.first_place is not None
    assert stats.flips is not None
    assert (stats.first_place.value, stats.first_place.low, stats.first_place.high) == (1.0, *wilson(20, 20))
    assert stats.flips.value == 1.0


def test_ties_are_flips_but_name_no_place() -> None:
    """A win that becomes a tie has changed; only decisive verdicts name a place."""
    stats = order_stats([("first", "tie"), ("tie", "tie"), ("second", "second"), ("first", "second")])
    assert stats.first_place is not None
    assert stats.flips is not None
    assert stats.first_place.value == pytest.approx(2 / 5)
    assert stats.flips.value == 0.5
    assert order_stats([("tie", "tie")]).first_place is None
    assert order_stats([]).flips is None


def test_the_corrected_interval_covers_where_the_raw_rate_never_does() -> None:
    """True rate 55%, sensitivity 90%, specificity 70%, 200 labels; 800 seeded runs, nominal 95%."""
    draw, runs, covered, raw_covered = random.Random(20261122), 800, 0, 0  # noqa: S311 - a simulation

    def count(n: int, rate: float) -> int:
        return sum(draw.random() < rate for _ in range(n))

    for _ in range(runs):
        judged = count(500, 0.55 * 0.9 + 0.45 * 0.3)
        estimate = corrected_rate(judged, 500, Calibration(count(100, 0.9), 100, count(100, 0.7), 100))
        assert estimate is not None
        covered += estimate.low <= 0.55 <= estimate.high
        low, high = wilson(judged, 500)
        raw_covered += low <= 0.55 <= high
    assert 0.93 <= covered / runs <= 0.98
    assert raw_covered / runs < 0.2
