"""Two one-sided tests: their size by enumeration, and the order of the verdicts."""

from __future__ import annotations

import math

import pytest

from weighbridge.core.estimate import Estimate
from weighbridge.statistics.behaviour.equivalence import judge_equivalence, paired_equivalence


def test_a_published_equivalence() -> None:
    """48 against 41 discordant of 549: 90% interval -1.57 to 4.14 points by PropCIs, so within 5 and not within 4."""
    assert paired_equivalence(48, 41, 549, margin=0.05).verdict == "equivalent"
    assert paired_equivalence(48, 41, 549, margin=0.04).verdict == "not shown"


def test_no_significance_is_no_equivalence() -> None:
    """Ten against three of thirty pairs: McNemar p = .09, and a gap of 40 points is not excluded."""
    found = paired_equivalence(10, 3, 30, margin=0.1)
    assert (found.verdict, found.gap_shown) == ("not shown", False)
    assert found.difference is not None
    assert found.difference.level == pytest.approx(0.9)
    assert paired_equivalence(0, 7, 30, margin=0.1).verdict == "different"


def test_a_real_gap_may_be_too_small_to_matter() -> None:
    """200 against 100 of 10,000 is shown and is one point: equivalent within ten, and said to be a gap."""
    found = paired_equivalence(200, 100, 10_000, margin=0.1)
    assert (found.verdict, found.gap_shown) == ("equivalent", True)


def test_nothing_compared_is_not_shown() -> None:
    """Without pairs there is no interval and no verdict."""
    found = paired_equivalence(0, 0, 0, margin=0.1)
    assert (found.verdict, found.difference) == ("not shown", None)


@pytest.mark.parametrize(("second_only", "n"), [(0.05, 80), (0.1, 120), (0.02, 100)])
def test_a_gap_of_the_margin_is_rarely_called_equivalent(second_only: float, n: int) -> None:
    """Exact size over all tables: at a true gap of the margin, ten points, P(equivalent) is near 5% or below."""
    first_only, size = second_only + 0.1, 0.0
    cells = (math.log(first_only), math.log(second_only), math.log(1 - first_only - second_only))
    for x in range(int(n * 0.4)):
        for y in range(int(n * 0.3)):
            if x - y <= 0.1 * n and paired_equivalence(x, y, n, margin=0.1).verdict == "equivalent":
                ways = math.lgamma(n + 1) - math.lgamma(x + 1) - math.lgamma(y + 1) - math.lgamma(n - x - y + 1)
                size += math.exp(ways + x * cells[0] + y * cells[1] + (n - x - y) * cells[2])
    assert size < 0.06


def test_an_interval_at_another_level_is_refused() -> None:
    """A 95% interval does not test at 5% a side; a margin of zero leaves nothing to show."""
    with pytest.raises(ValueError, match="level"):
        judge_equivalence(Estimate(0.0, -0.05, 0.05, 100, "x", 0.95), 0.5, margin=0.1)
    with pytest.raises(ValueError, match="margin"):
        paired_equivalence(1, 1, 10, margin=0.0)
