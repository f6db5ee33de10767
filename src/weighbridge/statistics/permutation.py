"""Exact and permutation tests, one-sided: is a share larger than chance, with nothing assumed but exchangeability."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["fisher_greater", "holm_adjusted", "reassignment_greater", "swap_greater"]

_DRAWS = 9_999
_AT_ONCE = 909  # a divisor of it
_ROUND_OFF = 1e-9


def fisher_greater(first: int, n_first: int, second: int, n_second: int) -> float:
    """Return Fisher's exact p-value of "the first share is not larger" (hypergeometric upper tail; Fisher 1935).

    Raises ValueError where a count exceeds its total.
    """
    if not (0 <= first <= n_first and 0 <= second <= n_second):
        raise ValueError(f"{first} of {n_first}, {second} of {n_second}")
    hits, total = first + second, n_first + n_second
    ways = sum(math.comb(n_first, k) * math.comb(n_second, hits - k) for k in range(first, min(hits, n_first) + 1))
    return ways / math.comb(total, hits)


def reassignment_greater(
    table: NDArray[np.float64], chosen: NDArray[np.int64], strata: Sequence[int], *, seed: int
) -> float:
    """Return the p-value of sum(table[i, chosen[i]]) against all reassignments of `chosen` among rows of a stratum.

    `table` is [n, k]; the null says that `chosen` was dealt to the rows without regard to the table. What a column has
    in common (a preferred letter) is on both sides and cannot reject. 9,999 draws, (1 + as large) / (1 + draws):
    valid at any number of draws (Phipson and Smyth, SAGMB 9, 2010).
    """
    rng, rows = np.random.default_rng(seed), np.arange(len(chosen))
    groups = [np.flatnonzero(np.asarray(strata) == one) for one in sorted(set(strata))]
    observed = table[rows, chosen].sum()
    reached = 0
    for _ in range(_DRAWS // _AT_ONCE):
        sums = np.zeros(_AT_ONCE)
        for group in groups:
            dealt = rng.permuted(np.tile(chosen[group], (_AT_ONCE, 1)), axis=1)
            sums += table[group, dealt].sum(axis=1)
        reached += int((sums >= observed - _ROUND_OFF).sum())
    return (1 + reached) / (1 + _DRAWS)


def swap_greater(rows: Sequence[Sequence[float]], *, seed: int) -> float:
    """Return the p-value of sum(row[0]) where under the null any member of a row might have stood first."""
    rng = np.random.default_rng(seed)
    observed = math.fsum(row[0] for row in rows)
    sums = np.zeros(_DRAWS)
    for row in rows:
        sums += np.asarray(row, dtype=np.float64)[rng.integers(len(row), size=_DRAWS)]
    return (1 + int((sums >= observed - _ROUND_OFF).sum())) / (1 + _DRAWS)


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """Return p-values to be held against alpha itself, with P(any false rejection) <= alpha (Holm 1979)."""
    adjusted, least = [1.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, p_values[index] * (len(p_values) - place)))
        adjusted[index] = least
    return adjusted
