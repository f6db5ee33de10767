"""The mean of a stream that may be looked at after every value: an interval that holds at all times at once.

Values lie in [low, high], and were fixed, up to chance, by what came before: E[value | past] = mean. A gambler who
stakes a share b of the wealth on "above tau" has, value by value,

    1 - b + b (v - low) / (tau - low),      whose mean is at most 1 where the mean is at most tau.

The wealth of several such gamblers together starts at 1, and by Ville's inequality reaches 1/alpha with a chance of at
most alpha, whenever one looks (Waudby-Smith and Ramdas, JRSS B 86, 2024, section 4; constant stakes mixed: dKelly,
and the portfolios of Ryu and Bhatt, arXiv 2207.12382). It falls in tau, so all tau that are not rejected are an
interval. Stakes do not depend on the values, so how often each value came is all that has to be remembered.

A value that was looked at with a known chance only (`weighted`) has the mean of all: the values then reach below 0 and
above 1. A stake must be fixed before anything of the value is known, so that it may not depend on that chance either.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from weighbridge.core.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["STAKES", "StreamMean", "quantile_bounds", "weighted"]

_COUNT, _LEAST, _MOST = 16, 0.004, 0.98
_USUAL, _WIDTH, _NEAR = 0.3, 1.0, 0.7
_STEPS = 32  # of the bisection
_METHOD = "betting, at any time"


def _stakes() -> tuple[tuple[float, float], ...]:
    """Return shares of the wealth at stake, and the part of it that starts so.

    Seven tenths start near 0.3, which wins soonest against a margin of five points (fitted once to the costs in
    tests/unit/pilot/shadow/test_costs.py), the rest everywhere.
    """
    step = (_MOST / _LEAST) ** (1 / (_COUNT - 1))
    shares = [_LEAST * step**k for k in range(_COUNT)]
    bell = [math.exp(-0.5 * (math.log(share / _USUAL) / _WIDTH) ** 2) for share in shares]
    total = math.fsum(bell)
    return tuple((b, (1 - _NEAR) / _COUNT + _NEAR * near / total) for b, near in zip(shares, bell, strict=True))


STAKES = _stakes()


def weighted(value: float | None, chance: float, guess: float) -> float:
    """Return what stands for a value in [0, 1] that was looked at with `chance`, None where it was not.

    guess + (looked / chance)(value - guess), whose mean is that of the values if `chance` and `guess` were fixed
    before it was looked at. Raises ValueError for no chance, and for no value at chance 1.
    """
    if not 0 < chance <= 1 or (value is None and chance >= 1):
        raise ValueError(f"a value {value} that was looked at with chance {chance}")
    return guess if value is None else guess + (value - guess) / chance


class StreamMean:
    """How often each value came, and what that says of the mean, which is known to lie in [0, 1].

    `low` and `high` bound the values, and are fixed before the first. Raises ValueError unless low <= 0 and high >= 1,
    and for a value outside.
    """

    def __init__(self, low: float = 0.0, high: float = 1.0, counts: Mapping[float, int] | None = None) -> None:
        if not (low <= 0 and high >= 1 and math.isfinite(high - low)):
            raise ValueError(f"values from {low} to {high} need not have a mean in [0, 1]")
        self.low, self.high = low, high
        self.counts: dict[float, int] = {}
        for value, count in (counts or {}).items():
            self.add(value, count)

    def add(self, value: float, count: int = 1) -> None:
        """Take a value that came so often."""
        if not self.low <= value <= self.high or count < 0:
            raise ValueError(f"{count} times {value}, where values lie in [{self.low}, {self.high}]")
        if count:
            self.counts[value] = self.counts.get(value, 0) + count

    @property
    def n(self) -> int:
        """How many values came."""
        return sum(self.counts.values())

    @property
    def mean(self) -> float:
        """The mean of the values; it may lie outside [0, 1] where they are weighted. Raises ZeroDivisionError."""
        return math.fsum(value * count for value, count in self.counts.items()) / self.n

    def log_above(self, tau: float) -> float:
        """Return the logarithm of the wealth against "the mean is at most tau", an e-value at any time."""
        return _log_wealth([((v - self.low) / (tau - self.low), n) for v, n in self.counts.items()])

    def log_below(self, tau: float) -> float:
        """Return the same against "the mean is at least tau"."""
        return _log_wealth([((self.high - v) / (self.high - tau), n) for v, n in self.counts.items()])

    def interval(self, alpha_each: float) -> tuple[float, float]:
        """Return [low, high]: each end fails, at any time whatever, with a chance of at most `alpha_each`."""
        if not self.counts:
            return 0.0, 1.0
        needed = -math.log(alpha_each)
        centre = min(1.0, max(0.0, self.mean))
        low = _edge(lambda tau: self.log_above(tau) >= needed, 0.0, centre)
        high = _edge(lambda tau: self.log_below(tau) >= needed, 1.0, centre)
        return low, high

    def estimate(self, alpha_each: float = 0.025) -> Estimate | None:
        """Return the mean with its interval at level 1 - 2 alpha_each; None before the first value."""
        if not self.counts:
            return None
        low, high = self.interval(alpha_each)
        return Estimate(min(high, max(low, self.mean)), low, high, self.n, _METHOD, 1 - 2 * alpha_each)


def quantile_bounds(counts: Mapping[int, int], q: float, alpha_each: float = 0.025) -> tuple[int, int, int] | None:
    """Return the bin in which a stream's q-quantile lies, and between which bins it lies at any time; None without any.

    The share of values up to a bin is itself the mean of a stream: a bin is too low where that share is below q, and
    too high where the share below it is above q. The true quantile is one bin, so the one test of it must fail.
    """
    if not counts:
        return None
    needed, total = -math.log(alpha_each), sum(counts.values())
    bins = sorted(counts)
    low, at, high = bins[0], bins[-1], bins[-1]
    is_low = is_at = True
    upto = 0
    for place in bins:
        before, upto = upto, upto + counts[place]
        if is_at and upto >= q * total:
            at, is_at = place, False
        if is_low and StreamMean(counts={0.0: total - upto, 1.0: upto}).log_below(q) < needed:
            low, is_low = place, False
        if StreamMean(counts={0.0: total - before, 1.0: before}).log_above(q) < needed:
            high = place
    return low, at, high


def _log_wealth(growth: list[tuple[float, int]]) -> float:
    """Return the logarithm of the wealth after values that multiply what is at stake, each so often."""
    logs = [
        math.log(part) + math.fsum(n * math.log1p(share * (grown - 1)) for grown, n in growth) for share, part in STAKES
    ]
    most = max(logs)
    return most + math.log(math.fsum(math.exp(one - most) for one in logs))


def _edge(is_rejected: Callable[[float], bool], far: float, near: float) -> float:
    """Return where rejection ends between `far`, taken to be rejected, and `near`, on the side of what is rejected."""
    rejected = far
    for _ in range(_STEPS):
        middle = (rejected + near) / 2
        if middle in (rejected, near):
            break
        if is_rejected(middle):
            rejected = middle
        else:
            near = middle
    return rejected
