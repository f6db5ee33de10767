"""Active sampling without replacement: items whose outcome is least certain are drawn more often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from weighbridge.statistics.sequential.logistic import predict, update

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from weighbridge.statistics.sequential.features import Predictor
    from weighbridge.statistics.sequential.logistic import Array, Belief

__all__ = ["Call", "Learner", "Outlook", "draw", "probabilities"]

_UNIFORM = 0.1  # share of the draws that ignore the predictions: bounds the inverse weights
_FLOOR = 0.005  # variance granted to every item
_STREAM = 0x5E9  # sets the draws apart from whatever else a caller makes from the same seed


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected of each item, each [N]: score `f`, variance and third central moment, and drawing weight."""

    f: Array
    variance: Array
    skew: Array
    weight: Array


@dataclass(frozen=True, slots=True)
class Call:
    """One portion of draws from frozen weights: its place in the drawn order, items, and their probabilities."""

    start: int
    ids: NDArray[np.intp]
    q: Array
    weight: Array


class Learner:
    """The candidate's probability of success on each item, and with `both` the baseline's too."""

    def __init__(self, predictor: Predictor, *, both: bool) -> None:
        self._x = predictor.x
        self._both = both
        self._beliefs: list[Belief] = [predictor.belief] * (2 if both else 1)

    def learn(self, ids: NDArray[np.intp], scores: Array) -> None:
        """Take in the scores [n, 1 or 2] (candidate, baseline) of items."""
        x = self._x[ids]
        self._beliefs = [update(belief, x, scores[:, k]) for k, belief in enumerate(self._beliefs)]

    def outlook(self) -> Outlook:
        """Return what is expected now.

        The weights are the Neyman allocation, in proportion to the standard deviation, mixed with a uniform tenth.
        """
        p = predict(self._beliefs[0], self._x)
        f, variance = p, p * (1 - p)
        skew = variance * (1 - 2 * p)
        if self._both:
            other = predict(self._beliefs[1], self._x)
            theirs = other * (1 - other)
            f, variance, skew = p - other, variance + theirs, skew - theirs * (1 - 2 * other)
        spread = np.sqrt(variance + _FLOOR)
        return Outlook(f, variance, skew, (1 - _UNIFORM) * spread / spread.mean() + _UNIFORM)


def draw(weight: Array, left: NDArray[np.intp], count: int, seed: int, start: int) -> Call:
    """Draw `count` of the items `left`, one after the other, each in proportion to its weight among what is left.

    Independent exponential times divided by the weights, sorted, are such a sequence (Efraimidis and Spirakis,
    Information Processing Letters 97, 2006). The randomness depends on `seed` and the
    place `start` in the drawn order alone.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((_STREAM, seed, start))))
    mine = weight[left]
    times = rng.standard_exponential(left.size) / mine
    first = np.argpartition(times, count - 1)[:count] if count < left.size else np.arange(left.size)
    first = first[np.argsort(times[first], kind="stable")]
    return Call(start, left[first], probabilities(weight, left, left[first]), weight)


def probabilities(weight: Array, left: NDArray[np.intp], ids: NDArray[np.intp]) -> Array:
    """Return the probability of each draw in `ids`, in order, from the items `left`."""
    rest = np.zeros(weight.size, dtype=np.bool_)
    rest[left] = True
    rest[ids] = False
    totals = np.add.accumulate(np.concatenate(([weight[rest].sum()], weight[ids[::-1]])))[:0:-1]
    q: Array = weight[ids] / totals
    return q
