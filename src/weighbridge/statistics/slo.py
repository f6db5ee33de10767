"""Service levels as exceedance rates, decided by an exact test that may stop at any request.

"P(latency > limit) <= rate" is a statement about a coin: it needs no percentile and no assumption about tails.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias

from weighbridge.statistics.interval import LEVEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["BlockSloTest", "SloTest", "SloVerdict", "block_share_interval", "exceedance_interval", "slo_verdict"]

SloVerdict: TypeAlias = Literal["met", "not met", "undecided"]

# Alternatives bet on, as multiples of the allowed rate's odds; any choice is valid, a wider one costs a little speed.
BELOW = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4)
ABOVE = (1.33, 2.0, 3.0, 4.5)


class SloTest:
    """An e-process each for "met" and "not met": P(latency > limit) against `rate`, fed request by request.

    Each is a mixture of likelihood ratios of alternatives on one side of `rate`, so its mean is at most 1 whatever
    the exceedance probability on the other side; the verdict falls when one reaches 1 / alpha, and stays (Ville). A
    false verdict of either kind has probability at most `alpha`, however often one looks, provided that each
    request exceeds with a probability given the past that lies on one side of `rate` throughout: spread requests in
    time, for a stall hits many in a row. `limit` is in the unit of the samples; a time-out is math.inf.

    Attributes: `n` requests seen and `exceeded` of them until the verdict, `verdict`, `e_met`, `e_not_met`.
    """

    def __init__(self, limit: float, rate: float, *, alpha: float = 0.05) -> None:
        if not (0 < rate < 1 and 0 < alpha < 1):
            raise ValueError(f"a rate of {rate} at an error of {alpha}")
        self.limit, self.rate, self.alpha = limit, rate, alpha
        self.n = self.exceeded = 0
        self.verdict: SloVerdict = "undecided"
        self._below = [_log_ratios(rate, multiple) for multiple in BELOW]
        self._above = [_log_ratios(rate, multiple) for multiple in ABOVE]

    def update(self, sample: float) -> SloVerdict:
        """Take one request's latency and return the verdict; raises ValueError for NaN."""
        if math.isnan(sample):
            raise ValueError("a latency that is not a number; a time-out is math.inf")
        if self.verdict == "undecided":
            self.n += 1
            self.exceeded += sample > self.limit
            if self.e_met >= 1 / self.alpha:
                self.verdict = "met"
            elif self.e_not_met >= 1 / self.alpha:
                self.verdict = "not met"
        return self.verdict

    @property
    def e_met(self) -> float:
        """The evidence against "the rate is exceeded or just kept"."""
        return self._mixture(self._below)

    @property
    def e_not_met(self) -> float:
        """The evidence against "the rate is kept"."""
        return self._mixture(self._above)

    def _mixture(self, steps: list[tuple[float, float]]) -> float:
        """Return the mean likelihood ratio of the alternatives against `rate`."""
        kept = self.n - self.exceeded
        ratios = (math.exp(min(self.exceeded * beyond + kept * within, 700.0)) for beyond, within in steps)
        return sum(ratios) / len(steps)


class BlockSloTest:
    """The same question with a block of requests as the unit: how they depend within a block does not matter.

    Each block gives the share of its requests that exceeded. The likelihood ratio of an alternative q against p is
    linear in the outcome, 1 + (x - p)(q - p) / (p (1 - p)), so it stays an e-value for a share x in [0, 1] whose mean
    given the past is on the right side of p: betting on a bounded mean (Waudby-Smith and Ramdas, JRSS B 86, 2024).

    Attributes: `blocks` seen until the verdict, `verdict`, `e_met`, `e_not_met`.
    """

    def __init__(self, rate: float, *, alpha: float = 0.05) -> None:
        if not (0 < rate < 1 and 0 < alpha < 1):
            raise ValueError(f"a rate of {rate} at an error of {alpha}")
        self.rate, self.alpha = rate, alpha
        self.blocks = 0
        self.verdict: SloVerdict = "undecided"
        self._slopes = [[_slope(rate, multiple) for multiple in side] for side in (BELOW, ABOVE)]
        self._logs = [[0.0] * len(side) for side in (BELOW, ABOVE)]

    def update(self, share: float) -> SloVerdict:
        """Take the share of a block's requests that exceeded; return the verdict. Raises ValueError outside [0, 1]."""
        if not 0 <= share <= 1:
            raise ValueError(f"a share of {share}")
        if self.verdict == "undecided":
            self.blocks += 1
            for slopes, logs in zip(self._slopes, self._logs, strict=True):
                for place, slope in enumerate(slopes):
                    logs[place] += math.log1p((share - self.rate) * slope)
            if self.e_met >= 1 / self.alpha:
                self.verdict = "met"
            elif self.e_not_met >= 1 / self.alpha:
                self.verdict = "not met"
        return self.verdict

    @property
    def e_met(self) -> float:
        """The evidence against "the rate is exceeded or just kept"."""
        return _mean_exp(self._logs[0])

    @property
    def e_not_met(self) -> float:
        """The evidence against "the rate is kept"."""
        return _mean_exp(self._logs[1])


def block_share_interval(shares: Sequence[float], *, level: float = LEVEL) -> tuple[float, float]:
    """Return an interval for the mean share of the blocks that holds at every number of blocks at once.

    The rates that the tests of `BlockSloTest`, each at (1 - level) / 2, have not excluded. Raises ValueError outside
    [0, 1].
    """
    if any(not 0 <= share <= 1 for share in shares):
        raise ValueError("a share lies between 0 and 1")
    if not shares:
        return 0.0, 1.0
    mean, counts = sum(shares) / len(shares), Counter(shares)

    def excluded(rate: float) -> bool:
        side = BELOW if rate > mean else ABOVE
        logs = [
            sum(n * math.log1p((share - rate) * slope) for share, n in counts.items())
            for slope in (_slope(rate, multiple) for multiple in side)
        ]
        return _mean_exp(logs) >= 2 / (1 - level)

    low = 0.0 if mean <= 0 else _edge(excluded, 0.0, mean)
    high = 1.0 if mean >= 1 else _edge(excluded, 1.0, mean)
    return low, high


def slo_verdict(samples: Iterable[float], limit: float, rate: float, *, alpha: float = 0.05) -> SloTest:
    """Return the test after the samples, in the order of their requests; it stops reading at its verdict."""
    test = SloTest(limit, rate, alpha=alpha)
    for sample in samples:
        if test.update(sample) != "undecided":
            break
    return test


def exceedance_interval(exceeded: int, n: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Return an interval for the exceedance probability that holds at every n at once, so also at a stopped test.

    The probabilities against which a Beta(1/2, 1/2) mixture has not reached 1 / (1 - level) (Robbins 1970; the
    beta-binomial boundary of Howard et al., Annals of Statistics 49, 2021). Raises ValueError for impossible counts.
    """
    if not 0 <= exceeded <= n:
        raise ValueError(f"{exceeded} of {n} exceeded")
    if n == 0:
        return 0.0, 1.0
    kept = n - exceeded
    log_beta = math.lgamma(exceeded + 0.5) + math.lgamma(kept + 0.5) - math.lgamma(n + 1) - math.log(math.pi)

    def excluded(p: float) -> bool:
        log_p = (exceeded * math.log(p) if exceeded else 0.0) + (kept * math.log1p(-p) if kept else 0.0)
        return log_beta - log_p >= -math.log(1 - level)

    share = exceeded / n
    return (
        0.0 if exceeded == 0 else _edge(excluded, 0.0, share),
        1.0 if kept == 0 else _edge(excluded, 1.0, share),
    )


def _log_ratios(rate: float, multiple: float) -> tuple[float, float]:
    """Return what a request beyond the limit and one within add to the log likelihood ratio of an alternative."""
    other = multiple * rate / (1 - rate + multiple * rate)
    return math.log(other / rate), math.log((1 - other) / (1 - rate))


def _slope(rate: float, multiple: float) -> float:
    """Return by how much the likelihood ratio of an alternative grows with the share that exceeded.

    (q - p) / (p (1 - p)) with the odds of q so many times those of p.
    """
    return (multiple - 1) / (1 - rate + multiple * rate)


def _mean_exp(logs: Sequence[float]) -> float:
    """Return the mean of the exponentials, bounded."""
    return sum(math.exp(min(log, 700.0)) for log in logs) / len(logs)


def _edge(excluded: Callable[[float], bool], outside: float, inside: float) -> float:
    """Return where the interval ends between an excluded and a held probability, by bisection; the outer side."""
    for _ in range(100):
        middle = (outside + inside) / 2
        if excluded(middle):
            outside = middle
        else:
            inside = middle
    return outside
