"""The running estimate of the benchmark's mean: unbiased at every draw, whatever the predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.statistics.sequential.eprocess import Draw
    from weighbridge.statistics.sequential.plan import Plan

__all__ = ["Estimator"]

_LEAST = 1e-12


class Estimator:
    """The average of the draws' inverse-weighted estimates, each in proportion to its predicted precision.

    One draw estimates the population's total by the scores seen, plus the predictions of what is left, plus
    (y - f) / q (the augmented inverse-probability estimator; here without replacement, as in arXiv 2305.06884).
    The same is done for how far each score could rise or fall had missing answers come.
    """

    def __init__(self, plan: Plan) -> None:
        self._n_items = plan.n_items
        self._seen = [0.0, 0.0, 0.0]  # score, rise, fall
        self._weighted = [0.0, 0.0, 0.0]
        self._weight = 0.0

    def extend(self, draw: Draw, doubt: tuple[float, float]) -> None:
        """Take in a draw, and how far its score could rise and fall."""
        weight = 1.0 / max(draw.left**2 * draw.variance, _LEAST)
        self._weight += weight
        parts = ((draw.y, draw.f, draw.f_left), (doubt[0], 0.0, 0.0), (doubt[1], 0.0, 0.0))
        for place, (y, f, f_left) in enumerate(parts):
            self._weighted[place] += (self._seen[place] + f_left + (y - f) / draw.q) * weight
            self._seen[place] += y

    @property
    def mean(self) -> float:
        """Return the estimate of the mean score."""
        return self._weighted[0] / self._weight / self._n_items

    @property
    def slack(self) -> tuple[float, float]:
        """Return estimates of how far the mean could rise and fall had the missing answers come."""
        each = self._weight * self._n_items
        return self._weighted[1] / each, self._weighted[2] / each
