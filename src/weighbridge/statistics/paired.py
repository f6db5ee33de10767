"""Paired comparison of two shares on the same questions."""

from __future__ import annotations

import math
from statistics import NormalDist

from weighbridge.core.estimate import Estimate
from weighbridge.statistics.interval import LEVEL, wilson

__all__ = ["mcnemar_exact", "paired_difference", "tango_interval"]


def mcnemar_exact(first_only: int, second_only: int) -> float:
    """Return the two-sided exact p-value of "no difference" from the discordant pairs (McNemar 1947, binomial form)."""
    n, fewer = first_only + second_only, min(first_only, second_only)
    half = n * math.log(2)  # logarithms: 0.5**n is zero in floating point from 1,075 pairs on
    ways = (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(fewer + 1))
    return min(1.0, 2 * math.fsum(math.exp(log_ways - half) for log_ways in ways))


def paired_difference(
    both: int, first_only: int, second_only: int, neither: int, *, level: float = LEVEL
) -> Estimate | None:
    """Return share(first) - share(second) with Newcombe's interval for paired data, or None without pairs.

    Method 10 of R. G. Newcombe, Statistics in Medicine 17 (1998) 2635-2650: Wilson limits of the two shares,
    joined with the continuity-corrected correlation of the fourfold table.
    """
    n = both + first_only + second_only + neither
    if n == 0:
        return None
    first, second = both + first_only, both + second_only
    share_1, share_2 = first / n, second / n
    low_1, high_1 = wilson(first, n, level)
    low_2, high_2 = wilson(second, n, level)
    phi = _correlation(both, first_only, second_only, neither)
    below, above = share_1 - low_1, high_1 - share_1
    down = math.sqrt(max(0.0, below**2 - 2 * phi * below * (high_2 - share_2) + (high_2 - share_2) ** 2))
    up = math.sqrt(max(0.0, above**2 - 2 * phi * above * (share_2 - low_2) + (share_2 - low_2) ** 2))
    difference = (first_only - second_only) / n
    return Estimate(
        difference, max(-1.0, difference - down), min(1.0, difference + up), n, "Newcombe paired (method 10)", level
    )


def tango_interval(first_only: int, second_only: int, n: int, *, level: float = LEVEL) -> Estimate | None:
    """Return share(first) - share(second) over n pairs with Tango's score interval, or None without pairs.

    The differences that the score test does not reject (T. Tango, Statistics in Medicine 17 (1998) 891-908, equations
    24-26), found by bisection; at difference 0 the test is McNemar's without continuity correction. Unlike Wald's it
    has a width where no pair is discordant. Raises ValueError for impossible counts.
    """
    if not (first_only >= 0 <= second_only and first_only + second_only <= n):
        raise ValueError(f"{first_only} and {second_only} discordant of {n} pairs")
    if n == 0:
        return None
    difference, z = (first_only - second_only) / n, NormalDist().inv_cdf(0.5 + level / 2)
    ends = []
    for side in (-1.0, 1.0):
        inside, outside = difference, side
        for _ in range(60):  # to 1e-18
            middle = (inside + outside) / 2
            if abs(_tango_score(first_only, second_only, n, middle)) <= z:
                inside = middle
            else:
                outside = middle
        ends.append(inside if abs(difference) < 1 or difference != side else side)
    return Estimate(difference, ends[0], ends[1], n, "Tango", level)


def _tango_score(first_only: int, second_only: int, n: int, difference: float) -> float:
    """Return the score statistic of "the difference is `difference`", -1 < difference < 1."""
    linear = (2 * n - first_only + second_only) * difference - first_only - second_only
    root = math.sqrt(max(0.0, linear * linear + 8 * n * second_only * difference * (1 - difference)))
    fewer = (root - linear) / (4 * n)  # P(second only), by maximum likelihood under that difference
    variance = n * (2 * fewer + difference * (1 - difference))
    distance = first_only - second_only - n * difference
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance) if distance else 0.0


def _correlation(both: int, first_only: int, second_only: int, neither: int) -> float:
    """Return the continuity-corrected phi of a fourfold table; 0 where a margin is empty."""
    margins = (both + first_only) * (second_only + neither) * (both + second_only) * (first_only + neither)
    if margins == 0:
        return 0.0
    half = (both + first_only + second_only + neither) / 2
    cross = both * neither - first_only * second_only
    corrected = cross if cross < 0 else max(0.0, cross - half)
    return corrected / math.sqrt(margins)
