"""Two arms: the e-values keep their promise exactly, block by block, and need as many answers as stated."""

from __future__ import annotations

import json
import math
import random
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.statistics.arms import (
    Block,
    HarmTest,
    PairHarm,
    Rates,
    SafetyTest,
    apart,
    evidence,
    rate_sequence,
    together,
)
from weighbridge.statistics.stream_mean import weighted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RATES = st.floats(0.001, 0.999)
SIZES = st.integers(1, 4)
EXACT = 1 + 1e-9


def chances(rates: Sequence[float]) -> list[float]:
    """Return the distribution of how many of independent events happen (Poisson's binomial, by convolution)."""
    spread = [1.0]
    for rate in rates:
        spread = [a * (1 - rate) + b * rate for a, b in zip([*spread, 0.0], [0.0, *spread], strict=True)]
    return spread


def outcomes(a: Sequence[float], b: Sequence[float]) -> Iterator[tuple[float, Block]]:
    """Yield every block of answers with those rates, and its chance."""
    for (bad_a, p_a), (bad_b, p_b) in product(enumerate(chances(a)), enumerate(chances(b))):
        yield p_a * p_b, Block(len(a), bad_a, len(b), bad_b)


def divergence(block: Block, bets: Rates, null: Rates) -> float:
    """Return the Kullback-Leibler divergence of a block, from its definition."""
    rates = ((block.n_a, bets.a, null.a), (block.n_b, bets.b, null.b))
    return sum(n * (p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))) for n, p, q in rates)


@settings(max_examples=60, deadline=None)
@given(RATES, RATES, SIZES, SIZES, st.floats(0.01, 0.5))
def test_the_nearest_null_is_nearest(a: float, b: float, n_a: int, n_b: int, margin: float) -> None:
    """No null of a fine grid is nearer to the bets, in the divergence, than the one that is found."""
    block, bets = Block(n_a, 0, n_b, 0), Rates(a, b)
    grid = [place / 500 for place in range(1, 500)]
    if b > a:
        found = together(block, bets)
        assert found.a == found.b
        assert divergence(block, bets, found) <= min(divergence(block, bets, Rates(p, p)) for p in grid) + 1e-9
    if b < a + margin:
        found = apart(block, bets, margin)
        assert found.b - found.a == pytest.approx(margin)
        others = [Rates(p, p + margin) for p in grid if p + margin < 1]
        assert divergence(block, bets, found) <= min(divergence(block, bets, one) for one in others) + 1e-9


@settings(max_examples=60, deadline=None)
@given(
    st.lists(RATES, min_size=1, max_size=4),
    st.lists(RATES, min_size=1, max_size=4),
    RATES,
    RATES,
    st.floats(0.01, 0.3),
)
def test_the_mean_evidence_under_a_null_is_one_at_most(
    a: list[float], b: list[float], bet_a: float, bet_b: float, margin: float
) -> None:
    """Exactly, over all outcomes, where only the arms' *mean* rates obey the null (Turner, Ly, Gruenwald 2024)."""
    block, bets = Block(len(a), 0, len(b), 0), Rates(bet_a, bet_b)
    apart_by = sum(b) / len(b) - sum(a) / len(a)
    for is_null, null in (
        (apart_by <= 0, together(block, bets)),
        (apart_by <= margin, together(block, bets, margin)),
        (apart_by >= margin, apart(block, bets, margin)),
    ):
        if is_null:
            mean = sum(chance * math.exp(evidence(one, bets, null)) for chance, one in outcomes(a, b))
            assert mean <= EXACT


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), RATES, st.floats(0, 1), SIZES, SIZES)
def test_wealth_does_not_grow_under_a_null(seed: int, rate: float, part: float, n_a: int, n_b: int) -> None:
    """After any past, the mean of the next value is the present one at most, whatever the common rate is by now."""
    draw, harm, safety = random.Random(seed), HarmTest(), SafetyTest(0.05)  # noqa: S311 - a simulation
    for _ in range(draw.randrange(30)):
        block = Block(3, draw.choice((0, 0, 0, 1, 3)), 2, draw.choice((0, 0, 1, 2)))
        harm.update(block)
        safety.update(block)
    harmless, unsafe = (rate, rate * part), (rate * 0.95, rate * 0.95 + 0.05)
    for test, (a, b) in ((harm, harmless), (safety, unsafe)):
        state = test.state()
        after = [
            (chance, type(test).from_state(state).update(block)) for chance, block in outcomes([a] * n_a, [b] * n_b)
        ]
        assert sum(chance * value for chance, value in after) <= test.value * EXACT


@pytest.mark.parametrize("n_a", [1, 19])
def test_a_candidate_that_always_fails_is_found_within_ten_answers(n_a: int) -> None:
    """At the seventh part of 5% (seven signs share it), beside a primary that never fails; also after a long quiet."""
    for quiet in (0, 1000):
        harm = HarmTest()
        for _ in range(quiet):
            harm.update(Block(n_a, 0, 1, 0))
        answers = 0
        while harm.value < 7 / 0.05:
            harm.update(Block(n_a, 0, 1, 1))
            answers += 1
        assert answers <= (10 if not quiet else 20)


def answers_until_safe(draw: random.Random, rate: float, n_a: int) -> int:
    """Return how many answers of the candidate show that it is not worse by 3 points, where both arms are alike."""
    safety, answers = SafetyTest(0.03), 0
    while safety.value < 1 / 0.05:
        bad = [sum(draw.random() < rate for _ in range(n)) for n in (n_a, 1)]
        safety.update(Block(n_a, bad[0], 1, bad[1]))
        answers += 1
    return answers


def test_safety_takes_as_few_answers_as_theory_allows() -> None:
    """Beside a primary that is known well: within 1.5 times Wald's log(1 / alpha) / KL(2%, 5%) = 247 answers."""
    draw = random.Random(8)  # noqa: S311 - a simulation
    wald = math.log(20) / (0.02 * math.log(0.02 / 0.05) + 0.98 * math.log(0.98 / 0.95))
    assert wald == pytest.approx(247, abs=1)
    assert sum(answers_until_safe(draw, 0.02, 19) for _ in range(40)) / 40 <= 1.5 * wald


def test_what_is_needed_is_about_what_it_takes() -> None:
    """The forecast early in a quiet stream is on the safe side, by half at the most, and 0 at the end."""
    safety = SafetyTest(0.03)
    for _ in range(20):
        safety.update(Block(1, 0, 1, 0))
    forecast = safety.needed(0.05, 1.0)
    taken = 0
    while safety.value < 1 / 0.05:
        safety.update(Block(1, 0, 1, 0))
        taken += 1
    assert forecast / 2 <= taken <= forecast
    assert safety.needed(0.05, 1.0) == 0


def test_states_survive_json_and_strangers_are_refused() -> None:
    """A test goes on from its state to the same values; what is no state is a ValueError."""
    for test in (HarmTest(), SafetyTest(0.03)):
        test.update(Block(5, 1, 2, 2))
        again = type(test).from_state(json.loads(json.dumps(test.state())))
        assert again.update(Block(3, 0, 1, 1)) == test.update(Block(3, 0, 1, 1))
        for wrong in ({}, {**test.state(), "n": "x"}, {**test.state(), "stakes": [1.0], "logs": [math.inf]}):
            with pytest.raises(ValueError, match=r"test|float"):
                type(test).from_state(wrong)
        for block in (Block(0, 0, 1, 0), Block(1, 0, 0, 0), Block(1, 2, 1, 0)):
            with pytest.raises(ValueError, match="no block"):
                test.update(block)


def test_one_regress_cannot_overflow() -> None:
    """A million bad answers leave a finite value."""
    harm = HarmTest()
    for _ in range(20):
        harm.update(Block(50_000, 0, 50_000, 50_000))
    assert math.isfinite(harm.value)


def test_the_interval_is_the_mixture_of_robbins() -> None:
    """Both ends solve likelihood = (1 - level) x the Beta(1/2, 1/2) mean, which is integrated here in steps."""
    bad, n = 3, 40
    steps = 20_000
    mean = (
        sum(  # over the angle whose squared sine is the rate: there Beta(1/2, 1/2) is flat
            (rate := math.sin(math.pi / 2 * (place + 0.5) / steps) ** 2) ** bad * (1 - rate) ** (n - bad)
            for place in range(steps)
        )
        / steps
    )
    low, high = rate_sequence(bad, n)
    for end in (low, high):
        assert end**bad * (1 - end) ** (n - bad) == pytest.approx(0.05 * mean, rel=1e-4)
    assert low < bad / n < high


def test_the_interval_holds_at_all_times_at_once() -> None:
    """In at least 95% of 300 streams the rate lies in the interval at each of 200 moments."""
    draw, missed = random.Random(5), 0  # noqa: S311 - a simulation
    for _ in range(300):
        bad, is_out = 0, False
        for n in range(1, 201):
            bad += draw.random() < 0.1
            if n % 10 == 0 and not is_out:
                low, high = rate_sequence(bad, n)
                is_out = not low <= 0.1 <= high
        missed += is_out
    assert missed <= 300 * 0.05
    assert rate_sequence(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 of 2"):
        rate_sequence(3, 2)


PAIRS = st.lists(st.tuples(st.sampled_from((0.15, 0.25, 0.5, 1.0)), st.floats(0, 1)), max_size=30)


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.sampled_from((0.15, 0.25, 0.5, 1.0)), st.floats(0.5, 1.0), st.floats(0, 1))
def test_wealth_on_pairs_does_not_grow_where_answers_are_as_good(
    past: list[tuple[float, float]], chance: float, wins: float, ties: float
) -> None:
    """After any past, looked at with any chance: the mean of the next value is the present one at most."""
    test = PairHarm(weighted(1.0, 0.15, 0.5))
    for looked, value in past:
        test.update(weighted(round(2 * value) / 2, looked, 0.5))
    state, before = test.state(), test.value
    outcomes_of_one = [(chance * ties, 0.5), (chance * (1 - ties) * wins, 1.0), (chance * (1 - ties) * (1 - wins), 0.0)]
    after = sum(
        likely * PairHarm.from_state(state).update(weighted(value, chance, 0.5)) for likely, value in outcomes_of_one
    )
    if chance < 1:
        after += (1 - chance) * PairHarm.from_state(state).update(weighted(None, chance, 0.5))
    assert after <= before * EXACT


@pytest.mark.parametrize(("quiet", "most"), [(0, 100), (2000, 200)])
def test_answers_that_are_always_worse_are_found_by_a_few_judgements(quiet: int, most: int) -> None:
    """At the eighth part of 5% (eight signs share it), each pair judged with chance 1/4; also after a long quiet."""
    draw, test, pairs = random.Random(3), PairHarm(weighted(1.0, 0.15, 0.5)), 0  # noqa: S311 - a simulation
    for _ in range(quiet):
        test.update(0.5)
    while test.value < 8 / 0.05:
        test.update(weighted(0.0 if draw.random() < 0.25 else None, 0.25, 0.5))
        pairs += 1
    assert pairs <= most


def test_what_resembles_itself_shows_less() -> None:
    """With a design effect of 2 the evidence is the square root of what it is for independent answers, bet by bet."""
    one, two = SafetyTest(0.03), SafetyTest(0.03)
    for _ in range(200):
        one.update(Block(1, 0, 1, 0))
        two.update(Block(1, 0, 1, 0), 2.0)
    both = [math.exp(log) for log in one.state()["logs"]]
    assert one.value == pytest.approx(sum(both) / 2)
    assert two.value == pytest.approx(sum(math.sqrt(value) for value in both) / 2)
    assert one.needed(0.05, 1.0) < two.needed(0.05, 1.0)
    assert SafetyTest.from_state(json.loads(json.dumps(two.state()))).value == two.value
    for effect in (0.9, math.nan):
        with pytest.raises(ValueError, match="design effect"):
            one.update(Block(1, 0, 1, 0), effect)
