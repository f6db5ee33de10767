"""Predictions from earlier models and the baseline, and the regression behind them."""

from __future__ import annotations

import numpy as np
import pytest

from weighbridge.errors import UsageError
from weighbridge.statistics.sequential import expected_calls, make_predictor
from weighbridge.statistics.sequential.logistic import Belief, predict, sigmoid, update


def test_regression_finds_the_maximum_likelihood() -> None:
    """With a flat prior the mean is the maximum-likelihood fit: one binary feature, the two log odds exactly."""
    x = np.column_stack([np.ones(40), np.repeat([0.0, 1.0], 20)])
    y = np.concatenate([np.repeat([1.0, 0.0], [5, 15]), np.repeat([1.0, 0.0], [12, 8])])
    found = update(Belief(np.zeros(2), np.eye(2) * 1e-12), x, y)
    assert found.mean == pytest.approx([np.log(5 / 15), np.log(12 / 8) - np.log(5 / 15)], abs=1e-6)
    assert np.linalg.inv(found.precision)[0, 0] == pytest.approx(1 / 5 + 1 / 15, rel=1e-6)  # Woolf's variance


def test_separable_outcomes_stay_finite() -> None:
    """All right, or split by a feature without overlap: predictions stay inside 0.01 and 0.99."""
    x = np.column_stack([np.ones(50), np.linspace(-100, 100, 50)])
    for y in (np.ones(50), (x[:, 1] > 0).astype(float)):
        p = predict(update(Belief(np.zeros(2), np.eye(2) * 1e-2), x, y), x)
        assert p.min() >= 0.01
        assert p.max() <= 0.99
    assert sigmoid(np.array([-1e9, 0.0, 1e9])).tolist() == [0.0, 0.5, 1.0]


def test_history_predicts_and_gaps_are_taken() -> None:
    """Items that earlier models got right are expected to be right, also where some were not asked (NaN)."""
    rng = np.random.default_rng(0)
    easy = np.linspace(0.05, 0.95, 300)
    history = (rng.random((20, 300)) < easy).astype(np.float64)
    whole = make_predictor(300, history=history.astype(np.uint8))
    assert np.corrcoef(predict(whole.belief, whole.x), easy)[0, 1] > 0.9
    history[rng.random(history.shape) < 0.3] = np.nan
    gaps = make_predictor(300, history=history)
    assert np.corrcoef(predict(gaps.belief, gaps.x), easy)[0, 1] > 0.85
    assert np.isfinite(gaps.x).all()


@pytest.mark.parametrize("models", [0, 1, 2, 3])
@pytest.mark.parametrize("cached", [False, True])
def test_hardly_any_history(models: int, cached: bool) -> None:
    """No, one or two earlier models, constant ones and unasked ones too: finite features, a proper belief."""
    for history in (np.ones((models, 9)), np.zeros((models, 9)), np.full((models, 9), np.nan)):
        found = make_predictor(9, history=history, baseline=np.ones(9) if cached else None)
        assert np.isfinite(found.x).all()
        assert np.linalg.eigvalsh(found.belief.precision).min() > 0
        assert np.isfinite(predict(found.belief, found.x)).all()


def test_the_digest_names_the_inputs() -> None:
    """Same scores in another type, same digest; one score, one gap or another baseline, another digest."""
    scores = np.random.default_rng(0).integers(0, 2, (3, 10)).astype(np.uint8)
    known = make_predictor(10, history=scores, baseline=scores[0])
    assert make_predictor(10, history=scores.astype(np.float64), baseline=scores[0]).digest == known.digest
    gap, flip = scores.astype(np.float64), scores.copy()
    gap[1, 1], flip[1, 1] = np.nan, 1 - flip[1, 1]
    others = [
        make_predictor(10, history=gap, baseline=scores[0]),
        make_predictor(10, history=flip, baseline=scores[0]),
        make_predictor(10, history=scores, baseline=scores[1]),
        make_predictor(10, history=scores),
        make_predictor(10, history=scores, baseline=scores[0], seed=1),
    ]
    assert len({known.digest, *(other.digest for other in others)}) == 6


def test_scores_that_cannot_be() -> None:
    """Shapes, sizes and values outside the promise are refused, not repaired."""
    good = np.zeros((2, 5))
    for history, baseline, n_items in (
        (good, None, 4),
        (good[0], None, 5),
        (good + 2, None, 5),
        (good - 1, None, 5),
        (good + np.inf, None, 5),
        (None, np.full(5, np.nan), 5),
        (None, None, 0),
        (None, None, 100_001),
    ):
        with pytest.raises(UsageError):
            make_predictor(n_items, history=history, baseline=baseline)


def test_expected_calls() -> None:
    """The closed form: nothing to gain without a gap, the whole population at worst, a quarter for twice the gap."""
    assert expected_calls(1000, 0.2, 0.0) == 1000
    assert expected_calls(1000, 0.2, 0.001) <= 1000
    few, many = expected_calls(100_000, 0.1, 0.2), expected_calls(100_000, 0.1, 0.1)
    assert many == pytest.approx(4 * few, rel=0.05)
