"""The wealth of a gambler who bets, draw by draw, that the mean of a finite population lies above or below tau.

Population y_1..y_N, drawn one by one without replacement. Before draw t, M items are left; q are the probabilities
of drawing each, f the predictions of their scores, both fixed by what was seen before. With
C = N tau - (scores seen) - (predictions of what is left),

    X = (y_I - f_I) / (M q_I) - C / M        has        E[X | past] = N (mean - tau) / M,

whatever q and f are. So the wealth  sum_k w_k prod_t (1 + lam_k X_t)  is a supermartingale with start 1 where
mean <= tau, and the one with -X where mean >= tau; by Ville's inequality either reaches 1/alpha with probability
at most alpha, at any stopping time (Shekhar, Xu, Lipton, Liang, Ramdas, arXiv 2305.06884).

A bet is to win most where the truth lies a gap g from tau: with g' = g N/M, the variance v and the third moment s
expected of X, it is the root lam of  g' - (v + g'^2) lam + s lam^2 = 0, the third-order maximum of E log(1 + lam X),
and at most 0.95 of the largest bet that cannot lose everything. Both hold whatever v and s are: they only save calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.statistics.sequential.logistic import Array

__all__ = ["GRID", "Draw", "Draws", "EProcess", "Path", "Wager", "weigh"]

GRID: Array = 0.004 * 1.6 ** np.arange(10, dtype=np.float64)  # the gaps bet on, in shares: 0.4 to 27.5 points
_SAFE = 0.95  # of the largest bet that cannot go broke
_TINY = 1e-12


class Draw(NamedTuple):
    """One draw; everything but `y`, the score, was fixed before it.

    `f`, `q`: prediction and probability of the item drawn; `left`: items left before the draw; `f_left`: the sum of
    their predictions; `variance`, `skew`: guesses at the variance and the third central moment of
    (y - f) / (M q); `low`, `high`: bounds on it.
    """

    y: float
    f: float
    q: float
    left: float
    f_left: float
    variance: float
    skew: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Draws:
    """Consecutive draws: the fields of `Draw`, each an array [n]."""

    y: Array
    f: Array
    q: Array
    left: Array
    f_left: Array
    variance: Array
    skew: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, draws: Sequence[Draw]) -> Draws:
        """Return draws as arrays."""
        return cls(*np.array(draws, dtype=np.float64).reshape(-1, 9).T)


@dataclass(frozen=True, slots=True)
class Path:
    """The wealth after each of n draws at T thresholds: [n, T]."""

    up: Array
    down: Array


def weigh(margin: float | None) -> Array:
    """Return how to divide the wealth over `GRID` [K].

    Candidates are mostly about as good as the baseline: the gap to the threshold is then about the margin. Seven
    tenths of the wealth go to gaps near 1.2 margins (a bell of half a unit in the logarithm), the rest everywhere.
    """
    flat = np.full(GRID.size, 1 / GRID.size)
    if not margin:
        return flat
    near = np.exp(-0.5 * (np.log(GRID / (1.2 * margin)) / 0.5) ** 2)
    total = near.sum()
    shares: Array = flat if total < _TINY else 0.3 * flat + 0.7 * near / total
    return shares


class Wager:
    """Wealth against "mean <= tau" (`up`) and against "mean >= tau" (`down`), draw by draw, in plain floats.

    `weights` [K], of sum 1, divide the wealth over `GRID`.
    """

    def __init__(self, n_items: int, tau: float, weights: Array) -> None:
        self._goal = n_items * tau
        self._gaps: list[float] = (GRID * n_items).tolist()
        self._ups: list[float] = weights.tolist()
        self._downs = list(self._ups)
        self.seen = 0.0  # the sum of the scores so far
        self.up = self.down = 1.0
        self.best_up = self.best_down = 1.0  # the greatest wealth so far

    def bet(self, draw: Draw) -> None:
        """Bet on the next draw."""
        y, f, q, left, f_left, variance, skew, low, high = draw
        centre = (self._goal - self.seen - f_left) / left
        x = (y - f) / (left * q) - centre
        cap_up, cap_down = _SAFE / max(centre - low, _TINY), _SAFE / max(high - centre, _TINY)
        ups, downs = self._ups, self._downs
        up = down = 0.0
        for k, whole in enumerate(self._gaps):
            gap = whole / left
            spread = variance + gap * gap
            square, twist = spread * spread, 4 * gap * skew
            ups[k] *= 1 + min(2 * gap / (spread + math.sqrt(square + max(-twist, 0.0))), cap_up) * x
            downs[k] *= 1 - min(2 * gap / (spread + math.sqrt(square + max(twist, 0.0))), cap_down) * x
            up += ups[k]
            down += downs[k]
        self.seen += y
        self.up, self.down = up, down
        self.best_up, self.best_down = max(self.best_up, up), max(self.best_down, down)


class EProcess:
    """The same wealth, to the last bit, at many thresholds `tau` [T] and over many draws at once."""

    def __init__(self, n_items: int, tau: Array, weights: Array) -> None:
        self._goal = n_items * np.asarray(tau, dtype=np.float64)
        self._gaps = GRID * n_items
        self._up = np.tile(weights[:, None], (1, self._goal.size))
        self._down = self._up.copy()
        self.seen = 0.0  # the sum of the scores so far

    def extend(self, draws: Draws) -> Path:
        """Bet on the next draws and return the wealth after each; the same in whatever portions they come."""
        scores = np.add.accumulate(np.concatenate(([self.seen], draws.y)))
        left = draws.left[:, None]
        centre = (self._goal - scores[:-1, None] - draws.f_left[:, None]) / left
        x = ((draws.y - draws.f) / (draws.left * draws.q))[:, None] - centre
        gap = self._gaps / left
        spread = draws.variance[:, None] + gap * gap
        square, twist = spread * spread, 4 * gap * draws.skew[:, None]
        bet_up = 2 * gap / (spread + np.sqrt(square + np.maximum(-twist, 0.0)))
        bet_down = 2 * gap / (spread + np.sqrt(square + np.maximum(twist, 0.0)))
        up = _multiply(self._up, x, bet_up, centre - draws.low[:, None])
        down = _multiply(self._down, -x, bet_down, draws.high[:, None] - centre)
        self.seen = float(scores[-1])
        self._up, self._down = up[-1], down[-1]
        return Path(_total(up[1:]), _total(down[1:]))


def _multiply(start: Array, x: Array, bet: Array, loss: Array) -> Array:
    """Return the wealth of each bet [n + 1, K, T]; `loss` [n, T] bounds how far x can fall below 0."""
    cap = _SAFE / np.maximum(loss, _TINY)
    growth = np.empty((len(x) + 1, *start.shape))
    growth[0] = start
    np.minimum(bet[:, :, None], cap[:, None, :], out=growth[1:])
    growth[1:] *= x[:, None, :]
    growth[1:] += 1
    with np.errstate(over="ignore", under="ignore"):
        grown: Array = np.multiply.accumulate(growth, axis=0)
    return grown


def _total(wealth: Array) -> Array:
    """Return the sums [n, T] over K, one by one, as `Wager` adds them."""
    with np.errstate(over="ignore"):
        return reduce(np.add, np.moveaxis(wealth, 1, 0))
