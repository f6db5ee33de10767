"""A table of ratings: names, ratings, intervals, and the ranks that the votes allow."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from weighbridge.core.estimate import Estimate
from weighbridge.statistics.bradley_terry.covariance import clustered_covariance
from weighbridge.statistics.bradley_terry.rating import fit
from weighbridge.statistics.bradley_terry.votes import count_cells, require_connected
from weighbridge.statistics.interval import LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from weighbridge.statistics.bradley_terry.votes import Votes

    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["Place", "leaderboard", "rank_intervals"]


@dataclass(frozen=True, slots=True)
class Place:
    """A model's place: `rating` in log odds against the mean model (n its votes), `ranks` the best and worst rank."""

    model: str
    rating: Estimate
    rank: int
    ranks: tuple[int, int]


def leaderboard(votes: Votes, *, ridge: float = 0.0, level: float = LEVEL) -> list[Place]:
    """Return all models, best first, with intervals clustered by prompt; raises UsageError as `fit`, naming models."""
    cells = count_cells(votes)
    require_connected(cells, ridge=ridge, names=votes.models)
    rating = fit(cells, ridge=ridge)
    covariance = clustered_covariance(votes, rating)
    half = NormalDist().inv_cdf(0.5 + level / 2) * np.sqrt(np.diag(covariance))
    counts = np.bincount(votes.first, minlength=len(half)) + np.bincount(votes.second, minlength=len(half))
    ranks = rank_intervals(rating.theta, covariance, level=level)
    method = "Bradley-Terry, sandwich by prompt" + (f", ridge {ridge:g}" if ridge else "")
    places = []
    for rank, i in enumerate(np.argsort(-rating.theta, kind="stable"), 1):
        value, error = float(rating.theta[i]), float(half[i])
        estimate = Estimate(value, value - error, value + error, int(counts[i]), method, level)
        places.append(Place(votes.models[i], estimate, rank, ranks[i]))
    return places


def rank_intervals(theta: Floats, covariance: Floats, *, level: float = LEVEL) -> list[tuple[int, int]]:
    """Return each model's best and worst rank that the votes allow, at `level` for that model.

    Its rank is 1 + the number of models above it; it is compared with all K - 1 others at once, so each difference is
    judged at (1 - level) / (K - 1) (Mogstad, Romano, Shaikh and Wilhelm, Review of Economic Studies 91, 2024, with
    Bonferroni's bound).
    """
    k, variance = len(theta), np.diag(covariance)
    quantile = NormalDist().inv_cdf(1 - (1 - level) / (2 * (k - 1)))
    error = np.sqrt(np.maximum(variance[:, None] + variance[None, :] - 2 * covariance, 0))
    above = theta[None, :] - theta[:, None] > quantile * error  # [i, j]: j is above i
    return [(1 + int(row.sum()), k - int(column.sum())) for row, column in zip(above, above.T, strict=True)]
