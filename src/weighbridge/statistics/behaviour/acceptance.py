"""Gates of counts ("refuse at least 285 of 300"): whom they let pass, and what a count shows.

Items are taken as independent trials of one rate. Where items are variants of one another, fewer stand behind the
figures than were asked, and every chance here is too sure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.statistics.interval import LEVEL, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CountGate", "chance_of_all", "gate_at_share", "least_count_shown"]


@dataclass(frozen=True, slots=True)
class CountGate:
    """At least `least` of `n` items must show the behaviour. Raises ValueError unless 0 <= least <= n, n >= 1."""

    least: int
    n: int

    def __post_init__(self) -> None:
        if not (self.n >= 1 and 0 <= self.least <= self.n):
            raise ValueError(f"a gate of {self.least} of {self.n}")

    def passes(self, count: int) -> bool:
        """Return whether a count passes; raises ValueError for one outside [0, n]."""
        if not 0 <= count <= self.n:
            raise ValueError(f"{count} of {self.n}")
        return count >= self.least

    def chance(self, rate: float) -> float:
        """Return the chance that a model of this true rate passes: P(Binomial(n, rate) >= least)."""
        if not 0 <= rate <= 1:
            raise ValueError(f"a rate of {rate}")
        if self.least == 0 or rate in {0.0, 1.0}:
            return float(self.least == 0 or rate == 1)
        upper = 2 * self.least > self.n  # sum the shorter side
        counts = range(self.least, self.n + 1) if upper else range(self.least)
        side = math.fsum(math.exp(_log_chance(k, self.n, rate)) for k in counts)
        return min(1.0, side if upper else max(0.0, 1 - side))

    def characteristic(self, rates: Sequence[float]) -> list[tuple[float, float]]:
        """Return the operating characteristic: each true rate with its chance to pass."""
        return [(rate, self.chance(rate)) for rate in rates]


def gate_at_share(share: float, n: int) -> CountGate:
    """Return the gate "at least this share of n": 0.95 of 300 is 285, whatever 0.95 is in binary."""
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share}")
    return CountGate(math.ceil(share * n - 1e-9), n)


def chance_of_all(gates: Sequence[tuple[CountGate, float]]) -> float:
    """Return the chance to pass every gate, each with the true rate on its own bank of items.

    Banks are taken as independent given the rates. A borderline model on two sides has both rates at the gates' shares.
    """
    return math.prod(gate.chance(rate) for gate, rate in gates)


def least_count_shown(rate: float, n: int, *, level: float = LEVEL) -> int | None:
    """Return the smallest count of n whose interval (Wilson, two-sided at `level`) lies at or above `rate`.

    None where even n of n does not show it: then the bank is too small to show this rate at all.
    """
    if not 0 <= rate <= 1 or n < 1:
        raise ValueError(f"a rate of {rate} over {n} items")
    low, high = 0, n + 1
    while low < high:  # the lower limit grows with the count
        middle = (low + high) // 2
        if middle <= n and wilson(middle, n, level)[0] < rate:
            low = middle + 1
        else:
            high = middle
    return low if low <= n else None


def _log_chance(k: int, n: int, rate: float) -> float:
    """Return the logarithm of P(Binomial(n, rate) = k)."""
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return ways + k * math.log(rate) + (n - k) * math.log1p(-rate)
