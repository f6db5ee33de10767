"""Laws of the sequential comparison on arbitrary small benchmarks."""

from __future__ import annotations

import random  # noqa: TC003 - hypothesis reads the annotation

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.statistics.sequential import Plan, Predictor, Sampler, make_predictor
from weighbridge.statistics.sequential.drawing import Learner, probabilities

Case = tuple[Plan, Predictor, list[tuple[float, float | None]]]
SCORE = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))


@st.composite
def benchmarks(draw: st.DrawFn) -> Case:
    """Return a plan, its predictor and the scores of every item, candidate and (where asked too) baseline."""
    n = draw(st.integers(1, 40))
    both = draw(st.booleans())
    models = draw(st.integers(0, 4))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    history = rng.choice([0.0, 1.0, np.nan], (models, n))
    predictor = make_predictor(n, history=history, baseline=None if both else rng.integers(0, 2, n).astype(np.uint8))
    plan = Plan(
        n_items=n,
        question=draw(st.sampled_from(["noninferior", "better"])),
        tau=draw(st.floats(-1 if both else 0, 1)),
        items="",
        predictions=predictor.digest,
        both=both,
        baseline=predictor.baseline,
        seed=draw(st.integers(0, 1000)),
        batch=draw(st.sampled_from([1, 5, 64])),
        margin=draw(st.sampled_from([None, 0.03])),
    )
    candidate = draw(st.lists(SCORE, min_size=n, max_size=n))
    other = draw(st.lists(SCORE, min_size=n, max_size=n)) if both else [None] * n
    return plan, predictor, list(zip(candidate, other, strict=True))


def exhaust(sampler: Sampler, portion: int) -> list[int]:
    """Draw everything that may be drawn."""
    drawn: list[int] = []
    while (ids := sampler.next(portion)[0]).size:
        drawn += ids.tolist()
    return drawn


@settings(max_examples=40, deadline=None)
@given(benchmarks(), st.integers(1, 9))
def test_intervals_are_nested_and_never_empty(case: Case, portion: int) -> None:
    """Low <= value <= high always; nested unless the truth was already left; the mean itself when all is seen."""
    plan, predictor, scores = case
    sampler = Sampler(plan, predictor)
    truth = float(np.mean([own - (other or 0.0) for own, other in scores]))
    low, high = plan.range
    held = True
    for item in exhaust(sampler, portion):
        sampler.record(item, *scores[item])
        mean = sampler.standing().mean
        assert mean is not None
        assert mean.low <= mean.value <= mean.high
        held = held and mean.low - 1e-9 <= truth <= mean.high + 1e-9
        if held:
            assert low - 1e-9 <= mean.low
            assert mean.high <= high + 1e-9
        low, high = mean.low, mean.high
    end = sampler.standing()
    if end.released == plan.n_items:
        assert end.mean is not None
        assert abs(end.mean.low - truth) < 1e-9
        assert abs(end.mean.high - truth) < 1e-9
        assert end.verdict is not None


@settings(max_examples=40, deadline=None)
@given(benchmarks(), st.integers(1, 9), st.randoms(use_true_random=False))
def test_any_order_of_completion_is_the_drawn_order(case: Case, portion: int, shuffle: random.Random) -> None:
    """All drawn ahead; then the log replayed with the results in another order: the same standing.

    The recorded probabilities are those computed anew from what was left and the first weights.
    """
    plan, predictor, scores = case
    sampler = Sampler(plan, predictor)
    weight = Learner(predictor, both=plan.both).outlook().weight
    drawn = exhaust(sampler, portion)
    log = list(sampler.log)
    left = np.arange(plan.n_items)
    for entry in log[1:]:
        ids = np.array(entry["ids"])
        assert np.allclose(probabilities(weight, left, ids), entry["q"], rtol=1e-12)
        left = np.setdiff1d(left, ids)
    again = Sampler.restore(log, predictor)
    shuffled = list(drawn)
    shuffle.shuffle(shuffled)
    for item, late in zip(drawn, shuffled, strict=True):
        sampler.record(item, *scores[item])
        again.record(late, *scores[late])
    assert again.standing() == sampler.standing()
