"""Maximum likelihood of the Bradley-Terry model, from counts, for one set of votes or a stack of resamples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from weighbridge.errors import UsageError
from weighbridge.statistics.bradley_terry.votes import OUTCOMES, half_wins, require_connected

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

__all__ = ["Davidson", "Rating", "fit", "fit_davidson", "newton", "refit"]

STEPS = 100
CHORDS = 15
TOLERANCE = 1e-7  # of the last step; Newton's error after it is of the order of its square


@dataclass(frozen=True, slots=True, eq=False)
class Rating:
    """Ratings theta float[K] in log odds, summing to 0: i beats j with probability 1 / (1 + exp(theta_j - theta_i)).

    `information` float[K, K] is the negative Hessian there, without the ridge; its null space is the constant.
    """

    theta: Floats
    information: Floats
    ridge: float

    def bread(self) -> Floats:
        """Return the inverse information among ratings that sum to 0, float[K, K]: covariance of independent votes."""
        k = len(self.theta)
        constant = np.full((k, k), 1 / k)
        inverse: Floats = np.linalg.inv(self.information + self.ridge * np.eye(k) + constant)
        return inverse - constant / (1 + self.ridge)


@dataclass(frozen=True, slots=True, eq=False)
class Davidson:
    """Ratings with ties of their own: P(i) : P(tie) : P(j) = sqrt(a_i / a_j) : nu : sqrt(a_j / a_i), a = exp(theta)."""

    theta: Floats
    nu: float


def fit(cells: NDArray[Any], *, ridge: float = 0.0) -> Rating:
    """Return the ratings from cells [K, K, 3] (wins, losses, ties of the first), a tie counted as half a win of each.

    Newton's method on the likelihood less ridge / 2 * |theta|^2. Raises UsageError where the votes do not determine
    them (see `require_connected`), or hold anything but counts.
    """
    _check(cells, ridge)
    wins = half_wins(cells)
    theta, converged = newton(wins[None], ridge=ridge)
    if not converged[0]:
        raise UsageError("the ratings did not converge", hint="rate with a ridge, which is a stated prior")
    return Rating(theta[0], information(wins + wins.T, theta[0]), ridge)


def newton(wins: Floats, *, ridge: float = 0.0, start: Floats | None = None) -> tuple[Floats, NDArray[np.bool_]]:
    """Return theta [B, K] and whether each converged, from wins W[B, K, K]; existence is the caller's to check.

    No step moves two models by more than 1 against each other: the curvature then changes by less than a factor e, so
    every step gains (Bach, Electronic Journal of Statistics 4, 2010, on self-concordance of logistic losses).
    """
    stack, k = wins.shape[:2]
    games = wins + np.swapaxes(wins, 1, 2)
    total = wins.sum(2)
    theta = np.zeros((stack, k)) if start is None else np.broadcast_to(start, (stack, k)).copy()
    open_, converged = np.arange(stack), np.zeros(stack, bool)
    for _ in range(STEPS):
        now = theta[open_]
        expected = games[open_] * chances(now)
        gradient = total[open_] - expected.sum(2) - ridge * now
        weight = expected * np.swapaxes(chances(now), 1, 2)
        step = np.linalg.solve(_laplacian(weight, ridge), gradient[:, :, None])[:, :, 0]
        reach = np.ptp(step, axis=1)
        theta[open_] = now + step / np.maximum(1.0, reach)[:, None]
        converged[open_[reach < TOLERANCE]] = True
        open_ = open_[reach >= TOLERANCE]
        if not len(open_):
            break
    return theta - theta.mean(1, keepdims=True), converged


def refit(wins: Floats, rating: Rating) -> tuple[Floats, NDArray[np.bool_]]:
    """Return theta [B, K] and whether each converged, from resamples W[B, K, K] of the votes behind `rating`.

    The chord method: Newton's with the curvature of the full sample, so no resample solves a system of its own (which
    threads of the linear algebra slow down on a busy machine). Newton's own steps take over where it does not settle.
    """
    inverse, games, total = rating.bread(), wins + np.swapaxes(wins, 1, 2), wins.sum(2)
    theta = np.tile(rating.theta, (len(wins), 1))
    settled = np.zeros(len(wins), bool)
    for _ in range(CHORDS):
        gradient = total - np.einsum("bij,bij->bi", games, chances(theta)) - rating.ridge * theta
        step = np.einsum("bi,ij->bj", gradient, inverse)
        reach = np.ptp(step, axis=1)
        theta += step / np.maximum(1.0, reach)[:, None]
        settled = reach < TOLERANCE
        if settled.all():
            return theta, settled
    theta[~settled], settled[~settled] = newton(wins[~settled], ridge=rating.ridge, start=rating.theta)
    return theta, settled


def chances(theta: Floats) -> Floats:
    """Return P(i beats j), float[..., K, K]."""
    strength = np.exp(theta - theta.max(-1, keepdims=True))
    share: Floats = strength[..., :, None] / (strength[..., :, None] + strength[..., None, :])
    return share


def information(games: Floats, theta: Floats) -> Floats:
    """Return the Fisher information of games [K, K] between models rated theta, float[K, K]."""
    share = chances(theta)
    weight = games * share * share.T
    return np.asarray(np.diag(weight.sum(1)) - weight, np.float64)


def fit_davidson(cells: NDArray[Any]) -> Davidson:
    """Return ratings and the tie parameter of Davidson's model (JASA 65, 1970) from cells [K, K, 3].

    Ties here inform about ties, and not as half wins. Raises UsageError as `fit`, and where every vote is a tie.
    Without ties nu is 0 and the ratings are those of `fit`.
    """
    _check(cells, 0.0)
    ties = cells[..., 2] + cells[..., 2].T
    wins = half_wins(cells)
    games, total = wins + wins.T, wins.sum(1)
    if not ties.any():
        return Davidson(fit(cells).theta, 0.0)
    if ties.sum() >= games.sum():
        raise UsageError("every vote is a tie", hint="collect votes that decide")
    k, place = len(wins), np.zeros(len(wins) + 1)
    for _ in range(STEPS):
        half = (place[:k, None] - place[None, :k]) / 2
        up, down, tie = np.exp(half), np.exp(-half), np.exp(place[k])
        norm = up + down + tie
        lead, even = (up - down) / norm / 2, tie / norm
        gradient = np.append((wins - wins.T).sum(1) / 2 - (games * lead).sum(1), (ties - games * even).sum() / 2)
        hessian = np.zeros((k + 1, k + 1))
        hessian[:k, :k] = _laplacian((games * ((up + down) / norm / 4 - lead**2))[None], 0.0)[0]
        hessian[:k, k] = hessian[k, :k] = -(games * lead * even).sum(1)
        hessian[k, k] = (games * even * (1 - even)).sum() / 2
        step = np.linalg.solve(hessian, gradient)
        place += step / max(1.0, float(np.ptp(step[:k])), abs(float(step[k])))
        if np.abs(step).max() < TOLERANCE:
            return Davidson(place[:k] - place[:k].mean(), float(np.exp(place[k])))
    raise UsageError("the ratings did not converge", hint=f"use half wins for ties ({total.sum():.0f} votes)")


def _laplacian(weight: Floats, ridge: float) -> Floats:
    """Return the curvature [B, K, K] with the constant direction filled, so that it can be inverted."""
    k = weight.shape[-1]
    matrix: Floats = 1 / k - weight
    diagonal = np.arange(k)
    matrix[:, diagonal, diagonal] += weight.sum(2) + ridge
    return matrix


def _check(cells: NDArray[Any], ridge: float) -> None:
    """Raise UsageError unless the cells are counts [K, K, 3] of joined models, K >= 2, and the ridge is one."""
    shape = np.shape(cells)
    if shape != (shape[:1] * 2 + (len(OUTCOMES),)) or shape[0] <= 1:
        raise UsageError(f"votes of shape {shape}", hint="give counts of shape K x K x 3 for at least two models")
    if not np.isfinite(cells).all() or (np.asarray(cells) < 0).any() or not 0 <= ridge < np.inf:
        raise UsageError("a count or the ridge is negative or no number", hint="give counts of votes")
    require_connected(cells, ridge=ridge)
