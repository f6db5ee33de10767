"""The confidence sequence: all thresholds that the test has not rejected on its one path of draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from weighbridge.statistics.sequential.eprocess import Draw, Draws, EProcess, weigh

if TYPE_CHECKING:
    from weighbridge.statistics.sequential.logistic import Array
    from weighbridge.statistics.sequential.plan import Plan

__all__ = ["ConfidenceSequence", "thresholds"]

_SIDE = 200  # thresholds above tau, and below
_BEND = 4.0  # 0.07 points apart at tau, 2 at the far end
_PORTION = 16  # draws at a time: half a megabyte an array, which stays in the cache


def thresholds(plan: Plan) -> Array:
    """Return the 401 thresholds, ascending: tau itself (moved into the range of scores) and denser around it.

    They are fixed before the first call, as the plan is.
    """
    low, high = plan.range
    centre = min(max(plan.tau, low), high)
    step = np.sinh(_BEND * np.arange(1, _SIDE + 1) / _SIDE) / np.sinh(_BEND)
    return np.concatenate((centre - (centre - low) * step[::-1], [centre], centre + (high - centre) * step))


class ConfidenceSequence:
    """An interval for the mean that holds at all times at once with probability >= 1 - 2 alpha_each.

    The lower bound is the highest threshold up to which *all* are rejected by "up" wealth >= 1/alpha_each: it can be
    wrong only if the lowest threshold above the truth is rejected, one test. The upper bound mirrors it. Intervals
    are nested; should the bounds ever cross (a failure of both sides), the last interval stands.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._grid = thresholds(plan)
        self._test = EProcess(plan.n_items, self._grid, weigh(plan.margin))
        self._best_up, self._best_down = np.zeros(self._grid.size), np.zeros(self._grid.size)
        self._pending: list[Draw] = []
        self._low, self._high = plan.range
        self._crossed = False

    def hold(self, draw: Draw) -> None:
        """Keep a draw until somebody asks."""
        self._pending.append(draw)

    def interval(self, seen: int, total: float) -> tuple[float, float]:
        """Return (low, high) after all draws held; `seen` and `total` are the scores' count and sum.

        What arithmetic excludes is cut off, and arithmetic wins where the sequence contradicts it: with every item
        seen, both ends are the mean. Never empty.
        """
        for start in range(0, len(self._pending), _PORTION):
            self._advance(Draws.of(self._pending[start : start + _PORTION]))
        self._pending.clear()
        plan = self._plan
        low, high = plan.range
        left = plan.n_items - seen
        least, most = (total + left * low) / plan.n_items, (total + left * high) / plan.n_items
        return min(max(self._low, least), most), max(min(self._high, most), least)

    def _advance(self, draws: Draws) -> None:
        """Bet on a portion at every threshold and move the bounds, draw by draw."""
        path, needed = self._test.extend(draws), 1 / self._plan.alpha_each
        best_up = np.maximum(np.maximum.accumulate(path.up), self._best_up)
        best_down = np.maximum(np.maximum.accumulate(path.down), self._best_down)
        self._best_up, self._best_down = best_up[-1], best_down[-1]
        up, down = best_up >= needed, best_down >= needed
        ends = np.concatenate(([self._plan.range[0]], self._grid, [self._plan.range[1]]))
        lows = ends[np.cumprod(up, axis=1).sum(axis=1)]
        highs = ends[::-1][np.cumprod(down[:, ::-1], axis=1).sum(axis=1)]
        for low, high in zip(lows.tolist(), highs.tolist(), strict=True):
            self._crossed = self._crossed or low > high
            if not self._crossed:
                self._low, self._high = low, high
