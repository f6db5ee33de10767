"""How alike two lists of numbers are, in plain Python: a few ten thousand numbers need no library."""

from __future__ import annotations

import math
import statistics
from operator import mul
from typing import TYPE_CHECKING

from weighbridge.core.kinds.lineage import SimilarityBody

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["correlation", "cosine", "gram", "summary"]

_DIGITS = 4


def cosine(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return the cosine of the angle between two rows, or None where one is zero, not finite or of another length."""
    if len(first) != len(second):
        return None
    norm = _dot(first, first) * _dot(second, second)
    if not (math.isfinite(norm) and norm > 0):
        return None
    product = _dot(first, second) / math.sqrt(norm)
    return max(-1.0, min(1.0, product)) if math.isfinite(product) else None


def correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Pearson's correlation: the cosine about the means, which a common offset cannot raise."""
    if len(first) != len(second) or not first:
        return None
    return cosine(_centred(first), _centred(second))


def gram(rows: Sequence[Sequence[float]]) -> list[float] | None:
    """Return the cosines of all pairs of rows, in order; None where one is not defined.

    It does not change where all rows are turned by one rotation, and compares models of different widths.
    """
    norms = [math.sqrt(_dot(row, row)) for row in rows]
    if not all(math.isfinite(norm) and norm > 0 for norm in norms):
        return None
    units = [[value / norm for value in row] for row, norm in zip(rows, norms, strict=True)]
    return [_dot(units[i], units[j]) for i in range(len(units)) for j in range(i)]


def summary(values: Sequence[float]) -> SimilarityBody | None:
    """Return the median and the extremes, or None of nothing."""
    if not values:
        return None
    median, low, high = (round(number, _DIGITS) for number in (statistics.median(values), min(values), max(values)))
    return SimilarityBody(median=median, low=low, high=high, n=len(values))


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    return float(sum(map(mul, first, second)))


def _centred(values: Sequence[float]) -> list[float]:
    mean = sum(values) / len(values)
    return [value - mean for value in values]
