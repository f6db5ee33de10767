"""One canary from its first step to its end: what was counted, what it proves, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from weighbridge.pilot.canary.callers import Callers
from weighbridge.pilot.canary.groups import LEAST_CALLERS, Groups
from weighbridge.pilot.canary.lane import Lane, gather
from weighbridge.pilot.canary.quality import QUALITY, Quality
from weighbridge.pilot.canary.signs import METRICS, REFERENCE, late_limit, signs_against
from weighbridge.statistics.arms import Block, HarmTest, SafetyTest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.canary.lane import Arm, Counts
    from weighbridge.pilot.canary.quality import QualityTerms
    from weighbridge.pilot.observation.noun import Observation
    from weighbridge.pilot.route import CanaryTerms
    from weighbridge.pilot.shadow.pair import Pair

__all__ = ["Event", "State", "Trial"]

State = Literal["measuring", "stepping", "done", "rolled back", "stopped"]
Event = Literal["canary.advanced", "canary.done", "canary.rolled_back", "canary.stopped"]

_SLOTS = 120  # of the time after which an answer is known to have come or not
_LEAST_SLOT_S = 2.0
_BEHIND_S, _BEHIND = 120.0, 50  # so many exchanges that far in the past: a clock was ahead, not they behind
_RECENT = 50
_LEFT = 0.5  # of the margin, that callers may take up: what is expected to be needed is reckoned with it
_PLAIN = ("state", "share", "step", "now", "since", "start", "step_since", "why", "by", "late_s")


class Trial:
    """The state of a canary; `settle_s` is how long an answer may take until it is known to have failed.

    `measuring`: how long the primary takes, before the first step. `stepping`: at `share`, the step `step` (from 0).
    `done`: the last step was passed, its share stays. `rolled back`, `stopped`: the share is 0 until an operator starts
    the next trial. `now` is the greatest time of an entry; `since` that of the state, `start` that of the first step,
    `step_since` that of this one. `total` counts the trial's exchanges, `seen` the step's, `recent` the last ones.
    `quality` holds pairs of the shadow; without its terms nobody judges answers.
    """

    def __init__(
        self, terms: CanaryTerms, settle_s: float, number: int = 1, now: float = 0.0, judged: QualityTerms | None = None
    ) -> None:
        self.terms, self.settle_s, self.number = terms, settle_s, number
        self.state: State = "measuring"
        self.step, self.share = 0, 0.0
        self.now = self.since = self.start = self.step_since = now
        self.why = self.by = ""
        self.late_s = 0.0
        self.harm = {metric: HarmTest() for metric in METRICS}
        self.total, self.recent, self._last = _nothing(), _nothing(), _nothing()
        self._times: list[float] = []
        self._behind = 0
        self.callers = Callers()
        self.groups = Groups()
        self.quality = Quality(judged.margin if judged is not None else None)
        self._quick = self._lane(0.0)
        self._fresh()

    @property
    def runs(self) -> bool:
        """Whether answers of the candidate are weighed."""
        return self.state in {"stepping", "done"}

    @property
    def harm_value(self) -> float:
        """The evidence against "the candidate is equal", over all signs: a mean of e-values is one.

        Quality has its part in any case: a part that changed when judging begins would make evidence of nothing.
        """
        return (sum(test.value for test in self.harm.values()) + self.quality.harm) / (len(self.harm) + 1)

    @property
    def worst(self) -> str:
        """The sign with the most evidence of harm."""
        return max((*METRICS, QUALITY), key=self._harm_of)

    def tell(self, at: float) -> None:
        """Take the time of an entry, and that of the trial's making from the first."""
        self.now = max(self.now, at)
        self.since = self.since or self.now

    def see(self, arm: Arm, observation: Observation) -> None:
        """Take an exchange."""
        self._mind_the_clock(observation.at)
        if self.state == "measuring":
            self._measure(arm, observation)
            return
        is_known = self.runs and observation.at >= self.start
        if not is_known or not self.callers.admit(arm, observation.user, observation.at):
            return
        self.groups.add(arm, observation.user)
        signs = signs_against(observation, self.late_s)
        self._count(arm, [1, *signs])
        self._quick.add(arm, observation.at, signs)
        if self.state == "stepping" and observation.at >= self.step_since:
            gather(self.seen[arm], (1, *signs))
            self.step_groups.add(arm, observation.user)
            self._sure.add(arm, observation.at, signs)

    def hear(self, pair: Pair, at: float) -> bool:
        """Take a pair of the shadow that was judged then, and return whether it counts; raises ValueError."""
        return self.runs and at >= self.start and self.quality.add(pair)

    def due(self) -> Event | None:
        """Weigh what is old enough to count, and return what has to follow; `carry_out` does it."""
        if not self.runs:
            return None
        needed = 1 / self.terms.alpha
        if self.harm_value >= needed:
            return "canary.rolled_back"
        for primary, canary in self._quick.close(self.now):
            for place, metric in enumerate(METRICS, 1):
                test, block = self.harm[metric], Block(primary[0], primary[place], canary[0], canary[place])
                test.update(block, self.groups.slack(test.usual))
            if self.harm_value >= needed:
                return "canary.rolled_back"
        if self.state == "done":
            return None
        for primary, canary in self._sure.close(self.now):
            for place, metric in enumerate(METRICS, 1):
                sure, block = self.safety[metric], Block(primary[0], primary[place], canary[0], canary[place])
                sure.update(block, self.step_groups.slack(sure.usual))
        if not self._is_shown(needed) or self.now - self.step_since < self.terms.hold_s:
            return None
        return "canary.done" if self._is_last(self.step + 1) else "canary.advanced"

    def _is_shown(self, needed: float) -> bool:
        """Whether every sign shows that the candidate is not worse by the margin, on callers enough."""
        is_as_good = self.quality.harm < needed and (self.quality.margin is None or self.quality.safe >= needed)
        is_broad = min(self.step_groups.effective(arm) for arm in self.seen) >= LEAST_CALLERS
        return is_as_good and is_broad and all(test.value >= needed for test in self.safety.values())

    def carry_out(self, event: Event, why: str, by: str = "") -> None:
        """Do what is due, or what an operator orders."""
        self.why, self.by = why, by
        if event == "canary.advanced":
            self._enter(self.step + 1)
        elif event == "canary.done":
            self.step = min(self.step + 1, len(self.terms.steps) - 1)
            self._turn("done", self.terms.steps[self.step])
        else:
            self._turn("rolled back" if event == "canary.rolled_back" else "stopped", 0.0)

    def needed(self) -> int:
        """Return how many more exchanges of the candidate this step takes about, if it is as good as the primary.

        That is with half of the margin left, or more, once `callers_needed` were seen.
        """
        ratio = self.seen["primary"][0] / self.seen["canary"][0] if self.seen["canary"][0] else 1.0
        most = self.terms.margin * _LEFT
        return max(
            test.needed(self.terms.alpha, ratio, min(most, self.step_groups.slack(test.usual)))
            for test in self.safety.values()
        )

    def callers_needed(self) -> int:
        """Return about how many callers of the candidate this step takes: what they differ by is half of the margin."""
        open_ones = [test.usual for test in self.safety.values() if test.value < 1 / self.terms.alpha]
        return self.step_groups.needed(max(open_ones), self.terms.margin * _LEFT) if open_ones else LEAST_CALLERS

    def body(self) -> dict[str, Any]:
        """Return everything as JSON values, for `of`."""
        is_stepping = self.state == "stepping"
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "steps": list(self.terms.steps),
            "margin": self.terms.margin,
            "alpha": self.terms.alpha,
            "hold_s": self.terms.hold_s,
            "settle_s": self.settle_s,
            "trial": self.number,
            "needed": self.needed() if is_stepping else 0,
            "callers_needed": self.callers_needed() if is_stepping else 0,
            "pairs_needed": self.quality.needed(self.terms.alpha) if is_stepping else 0,
            "total": self.total,
            "seen": self.seen,
            "recent": self.recent,
            "last": self._last,
            "times": list(self._times),
            "behind": self._behind,
            "callers": self.callers.state(),
            "groups": self.groups.state(),
            "step_groups": self.step_groups.state(),
            "quality": self.quality.state(),
            "quick": self._quick.state(),
            "sure": self._sure.state(),
            "harm": {metric: test.state() for metric, test in self.harm.items()},
            "safety": {metric: test.state() for metric, test in self.safety.items()},
        }

    @classmethod
    def of(
        cls, body: Mapping[str, Any], terms: CanaryTerms, settle_s: float, judged: QualityTerms | None = None
    ) -> Trial:
        """Return the trial that `body` described; raises KeyError, TypeError or ValueError where it described none."""
        trial = cls(terms, settle_s, body["trial"], judged=judged)
        for name in _PLAIN:
            setattr(trial, name, body[name])
        trial.total, trial.seen = _copied(body["total"]), _copied(body["seen"])
        trial.recent, trial._last = _copied(body["recent"]), _copied(body["last"])
        trial._times, trial._behind = list(body["times"]), body["behind"]
        trial.callers.restore(body["callers"])
        trial.groups.restore(body["groups"])
        trial.step_groups.restore(body["step_groups"])
        trial.quality = Quality.of(body["quality"], trial.quality.margin)
        trial._quick = trial._lane(trial._quick_s()).restore(body["quick"])
        trial._sure.restore(body["sure"])
        trial.harm = {metric: HarmTest.from_state(body["harm"][metric]) for metric in METRICS}
        trial.safety = {metric: SafetyTest.from_state(body["safety"][metric]) for metric in METRICS}
        return trial

    def _harm_of(self, metric: str) -> float:
        """Return the evidence of harm by one sign."""
        return self.quality.harm if metric == QUALITY else self.harm[metric].value

    def _count(self, arm: Arm, counts: Counts) -> None:
        """Count an exchange in the trial's total, and among the last 50 to 100 of the candidate's."""
        gather(self.total[arm], counts)
        gather(self.recent[arm], counts)
        gather(self._last[arm], counts)
        if self._last["canary"][0] >= _RECENT:
            self.recent, self._last = self._last, _nothing()  # each counts on by itself

    def _measure(self, arm: Arm, observation: Observation) -> None:
        """Learn how long the primary takes, unless the terms say how long it may, and begin once that is known."""
        if arm == "primary" and not observation.failed:
            self._times.append(round(observation.total_s, 3))
        if self.terms.late_s is not None or len(self._times) >= REFERENCE:
            self.late_s = self.terms.late_s or late_limit(self._times)
            self._times.clear()
            self._quick = self._lane(self._quick_s())
            self.start = self.now
            self._enter(0)

    def _enter(self, step: int) -> None:
        """Begin a step, with nothing shown yet: more callers are others."""
        self.step, self.step_since = step, self.now
        self._fresh()
        self._turn("done" if self._is_last(step) else "stepping", self.terms.steps[step])

    def _is_last(self, step: int) -> bool:
        """Whether nothing is left to show from this step on: it lies behind the last, or leaves nothing to compare."""
        return step >= len(self.terms.steps) or self.terms.steps[step] >= 1

    def _turn(self, state: State, share: float) -> None:
        """Go into a state."""
        if state != self.state:
            self.since = self.now
        self.state, self.share = state, share

    def _fresh(self) -> None:
        """Forget what was shown in the step before."""
        self.safety = {metric: SafetyTest(self.terms.margin) for metric in METRICS}
        self.seen, self.step_groups = _nothing(), Groups()
        self._sure = self._lane(self.settle_s)

    def _quick_s(self) -> float:
        """Return after how many seconds almost all answers have come: harm is not waited for any longer."""
        return min(max(self.late_s, 1.0), self.settle_s)

    def _lane(self, settle_s: float) -> Lane:
        return Lane(max(_LEAST_SLOT_S, self.settle_s / _SLOTS), settle_s, len(METRICS))

    def _mind_the_clock(self, at: float) -> None:
        """Set the time back where exchange after exchange says that a clock was ahead."""
        self._behind = self._behind + 1 if at < self.now - self.settle_s - _BEHIND_S else 0
        if self._behind >= _BEHIND:
            self._behind, self.now = 0, at
            self.start, self.step_since = min(self.start, at), min(self.step_since, at)
            self._quick.rewind(at)
            self._sure.rewind(at)


def _nothing() -> dict[Arm, Counts]:
    """Return counts of both arms, all 0."""
    return {"primary": [0] * (1 + len(METRICS)), "canary": [0] * (1 + len(METRICS))}


def _copied(counts: Mapping[Arm, Counts]) -> dict[Arm, Counts]:
    return {arm: list(numbers) for arm, numbers in counts.items()}
