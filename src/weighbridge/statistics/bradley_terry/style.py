"""Ratings at equal style: Bradley-Terry with the answers' differences in length and markdown as covariates.

The method of LMArena ("Does style matter?", 2024; `arena-rank`): a logistic regression in which each vote has, beside
its two models, the standardised differences of the two answers. What a longer answer wins by its length is then
credited to length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from weighbridge.errors import UsageError
from weighbridge.statistics.bradley_terry.covariance import SCORE, score_products
from weighbridge.statistics.bradley_terry.votes import count_cells, require_connected

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from weighbridge.statistics.bradley_terry.votes import Votes

    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["StyleRating", "fit_style", "style_differences"]

STEPS = 100
TOLERANCE = 1e-7
SINGULAR = 1e-10  # relative size of an eigenvalue below which a covariate repeats others


@dataclass(frozen=True, slots=True, eq=False)
class StyleRating:
    """Ratings at equal style, and what a standard deviation of each difference is worth, all in log odds.

    `theta` float[K] sums to 0, `effects` float[F]; `covariance` float[K + F, K + F] of both, clustered by prompt.
    """

    theta: Floats
    effects: Floats
    covariance: Floats


def style_differences(first: NDArray[np.float64], second: NDArray[np.float64]) -> Floats:
    """Return the standardised differences (a - b) / (a + b + 1) of counts [n, F] of the two answers of each vote.

    Counts are tokens, headers, list items, bold spans and the like. As LMArena's, but divided by the root mean square
    and not centred, so that showing the answers in the other order only turns the sign. A column that never
    differs stays 0. Raises UsageError for counts that are none.
    """
    if first.shape != second.shape or first.ndim != 2 or not (np.isfinite(first) & np.isfinite(second)).all():  # noqa: PLR2004 - a table
        raise UsageError("the style of the answers is no table of numbers", hint="give n x F counts for each side")
    if (first < 0).any() or (second < 0).any():
        raise UsageError("the style of an answer counts below zero", hint="give n x F counts for each side")
    share = (first - second) / (first + second + 1)
    scale = np.sqrt((share**2).mean(0))
    return np.asarray(share / np.where(scale > 0, scale, 1.0), np.float64)


def fit_style(votes: Votes, differences: NDArray[np.float64], *, ridge: float = 0.0) -> StyleRating:
    """Return the ratings with `differences` float[n, F], first answer less second, as covariates; ties half wins.

    Newton's method, the ridge on ratings and effects alike. Raises UsageError where the votes do not join the models,
    where a covariate never differs or repeats others, or where one predicts every vote (no finite effect).
    """
    require_connected(count_cells(votes), ridge=ridge, names=votes.models)
    k, n = len(votes.models), len(votes.first)
    if differences.ndim != 2 or len(differences) != n or not np.isfinite(differences).all():  # noqa: PLR2004 - a table
        raise UsageError("the covariates are no table of one row for each vote", hint="give n x F finite numbers")
    place, score = np.zeros(k + differences.shape[1]), SCORE[votes.outcome]
    for _ in range(STEPS):
        chance = _chance(votes, differences, place)
        gradient = _transposed(votes, differences, score - chance) - ridge * place
        curvature = _curvature(votes, differences, chance * (1 - chance), ridge)
        if np.linalg.cond(curvature) > 1 / SINGULAR:
            break
        step = np.linalg.solve(curvature, gradient)
        reach = np.abs(step[votes.first] - step[votes.second] + differences @ step[k:]).max()
        place += step / max(1.0, float(reach))
        if reach < TOLERANCE:
            residual = score - _chance(votes, differences, place)
            bread = np.linalg.inv(curvature)
            bread[:k, :k] -= 1 / k / (1 + ridge)
            covariance = bread @ score_products(votes, residual, differences) @ bread
            return StyleRating(place[:k] - place[:k].mean(), place[k:], covariance)
    raise UsageError(
        "the covariates have no finite effect of their own",
        hint="leave out those that never differ, repeat others or decide every vote, or use a ridge",
    )


def _chance(votes: Votes, differences: Floats, place: Floats) -> Floats:
    """Return P(first wins) of each vote, float[n]."""
    k = len(votes.models)
    logit = place[votes.first] - place[votes.second] + differences @ place[k:]
    found: Floats = 0.5 + 0.5 * np.tanh(logit / 2)
    return found


def _transposed(votes: Votes, differences: Floats, values: Floats) -> Floats:
    """Return X' values, float[K + F], X being the design: +1 first, -1 second, the differences."""
    k = len(votes.models)
    models = np.bincount(votes.first, values, k) - np.bincount(votes.second, values, k)
    return np.concatenate([models, differences.T @ values])


def _curvature(votes: Votes, differences: Floats, weight: Floats, ridge: float) -> Floats:
    """Return X' diag(weight) X + ridge, float[K + F, K + F], the constant direction of the ratings filled."""
    k, f = len(votes.models), differences.shape[1]
    pair = np.bincount(votes.first * k + votes.second, weight, k * k).reshape(k, k)
    pair += pair.T
    found = np.zeros((k + f, k + f))
    found[:k, :k] = np.diag(pair.sum(1)) - pair + 1 / k
    for column in range(f):
        found[:, k + column] = _transposed(votes, differences, weight * differences[:, column])
    found[k:, :k] = found[:k, k:].T
    found[np.diag_indices(k + f)] += ridge
    return found
