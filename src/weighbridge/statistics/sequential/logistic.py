"""Bayesian logistic regression: a Gaussian belief about the coefficients, updated batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Belief", "predict", "sigmoid", "update"]

Array: TypeAlias = NDArray[np.float64]
_STEPS = 25
_NEAR = 1e-9
_LONGEST = 4.0  # a Newton step in logits: separable data would leap otherwise
_EDGE = 0.01  # no outcome is taken for certain


@dataclass(frozen=True, slots=True)
class Belief:
    """A Gaussian over k coefficients: `mean` [k] and `precision` [k, k], positive definite."""

    mean: Array
    precision: Array


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)), without overflow."""
    value: Array = 0.5 * (1.0 + np.tanh(0.5 * z))
    return value


def update(belief: Belief, x: Array, y: Array) -> Belief:
    """Return the Laplace approximation of the belief after outcomes `y` [n] in [0, 1] at features `x` [n, k].

    The mode is found by Newton steps on the cross-entropy plus the prior's quadratic form; the curvature there is
    the new precision (Bishop, Pattern Recognition and Machine Learning, 4.5).
    """
    mean = belief.mean.copy()
    for _ in range(_STEPS):
        p = sigmoid(x @ mean)
        slope = x.T @ (y - p) - belief.precision @ (mean - belief.mean)
        step = np.linalg.solve(belief.precision + (x.T * (p * (1 - p))) @ x, slope)
        size = float(np.abs(step).max())
        mean += step * min(1.0, _LONGEST / max(size, _LONGEST))
        if size < _NEAR:
            break
    p = sigmoid(x @ mean)
    return Belief(mean, belief.precision + (x.T * (p * (1 - p))) @ x)


def predict(belief: Belief, x: Array) -> Array:
    """Return the predictive probability of success [n] at features `x` [n, k], kept within [0.01, 0.99].

    The coefficients' uncertainty is averaged over by MacKay's probit formula (Neural Computation 4, 1992).
    """
    spread = np.einsum("nk,nk->n", x @ np.linalg.inv(belief.precision), x)
    p = sigmoid(x @ belief.mean / np.sqrt(1 + np.pi / 8 * spread))
    clipped: Array = np.clip(p, _EDGE, 1 - _EDGE)
    return clipped
