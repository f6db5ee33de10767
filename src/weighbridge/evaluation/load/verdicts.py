"""Service levels over a stretch of load: a block of time is the unit, for requests near in time fare alike."""

from __future__ import annotations

import bisect
import math
import statistics
from typing import TYPE_CHECKING, Any

from weighbridge.core.estimate import Estimate
from weighbridge.evaluation.load.sample import missed
from weighbridge.statistics.slo import BlockSloTest, block_share_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from weighbridge.evaluation.load.levels import Level
    from weighbridge.evaluation.load.sample import Sample

__all__ = ["ALIKE", "Watch", "block_shares", "correlation", "fewest_blocks", "goodput", "is_alike", "slo_json"]

_METHOD = "betting over blocks of time, anytime-valid"
_FEWEST_BLOCKS = 10
ALIKE = 0.3  # rank correlation of neighbouring blocks from which a verdict is not given (bench/load.py)
_FAR = 0.5  # of the limit: waits that all stay below it may go up and down together as they like


class Watch:
    """Feeds each block of `block_s` seconds to the tests of all levels; says when each has its verdict.

    Called with samples in the order of the moments due. A block counts when a sample of a later one comes, so only
    whole blocks do; in a long queue they come late, and early stopping with them.
    """

    def __init__(self, levels: Sequence[Level], *, alpha: float, warmup_s: float, block_s: float) -> None:
        self.tests = {level: BlockSloTest(level.share, alpha=alpha) for level in levels}
        self._warmup_s, self._block_s = warmup_s, block_s
        self._block: list[Sample] = []
        self._seen: list[Sample] = []

    def __call__(self, sample: Sample) -> bool:
        """Take one sample; True where nothing is left to decide."""
        if self._block and self._place(sample) != self._place(self._block[0]):
            for level, test in self.tests.items():
                test.update(sum(missed(one, level) for one in self._block) / len(self._block))
            self._block = []
        self._block.append(sample)
        self._seen.append(sample)
        return bool(self.tests) and all(test.verdict != "undecided" for test in self.tests.values()) and self._is_sure()

    def _is_sure(self) -> bool:
        """Tell whether no verdict rests on blocks that fare alike."""
        met = (level for level, test in self.tests.items() if test.verdict == "met")
        return not any(is_alike(level, self._seen, self._place) for level in met)

    def _place(self, sample: Sample) -> int:
        return int((sample.due - self._warmup_s) / self._block_s)


def fewest_blocks(level: Level, alpha: float) -> int:
    """Return after how many blocks without one request too slow a level is met: fewer can never say so."""
    test = BlockSloTest(level.share, alpha=alpha)
    while test.update(0.0) == "undecided":
        pass
    return test.blocks


def block_shares(
    samples: Iterable[Sample], label: Callable[[Sample], Hashable], is_missed: Callable[[Sample], bool]
) -> list[float]:
    """Return the share of each block's requests that missed, blocks in the order met."""
    counts: dict[Hashable, list[int]] = {}
    for one in samples:
        seen = counts.setdefault(label(one), [0, 0])
        seen[0] += is_missed(one)
        seen[1] += 1
    return [bad / n for bad, n in counts.values()]


def correlation(level: Level, samples: Iterable[Sample], label: Callable[[Sample], Hashable]) -> float | None:
    """Return the rank correlation of the medians of neighbouring blocks; None where there are fewer than ten."""
    blocks: dict[Hashable, list[float]] = {}
    for one in samples:
        if (value := one.value(level.metric)) is not None:
            blocks.setdefault(label(one), []).append(min(value, 1e9))
    medians = [statistics.median(values) for values in blocks.values()]
    if len(medians) < _FEWEST_BLOCKS:
        return None
    ranks = _ranks(medians)
    try:
        return statistics.correlation(ranks[:-1], ranks[1:])
    except statistics.StatisticsError:
        return 0.0  # all are the same


def _ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value; the same values share their mean rank."""
    ordered = sorted(values)
    return [(bisect.bisect_left(ordered, value) + bisect.bisect_right(ordered, value)) / 2 for value in values]


def is_alike(level: Level, samples: Sequence[Sample], label: Callable[[Sample], Hashable]) -> bool:
    """Tell whether neighbouring blocks fare so much alike that they are not as many observations as they are blocks."""
    near = any((one.value(level.metric) or 0.0) > _FAR * level.limit_s for one in samples)
    return near and (correlation(level, samples, label) or 0.0) >= ALIKE


def slo_json(
    level: Level, samples: Sequence[Sample], label: Callable[[Sample], Hashable], *, alpha: float, growing: bool = False
) -> dict[str, Any]:
    """Return one level's verdict over all blocks (the fields of `SloBody`).

    Where neighbouring blocks fare alike there is none, but for a queue that is `growing`: that misses every level.
    """
    shares = block_shares(samples, label, lambda one: missed(one, level))
    test = BlockSloTest(level.share, alpha=alpha)
    for share in shares:
        test.update(share)
    alike = test.verdict != "undecided" and is_alike(level, samples, label)
    excused = growing and test.verdict == "not met"
    return {
        "limit_s": level.limit_s,
        "allowed": level.share,
        "verdict": "undecided" if alike and not excused else test.verdict,
        "alike": alike and not excused,
        "correlation": correlation(level, samples, label),
        "alpha": alpha,
        "exceeded": _estimate(shares),
        "requests": len(samples),
        "blocks": test.blocks,
        "log_e_met": math.log(max(test.e_met, 1e-300)),
        "log_e_not_met": math.log(max(test.e_not_met, 1e-300)),
    }


def goodput(
    levels: Sequence[Level], samples: Sequence[Sample], label: Callable[[Sample], Hashable]
) -> dict[str, Any] | None:
    """Return the share of requests that met all levels at once; None without levels or requests."""
    if not levels:
        return None
    return _estimate(block_shares(samples, label, lambda one: not any(missed(one, level) for level in levels)))


def _estimate(shares: Sequence[float]) -> dict[str, Any] | None:
    """Return the mean share over blocks with its interval; n counts blocks."""
    if not shares:
        return None
    low, high = block_share_interval(shares)
    return Estimate(sum(shares) / len(shares), low, high, len(shares), _METHOD).to_json()
