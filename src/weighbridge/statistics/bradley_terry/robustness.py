"""How few votes hold up the leader: the smallest share whose removal puts another model first.

After Broderick, Giordano and Meager (arXiv 2011.14999) and Huang et al. (arXiv 2508.11847: 2 of 57,477 votes turned an
arena): the votes are ordered by their first-order influence on the lead, and the number is verified by fitting again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from weighbridge.statistics.bradley_terry.rating import Rating, chances, fit, refit
from weighbridge.statistics.bradley_terry.votes import half_wins, strong_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["DropRobustness", "drop_robustness"]

RIVALS = 3  # of the models that the approximation says are nearest to the lead, so many are tried
EQUAL = 1e-9  # a lead no larger is rounding
SCORES = (1.0, 0.0, 0.5)  # of the first model, by outcome


@dataclass(frozen=True, slots=True)
class DropRobustness:
    """Dropping `votes` (that `share` of all) takes the lead from `leader`: verified, so it is an upper bound.

    `votes`, `share` and `rival` (who leads then) are None where no choice tried did so before the votes fell apart.
    """

    leader: int
    rival: int | None
    votes: int | None
    share: float | None


def drop_robustness(cells: NDArray[Any], *, ridge: float = 0.0) -> DropRobustness:
    """Return the fewest votes found whose removal from cells [K, K, 3] changes who is first; raises as `fit`.

    All votes of a cell have the same influence on a lead, so the search is over cells. Fewer votes may do, in a
    choice that first-order influence does not find.
    """
    rating = fit(cells, ridge=ridge)
    theta, bread, total = rating.theta, rating.bread(), int(np.sum(cells))
    leader = int(theta.argmax())
    plans = []
    for rival in range(len(theta)):
        if rival != leader:
            order, needed = _plan(cells, theta, bread[leader] - bread[rival], float(theta[leader] - theta[rival]))
            plans.append((needed, rival, order))
    best: tuple[int, int] | None = None
    for _, _, order in sorted(plans, key=lambda plan: plan[0])[:RIVALS]:
        found = _fewest(cells, rating, order, leader)
        if found is not None and (best is None or found < best):
            best = found
    if best is None:
        return DropRobustness(leader, None, None, None)
    return DropRobustness(leader, best[1], best[0], best[0] / total)


def _plan(cells: NDArray[Any], theta: Floats, lever: Floats, lead: float) -> tuple[NDArray[np.intp], float]:
    """Return the cells that hold up the lead, most influential first, and how many votes it takes to first order.

    A vote of score y between i and j adds (y - p)(lever_i - lever_j) to the lead, lever = (bread_leader - bread_rival).
    """
    residual = np.array(SCORES) - chances(theta)[:, :, None]
    influence = (residual * (lever[:, None, None] - lever[None, :, None])).ravel()
    order = np.argsort(-influence, kind="stable")
    order = order[(influence[order] > 0) & (np.ravel(cells)[order] > 0)]
    counts = np.ravel(cells)[order]
    upto = np.concatenate([[0.0], np.cumsum(counts * influence[order])])
    at = int(np.searchsorted(upto, lead))
    if at > len(order):
        return order, np.inf
    return order, float(counts[: max(0, at - 1)].sum() + (lead - upto[at - 1]) / influence[order[at - 1]] if at else 0)


def _fewest(cells: NDArray[Any], rating: Rating, order: NDArray[np.intp], leader: int) -> tuple[int, int] | None:
    """Return the fewest votes, dropped in that order, after which another model leads, and that model; by bisection."""
    most = int(np.ravel(cells)[order].sum())
    low, high = 0, min(1, most)
    while (first := _leader_without(cells, rating, order, high)) == leader:
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        then = _leader_without(cells, rating, order, middle)
        if then == leader:
            low = middle
        else:
            high, first = middle, then
    return None if first is None else (high, first)


def _leader_without(cells: NDArray[Any], rating: Rating, order: NDArray[np.intp], dropped: int) -> int | None:
    """Return who leads after that many votes are dropped; None where the rest determines no ratings."""
    leader = int(rating.theta.argmax())
    flat = np.array(cells, np.float64).ravel()
    counts = flat[order]
    before = np.cumsum(counts) - counts
    flat[order] = counts - np.clip(dropped - before, 0, counts)
    wins = half_wins(flat.reshape(np.shape(cells)))
    if len(strong_groups(wins + wins.T if rating.ridge > 0 else wins)) > 1:
        return None
    again, converged = refit(wins[None], rating)
    if not converged[0]:
        return None
    first = int(again[0].argmax())
    return first if again[0, first] > again[0, leader] + EQUAL else leader
