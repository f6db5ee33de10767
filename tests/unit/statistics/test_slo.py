"""Exceedance tests: exactness by enumeration, error rates, and how many requests they take."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.statistics.slo import BlockSloTest, SloTest, block_share_interval, exceedance_interval, slo_verdict


def requests(draw: random.Random, exceedance: float, n: int) -> list[float]:
    """Return n latencies of which that share exceeds 1 second, some by timing out."""
    return [draw.choice((1.5, math.inf)) if draw.random() < exceedance else 0.5 for _ in range(n)]


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.9])
def test_the_mean_of_the_evidence_is_one_at_the_boundary(rate: float) -> None:
    """Over all 2^8 outcomes, weighted by their probability at exactly the allowed rate, both e-values average 1."""
    met = not_met = 0.0
    for outcome in itertools.product((0.5, 1.5), repeat=8):
        test = SloTest(1.0, rate, alpha=1e-12)
        for sample in outcome:
            test.update(sample)
        chance = rate ** outcome.count(1.5) * (1 - rate) ** outcome.count(0.5)
        met, not_met = met + chance * test.e_met, not_met + chance * test.e_not_met
    assert (met, not_met) == pytest.approx((1.0, 1.0), abs=1e-9)


@pytest.mark.parametrize(
    ("exceedance", "expected", "verdict"),
    [(0.005, 112, "met"), (0.01, 151, "met"), (0.02, 323, "met"), (0.1, 173, "not met"), (0.15, 57, "not met")],
)
def test_the_requests_it_takes(exceedance: float, expected: float, verdict: str) -> None:
    """Mean requests to decide at a rate of 5%, as measured for our knowledge base (statistics.md, section 6)."""
    draw, runs = random.Random(20261122), 400  # noqa: S311 - a simulation
    tests = [slo_verdict((requests(draw, exceedance, 1)[0] for _ in range(5000)), 1.0, 0.05) for _ in range(runs)]
    assert sum(test.n for test in tests) / runs == pytest.approx(expected, rel=0.15)
    assert sum(test.verdict == verdict for test in tests) / runs > 0.98


def test_a_false_verdict_is_rare_however_long_one_looks() -> None:
    """At exactly the allowed rate both verdicts are errors of at most 5% each: 400 seeded runs of 1,500 requests."""
    draw, runs = random.Random(20261122), 400  # noqa: S311 - a simulation
    verdicts = [slo_verdict(requests(draw, 0.05, 1500), 1.0, 0.05).verdict for _ in range(runs)]
    bound = 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    assert verdicts.count("met") / runs <= bound
    assert verdicts.count("not met") / runs <= bound


def test_a_verdict_stands() -> None:
    """After the verdict nothing is counted, and the evidence at it stays readable."""
    test = slo_verdict(itertools.repeat(0.5), 1.0, 0.05)
    assert (test.verdict, test.exceeded) == ("met", 0)
    assert test.e_met >= 20 > test.e_not_met
    n = test.n
    assert test.update(math.inf) == "met"
    assert test.n == n


def test_the_limit_itself_is_kept() -> None:
    """A request at the limit is in time, a time-out is not; none at all decides nothing."""
    test = SloTest(1.0, 0.05)
    test.update(1.0)
    test.update(math.inf)
    assert (test.n, test.exceeded, test.verdict) == (2, 1, "undecided")
    assert slo_verdict([], 1.0, 0.05).verdict == "undecided"


def test_impossible_input_is_refused() -> None:
    """A rate of zero cannot be tested, and NaN is no latency."""
    with pytest.raises(ValueError, match=r"rate of 0\.0"):
        SloTest(1.0, 0.0)
    with pytest.raises(ValueError, match="not a number"):
        SloTest(1.0, 0.05).update(math.nan)
    with pytest.raises(ValueError, match="3 of 2"):
        exceedance_interval(3, 2)


@given(st.integers(0, 400), st.data())
def test_the_interval_is_the_set_of_rates_not_excluded(n: int, data: st.DataObject) -> None:
    """The Beta(1/2, 1/2) mixture, here by sums of logarithms, reaches 20 just outside and not just inside."""
    exceeded = data.draw(st.integers(0, n))
    low, high = exceedance_interval(exceeded, n)
    assert 0 <= low <= (exceeded / n if n else 0.5) <= high <= 1

    def mixture(p: float) -> float:
        steps = [math.log((i + 0.5) / p) for i in range(exceeded)]
        steps += [math.log((i + 0.5) / (1 - p)) for i in range(n - exceeded)]
        return math.fsum(steps) - math.fsum(math.log(i + 1) for i in range(n))

    if exceeded:
        assert mixture(low * 0.999) > math.log(20) > mixture(low * 1.001)
    if exceeded < n:
        assert mixture(1 - (1 - high) * 0.999) > math.log(20) > mixture(1 - (1 - high) * 1.001)


def test_the_interval_holds_at_every_time_at_once() -> None:
    """A true rate of 10% leaves the interval at any of 500 looks in at most 5% of 400 seeded runs."""
    draw, runs, left = random.Random(20261122), 400, 0  # noqa: S311 - a simulation
    limits: dict[tuple[int, int], bool] = {}
    for _ in range(runs):
        exceeded = 0
        for n in range(1, 501):
            exceeded += draw.random() < 0.1
            if (exceeded, n) not in limits:
                low, high = exceedance_interval(exceeded, n)
                limits[exceeded, n] = low <= 0.1 <= high
            if not limits[exceeded, n]:
                left += 1
                break
    assert left / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_blocks_of_one_request_are_requests(rate: float) -> None:
    """Both tests bet alike: with one request a block the evidence is the same number."""
    single, block = SloTest(1.0, rate, alpha=1e-12), BlockSloTest(rate, alpha=1e-12)
    for exceeded in (0, 0, 1, 0, 1, 0, 0):
        single.update(1.5 if exceeded else 0.5)
        block.update(exceeded)
    assert (block.e_met, block.e_not_met) == pytest.approx((single.e_met, single.e_not_met), rel=1e-9)


def test_a_block_whose_requests_fare_alike_counts_once() -> None:
    """At exactly the allowed rate, blocks of 20 that all exceed or none: every verdict is false, and few by blocks."""
    draw, runs = random.Random(20261122), 200  # noqa: S311 - a simulation
    by_block = by_request = 0
    for _ in range(runs):
        blocks = [float(draw.random() < 0.05) for _ in range(200)]
        test = BlockSloTest(0.05)
        for share in blocks:
            test.update(share)
        by_block += test.verdict != "undecided"
        requests_too = slo_verdict((1.5 * share for share in blocks for _ in range(20)), 1.0, 0.05)
        by_request += requests_too.verdict != "undecided"
    assert by_block / runs <= 2 * 0.05 + 3 * math.sqrt(0.1 * 0.9 / runs)
    assert by_request / runs > 0.9


@pytest.mark.parametrize(("mean", "n"), [(0.05, 60), (0.5, 80)])
def test_the_interval_of_a_mean_share_holds(mean: float, n: int) -> None:
    """Uniform shares around a mean: 95% intervals at any number of blocks cover it in at least 95% of the runs."""
    draw, runs = random.Random(20261122), 60  # noqa: S311 - a simulation
    held = 0
    for _ in range(runs):
        low, high = block_share_interval([draw.uniform(0, 2 * mean) for _ in range(n)])
        held += low <= mean <= high
    assert held / runs >= 0.95


def test_intervals_at_the_ends() -> None:
    """Nothing seen excludes nothing; all alike leaves the end open on one side only."""
    assert block_share_interval([]) == (0.0, 1.0)
    low, high = block_share_interval([0.0] * 60)
    assert low == 0.0
    assert 0.0 < high < 0.1
    assert block_share_interval([1.0] * 60)[1] == 1.0
