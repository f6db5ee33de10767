"""The Shiryaev-Roberts detector: its known path, its guarantee and its delay."""

from __future__ import annotations

import json
import math
import random
from itertools import count, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.statistics.drift import MULTIPLES, SRDetector


def time_to_alarm(detector: SRDetector, draw: random.Random, rate: float) -> int:
    """Return after how many observations of that rate the detector alarms."""
    return next(n for n in count(1) if detector.update(float(draw.random() < rate)))


def test_the_known_path() -> None:
    """1101110111 against one half with a bet of one half (multiple 1.25) ends at 21.392102 (statistics.md, 7.3)."""
    detector = SRDetector(0.5, 1e6, (1.25,))
    for digit in "1101110111":
        detector.update(float(digit))
    assert detector.value == pytest.approx(21.392102, abs=5e-7)


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_it_is_the_sum_of_processes_started_at_every_time(stream: list[bool]) -> None:
    """The recursion equals its definition: sum over starts of the products of likelihood ratios since."""
    detector = SRDetector(0.1, 1e9)
    for x in stream:
        detector.update(float(x))
    total = 0.0
    for multiple in MULTIPLES:
        ratios = [multiple if x else (1 - 0.1 * multiple) / 0.9 for x in stream]
        total += sum(math.prod(ratios[start:]) for start in range(len(ratios)))
    assert detector.value == pytest.approx(total / len(MULTIPLES), rel=1e-9)


@pytest.mark.parametrize(("p0", "multiples"), [(0.1, MULTIPLES), (0.6, (0.8, 0.5))])
def test_the_mean_time_to_a_false_alarm_is_at_least_the_threshold(p0: float, multiples: tuple[float, ...]) -> None:
    """At exactly p0, rising or falling: 400 seeded runs to a threshold of 500."""
    draw, runs = random.Random(20261122), 400  # noqa: S311 - a simulation
    times = [time_to_alarm(SRDetector(p0, 500, multiples), draw, p0) for _ in range(runs)]
    mean = sum(times) / runs
    error = math.sqrt(sum((t - mean) ** 2 for t in times) / runs**2)
    assert mean >= 500 - 3 * error


@pytest.mark.parametrize("multiples", [(1.6, 2.5), (0.6, 0.35)])
def test_a_prediction_is_as_good_as_a_rate_that_is_known(multiples: tuple[float, ...]) -> None:
    """Exactly, over all streams of nine under Jeffreys' prior: the mean value after n observations is n.

    So the mean time to a false alarm is at least the threshold, whatever the bets are made on.
    """
    mean = 0.0
    for stream in product((0, 1), repeat=9):
        detector, chance = SRDetector(0.5, 1e9, multiples), 1.0
        for n, x in enumerate(stream):
            predicted = (sum(stream[:n]) + 0.5) / (n + 1)
            detector.aim(predicted, (sum(stream[: n // 2]) + 0.5) / (n // 2 + 1))
            chance *= predicted if x else 1 - predicted
            detector.update(float(x))
        mean += chance * detector.value
    assert mean == pytest.approx(9, rel=1e-9)


@pytest.mark.parametrize(("p0", "rate", "delay"), [(0.02, 0.04, 506), (0.02, 0.06, 203), (0.1, 0.2, 136)])
def test_the_delay_of_a_rise(p0: float, rate: float, delay: float) -> None:
    """Mean delay at threshold 20,000 after a quiet time: statistics.md, section 5, within 10%; 300 seeded runs."""
    draw, runs, times = random.Random(20261122), 300, []  # noqa: S311 - a simulation
    for _ in range(runs):
        detector = SRDetector(p0, 20_000)
        for _ in range(1000):
            if detector.update(float(draw.random() < p0)):
                detector.reset()
        times.append(time_to_alarm(detector, draw, rate))
    assert sum(times) / runs == pytest.approx(delay, rel=0.1)


@given(st.lists(st.booleans(), max_size=40), st.lists(st.booleans(), max_size=40))
def test_the_state_survives_json(before: list[bool], after: list[bool]) -> None:
    """A detector written down and read back goes on as if nothing had happened."""
    whole = SRDetector(0.3, 50.0)
    for x in before:
        whole.update(float(x))
    resumed = SRDetector.from_state(json.loads(json.dumps(whole.state())))
    for x in after:
        assert resumed.update(float(x)) == whole.update(float(x))
    assert resumed.state() == whole.state()


def test_it_neither_overflows_nor_forgets_to_reset() -> None:
    """A stream that stays bad stays alarmed at a finite value; after a reset it is quiet."""
    detector = SRDetector(0.1, 20_000)
    for _ in range(2000):
        detector.update(1.0)
    assert detector.alarmed
    assert math.isfinite(detector.value)
    detector.reset()
    assert not detector.alarmed


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"p0": 0.1, "threshold": 9, "multiples": [2], "values": []},
        {"p0": 0.1, "threshold": 9, "multiples": [2], "values": [math.nan]},
        {"p0": 0.1, "threshold": 9, "multiples": None, "values": [1]},
        {"p0": 2, "threshold": 9, "multiples": [2], "values": [1]},
    ],
)
def test_a_damaged_state_is_refused(state: dict[str, object]) -> None:
    """What is no state does not become a detector."""
    with pytest.raises(ValueError, match="detector"):
        SRDetector.from_state(state)


def test_impossible_input_is_refused() -> None:
    """Multiples on both sides of one, and scores outside [0, 1]."""
    with pytest.raises(ValueError, match="no detector"):
        SRDetector(0.1, 100, (0.5, 2.0))
    detector = SRDetector(0.1, 100)
    for x in (1.5, -0.1, math.nan):
        with pytest.raises(ValueError, match="score"):
            detector.update(x)
