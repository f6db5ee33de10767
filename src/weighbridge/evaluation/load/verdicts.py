"""Service levels over a stretch of load: a block of time is the unit, for requests near in time fare alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from weighbridge.core.estimate import Estimate
from weighbridge.evaluation.load.sample import missed
from weighbridge.statistics.slo import BlockSloTest, block_share_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from weighbridge.evaluation.load.levels import Level
    from weighbridge.evaluation.load.sample import Sample

__all__ = ["Watch", "block_shares", "fewest_blocks", "goodput", "slo_json"]

_METHOD = "betting over blocks of time, anytime-valid"


class Watch:
    """Feeds each block of `block_s` seconds to the tests of all levels; says when each has its verdict.

    Called with samples in the order of the moments due. A block counts when a sample of a later one comes, so only
    whole blocks do; in a long queue they come late, and early stopping with them.
    """

    def __init__(self, levels: Sequence[Level], *, alpha: float, warmup_s: float, block_s: float) -> None:
        self.tests = {level: BlockSloTest(level.share, alpha=alpha) for level in levels}
        self._warmup_s, self._block_s = warmup_s, block_s
        self._block: list[Sample] = []

    def __call__(self, sample: Sample) -> bool:
        """Take one sample; True where nothing is left to decide."""
        if self._block and self._place(sample) != self._place(self._block[0]):
            for level, test in self.tests.items():
                test.update(sum(missed(one, level) for one in self._block) / len(self._block))
            self._block = []
        self._block.append(sample)
        return bool(self.tests) and all(test.verdict != "undecided" for test in self.tests.values())

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


def slo_json(
    level: Level, samples: Sequence[Sample], label: Callable[[Sample], Hashable], *, alpha: float
) -> dict[str, Any]:
    """Return one level's verdict over all blocks (the fields of `SloBody`)."""
    shares = block_shares(samples, label, lambda one: missed(one, level))
    test = BlockSloTest(level.share, alpha=alpha)
    for share in shares:
        test.update(share)
    return {
        "limit_s": level.limit_s,
        "allowed": level.share,
        "verdict": test.verdict,
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
