"""The test itself: it sees scores in the order drawn, renews the predictions, and keeps the first verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from weighbridge.statistics.sequential.confidence import ConfidenceSequence
from weighbridge.statistics.sequential.drawing import Learner
from weighbridge.statistics.sequential.eprocess import Draws, EProcess, running_sum, weigh
from weighbridge.statistics.sequential.estimator import Estimator
from weighbridge.statistics.sequential.verdict import settle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from weighbridge.statistics.sequential.drawing import Call, Outlook
    from weighbridge.statistics.sequential.features import Predictor
    from weighbridge.statistics.sequential.logistic import Array
    from weighbridge.statistics.sequential.plan import Plan, Verdict
    from weighbridge.statistics.sequential.verdict import Reason

__all__ = ["Trial"]

_DOUBT = 32.0  # draws that the predicted variance counts for when it is calibrated
_LEAST = 1e-9
_FIRST = 16  # released items to the first renewal of the predictions; then a sixteenth more each time


class _Segment:
    """Draws that share predictions and weights: sums over the items left before the next of them."""

    def __init__(self, outlook: Outlook, call: Call, rest: NDArray[np.bool_], ends: tuple[float, float]) -> None:
        self.outlook, self.call = outlook, call
        f, weight = outlook.f[rest], call.weight[rest]
        self._f_left = float(f.sum())
        self._spread = float((outlook.variance[rest] / weight).sum())
        self._low = float(((ends[0] - f) / weight).min())
        self._high = float(((ends[1] - f) / weight).max())

    def draws(self, place: slice, y: Array, left: int, scale: float) -> Draws:
        """Return the evidence of the call's draws at `place`, the first of them with `left` items left."""
        ids, q = self.call.ids[place], self.call.q[place]
        f, weight = self.outlook.f[ids], self.call.weight[ids]
        f_left = running_sum(self._f_left, -f)
        spread = running_sum(self._spread, -self.outlook.variance[ids] / weight)
        self._f_left, self._spread = float(f_left[-1]), float(spread[-1])
        counts = left - np.arange(len(y), dtype=np.float64)
        mass = weight / q / counts  # the mean weight of what is left
        variance = np.maximum(spread[:-1], _LEAST) * mass / counts * scale
        return Draws(y, f, q, counts, f_left[:-1], variance, self._low * mass, self._high * mass)


class Trial:
    """Scores in drawn order in, verdict out. All it computes is the same in whatever portions they come."""

    def __init__(self, plan: Plan, predictor: Predictor) -> None:
        self._plan = plan
        self._learner = Learner(predictor, both=plan.both)
        self.outlook = self._learner.outlook()
        self._rest = np.ones(plan.n_items, dtype=np.bool_)
        self._segment: _Segment | None = None
        self._batch: list[tuple[NDArray[np.intp], Array]] = []
        self._squares = self._count = _DOUBT
        self._renewal = min(_FIRST, plan.batch)
        self.scale = 1.0  # observed over predicted variance
        self.test = EProcess(plan.n_items, np.array([plan.tau]), weigh(plan.margin))
        self.bounds, self.estimator = ConfidenceSequence(plan), Estimator(plan)
        self.released = self.calls = 0
        self.verdict: Verdict | None = settle(plan, 0, 0.0)
        self.reason: Reason = "arithmetic" if self.verdict else "running"

    def take(self, call: Call, scores: Array, doubt: Array) -> None:
        """See the next draws, all of one call, with [n, 2] the scores and how far each could rise and fall."""
        done = 0
        while done < len(scores):
            many = min(len(scores) - done, self._renewal - self.released)
            self._see(call, scores[done : done + many], doubt[done : done + many])
            done += many
            if self.released == self._renewal:
                self._learn()

    def _see(self, call: Call, scores: Array, doubt: Array) -> None:
        """Test draws that share their predictions."""
        if self._segment is None or self._segment.call is not call:
            self._segment = _Segment(self.outlook, call, self._rest, self._plan.range)
        y = scores[:, 0] - scores[:, 1]
        place = slice(self.released - call.start, self.released - call.start + len(y))
        draws = self._segment.draws(place, y, self._plan.n_items - self.released, self.scale)
        before = self.test.seen
        path = self.test.extend(draws)
        self._rest[call.ids[place]] = False
        self.bounds.hold(draws)
        self.estimator.extend(draws, doubt)
        surprise = ((y - draws.f) / (draws.left * draws.q)) ** 2 / draws.variance * self.scale
        self._squares = float(running_sum(self._squares, surprise)[-1])
        self._count += len(y)
        self._batch.append((call.ids[place], scores))
        if self.verdict is None:
            self._judge(path.up[:, 0], path.down[:, 0], running_sum(before, y)[1:])
        self.released += len(y)

    def _judge(self, up: Array, down: Array, totals: Array) -> None:
        """Keep the first verdict that evidence, arithmetic or the end of the budget gives."""
        plan, needed = self._plan, -np.log(self._plan.alpha_each)
        for place, total in enumerate(totals.tolist()):
            self.calls = self.released + place + 1
            if up[place] >= needed or down[place] >= needed:
                self.verdict, self.reason = plan.names[0 if up[place] >= needed else 1], "evidence"
            elif (sure := settle(plan, self.calls, total)) is not None:
                self.verdict, self.reason = sure, "arithmetic"
            elif self.calls == plan.limit:
                self.verdict, self.reason = "undecided", "exhausted" if plan.limit == plan.n_items else "budget"
            if self.verdict is not None:
                return

    def _learn(self) -> None:
        """Renew the predictions and the calibration of their variance from the batch just completed."""
        ids = np.concatenate([part for part, _ in self._batch])
        self._learner.learn(ids, np.concatenate([scores for _, scores in self._batch]))
        self.outlook = self._learner.outlook()
        self.scale = self._squares / self._count
        self._batch, self._segment = [], None
        self._renewal += min(max(_FIRST, self.released // _FIRST), self._plan.batch)
