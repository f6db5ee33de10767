"""pass@k: the chance that one of k programs drawn for a problem passes its tests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from weighbridge.statistics.clustered import unit_mean_estimate
from weighbridge.statistics.interval import LEVEL, share_estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.estimate import Estimate

__all__ = ["pass_at_k", "pass_at_k_estimate"]


def pass_at_k(n: int, passed: int, k: int) -> float:
    """Return the unbiased estimate 1 - C(n - passed, k) / C(n, k) for one problem (Chen et al., arXiv 2107.03374).

    Raises ValueError unless 0 <= passed <= n and 1 <= k <= n: k programs cannot be judged by fewer.
    """
    if not (0 <= passed <= n and 1 <= k <= n):
        raise ValueError(f"pass@{k} of {n} programs, {passed} of them passing")
    if n - passed < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - passed + 1, n + 1))


def pass_at_k_estimate(counts: Sequence[tuple[int, int]], k: int, *, level: float = LEVEL) -> Estimate | None:
    """Return the mean pass@k over problems, each given as (programs, passed), with an interval over problems.

    A problem's programs are one cluster: they share its difficulty, so the problems are the sample (n is their
    number). One program a problem gives Wilson's interval, more give Miller's (Wilson's on the number of problems,
    which is wider, where every problem has the same figure). None without problems; ValueError as in `pass_at_k`.
    """
    values = [pass_at_k(n, passed, k) for n, passed in counts]
    if all(n == 1 for n, _ in counts):
        return share_estimate(sum(passed for _, passed in counts), len(counts), level=level)
    return unit_mean_estimate(values, level=level)
