"""The sequential comparison as a live runner needs it: draw, record in any order, read the standing, resume."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from weighbridge.core.estimate import Estimate
from weighbridge.errors import UsageError
from weighbridge.statistics.sequential.drawing import Call, draw, probabilities
from weighbridge.statistics.sequential.plan import Plan
from weighbridge.statistics.sequential.trial import Trial
from weighbridge.statistics.sequential.verdict import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from weighbridge.statistics.sequential.features import Predictor
    from weighbridge.statistics.sequential.logistic import Array
    from weighbridge.statistics.sequential.plan import Verdict

__all__ = ["Sampler"]

_TOLERANCE = 1e-9
_MOST = 1e300  # what JSON can hold


class Sampler:
    """One comparison under way.

    `next` draws items; `record` takes their scores in whatever order they arrive and releases them to the test in
    drawn order only: what is late holds back what was drawn after it, so that slow wrong answers cannot bias the
    verdict. Predictions are renewed after 16 released items or more, at most `plan.batch`; draws use the latest.
    `log` holds all that happened, as JSON values in order: write each entry down (the draws before asking), and
    `Sampler.restore` goes on from there with the same state. Not for use from several threads at once.
    """

    def __init__(self, plan: Plan, predictor: Predictor) -> None:
        if predictor.digest != plan.predictions or predictor.n_items != plan.n_items:
            raise UsageError("the predictions are not those of the plan", hint="plan anew, before the first call")
        self.plan = plan
        self.log: list[dict[str, Any]] = [{"event": "plan", "digest": plan.digest, "plan": plan.to_json()}]
        self._trial = Trial(plan, predictor)
        self._left = np.ones(plan.n_items, dtype=np.bool_)  # not drawn
        self._order: list[int] = []
        self._calls: deque[Call] = deque()  # not released to the end
        self._scores: dict[int, tuple[float, float]] = {}
        self._missing: dict[int, tuple[float, float]] = {}  # how far the score could rise and fall

    @classmethod
    def restore(cls, log: Iterable[Mapping[str, Any]], predictor: Predictor) -> Sampler:
        """Return the sampler that wrote `log`, or a beginning of it.

        Raises UsageError where the log is of another plan or predictor, where it is damaged, or where a recorded
        probability differs from the recomputed one.
        """
        entries = iter(log)
        try:
            first = next(entries, {})
            plan = Plan.from_json(first["plan"])
            if first["digest"] != plan.digest:
                raise UsageError("the log's plan is not the one its digest names", hint="start again with a new plan")
            sampler = cls(plan, predictor)
            for entry in entries:
                if entry["event"] == "draw":
                    sampler._draw_again(entry["ids"], entry["q"])
                else:
                    sampler.record(entry["item"], entry["candidate"], entry["baseline"])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UsageError("the log of a comparison is damaged", hint="start again with a new plan") from error
        return sampler

    def next(self, count: int) -> tuple[NDArray[np.intp], Array]:
        """Draw up to `count` more items; return their indices [n] and the probabilities [n] they were drawn with.

        Nothing is drawn once there is a verdict, or beyond the budget.
        """
        room = min(count, self.plan.limit - len(self._order))
        if room <= 0 or self.verdict is not None:
            return np.zeros(0, dtype=np.intp), np.zeros(0)
        start = len(self._order)
        call = draw(self._trial.forecast.outlook.weight, np.flatnonzero(self._left), room, self.plan.seed, start)
        self._add(call)
        return call.ids, call.q

    def _draw_again(self, items: list[int], q: list[float]) -> None:
        """Take over recorded draws, which hold whatever this machine's generator would draw; check their q."""
        ids = np.array(items, dtype=np.intp)
        sound = ids.size == len(set(items)) == len(q) and ids.size and len(self._order) + ids.size <= self.plan.limit
        if not sound or ids.min() < 0 or not self._left[ids].all():
            raise UsageError("the log of a comparison draws an item twice", hint="start again with a new plan")
        weight = self._trial.forecast.outlook.weight
        again = probabilities(weight, np.flatnonzero(self._left), ids)
        if not np.allclose(again, q, rtol=_TOLERANCE, atol=0.0):
            raise UsageError(
                "a recorded probability is not the one recomputed",
                hint="the log and the history do not belong together",
            )
        self._add(Call(len(self._order), ids, np.array(q, dtype=np.float64), weight))

    def _add(self, call: Call) -> None:
        self._left[call.ids] = False
        self._order.extend(call.ids.tolist())
        self._calls.append(call)
        self.log.append({"event": "draw", "ids": call.ids.tolist(), "q": call.q.tolist()})

    @property
    def in_flight(self) -> list[int]:
        """Return the items drawn and not recorded, in drawn order: what a resumed run has to ask first."""
        return [item for item in self._order[self._trial.released :] if item not in self._scores]

    def record(self, item: int, candidate: float | None, baseline: float | None = None) -> None:
        """Take the score of a drawn item, in [0, 1]; `baseline` too where both models are asked.

        None is an answer that never came, after all retries: it counts as 0, is logged as such, and widens
        `worst` and `best`. Raises UsageError for an item that was not drawn, a second score, or one outside [0, 1].
        """
        plan = self.plan
        if not 0 <= item < plan.n_items or self._left[item]:
            raise UsageError(f"item {item} was recorded and not drawn", hint="record what `next` returned")
        if item in self._scores:
            raise UsageError(f"item {item} was recorded twice", hint="the first score counts")
        other = baseline if plan.both else 0.0
        if not all(score is None or 0 <= score <= 1 for score in (candidate, baseline)):
            raise UsageError(f"the score of item {item} lies outside 0 to 1", hint="scale it, or record None")
        if baseline is not None and not plan.both:
            raise UsageError("the baseline's scores are those of the plan", hint="record the candidate's alone")
        self.log.append({"event": "score", "item": item, "candidate": candidate, "baseline": baseline})
        self._scores[item] = (float(candidate or 0.0), float(other or 0.0))
        if candidate is None or other is None:
            self._missing[item] = (float(candidate is None), float(other is None))
        self._release()

    def _release(self) -> None:
        """Hand the scores of the drawn order's contiguous prefix to the test."""
        trial = self._trial
        while self._calls:
            call = self._calls[0]
            for place in range(trial.released - call.start, len(call.ids)):
                item = self._order[trial.released]
                if item not in self._scores:
                    return
                trial.take(call, place, self._scores[item], self._missing.get(item, (0.0, 0.0)))
            self._calls.popleft()

    @property
    def verdict(self) -> Verdict | None:
        """Return the verdict, None as long as there is none; once given it never changes."""
        return self._trial.verdict

    @property
    def calls(self) -> int:
        """Return how many items the verdict took, or has taken so far; costs nothing, unlike `standing`."""
        return self._trial.calls

    def predict(self) -> Array:
        """Return the score [N] now expected of each item."""
        return self._trial.forecast.outlook.f.copy()

    @property
    def variance(self) -> float:
        """Return the predicted variance of one draw's inverse-weighted residual, for `expected_calls`."""
        look, left = self._trial.forecast.outlook, self._left
        if not left.any():
            return 0.0
        mass = look.weight[left].mean()
        return float((look.variance[left] / look.weight[left]).mean() * mass * self._trial.forecast.scale)

    def standing(self) -> Standing:
        """Return all that can be said now; costs some 5 ms for every 64 scores released since it was last asked."""
        plan, trial = self.plan, self._trial
        mean = difference = worst = best = None
        if trial.released:
            low, high = trial.bounds.interval(trial.released, trial.wager.seen)
            value = min(max(trial.estimator.mean, low), high)
            rise, fall = trial.estimator.slack
            worst, best = value - fall, value + rise
            mean = self._estimate(value, low, high)
            origin = 0.0 if plan.both else plan.baseline
            difference = None if origin is None else self._estimate(value - origin, low - origin, high - origin)
        wager = trial.wager
        return Standing(
            verdict=trial.verdict,
            reason=trial.reason,
            calls=trial.calls,
            drawn=len(self._order),
            released=trial.released,
            waiting=len(self._scores) - trial.released,
            mean=mean,
            difference=difference,
            evidence_for=min(wager.best_up, _MOST),
            evidence_against=min(wager.best_down, _MOST),
            current_for=min(wager.up, _MOST),
            current_against=min(wager.down, _MOST),
            needed=1 / plan.alpha_each,
            missing=len(self._missing),
            worst=worst,
            best=best,
        )

    def _estimate(self, value: float, low: float, high: float) -> Estimate:
        level = 1 - 2 * self.plan.alpha_each
        return Estimate(value, low, high, self._trial.released, "betting without replacement", level)
