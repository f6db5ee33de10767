"""An interval for one rate that holds at every moment at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["rate_sequence"]

_PRIOR = 0.5  # Jeffreys: a and b of the Beta that the likelihoods are mixed with
_ROUNDS = 40


def rate_sequence(bad: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval for a rate from `bad` of `n` answers: the true rate is in all of them, with chance `level`.

    The rates whose likelihood is at least 1 - level of the mean likelihood over a Beta(1/2, 1/2) (Robbins, Annals of
    Mathematical Statistics 41, 1970). [0, 1] where n is 0. Raises ValueError unless 0 <= bad <= n.
    """
    if not 0 <= bad <= n:
        raise ValueError(f"{bad} of {n}")
    if n == 0:
        return 0.0, 1.0
    mixed = _log_beta(bad + _PRIOR, n - bad + _PRIOR) - _log_beta(_PRIOR, _PRIOR)
    least = mixed + math.log(1 - level)

    def is_in(rate: float) -> bool:
        likelihood = (bad * math.log(rate) if bad else 0.0) + ((n - bad) * math.log1p(-rate) if bad < n else 0.0)
        return likelihood >= least

    share = bad / n
    low = 0.0 if bad == 0 else _edge(0.0, share, is_in)
    high = 1.0 if bad == n else _edge(1.0, share, is_in)
    return low, high


def _edge(outside: float, within: float, is_in: Callable[[float], bool]) -> float:
    """Return where the interval ends between a rate outside and one within, on the safe side."""
    for _ in range(_ROUNDS):
        middle = (outside + within) / 2
        if is_in(middle):
            within = middle
        else:
            outside = middle
    return outside


def _log_beta(a: float, b: float) -> float:
    """Return the logarithm of the Beta function."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
