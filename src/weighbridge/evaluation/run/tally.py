"""The tally: what a run says of itself while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.evaluation.marks import Marker
from weighbridge.evaluation.suite import Score
from weighbridge.statistics.interval import share_estimate

if TYPE_CHECKING:
    from weighbridge.engine.pace import Paced
    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.run.session import Run

__all__ = ["Tally"]

_CHEAP = frozenset({"choice", "exact"})
_MARK_AT_ONCE = 2000  # answers marked for one line, so that drawing it holds up no request


class Tally:
    """Counts what is heard; `line` says rate, tokens, cost, the estimate so far, and what the endpoint allows.

    Nothing is computed before `line` is called: a screen asks a few times a second, a log every ten seconds.
    """

    def __init__(self, plan: Plan, run: Run, pace: Paced | None) -> None:
        self._plan, self._run, self._pace = plan, run, pace
        self._unmarked: list[tuple[int, Completion]] = []
        self._right = self._marked = 0
        cheap = plan.suite.measures == "score/v1" and plan.suite.scorer in _CHEAP
        self._marker = Marker.of(plan.suite) if cheap else None

    def heard(self, index: int, completion: Completion) -> None:
        """Note one answer."""
        if self._marker is not None:
            self._unmarked.append((index, completion))

    def line(self) -> str:
        """Return one line without a line end."""
        return ", ".join(part for part in (self._speed(), self._tokens(), self._estimate(), self._limited()) if part)

    def _speed(self) -> str:
        """Say how many answers come a second; those from the store tell nothing of it."""
        run = self._run
        return f"{run.bill.answers / run.seconds:.3g}/s" if run.seconds and run.bill.answers else ""

    def _tokens(self) -> str:
        """Say the tokens and what they cost."""
        bill, price = self._run.bill, self._run.price
        total = bill.prompt_tokens + bill.completion_tokens
        if not total:
            return ""
        cost = f", {price.of(bill.prompt_tokens, bill.completion_tokens):.2f} {price.currency}" if price else ""
        return f"{_short(total)} tokens{cost}"

    def _estimate(self) -> str:
        """Say the share right so far, with Wilson's interval."""
        if self._marker is None:
            return ""
        batch, self._unmarked = self._unmarked[:_MARK_AT_ONCE], self._unmarked[_MARK_AT_ONCE:]
        for index, completion in batch:
            mark = self._marker.mark(self._plan.items[index], completion, self._plan.recipes[index]).mark
            if isinstance(mark, Score):
                self._marked += 1
                self._right += mark.label == "right"
        estimate = share_estimate(self._right, self._marked, unscored=0)
        return f"right {estimate.value:.1%} [{estimate.low:.1%}, {estimate.high:.1%}]" if estimate else ""

    def _limited(self) -> str:
        """Say what holds the requests up."""
        return self._pace.told() if self._pace is not None else ""


def _short(number: int) -> str:
    """Return a count in three digits."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)
