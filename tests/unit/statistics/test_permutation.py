"""Exact and permutation tests against SciPy, statsmodels and their own promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.multitest import multipletests

from weighbridge.statistics.permutation import fisher_greater, holm_adjusted, reassignment_greater, swap_greater

RUNS = 100
MOST_FALSE = 0.05 + 3 * (0.05 * 0.95 / RUNS) ** 0.5


@pytest.mark.parametrize("counts", [(9, 60, 0, 30), (0, 60, 0, 30), (5, 10, 5, 10), (30, 30, 0, 30), (1, 200, 3, 20)])
def test_fisher_is_that_of_scipy(counts: tuple[int, int, int, int]) -> None:
    """One-sided, hypergeometric."""
    first, n_first, second, n_second = counts
    table = [[first, n_first - first], [second, n_second - second]]
    assert fisher_greater(*counts) == pytest.approx(fisher_exact(table, alternative="greater").pvalue)


def test_fisher_refuses_more_hits_than_questions() -> None:
    """A count above its total is a slip."""
    with pytest.raises(ValueError, match="of"):
        fisher_greater(3, 2, 0, 5)


def test_holm_is_that_of_statsmodels() -> None:
    """Adjusted p-values, in the order given, also with ties."""
    for p_values in ([0.01, 0.04, 0.03, 0.2], [0.5], [0.02, 0.02, 0.9]):
        assert holm_adjusted(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    assert holm_adjusted([]) == []


def letters(rng: np.random.Generator, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return a model that likes A, and a key with too many A: innocent, though better at the published letters."""
    table = (rng.random((n, 4)) < np.array([0.9, 0.5, 0.4, 0.2])).astype(float)
    return table, rng.choice(4, size=n, p=[0.55, 0.25, 0.15, 0.05])


def test_a_liking_for_letters_is_no_memory() -> None:
    """At most 5% false alarms although the key favours the letter that the model favours (100 runs, 3 SE)."""
    rng = np.random.default_rng(1)
    p_values = [reassignment_greater(*letters(rng), [4] * 60, seed=run) for run in range(RUNS)]
    assert sum(p <= 0.05 for p in p_values) / RUNS <= MOST_FALSE
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.1)


def test_a_key_known_by_heart_is_found() -> None:
    """Right at the published letter of a fifth of the questions, and nowhere else there."""
    rng = np.random.default_rng(2)
    found = []
    for run in range(20):
        table, key = letters(rng, 100)
        table[np.arange(20)] = 0
        table[np.arange(20), key[:20]] = 1
        found.append(reassignment_greater(table, key, [4] * 100, seed=run))
    assert np.median(found) < 0.05


def test_strata_never_exchange_letters() -> None:
    """A question of three options is never dealt the fourth letter, where its table says 1 by mistake."""
    table = np.array([[0.0, 0, 1, 9], [1, 0, 0, 9], [0, 0, 0, 1], [0, 0, 0, 1]])
    p = reassignment_greater(table, np.array([2, 0, 3, 3]), [3, 3, 4, 4], seed=1)
    assert p == pytest.approx(0.5, abs=0.03)


def test_swaps_are_exact_for_two_rows() -> None:
    """(1, 0) and (1, 0): both original is one of four equally likely ways; equal members never reject."""
    assert swap_greater([[1, 0], [1, 0]], seed=3) == pytest.approx(0.25, abs=0.02)
    assert swap_greater([[1, 1], [0, 0, 0]], seed=3) == 1.0
