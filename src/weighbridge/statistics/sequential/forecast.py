"""All that is fixed before each draw: predictions, and sums and bounds over the items left. Learned as scores come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from weighbridge.statistics.sequential.drawing import Learner
from weighbridge.statistics.sequential.eprocess import Draw

if TYPE_CHECKING:
    from weighbridge.statistics.sequential.drawing import Call
    from weighbridge.statistics.sequential.features import Predictor
    from weighbridge.statistics.sequential.logistic import Array
    from weighbridge.statistics.sequential.plan import Plan

__all__ = ["Forecast"]

_DOUBT = 32.0  # draws that the predicted variance counts for when it is calibrated
_LEAST = 1e-9
_FIRST = 16  # released items to the first renewal of the predictions; then a sixteenth more each time


class Forecast:
    """What is expected of the draws, from scores seen in drawn order alone.

    `outlook` holds the predictions, renewed after 16 scores or more, at most `plan.batch`; `scale` is the observed
    over the predicted variance. Both depend on nothing but the scores seen, not on when or in what portions they came.
    """

    def __init__(self, plan: Plan, predictor: Predictor) -> None:
        self._range, self._most = plan.range, plan.batch
        self._learner = Learner(predictor, both=plan.both)
        self.outlook = self._learner.outlook()
        self.scale = 1.0
        self.seen = 0
        self._rest = np.ones(plan.n_items, dtype=np.bool_)
        self._weight: Array | None = None  # what the sums below are for
        self._f_left = self._spread = self._skew = self._low = self._high = 0.0
        self._items: list[int] = []
        self._scores: list[tuple[float, float]] = []
        self._squares = self._count = _DOUBT
        self._renewal = min(_FIRST, plan.batch)

    def see(self, call: Call, place: int, scores: tuple[float, float]) -> Draw:
        """Return the evidence of one draw, the call's at `place`, and learn from its scores (candidate, baseline)."""
        if self._weight is not call.weight:
            self._sum_up(call.weight)
        item, q, left = call.ids.item(place), call.q.item(place), float(self._rest.size - self.seen)
        f, weight = self.outlook.f.item(item), call.weight.item(item)
        mass = weight / q / left  # the mean weight of what is left
        predicted = max(self._spread, _LEAST) * mass / left
        skew = self._skew * mass * mass / left
        y = scores[0] - scores[1]
        draw = Draw(
            y, f, q, left, self._f_left, predicted * self.scale, skew * self.scale, self._low * mass, self._high * mass
        )
        self._f_left -= f
        self._spread -= self.outlook.variance.item(item) / weight
        self._skew -= self.outlook.skew.item(item) / weight**2
        self._squares += ((y - f) / (left * q)) ** 2 / predicted
        self._count += 1
        self._rest[item] = False
        self._items.append(item)
        self._scores.append(scores)
        self.seen += 1
        if self.seen == self._renewal:
            self._renew()
        return draw

    def _sum_up(self, weight: Array) -> None:
        """Sum over the items left: for draws that share predictions and weights it is kept up to date by `see`."""
        self._weight = weight
        rest = np.flatnonzero(self._rest)
        f, mine = self.outlook.f[rest], weight[rest]
        self._f_left = float(f.sum())
        self._spread = float((self.outlook.variance[rest] / mine).sum())
        self._skew = float((self.outlook.skew[rest] / mine**2).sum())
        self._low = float(((self._range[0] - f) / mine).min())
        self._high = float(((self._range[1] - f) / mine).max())

    def _renew(self) -> None:
        """Renew the predictions and the calibration of their variance from the batch just completed."""
        self._learner.learn(np.array(self._items, dtype=np.intp), np.array(self._scores))
        self.outlook = self._learner.outlook()
        self.scale = self._squares / self._count
        self._items, self._scores, self._weight = [], [], None
        self._renewal += min(max(_FIRST, self.seen // _FIRST), self._most)
