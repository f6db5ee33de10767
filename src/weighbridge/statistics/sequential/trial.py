"""The test itself: it sees scores in the order drawn and keeps the first verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.statistics.sequential.confidence import ConfidenceSequence
from weighbridge.statistics.sequential.eprocess import Wager, weigh
from weighbridge.statistics.sequential.estimator import Estimator
from weighbridge.statistics.sequential.forecast import Forecast
from weighbridge.statistics.sequential.verdict import settle

if TYPE_CHECKING:
    from weighbridge.statistics.sequential.drawing import Call
    from weighbridge.statistics.sequential.features import Predictor
    from weighbridge.statistics.sequential.plan import Plan, Verdict
    from weighbridge.statistics.sequential.verdict import Reason

__all__ = ["Trial"]


class Trial:
    """Scores in drawn order in, verdict out: the same whenever they come, one at a time or many."""

    def __init__(self, plan: Plan, predictor: Predictor) -> None:
        self._plan = plan
        self._needed = 1 / plan.alpha_each
        self.forecast = Forecast(plan, predictor)
        self.wager = Wager(plan.n_items, plan.tau, weigh(plan.margin))
        self.bounds, self.estimator = ConfidenceSequence(plan), Estimator(plan)
        self.calls = 0
        self.verdict: Verdict | None = settle(plan, 0, 0.0)
        self.reason: Reason = "arithmetic" if self.verdict else "running"

    @property
    def released(self) -> int:
        """Return how many draws the test has seen."""
        return self.forecast.seen

    def take(self, call: Call, place: int, scores: tuple[float, float], doubt: tuple[float, float]) -> None:
        """See the next draw, the call's at `place`: the scores, and how far their difference could rise and fall."""
        draw = self.forecast.see(call, place, scores)
        self.wager.bet(draw)
        self.bounds.hold(draw)
        self.estimator.extend(draw, doubt)
        if self.verdict is None:
            self.calls = self.forecast.seen
            self._judge()

    def _judge(self) -> None:
        """Keep the first verdict that evidence, arithmetic or the end of the budget gives."""
        plan, wager = self._plan, self.wager
        if wager.up >= self._needed or wager.down >= self._needed:
            self.verdict, self.reason = plan.names[0 if wager.up >= self._needed else 1], "evidence"
        elif (sure := settle(plan, self.calls, wager.seen)) is not None:
            self.verdict, self.reason = sure, "arithmetic"
        elif self.calls == plan.limit:
            self.verdict, self.reason = "undecided", "exhausted" if plan.limit == plan.n_items else "budget"
