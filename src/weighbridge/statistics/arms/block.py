"""The evidence in one block of answers of two arms, and where it is least at home among the nulls.

For bets (a*, b*) and a convex set of nulls let (a, b) be the member that is nearest to the bets, in the
Kullback-Leibler divergence of the block. The likelihood ratio of (a*, b*) to (a, b) is then an e-variable: its mean is
at most 1 under every null (Turner, Ly and Gruenwald, "Generic E-variables for exact sequential k-sample tests that
allow for optional stopping", Journal of Statistical Planning and Inference 230, 2024; for nulls that keep a distance
Turner and Gruenwald, Statistics & Probability Letters 198, 2023). The reason: the ratio is a product of
1 + s_i (y_i - p_i), with p_i of the nearest null, so the logarithm of its mean is at most the sum of s_i (E y_i - p_i),
which is minus the slope of the divergence towards the true rates, and that is not above 0. It follows too that only the
*mean* rate of each arm within a block need obey the null: the answers of a block need not be alike.
"""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["Block", "Rates", "apart", "evidence", "inside", "is_whole", "together"]

_EDGE = 1e-4  # no bet is nearer to 0 and 1: no outcome is impossible, so no bet can lose all
_ROUNDS, _NEAR = 60, 1e-12


class Block(NamedTuple):
    """Answers of both arms from one stretch of time: how many, and how many of them were bad.

    The sizes must not depend on the outcomes in the block.
    """

    n_a: int
    bad_a: int
    n_b: int
    bad_b: int


class Rates(NamedTuple):
    """The shares of bad answers of arm A and of arm B."""

    a: float
    b: float


def inside(rate: float) -> float:
    """Return the rate, moved off 0 and 1."""
    return min(max(rate, _EDGE), 1 - _EDGE)


def is_whole(block: Block) -> bool:
    """Whether both arms have answers, and no more bad ones than answers."""
    return block.n_a > 0 <= block.bad_a <= block.n_a and block.n_b > 0 <= block.bad_b <= block.n_b


def together(block: Block, bets: Rates, slack: float = 0.0) -> Rates:
    """Return the nearest null of "B's rate is at most A's plus `slack`"; the bets themselves where they are one."""
    if bets.b <= bets.a + slack:
        return bets
    if not slack:
        mean = (block.n_a * bets.a + block.n_b * bets.b) / (block.n_a + block.n_b)
        return Rates(mean, mean)
    return _on_line(block, bets, slack)


def apart(block: Block, bets: Rates, margin: float) -> Rates:
    """Return the nearest null of "B's rate is at least A's plus the margin"; the bets themselves where they are one."""
    return bets if bets.b >= bets.a + margin else _on_line(block, bets, margin)


def _on_line(block: Block, bets: Rates, distance: float) -> Rates:
    """Return the nearest pair of rates with b = a + distance, for 0 < distance < 1 and bets inside (0, 1).

    Along that line the divergence is convex: its slope is followed to 0 by Newton's steps, and by halving where one
    would leave the range that holds the root.
    """
    low, high = sorted((bets.a, bets.b - distance))
    low, high = max(0.0, low), min(high, 1 - distance)
    a = (low + high) / 2
    for _ in range(_ROUNDS):
        b = a + distance
        slope = block.n_a * (a - bets.a) / (a * (1 - a)) + block.n_b * (b - bets.b) / (b * (1 - b))
        low, high = (low, a) if slope > 0 else (a, high)
        bend_a = bets.a / (a * a) + (1 - bets.a) / (1 - a) ** 2
        bend_b = bets.b / (b * b) + (1 - bets.b) / (1 - b) ** 2
        after = a - slope / (block.n_a * bend_a + block.n_b * bend_b)
        if not low < after < high:
            after = (low + high) / 2
        if abs(after - a) < _NEAR:
            break
        a = after
    return Rates(a, a + distance)


def evidence(block: Block, bets: Rates, null: Rates) -> float:
    """Return the logarithm of the likelihood ratio of the bets to a null, both inside (0, 1)."""
    return (
        block.bad_a * math.log(bets.a / null.a)
        + (block.n_a - block.bad_a) * math.log((1 - bets.a) / (1 - null.a))
        + block.bad_b * math.log(bets.b / null.b)
        + (block.n_b - block.bad_b) * math.log((1 - bets.b) / (1 - null.b))
    )
