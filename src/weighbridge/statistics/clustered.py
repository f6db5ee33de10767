"""Means of scores with errors that respect groups: what a run says about questions like these.

The super-population view of E. Miller, "Adding Error Bars to Evals", arXiv 2411.00640: the questions are a sample, and
those of one group (passage, template, prompt) err together. Plain Python: thousands of scores need no NumPy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from weighbridge.core.estimate import Estimate
from weighbridge.statistics.interval import LEVEL, student_quantile, wilson

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = ["clustered_se", "difference_estimate", "mean_estimate", "unit_mean_estimate"]

FEWEST = 2  # clusters, or values that are their own: one says nothing of spread


def clustered_se(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> float:
    """Return the standard error of the mean, in the values' unit.

    With clusters sqrt(sum over clusters of (sum of residuals)^2) / n: equation 4 of Miller, the sandwich of Liang and
    Zeger (1986) without a small-sample factor; without them s / sqrt(n). Raises ValueError for fewer than two values,
    one that is not finite, or lengths that differ.
    """
    n = len(values)
    if n < FEWEST:
        raise ValueError("one value has no standard error")
    squares = math.fsum(total * total for total in _cluster_totals(values, clusters))
    return math.sqrt(squares) / n if clusters is not None else math.sqrt(squares / (n - 1) / n)


def mean_estimate(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    within: tuple[float, float] = (-math.inf, math.inf),
    level: float = LEVEL,
) -> Estimate | None:
    """Return the mean with Miller's interval, widened for few clusters and cut to what is possible (`within`).

    With G clusters the variance is scaled by G / (G - 1) and the quantile is Student's with G - 1 degrees of freedom
    (Cameron and Miller, Journal of Human Resources 50, 2015). Returns None where there are fewer than two clusters
    or no spread between them: an interval of width zero would claim what no sample shows.
    """
    if not values:
        return None
    totals = _cluster_totals(values, clusters)
    groups, n = len(totals), len(values)
    spread = math.sqrt(math.fsum(total * total for total in totals)) / n
    mean = math.fsum(values) / n
    if groups < FEWEST or spread <= 1e-12 * max(1.0, abs(mean)):
        return None
    half = student_quantile(0.5 + level / 2, groups - 1) * spread * math.sqrt(groups / (groups - 1))
    method = "Miller" if clusters is None else f"Miller, {groups} clusters"
    return Estimate(mean, max(within[0], mean - half), min(within[1], mean + half), n, method, level)


def unit_mean_estimate(
    values: Sequence[float], clusters: Sequence[Hashable] | None = None, *, level: float = LEVEL
) -> Estimate | None:
    """Return the mean of values in [0, 1] with an interval even where the sample shows no spread.

    `mean_estimate`; where that is None, Wilson's limits for the number of clusters, on the sums next below and above:
    among all distributions on [0, 1] with one mean, 0 and 1 vary most. None without values.
    """
    if not values:
        return None
    if (estimate := mean_estimate(values, clusters, within=(0.0, 1.0), level=level)) is not None:
        return estimate
    groups, mean = len(values) if clusters is None else len(set(clusters)), math.fsum(values) / len(values)
    low, _ = wilson(math.floor(mean * groups + 1e-9), groups, level)
    _, high = wilson(math.ceil(mean * groups - 1e-9), groups, level)
    return Estimate(mean, low, high, len(values), f"Wilson, {groups} clusters", level)


def difference_estimate(
    first: Sequence[float],
    second: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    within: tuple[float, float] = (-math.inf, math.inf),
    level: float = LEVEL,
) -> Estimate | None:
    """Return mean(first - second) over the same questions with Miller's paired, clustered interval.

    None as in `mean_estimate`, so also where the two never differ. Raises ValueError where the lengths differ.
    """
    differences = [a - b for a, b in zip(first, second, strict=True)]
    return mean_estimate(differences, clusters, within=within, level=level)


def _cluster_totals(values: Sequence[float], clusters: Sequence[Hashable] | None) -> list[float]:
    """Return each cluster's sum of residuals from the mean."""
    if not values or not all(map(math.isfinite, values)):
        raise ValueError("a mean needs values, all of them finite")
    mean = math.fsum(values) / len(values)
    residuals = [value - mean for value in values]
    if clusters is None:
        return residuals
    totals: dict[Hashable, float] = {}
    for residual, cluster in zip(residuals, clusters, strict=True):
        totals[cluster] = totals.get(cluster, 0.0) + residual
    return list(totals.values())
