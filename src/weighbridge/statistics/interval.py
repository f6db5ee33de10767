"""Intervals for one sample: Wilson's for a share, order statistics for a quantile."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from weighbridge.core.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["quantile_estimate", "share_estimate", "wilson"]

LEVEL = 0.95


def wilson(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Return Wilson's score interval for a share (E. B. Wilson, JASA 22, 1927); [0, 1] where n is 0.

    Raises ValueError unless 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else max(0.0, (centre - spread) / scale)
    high = 1.0 if successes == n else min(1.0, (centre + spread) / scale)
    return low, high


def share_estimate(successes: int, n: int, *, unscored: int = 0, level: float = LEVEL) -> Estimate | None:
    """Return the share of successes with Wilson's interval, or None where nothing could be marked."""
    if n == 0:
        return None
    low, high = wilson(successes, n, level)
    return Estimate(successes / n, low, high, n, "Wilson", level, unscored)


def quantile_estimate(values: Sequence[float], q: float, *, level: float = LEVEL) -> Estimate | None:
    """Return the q-quantile with its distribution-free interval between two order statistics.

    The interval [x(l), x(u)] holds the quantile with probability P(l <= B < u), B ~ Binomial(n, q)
    (David and Nagaraja, Order Statistics, 7.1). Returns None where n is too small for any such interval
    at `level`: an interval that cannot be had is not made up.
    """
    ordered, n, tail = sorted(values), len(values), (1 - level) / 2
    below = 0.0  # P(B < rank)
    low = high = None
    for rank in range(1, n + 1):
        below += math.exp(_log_ways(n, rank - 1) + (rank - 1) * math.log(q) + (n - rank + 1) * math.log1p(-q))
        if below <= tail:
            low = rank
        if high is None and 1 - below <= tail:
            high = rank
    if low is None or high is None:
        return None
    place = q * (n - 1)
    left = math.floor(place)
    right = min(left + 1, n - 1)
    value = ordered[left] + (ordered[right] - ordered[left]) * (place - left)
    return Estimate(value, ordered[low - 1], ordered[high - 1], n, "order statistics", level)


def _log_ways(n: int, k: int) -> float:
    """Return the logarithm of "n choose k": the number itself overflows from n = 1,030 on."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
