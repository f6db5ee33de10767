"""Which pair to show next: the one whose vote is expected to shrink the intervals most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from weighbridge.errors import UsageError
from weighbridge.statistics.bradley_terry.rating import Rating, chances, information, newton
from weighbridge.statistics.bradley_terry.votes import half_wins

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["pair_chances"]


def pair_chances(cells: NDArray[Any], *, ridge: float = 1.0) -> Floats:
    """Return the chance with which to draw each pair next, float[K, K], upper triangle, summing to 1.

    In proportion to how much one more vote is expected to shrink the ratings' standard errors, summed over models
    (after section 5 of Chiang et al., arXiv 2403.04132, with the Bradley-Terry model's own information). Drawing at
    random keeps every pair possible. The ridge makes it work from no votes at all, when all pairs are alike.
    Raises UsageError for fewer than two models, or no ridge.
    """
    k = len(cells)
    if k < 2 or not ridge > 0:  # noqa: PLR2004 - a pair
        raise UsageError(f"no pair among {k} models at a ridge of {ridge}", hint="give two models and a ridge above 0")
    wins = half_wins(np.asarray(cells))
    theta = newton(wins[None], ridge=ridge)[0][0]
    covariance = Rating(theta, information(wins + wins.T, theta), ridge).bread()
    variance, share = np.diag(covariance), chances(theta)
    gain = np.zeros((k, k))
    for i in range(k - 1):  # a vote on (i, j) takes w (C x)(C x)' / (1 + w x'C x) from C, x = e_i - e_j
        moved = covariance[i] - covariance[i + 1 :]
        weight = share[i, i + 1 :] * share[i + 1 :, i]
        spread = variance[i] + variance[i + 1 :] - 2 * covariance[i, i + 1 :]
        left = variance - weight[:, None] * moved**2 / (1 + weight * spread)[:, None]
        gain[i, i + 1 :] = (np.sqrt(variance) - np.sqrt(np.maximum(left, 0))).sum(1)
    return np.asarray(gain / gain.sum(), np.float64)
