"""The running estimate of the benchmark's mean: unbiased at every draw, whatever the predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from weighbridge.statistics.sequential.eprocess import running_sum

if TYPE_CHECKING:
    from weighbridge.statistics.sequential.eprocess import Draws
    from weighbridge.statistics.sequential.logistic import Array
    from weighbridge.statistics.sequential.plan import Plan

__all__ = ["Estimator"]


class Estimator:
    """The average of the draws' inverse-weighted estimates, each in proportion to its predicted precision.

    One draw estimates the population's total by the scores seen, plus the predictions of what is left, plus
    (y - f) / q (the augmented inverse-probability estimator; here without replacement, as in arXiv 2305.06884).
    Rows of the sums: the score itself, and how far it could rise or fall had missing answers come.
    """

    def __init__(self, plan: Plan) -> None:
        self._n_items = plan.n_items
        self._seen = np.zeros(3)
        self._weighted = np.zeros(3)
        self._weight = 0.0

    def extend(self, draws: Draws, doubt: Array) -> None:
        """Take in draws and, [n, 2], how far the score of each could rise and fall."""
        gains = np.column_stack([draws.y, doubt])
        seen = np.add.accumulate(np.vstack([self._seen, gains]))
        shift = np.column_stack([draws.f, np.zeros_like(doubt)])
        left = np.column_stack([draws.f_left, np.zeros_like(doubt)])
        totals = seen[:-1] + left + (gains - shift) / draws.q[:, None]
        weight = 1.0 / np.maximum(draws.left**2 * draws.variance, 1e-12)
        self._seen = seen[-1]
        self._weighted = np.add.accumulate(np.vstack([self._weighted, totals * weight[:, None]]))[-1]
        self._weight = float(running_sum(self._weight, weight)[-1])

    @property
    def mean(self) -> float:
        """Return the estimate of the mean score."""
        return float(self._weighted[0] / self._weight / self._n_items)

    @property
    def slack(self) -> tuple[float, float]:
        """Return estimates of how far the mean could rise and fall had the missing answers come."""
        rise, fall = self._weighted[1:] / self._weight / self._n_items
        return float(rise), float(fall)
