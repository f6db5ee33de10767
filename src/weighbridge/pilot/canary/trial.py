"""One canary from its first step to its end: what was counted, what it proves, and what follows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.pilot.canary.clock import Clock
from weighbridge.pilot.canary.jury import Jury
from weighbridge.pilot.canary.lane import copied, gather
from weighbridge.pilot.canary.panel import Panel, nothing
from weighbridge.pilot.canary.quality import QUALITY
from weighbridge.pilot.canary.said import Said
from weighbridge.pilot.canary.signs import METRICS, REFERENCE, late_limit, signs_against
from weighbridge.pilot.observation.callers import Callers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.canary.lane import Arm
    from weighbridge.pilot.canary.quality import Quality, QualityTerms
    from weighbridge.pilot.observation.noun import Observation
    from weighbridge.pilot.route import CanaryTerms
    from weighbridge.pilot.shadow.pair import Pair
    from weighbridge.statistics.arms import HarmTest

__all__ = ["Event", "Ground", "State", "Trial"]

State = Literal["measuring", "stepping", "done", "rolled back", "stopped"]
Event = Literal["canary.advanced", "canary.done", "canary.rolled_back", "canary.stopped", "canary.key_set_apart"]

_LEAST_WAIT_S = 2.0  # who leaves sooner tells nothing of the answer
_ALONE = 4  # evidence so many times (its logarithm) as long as a rollback takes, and not without one key: it is the key
_PLAIN = ("state", "share", "step", "since", "start", "step_since", "late_s")


@dataclass(frozen=True, slots=True)
class Ground:
    """What a trial rests on: its terms, the artefact that serves now, and who judges answers, if anybody does.

    An answer takes `longest_s` at the most; after `settle_s` without an end it counts as failed.
    """

    terms: CanaryTerms
    settle_s: float
    longest_s: float
    baseline: str = ""
    judged: QualityTerms | None = None


class Trial:
    """The state of a canary.

    `measuring`: how long the primary takes, before the first step. `stepping`: at `share`, the step `step` (from 0).
    `done`: the last step was passed, its share stays. `rolled back`, `stopped`: the share is 0 until an operator starts
    the next trial. `now` is the journal's time; `since` that of the state, `start` that of the first step, `step_since`
    that of this one. `seen` counts the step's exchanges; `jury` counts and weighs all of the trial, and the pairs of a
    shadow.
    """

    def __init__(self, ground: Ground, number: int = 1, clock: Clock | None = None) -> None:
        self.ground, self.terms, self.number = ground, ground.terms, number
        self.clock = clock or Clock(ground.longest_s)
        self.state: State = "measuring"
        self.step, self.share = 0, 0.0
        self.since = self.start = self.step_since = self.now
        self.said = Said()
        self.late_s = 0.0
        self.seen = nothing()
        self._times: list[float] = []
        self.callers, self.compared = Callers(), Callers()
        self.jury = Jury(self._panel, self.callers)

    @property
    def now(self) -> float:
        """The journal's time."""
        return self.clock.now

    @property
    def quality(self) -> Quality:
        """The pairs of all keys."""
        return self.jury.whole.quality

    @property
    def harm(self) -> Mapping[str, HarmTest]:
        """The tests of harm by all exchanges."""
        return self.jury.whole.harm

    @property
    def runs(self) -> bool:
        """Whether answers of the candidate are weighed."""
        return self.state in {"stepping", "done"}

    @property
    def worst(self) -> str:
        """The sign with the most evidence of harm."""
        return max((*METRICS, QUALITY), key=self._harm_of)

    def see(self, arm: Arm, observation: Observation) -> None:
        """Take an exchange; not one that both models failed: that was the request's doing, or both's."""
        self._mind_the_clock()
        if observation.is_shared or self.jury.is_apart(observation.voice):
            return
        if self.state == "measuring":
            self._measure(arm, observation)
            return
        is_hasty = observation.is_left and observation.total_s < _LEAST_WAIT_S
        is_known = self.runs and observation.at >= self.start and not is_hasty
        if not is_known or not self.callers.admit(observation.voice, observation.user, observation.at):
            return
        signs = signs_against(observation, self.late_s)
        is_of_step = self.state == "stepping" and observation.at >= self.step_since
        if is_of_step:
            gather(self.seen[arm], (1, *signs))
        self.jury.add(observation.voice, arm, observation.at, observation.user, signs, is_of_step=is_of_step)

    def hear(self, pair: Pair, at: float) -> bool:
        """Take a pair of the shadow that was judged then, and return whether it counts; raises ValueError."""
        is_known = self.runs and at >= self.start and not self.jury.is_apart(pair.key)
        return is_known and self.compared.admit(pair.key, pair.user, at) and self.jury.hear(pair.key, pair)

    def due(self) -> Event | None:
        """Weigh what is old enough to count, and return what has to follow; `carry_out` does it."""
        if not self.runs:
            return None
        needed = 1 / self.terms.alpha
        harm = self.jury.weigh_harm(self.now)
        if harm >= needed:
            doubtful = self.jury.doubtful(needed)
            if doubtful is None:
                return "canary.rolled_back"
            if harm >= needed**_ALONE:  # a second key that shows it makes it more than one key's
                return "canary.rolled_back" if self.jury.apart else "canary.key_set_apart"
        if self.state == "done":
            return None
        for panel in self.jury.panels:
            panel.weigh_safety(self.now)
        if not self._is_shown(needed) or self.now - self.step_since < self.terms.hold_s:
            return None
        return "canary.done" if self._is_last(self.step + 1) else "canary.advanced"

    def _is_shown(self, needed: float) -> bool:
        """Whether every sign shows that the candidate is not worse by the margin, on callers enough."""
        is_safe = all(panel.is_safe(needed) for panel in self.jury.speaking())
        return is_safe and self.jury.whole.is_broad() and self.jury.may_advance()

    def carry_out(self, event: Event, said: Said) -> None:
        """Do what is due, or what an operator orders."""
        self.said = said
        if event == "canary.advanced":
            self._enter(self.step + 1)
        elif event == "canary.done":
            self.step = min(self.step + 1, len(self.terms.steps) - 1)
            self._turn("done", self.terms.steps[self.step])
        elif event == "canary.key_set_apart":
            self._set_apart()
        else:
            self._turn("rolled back" if event == "canary.rolled_back" else "stopped", 0.0)

    def body(self) -> dict[str, Any]:
        """Return everything as JSON values, for `of`."""
        alpha, speaking = self.terms.alpha, self.jury.speaking() if self.state == "stepping" else []
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            **asdict(self.said),
            "steps": list(self.terms.steps),
            "margin": self.terms.margin,
            "alpha": alpha,
            "hold_s": self.terms.hold_s,
            "settle_s": self.ground.settle_s,
            "baseline": self.ground.baseline,
            "now": self.now,
            "trial": self.number,
            "needed": max((panel.needed(alpha) for panel in speaking), default=0),
            "callers_needed": self.jury.whole.callers_needed(alpha) if speaking else 0,
            "pairs_needed": max((panel.quality.needed(alpha) for panel in speaking), default=0),
            "seen": self.seen,
            "times": list(self._times),
            "clock": self.clock.state(),
            "callers": self.callers.state(),
            "compared": self.compared.state(),
            "rests_on": (self.runs and self.jury.harm() >= 1 / alpha and self.jury.doubtful(1 / alpha)) or "",
            **self.jury.state(),
        }

    @classmethod
    def of(cls, body: Mapping[str, Any], ground: Ground) -> Trial:
        """Return the trial that `body` described, on the ground of now.

        Raises KeyError, TypeError or ValueError where it described none.
        """
        trial = cls(ground, body["trial"], Clock(ground.longest_s, body["now"]).restore(body["clock"]))
        for name in _PLAIN:
            setattr(trial, name, body[name])
        trial.said = Said(body["why"], body["by"], body.get("code", ""), body.get("facts", {}))
        trial.seen = copied(body["seen"])
        trial._times = list(body["times"])
        trial.callers.restore(body["callers"])
        trial.compared.restore(body["compared"])
        trial.jury = Jury(trial._panel, trial.callers).restore(body, has_lanes=body["settle_s"] == ground.settle_s)
        trial._settle(body)
        return trial

    def _settle(self, body: Mapping[str, Any]) -> None:
        """Begin the evidence anew, at the present share, where other terms or another primary have made it another's.

        What has ended stays so; how long a step lasts, and what is late, may change at any time.
        """
        terms = self.terms
        self.late_s = self.late_s and (terms.late_s or self.late_s)
        is_other = body["baseline"] != self.ground.baseline
        if is_other and self.state == "measuring":
            self._times.clear()
        was = (body["steps"], body["margin"], body["alpha"])
        if not self.runs or not (is_other or was != (list(terms.steps), terms.margin, terms.alpha)):
            return
        if is_other:
            apart = self.jury.apart
            self.jury = Jury(self._panel, self.callers)
            self.jury.apart = apart
        self._enter(max((at for at, share in enumerate(terms.steps) if share <= self.share), default=0))

    def _set_apart(self) -> None:
        """Take back to the primary whose exchanges the evidence of harm rests on, and forget what they showed."""
        place = self.jury.doubtful(1 / self.terms.alpha)
        if place is not None:
            self.jury.set_apart(place)
            if self.state == "stepping":
                self._enter(self.step)

    def _harm_of(self, metric: str) -> float:
        """Return the evidence of harm by one sign."""
        return self.quality.harm if metric == QUALITY else self.harm[metric].value

    def _measure(self, arm: Arm, observation: Observation) -> None:
        """Learn how long the primary takes, unless the terms say how long it may, and begin once that is known."""
        if arm == "primary" and not observation.failed:
            self._times.append(round(observation.total_s, 3))
            self.callers.know(observation.voice, observation.user)
        if self.terms.late_s is not None or len(self._times) >= REFERENCE:
            self.late_s = self.terms.late_s or late_limit(self._times)
            self._times.clear()
            self.jury = Jury(self._panel, self.callers)
            self.start = self.now
            self._enter(0)

    def _enter(self, step: int) -> None:
        """Begin a step, with nothing shown yet: more callers are others."""
        self.step, self.step_since = step, self.now
        self.seen = nothing()
        self.jury.begin_step()
        self._turn("done" if self._is_last(step) else "stepping", self.terms.steps[step])

    def _is_last(self, step: int) -> bool:
        """Whether nothing is left to show from this step on: it lies behind the last, or leaves nothing to compare."""
        return step >= len(self.terms.steps) or self.terms.steps[step] >= 1

    def _turn(self, state: State, share: float) -> None:
        """Go into a state."""
        if state != self.state:
            self.since = self.now
        self.state, self.share = state, share

    def _panel(self) -> Panel:
        """Return a panel that has seen nothing."""
        quick_s = min(max(self.late_s, 1.0), self.ground.settle_s)
        judged = self.ground.judged
        return Panel(self.terms.margin, self.ground.settle_s, quick_s, judged.margin if judged is not None else None)

    def _mind_the_clock(self) -> None:
        """Set the times back where a clock was ahead of what is known to be now."""
        self.since = min(self.since, self.now) or self.now
        if self.start > self.now or self.step_since > self.now:
            self.start, self.step_since = min(self.start, self.now), min(self.step_since, self.now)
            for panel in self.jury.panels:
                panel.rewind(self.now)
