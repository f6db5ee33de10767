"""What exchanges show: tests of every sign, by blocks of time; of all exchanges, or of those without one key's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.pilot.canary.groups import LEAST_CALLERS, Groups
from weighbridge.pilot.canary.lane import Lane, copied, gather
from weighbridge.pilot.canary.quality import Quality
from weighbridge.pilot.canary.signs import METRICS
from weighbridge.statistics.arms import Block, HarmTest, SafetyTest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from weighbridge.pilot.canary.lane import Arm, Counts

__all__ = ["Panel", "nothing"]

_SLOTS = 120  # of the time after which an answer is known to have come or not
_LEAST_SLOT_S = 2.0
_RECENT = 50
_ARMS: tuple[Arm, Arm] = ("primary", "canary")


class Panel:
    """Tests of harm over a trial, and of safety over a step.

    `settle_s` is how long an answer may take until it is known to have failed, `quick_s` after how long almost all have
    come: harm is not waited for any longer. `judged` is the margin of quality, None where nobody judges. `total` counts
    the trial's exchanges, `recent` the last 50 to 100 of the candidate and what came of the primary meanwhile.
    """

    def __init__(self, margin: float, settle_s: float, quick_s: float, judged: float | None = None) -> None:
        self._margin, self._settle_s = margin, settle_s
        self.quality = Quality(judged)
        self.harm = {metric: HarmTest() for metric in METRICS}
        self.groups = Groups()
        self.total, self.recent, self._last = nothing(), nothing(), nothing()
        self._quick = self._lane(quick_s)
        self.begin_step()

    def begin_step(self) -> None:
        """Forget what was shown in the step before."""
        self.safety = {metric: SafetyTest(self._margin) for metric in METRICS}
        self.step_groups = Groups()
        self._sure = self._lane(self._settle_s)

    def add(self, arm: Arm, at: float, user: str, signs: Sequence[int], *, is_of_step: bool) -> None:
        """Put an exchange, by the time of its arrival."""
        for counts in (self.total, self.recent, self._last):
            gather(counts[arm], (1, *signs))
        if self._last["canary"][0] >= _RECENT:
            self.recent, self._last = self._last, nothing()  # each counts on by itself
        self.groups.add(arm, user)
        self._quick.add(arm, at, signs)
        if is_of_step:
            self.step_groups.add(arm, user)
            self._sure.add(arm, at, signs)

    def weigh_harm(self, now: float) -> None:
        """Take what is old enough to be held against the candidate."""
        for metric, block in _blocks(self._quick.close(now)):
            test = self.harm[metric]
            test.update(block, self.groups.slack(test.usual))

    def weigh_safety(self, now: float) -> None:
        """Take what is old enough to speak for the candidate."""
        for metric, block in _blocks(self._sure.close(now)):
            self.safety[metric].update(block, self.step_groups.effect())

    def harm_value(self) -> float:
        """Return the evidence against "the candidate is equal", over all signs: a mean of e-values is one.

        Quality has its part in any case: a part that changed when judging begins would make evidence of nothing.
        """
        return (sum(test.value for test in self.harm.values()) + self.quality.harm) / (len(self.harm) + 1)

    def is_safe(self, needed: float) -> bool:
        """Whether every sign shows that the candidate is not worse by the margin, and quality where it is looked at."""
        return all(test.value >= needed for test in self.safety.values()) and self.quality.is_as_good(needed)

    def is_broad(self) -> bool:
        """Whether the step's exchanges are of callers enough."""
        return min(self.step_groups.effective(arm) for arm in _ARMS) >= LEAST_CALLERS

    def needed(self, alpha: float) -> int:
        """Return about how many more exchanges of the candidate this step takes, if it is as good as the primary."""
        return max(test.needed(alpha, self.step_groups.ratio) for test in self.safety.values())

    def callers_needed(self, alpha: float) -> int:
        """Return about how many callers of the candidate this step takes, if it is as good as the primary."""
        open_ones = [test for test in self.safety.values() if test.value < 1 / alpha]
        return self.step_groups.needed(
            max((test.independent(alpha, self.step_groups.ratio) for test in open_ones), default=0)
        )

    def can_tell(self) -> bool:
        """Whether the trial's exchanges are of callers enough to show anything of others."""
        return min(self.groups.effective(arm) for arm in _ARMS) >= LEAST_CALLERS

    def rewind(self, now: float) -> None:
        """Take it that the time is `now`, after a clock that was ahead."""
        self._quick.rewind(now)
        self._sure.rewind(now)

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `restore`."""
        return {
            "quality": self.quality.state(),
            "total": copied(self.total),
            "recent": copied(self.recent),
            "last": copied(self._last),
            "groups": self.groups.state(),
            "step_groups": self.step_groups.state(),
            "quick": self._quick.state(),
            "sure": self._sure.state(),
            "harm": {metric: test.state() for metric, test in self.harm.items()},
            "safety": {metric: test.state() for metric, test in self.safety.items()},
        }

    def restore(self, state: Mapping[str, Any], *, has_lanes: bool = True) -> Panel:
        """Take over what `state` described, and return itself; raises KeyError, TypeError or ValueError.

        Without its lanes, where times are cut otherwise now: what has not counted yet is lost.
        """
        self.quality = Quality.of(state["quality"], self.quality.margin)
        self.total, self.recent, self._last = (copied(state[name]) for name in ("total", "recent", "last"))
        self.groups.restore(state["groups"])
        self.step_groups.restore(state["step_groups"])
        if has_lanes:
            self._quick.restore(state["quick"])
            self._sure.restore(state["sure"])
        self.harm = {metric: HarmTest.from_state(state["harm"][metric]) for metric in METRICS}
        self.safety = {metric: SafetyTest.from_state(state["safety"][metric]) for metric in METRICS}
        return self

    def _lane(self, settle_s: float) -> Lane:
        return Lane(max(_LEAST_SLOT_S, self._settle_s / _SLOTS), settle_s, len(METRICS))


def _blocks(pairs: Iterator[tuple[Counts, Counts]]) -> Iterator[tuple[str, Block]]:
    """Yield a block for each sign of each pair of counts."""
    for primary, canary in pairs:
        for place, metric in enumerate(METRICS, 1):
            yield metric, Block(primary[0], primary[place], canary[0], canary[place])


def nothing() -> dict[Arm, Counts]:
    """Return counts of both arms, all 0."""
    return {arm: [0] * (1 + len(METRICS)) for arm in _ARMS}
