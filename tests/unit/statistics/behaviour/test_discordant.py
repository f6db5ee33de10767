"""The e-process on discordant pairs: its mean by enumeration, its stopping times against published figures."""

from __future__ import annotations

import math
import random
from statistics import median

import pytest

from weighbridge.statistics.behaviour.discordant import DiscordantTest


def fed(first_only: int, second_only: int) -> DiscordantTest:
    """Return the test after so many pairs on each side."""
    test = DiscordantTest()
    for _ in range(first_only):
        test.add("first_only")
    for _ in range(second_only):
        test.add("second_only")
    return test


@pytest.mark.parametrize("pairs", [1, 7, 20])
def test_without_a_gap_its_mean_is_one(pairs: int) -> None:
    """Over all outcomes of fair pairs the e-value has mean 1 exactly: an e-value, and a martingale."""
    mean = math.fsum(math.comb(pairs, x) * fed(x, pairs - x).e_value for x in range(pairs + 1)) / 2**pairs
    assert mean == pytest.approx(1.0, abs=1e-12)


def test_one_step_keeps_the_mean() -> None:
    """From any state the mean over the two next ones is the e-value itself."""
    for x, y in ((0, 0), (3, 1), (10, 2)):
        assert (fed(x + 1, y).e_value + fed(x, y + 1).e_value) / 2 == pytest.approx(fed(x, y).e_value)


def test_the_formula_by_hand() -> None:
    """Eight pairs one way: 2^8 / 9 = 28.4 reaches 20, seven (16) do not."""
    assert fed(8, 0).e_value == pytest.approx(256 / 9)
    assert fed(8, 0).verdict() == "first more"
    assert fed(0, 8).verdict() == "second more"
    assert fed(7, 0).verdict() == "not shown"
    assert fed(8, 0).p_value == pytest.approx(9 / 256)


def test_a_verdict_stays() -> None:
    """Once shown it is shown, whatever comes later: the promise is about all looks at once."""
    test = fed(8, 8)
    assert test.e_value < 1
    assert test.verdict() == "first more"


def stops(gap: float, *, runs: int, seed: int) -> list[float]:
    """Return the item at which each run stops, of 400 with 30% discordant; inf where none did."""
    draw, found = random.Random(seed), []  # noqa: S311 - a simulation
    first, either = (0.3 + gap) / 2, 0.3
    for _ in range(runs):
        test, stopped = DiscordantTest(), math.inf
        for item in range(1, 401):
            u = draw.random()
            if u < either:
                test.add("first_only" if u < first else "second_only")
                if test.verdict() != "not shown":
                    stopped = item
                    break
        found.append(stopped)
    return found


def test_false_alarms_stay_below_alpha_at_any_number_of_looks() -> None:
    """Our knowledge base, behaviour.md 4.3: 3.3% of runs of 400 items without a gap, looked at after every item."""
    alarms = [stop for stop in stops(0.0, runs=800, seed=1) if stop < math.inf]
    assert 0.015 < len(alarms) / 800 < 0.05


@pytest.mark.parametrize(("gap", "items", "within"), [(0.15, 101, 12), (0.2, 55, 6), (0.3, 29, 4)])
def test_gaps_are_found_as_soon_as_published(gap: float, items: int, within: int) -> None:
    """Median items until the verdict with 30% discordant: 101, 55 and 29 (behaviour.md 4.3)."""
    found = stops(gap, runs=400, seed=2)
    assert median(found) == pytest.approx(items, abs=within)
    assert sum(stop < math.inf for stop in found) / 400 > 0.98


def test_impossible_input_is_refused() -> None:
    """There are two sides and an error between 0 and 1; thousands of pairs do not overflow."""
    test = DiscordantTest()
    with pytest.raises(ValueError, match="side"):
        test.add("both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="error"):
        test.verdict(0)
    assert math.isfinite(fed(3000, 0).e_value)
