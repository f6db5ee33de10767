"""Intervals for one sample: Wilson's and the exact one for a share, order statistics for a quantile."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

from weighbridge.core.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "beta_quantile",
    "clopper_pearson",
    "quantile_estimate",
    "share_estimate",
    "student_quantile",
    "student_tails",
    "wilson",
]

LEVEL = 0.95
CONVERGED = 1e-15  # relative; about four units in the last place


def wilson(successes: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Return Wilson's score interval for a share (E. B. Wilson, JASA 22, 1927); [0, 1] where n is 0.

    Counts are whole, but for a survey's effective size, in which neither need be.
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


def clopper_pearson(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact interval for a share (Clopper and Pearson, Biometrika 26, 1934); [0, 1] where n is 0.

    Each end keeps an error of at most (1 - level) / 2, so `clopper_pearson(k, n, 0.9)` holds two one-sided 95% bounds.
    Raises ValueError unless 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else beta_quantile(tail, successes, n - successes + 1)
    high = 1.0 if successes == n else beta_quantile(1 - tail, successes + 1, n - successes)
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


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return the quantile of a Beta(a, b) variable by bisection; raises ValueError outside its domain."""
    if not (0 <= probability <= 1 and a > 0 and b > 0):
        raise ValueError(f"no quantile {probability} of Beta({a}, {b})")
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in {low, high}:
        if _beta_below(middle, a, b) < probability:
            low = middle
        else:
            high = middle
        if high - low <= CONVERGED * high:
            break
    return middle


@lru_cache(maxsize=256)
def student_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t with `freedom` degrees of freedom, for 0 < probability < 1."""
    tail = min(probability, 1 - probability)
    if tail == 0.5:  # noqa: PLR2004 - the median
        return 0.0
    share = beta_quantile(2 * tail, freedom / 2, 0.5)  # of freedom / (freedom + t * t)
    return math.copysign(math.sqrt(freedom * (1 - share) / share), probability - 0.5)


def student_tails(t: float, freedom: float) -> float:
    """Return P(|T| >= |t|), the two-sided p-value of Student's t with `freedom` degrees of freedom."""
    if abs(t) < 1:  # here freedom / (freedom + t^2) may be so near to one that rounding it costs half of the digits
        return 1 - _beta_below(t * t / (freedom + t * t), 0.5, freedom / 2)
    return _beta_below(freedom / (freedom + t * t), freedom / 2, 0.5)


def _beta_below(x: float, a: float, b: float) -> float:
    """Return P(Beta(a, b) <= x), the regularised incomplete beta function, by its continued fraction.

    Abramowitz and Stegun 26.5.8, evaluated by Lentz's method on the side of the mean where it converges fast.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_below(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    tiny = 1e-300
    upper, lower = 1.0, 1 / _away(1 - (a + b) * x / (a + 1), tiny)
    product = lower
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            lower = 1 / _away(1 + term * lower, tiny)
            upper = _away(1 + term / upper, tiny)
            product *= lower * upper
        if abs(lower * upper - 1) < CONVERGED:
            break
    return math.exp(log_front) * product / a


def _away(value: float, tiny: float) -> float:
    """Return the value, moved off zero."""
    return value if abs(value) > tiny else tiny


def _log_ways(n: int, k: int) -> float:
    """Return the logarithm of "n choose k": the number itself overflows from n = 1,030 on."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
