"""Divergence of two distributions of which only the likeliest tokens are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import entropy

from weighbridge.evaluation.precision.divergence import compare_distributions, next_token


def reported(shares: np.ndarray, top: int) -> list[tuple[str, float]]:
    """Return the likeliest tokens as an engine reports them."""
    order = np.argsort(-shares)[:top]
    return [(f"t{token}", math.log(shares[token])) for token in order]


def test_the_bound_is_below_the_true_divergence_and_reaches_it_when_all_is_reported() -> None:
    """SciPy's relative entropy is the truth; more tokens never lower the bound where both report the same ones."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        first = rng.dirichlet(np.full(80, 0.3)) * 0.999 + 0.001 / 80
        second = 0.7 * first + 0.3 * rng.dirichlet(np.full(80, 0.3)) + 1e-9
        second /= second.sum()
        truth = float(entropy(first, second))
        for top in (5, 20, 64):
            found = compare_distributions(reported(first, top), reported(second, top))
            assert found.kl <= truth + 1e-9
            assert 0 <= found.seen <= 1
        assert compare_distributions(reported(first, 80), reported(second, 80)).kl == pytest.approx(truth, abs=1e-4)


def test_lumps_are_one_cell() -> None:
    """By hand: cells 0.5/0.4 and 0.5/0.6, as `b` and `c` are each known on one side only."""
    first = [("a", math.log(0.5)), ("b", math.log(0.3))]
    second = [("a", math.log(0.4)), ("c", math.log(0.35))]
    found = compare_distributions(first, second)
    assert found.kl == pytest.approx(0.5 * math.log(0.5 / 0.4) + 0.5 * math.log(0.5 / 0.6))
    assert found.seen == pytest.approx(0.5)
    assert (found.flipped, found.identical) == (False, False)


def test_the_same_is_no_difference() -> None:
    """Zero to the last digit."""
    one = [("a", -0.1), ("b", -3.0), (" b", -4.0)]
    found = compare_distributions(one, list(reversed(one)))
    assert (found.kl, found.flipped, found.identical) == (0.0, False, True)


def test_rounding_of_a_remainder_is_no_divergence() -> None:
    """Servers compute in single precision: remainders of 1e-7 and 1e-12 have a quotient that means nothing."""
    first = [("a", math.log(0.6)), ("b", math.log(0.4 - 1e-7))]
    second = [("a", math.log(0.6)), ("b", math.log(0.4 - 1e-12))]
    assert compare_distributions(first, second).kl < 1e-12


def test_a_name_that_stands_twice_is_in_the_lump() -> None:
    """Two tokens shown alike cannot be told apart: taken for one they would break the bound."""
    first = [("a", math.log(0.4)), ("x", math.log(0.3)), ("x", math.log(0.1))]
    second = [("a", math.log(0.4)), ("x", math.log(0.1))]
    assert compare_distributions(first, second).kl == pytest.approx(0.0, abs=1e-12)


def test_the_next_token_is_the_longest_that_fits() -> None:
    """By bytes, so that a token of half a character fits, too."""
    tokens = [(" t", -1.0), (" the", -2.0), (" them", -3.0), ("the", -4.0)]
    assert next_token(tokens, " the cat") == (" the", -2.0)
    assert next_token([("bytes:\\xe4\\xbd", -1.0)], "你好") == ("bytes:\\xe4\\xbd", -1.0)
    assert next_token(tokens, "cat") is None


def test_nothing_reported_is_an_error() -> None:
    """No figure is made of nothing."""
    with pytest.raises(ValueError, match="without tokens"):
        compare_distributions([], [("a", 0.0)])
