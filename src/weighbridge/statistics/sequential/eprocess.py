"""The wealth of a gambler who bets, draw by draw, that the mean of a finite population lies above or below tau.

Population y_1..y_N, drawn one by one without replacement. Before draw t, M items are left; q are the probabilities
of drawing each, f the predictions of their scores, both fixed by what was seen before. With
C = N tau - (scores seen) - (predictions of what is left),

    X = (y_I - f_I) / (M q_I) - C / M        has        E[X | past] = N (mean - tau) / M,

whatever q and f are. So the wealth  sum_k w_k prod_t (1 + lam_k X_t)  is a supermartingale with start 1 where
mean <= tau, and the one with -X where mean >= tau; by Ville's inequality either reaches 1/alpha with probability
at most alpha, at any stopping time (Shekhar, Xu, Lipton, Liang, Ramdas, arXiv 2305.06884).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from weighbridge.statistics.sequential.logistic import Array

__all__ = ["GRID", "Draws", "EProcess", "Path", "running_sum", "weigh"]

GRID: Array = 0.004 * 1.6 ** np.arange(10, dtype=np.float64)  # the gaps bet on, in shares: 0.4 to 27.5 points
_SAFE = 0.8  # of the largest bet that cannot go broke
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Draws:
    """Consecutive draws, each array [n]; everything but `y` was fixed before the draw.

    `f`, `q`: prediction and probability of the item drawn; `left`: items left before the draw; `f_left`: the sum
    of their predictions; `variance`: the guess at the variance of (y - f) / (M q); `low`, `high`: bounds on it.
    """

    y: Array
    f: Array
    q: Array
    left: Array
    f_left: Array
    variance: Array
    low: Array
    high: Array

    def portion(self, start: int, stop: int) -> Draws:
        """Return the draws from `start` to before `stop`."""
        return Draws(*(getattr(self, field.name)[start:stop] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Path:
    """Logarithms of the wealth after each of n draws at T thresholds: [n, T]."""

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


class EProcess:
    """Wealth against "mean <= tau" (`up`) and against "mean >= tau" (`down`), at thresholds `tau` [T].

    The bets are lam = g' / (variance + g'^2) with g' = g N/M for the gaps g of `GRID` [K], capped at 0.8 of the
    largest bet that cannot lose everything. `weights` [K], of sum 1, divide the wealth; None is equally.
    """

    def __init__(self, n_items: int, tau: Array, weights: Array | None = None) -> None:
        self.n_items = n_items
        self.tau = np.atleast_1d(np.asarray(tau, dtype=np.float64))
        self.seen = 0.0  # the sum of the scores so far
        shares = np.full(GRID.size, 1 / GRID.size) if weights is None else weights
        self._up = np.tile(np.log(shares), (self.tau.size, 1))
        self._down = self._up.copy()
        self.best_up = np.zeros(self.tau.size)  # logarithm of the greatest wealth so far
        self.best_down = np.zeros(self.tau.size)

    def extend(self, draws: Draws) -> Path:
        """Bet on the next draws and return the wealth after each; the same in whatever portions they come."""
        scores = running_sum(self.seen, draws.y)
        left = draws.left[:, None]
        centre = (self.n_items * self.tau - scores[:-1, None] - draws.f_left[:, None]) / left
        x = ((draws.y - draws.f) / (draws.left * draws.q))[:, None] - centre
        gap = GRID * self.n_items / left
        bet = gap / (draws.variance[:, None] + gap**2)
        up = self._multiply(self._up, x, bet, centre - draws.low[:, None])
        down = self._multiply(self._down, -x, bet, draws.high[:, None] - centre)
        self.seen = float(scores[-1])
        self._up, self._down = up[-1], down[-1]
        path = Path(_total(up[1:]), _total(down[1:]))
        self.best_up = np.maximum(self.best_up, path.up.max(axis=0, initial=-np.inf))
        self.best_down = np.maximum(self.best_down, path.down.max(axis=0, initial=-np.inf))
        return path

    @property
    def now(self) -> tuple[Array, Array]:
        """Return the logarithms of the wealth now, up and down, each [T]."""
        return _total(self._up), _total(self._down)

    @staticmethod
    def _multiply(start: Array, x: Array, bet: Array, loss: Array) -> Array:
        """Return the log wealth of each bet [n + 1, T, K]; `loss` [n, T] bounds how far x can fall below 0."""
        cap = _SAFE / np.maximum(loss, _TINY)
        growth = np.log1p(np.minimum(bet[:, None, :], cap[:, :, None]) * x[:, :, None])
        grown: Array = np.add.accumulate(np.concatenate((start[None], growth)), axis=0)
        return grown


def running_sum(start: float, values: Array) -> Array:
    """Return [start, start + v_1, ...], n + 1 sums, added one by one: the same in whatever portions values come."""
    sums: Array = np.add.accumulate(np.concatenate(([start], values)))
    return sums


def _total(log_wealth: Array) -> Array:
    """Return log sum exp over the last axis."""
    peak = log_wealth.max(axis=-1, keepdims=True)
    total: Array = np.log(np.exp(log_wealth - peak).sum(axis=-1)) + peak[..., 0]
    return total
