"""Quantiles of seconds from counts in logarithmic buckets, which add up over time and nodes.

As DDSketch (Masson, Rim and Lee, VLDB 2019): buckets grow by a fixed factor, so a quantile is off by a fixed share of
itself at the most, whatever the distribution, and two sketches are merged by adding their counts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LEAST_S", "MOST_S", "RELATIVE_ERROR", "bucket_of", "quantile"]

_GROWTH = 2**0.25
RELATIVE_ERROR = (_GROWTH - 1) / (_GROWTH + 1)
"""8.7%: how far a quantile can be from an observed value, between the least and the most."""
LEAST_S, MOST_S = 1e-4, 1e5
_LOG = math.log(_GROWTH)


def bucket_of(seconds: float) -> int:
    """Return the number i of the bucket (g^(i-1), g^i] that a value falls into, g = 2^(1/4); 0.1 ms to 28 h."""
    return math.ceil(math.log(min(MOST_S, max(LEAST_S, seconds))) / _LOG)


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the value below which `share` of the values lie (the rank is the ceiling), in seconds; None for none."""
    wanted = max(1, math.ceil(share * sum(counts.values())))
    reached = 0
    for number in sorted(counts):
        reached += counts[number]
        if reached >= wanted:
            return 2 * _GROWTH**number / (_GROWTH + 1)
    return None
