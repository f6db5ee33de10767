"""Style control against statsmodels, and what it is for."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from weighbridge.errors import UsageError
from weighbridge.statistics.bradley_terry import Votes, count_cells, fit, fit_style, style_differences


def styled_votes(seed: int, n: int = 1500) -> tuple[Votes, np.ndarray]:
    """Return votes between a good terse, a fair and a verbose bad model, each token of difference winning votes."""
    random = np.random.default_rng(seed)
    first = random.integers(0, 3, n)
    second = (first + random.integers(1, 3, n)) % 3
    length = np.array([100.0, 200.0, 400.0])
    sides = [np.stack([random.gamma(9, length[m] / 9), random.poisson(3, n)], axis=1) for m in (first, second)]
    differences = style_differences(*sides)
    quality = np.array([0.5, 0.0, -0.5])
    logit = quality[first] - quality[second] + differences @ [1.0, 0.2]
    u = random.random(n)
    outcome = np.where(random.random(n) < 0.1, 2, np.where(u < 1 / (1 + np.exp(-logit)), 0, 1))
    return Votes(("terse", "fair", "verbose"), first, second, outcome, random.permutation(n) // 3), differences


def test_ratings_effects_and_errors_are_statsmodels() -> None:
    """A logistic regression with model columns and covariates, ties as one half, clustered by prompt."""
    votes, differences = styled_votes(1)
    rating = fit_style(votes, differences)
    rows = np.arange(len(votes.first))
    columns = np.zeros((len(rows), 3))
    columns[rows, votes.first] += 1
    columns[rows, votes.second] -= 1
    score = np.array([1.0, 0.0, 0.5])[votes.outcome]
    model = sm.GLM(score, np.hstack([columns[:, :2], differences]), family=sm.families.Binomial())
    reference = model.fit(tol=1e-13, cov_type="cluster", cov_kwds={"groups": votes.prompt, "use_correction": True})
    groups, n = int(votes.prompt.max()) + 1, len(rows)
    factor = (n - 4) / (n - 1)  # its small-sample factor counts parameters, too
    contrast = np.zeros((4, 5))
    contrast[[0, 1], [0, 1]], contrast[:2, 2], contrast[[2, 3], [3, 4]] = 1, -1, 1
    assert contrast @ np.concatenate([rating.theta, rating.effects]) == pytest.approx(reference.params, abs=1e-8)
    assert groups == 500
    assert contrast @ rating.covariance @ contrast.T == pytest.approx(reference.cov_params() * factor, rel=1e-5)


def test_the_verbose_model_loses_what_length_won() -> None:
    """Raw votes put the verbose model first; at equal style the good terse one leads, as it was made."""
    votes, differences = styled_votes(2, 4000)
    assert fit(count_cells(votes)).theta.argmax() == 2
    rating = fit_style(votes, differences)
    assert np.argsort(-rating.theta).tolist() == [0, 1, 2]
    assert rating.effects[0] > 0.7


def test_differences_are_standardised_and_turn_with_the_order() -> None:
    """Root mean square one in each column, the sign turned by exchanging the answers, a constant column 0."""
    random = np.random.default_rng(3)
    one, two = random.poisson(50, (200, 3)).astype(float), random.poisson(60, (200, 3)).astype(float)
    one[:, 2] = two[:, 2] = 4
    found = style_differences(one, two)
    assert (found[:, :2] ** 2).mean(0) == pytest.approx([1, 1])
    assert (found[:, 2] == 0).all()
    assert (style_differences(two, one) == -found).all()
    share = (one - two) / (one + two + 1)
    assert found[:, 0] == pytest.approx(share[:, 0] / np.sqrt((share[:, 0] ** 2).mean()))


def test_without_effect_the_ratings_are_those_of_the_votes() -> None:
    """A covariate that is balanced against the votes changes nothing."""
    votes, _ = styled_votes(4)
    twice = Votes(votes.models, *(np.tile(x, 2) for x in (votes.first, votes.second, votes.outcome, votes.prompt)))
    balanced = np.repeat([[1.0], [-1.0]], len(votes.first), axis=0)
    assert fit_style(twice, balanced).theta == pytest.approx(fit(count_cells(twice)).theta, abs=1e-8)


def test_covariates_without_a_finite_effect_are_refused() -> None:
    """One that never differs, one that repeats another, and one that decides every vote."""
    votes, differences = styled_votes(5)
    decides = np.array([1.0, -1.0, 0.0])[votes.outcome][:, None]
    for bad in (np.zeros((1500, 1)), np.repeat(differences[:, :1], 2, axis=1), decides):
        with pytest.raises(UsageError, match="no finite effect"):
            fit_style(votes, bad)
    with pytest.raises(UsageError, match="one row for each vote"):
        fit_style(votes, differences[:-1])
    with pytest.raises(UsageError, match="no table of numbers"):
        style_differences(np.ones(3), np.ones(3))
    with pytest.raises(UsageError, match="below zero"):
        style_differences(-np.ones((3, 1)), np.ones((3, 1)))
