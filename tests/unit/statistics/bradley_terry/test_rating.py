"""Ratings against evalica, choix and scipy's optimiser."""

from __future__ import annotations

from typing import Any

import choix
import evalica
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from weighbridge.errors import UsageError
from weighbridge.statistics.bradley_terry import fit, fit_davidson
from weighbridge.statistics.bradley_terry.rating import newton, refit
from weighbridge.statistics.bradley_terry.votes import half_wins

Cells = NDArray[np.int64]


def cells_of(wins: list[list[int]]) -> Cells:
    """Return cells without ties from a table of wins."""
    cells = np.zeros((len(wins), len(wins), 3), np.int64)
    cells[:, :, 0] = wins
    return cells


@st.composite
def connected(draw: st.DrawFn, most: int = 9) -> Cells:
    """Draw cells of 2 to 6 models in which every pair has won, lost or tied both ways."""
    k = draw(st.integers(2, 6))
    counts = draw(st.lists(st.integers(0, most), min_size=k * k * 3, max_size=k * k * 3))
    cells = np.array(counts).reshape(k, k, 3)
    cells[np.arange(k), np.arange(k)] = 0
    cells[:, :, 0] += 1 - np.eye(k, dtype=np.int64)
    return cells


def rows(cells: Cells) -> tuple[list[int], list[int], list[Any]]:
    """Return the cells as evalica's columns."""
    winners = (evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw)
    listed = [index for index, count in np.ndenumerate(cells) for _ in range(count)]
    return [i for i, _, _ in listed], [j for _, j, _ in listed], [winners[o] for _, _, o in listed]


def test_the_known_answer() -> None:
    """Three models, 30 votes: the ratings on which choix, evalica and our prototype agree to six digits."""
    rating = fit(cells_of([[0, 7, 6], [3, 0, 5], [4, 5, 0]]))
    assert rating.theta == pytest.approx([0.413166, -0.275397, -0.137769], abs=5e-7)


@settings(max_examples=40)
@given(connected())
def test_the_ratings_are_evalicas(cells: Cells) -> None:
    """Ties as half wins, both places joined: evalica's Bradley-Terry scores to eight digits."""
    theta = fit(cells).theta
    scores = evalica.bradley_terry(*rows(cells), tolerance=1e-12, limit=10_000).scores
    reference = np.log(scores[list(range(len(theta)))].to_numpy())
    assert theta == pytest.approx(reference - reference.mean(), abs=1e-8)


@settings(max_examples=25)
@given(connected())
def test_the_ratings_are_choixs(cells: Cells) -> None:
    """Without ties: choix's maximum likelihood by iterative Luce spectral ranking."""
    cells[:, :, 2] = 0
    pairs = [
        (int(i), int(j)) if o == 0 else (int(j), int(i)) for (i, j, o), n in np.ndenumerate(cells) for _ in range(n)
    ]
    reference = choix.ilsr_pairwise(len(cells), pairs, tol=1e-12, max_iter=1000)
    assert fit(cells).theta == pytest.approx(reference, abs=1e-7)


@settings(max_examples=25)
@given(connected(), st.floats(0.01, 5))
def test_a_ridge_is_the_penalised_maximum(cells: Cells, ridge: float) -> None:
    """The optimiser of scipy finds no better value of the likelihood less ridge / 2 * |theta|^2, and the same place."""
    wins = half_wins(cells)

    def loss(theta: NDArray[np.float64]) -> float:
        logits = np.logaddexp(0, theta[None, :] - theta[:, None])
        return float((wins * logits).sum() + ridge / 2 * (theta**2).sum())

    best = minimize(loss, np.zeros(len(wins)), tol=1e-12).x
    assert fit(cells, ridge=ridge).theta == pytest.approx(best, abs=1e-4)


def test_extreme_votes_converge() -> None:
    """A chain of models each beating the next 10,000 to 1 has ratings log(10,000) apart, from a start at zero."""
    k = 6
    wins = np.zeros((k, k))
    for i in range(k - 1):
        wins[i, i + 1], wins[i + 1, i] = 10_000, 1
    theta, converged = newton(wins[None])
    assert converged.all()
    assert -np.diff(theta[0]) == pytest.approx(np.full(k - 1, np.log(10_000)), abs=1e-6)


def test_a_stack_is_fitted_as_its_parts() -> None:
    """Resamples solved together give what each gives alone."""
    random = np.random.default_rng(1)
    stack = random.integers(1, 20, size=(7, 4, 4)).astype(float)
    together, _ = newton(stack)
    for one, theta in zip(stack, together, strict=True):
        assert newton(one[None])[0][0] == pytest.approx(theta, abs=1e-9)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_a_refit_is_the_fit_of_each_resample(ridge: float) -> None:
    """From the full sample's ratings and curvature, near resamples and far ones end where a fit of their own does."""
    random = np.random.default_rng(2)
    cells = random.integers(5, 20, size=(4, 4, 3))
    cells[np.arange(4), np.arange(4)] = 0
    near, far = random.poisson(cells, (5, 4, 4, 3)) + (cells > 0), np.stack([cells[::-1, ::-1] ** 3, cells**4])
    for resamples in (near, far):
        theta, settled = refit(half_wins(resamples), fit(cells, ridge=ridge))
        assert settled.all()
        for one, found in zip(resamples, theta, strict=True):
            assert found == pytest.approx(fit(one, ridge=ridge).theta, abs=1e-6)


@settings(max_examples=20)
@given(connected())
def test_davidson_is_the_maximum_likelihood(cells: Cells) -> None:
    """Ratings and tie parameter are where scipy's optimiser finds Davidson's likelihood highest."""
    cells[0, 1, 2] += 1
    wins, ties = cells[..., 0] + cells[..., 1].T, cells[..., 2] + cells[..., 2].T
    k = len(cells)

    def loss(place: NDArray[np.float64]) -> float:
        half = (place[:k, None] - place[None, :k]) / 2
        norm = np.logaddexp(np.logaddexp(half, -half), place[k])
        return float((wins * (norm - half)).sum() + (ties * (norm - place[k])).sum() / 2)

    best = minimize(loss, np.zeros(k + 1), tol=1e-12).x
    found = fit_davidson(cells)
    assert found.theta == pytest.approx(best[:k] - best[:k].mean(), abs=2e-4)
    assert np.log(found.nu) == pytest.approx(best[k], abs=2e-4)


def test_davidson_without_ties_is_bradley_terry() -> None:
    """No ties, no tie parameter; nothing but ties is no rating."""
    cells = cells_of([[0, 7, 6], [3, 0, 5], [4, 5, 0]])
    found = fit_davidson(cells)
    assert found.nu == 0.0
    assert found.theta == pytest.approx(fit(cells).theta)
    ties = np.zeros((2, 2, 3))
    ties[0, 1, 2] = 4
    with pytest.raises(UsageError, match="every vote is a tie"):
        fit_davidson(ties)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (np.zeros((3, 3)), "votes of shape"),
        (np.zeros((1, 1, 3)), "votes of shape"),
        (np.full((2, 2, 3), -1.0), "negative"),
        (np.full((2, 2, 3), np.nan), "no number"),
        (np.zeros((2, 2, 3)), "no votes join"),
    ],
)
def test_what_is_no_table_of_votes_is_refused(cells: NDArray[np.float64], message: str) -> None:
    """Shapes, negative counts, NaN and an empty table are the caller's to mend."""
    with pytest.raises(UsageError, match=message):
        fit(cells)
