"""Covariances against statsmodels, bootstraps against the sandwich, and coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import statsmodels.api as sm

from weighbridge.errors import UsageError
from weighbridge.statistics.bradley_terry import (
    Votes,
    bootstrap_cells,
    bootstrap_prompts,
    clustered_covariance,
    collect,
    count_cells,
    fit,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODELS = tuple("abcde")
QUALITY = np.linspace(0.6, -0.6, 5)


def prompts_of_one_pair(random: np.random.Generator, prompts: int, votes: int, spread: float) -> Votes:
    """Return votes of which each prompt's are on one pair, the models' qualities on it differing by `spread`."""
    quality = QUALITY + spread * random.normal(size=(prompts, 5))
    first = random.integers(0, 5, prompts)
    second = (first + random.integers(1, 5, prompts)) % 5
    prompt, one, two = (np.repeat(x, votes) for x in (np.arange(prompts), first, second))
    lost = random.random(len(prompt)) > 1 / (1 + np.exp(quality[prompt, two] - quality[prompt, one]))
    return Votes(MODELS, one, two, lost.astype(np.int64), prompt)


def design(votes: Votes) -> NDArray[np.float64]:
    """Return the regression's columns, +1 for the first model and -1 for the second, the last model left out."""
    rows = np.arange(len(votes.first))
    columns = np.zeros((len(rows), len(votes.models)))
    columns[rows, votes.first] += 1
    columns[rows, votes.second] -= 1
    return columns[:, :-1]


def test_the_sandwich_is_statsmodels() -> None:
    """The covariance of differences to the last model is that of a logistic regression clustered by prompt."""
    votes = prompts_of_one_pair(np.random.default_rng(5), 80, 3, 1.0)
    rating = fit(count_cells(votes))
    covariance = clustered_covariance(votes, rating)
    family = sm.GLM(1.0 - votes.outcome, design(votes), family=sm.families.Binomial())
    reference = family.fit(
        tol=1e-12, cov_type="cluster", cov_kwds={"groups": votes.prompt, "use_correction": True, "df_correction": False}
    )
    n, groups = len(votes.first), 80
    factor = (groups / (groups - 1)) / (groups / (groups - 1) * (n - 1) / (n - 4))  # its factor counts parameters, too
    contrast = np.hstack([np.eye(4), -np.ones((4, 1))])
    assert contrast @ rating.theta == pytest.approx(reference.params, abs=1e-8)
    assert contrast @ covariance @ contrast.T == pytest.approx(reference.cov_params() * factor, rel=1e-5)
    assert covariance.sum(0) == pytest.approx(np.zeros(5), abs=1e-12)


def test_the_bread_is_statsmodels_covariance() -> None:
    """Votes taken as independent: the inverse information among contrasts."""
    votes = prompts_of_one_pair(np.random.default_rng(6), 200, 1, 0.0)
    rating = fit(count_cells(votes))
    reference = sm.GLM(1.0 - votes.outcome, design(votes), family=sm.families.Binomial()).fit(tol=1e-12)
    contrast = np.hstack([np.eye(4), -np.ones((4, 1))])
    assert contrast @ rating.bread() @ contrast.T == pytest.approx(reference.cov_params(), rel=1e-6)


def test_many_prompts_are_summed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The result does not depend on how many prompts are held at once."""
    votes = prompts_of_one_pair(np.random.default_rng(7), 90, 2, 1.0)
    rating = fit(count_cells(votes))
    whole = clustered_covariance(votes, rating)
    monkeypatch.setattr("weighbridge.statistics.bradley_terry.covariance.BLOCK", 35)
    assert clustered_covariance(votes, rating) == pytest.approx(whole, rel=1e-10)


def test_the_bootstraps_agree_with_the_sandwich() -> None:
    """By prompts with the clustered errors, by cells with those of each vote as its own prompt."""
    votes = prompts_of_one_pair(np.random.default_rng(8), 400, 4, 1.0)
    cells = count_cells(votes)
    rating = fit(cells)
    alone = Votes(MODELS, votes.first, votes.second, votes.outcome, np.arange(1600))
    for bootstrap, reference in (
        (bootstrap_prompts(votes, rating, 400, seed=1), clustered_covariance(votes, rating)),
        (bootstrap_cells(cells, rating, 400, seed=1), clustered_covariance(alone, rating)),
    ):
        assert bootstrap.theta.shape == (400, 5)
        assert bootstrap.unfit == 0
        assert bootstrap.theta.std(0) == pytest.approx(np.sqrt(np.diag(reference)), rel=0.15)


def test_resamples_that_fall_apart_are_counted() -> None:
    """One single win holds two models together: resamples without it have no ratings and are told."""
    votes = collect(["a"] * 20, ["b"] * 20, ["first"] * 19 + ["second"])
    cells = count_cells(votes)
    rating = fit(cells)
    for bootstrap in (bootstrap_cells(cells, rating, 200, seed=1), bootstrap_prompts(votes, rating, 200, seed=1)):
        assert len(bootstrap.theta) + bootstrap.unfit == 200
        assert bootstrap.unfit / 200 == pytest.approx(0.95**20, abs=0.1)
    assert bootstrap_cells(cells, fit(cells, ridge=0.5), 200, seed=1).unfit == 0


def test_one_prompt_has_no_spread() -> None:
    """Votes on a single prompt cannot tell how prompts differ."""
    votes = collect(["a", "a"], ["b", "b"], ["first", "second"], ["p", "p"])
    with pytest.raises(UsageError, match="one prompt"):
        clustered_covariance(votes, fit(count_cells(votes)))


def test_clustered_intervals_cover_and_row_intervals_do_not() -> None:
    """120 prompts of six votes, qualities varying by prompt: 300 seeded runs, nominal 95%.

    The truth is the fit to the exact mean probabilities, by Gauss-Hermite quadrature over the prompts' effects.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    gap = QUALITY[:, None, None] - QUALITY[None, :, None] + np.sqrt(2) * nodes
    cells = np.zeros((5, 5, 3))
    cells[:, :, 0] = (1 - np.eye(5)) * (weights / weights.sum() / (1 + np.exp(-gap))).sum(2)
    truth, random, runs, covered, rows = fit(cells).theta, np.random.default_rng(20261122), 300, 0, 0
    for _ in range(runs):
        votes = prompts_of_one_pair(random, 120, 6, 1.0)
        rating = fit(count_cells(votes))
        wrong = np.abs(rating.theta - truth)
        covered += int((wrong <= 1.959964 * np.sqrt(np.diag(clustered_covariance(votes, rating)))).sum())
        rows += int((wrong <= 1.959964 * np.sqrt(np.diag(rating.bread()))).sum())
    assert 0.93 <= covered / runs / 5 <= 0.97
    assert rows / runs / 5 < 0.85
