"""One stream of yes and no: its reference, which grows by stages, and the detector that holds it against that."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.drift.others import BLOCK, Block, Others
from weighbridge.statistics.drift import SRDetector
from weighbridge.statistics.interval import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from weighbridge.pilot.drift.table import StreamKind
    from weighbridge.pilot.journal.protocol import Severity

__all__ = ["LEARNED", "Stream"]

LEARNED = 500
"""Observations from which on a stream is watched; cutoffs and centres are made of as many, too."""

_MOST = 32_000  # observations of a reference
_PRIOR = 0.5  # Jeffreys
_COMPLETE, _CUT_SHORT, _AFTER_ALARM = 0.5, 0.85, 0.95  # levels of the bound, by why the reference has ended
_FALL = 0.6  # level for falls while it grows: they alarm at their threshold and hardly above it, so nothing is to spare
_RISES, _FALLS = (1.6, 2.5), (0.6, 0.35)  # of 2%, 4% is found as soon as by one bet on 4%, 3% and 6% soon, too
_HIGHEST, _LOWEST = 0.999, 1e-9
_RECENT = 500
_QUARTER = 0.25
_SEVERAL = 5
_MOST_WAITING = 8  # blocks: 2,000 observations
_COMPARED = 2.0  # a run begins where a rate of twice (half) the reference last lost against it


@dataclass(slots=True)
class Stream:
    """The state of one stream.

    While the reference grows, the detector holds observations against what all before them predict: the mean of the
    next one, given the past, where the rate stays and was drawn by Jeffreys' prior. So the error of a reference costs
    no bound, and the promise holds in the mean over references. Bets are on multiples of the reference's rate, which
    lags behind by the blocks that wait, so that they stay where they were when a change begins. Where the reference has
    ended, its one-sided bound of the level `surety` is held against, for it has to hold as long as one watches: the
    surer, the likelier it is an unlucky one. `bench/drift.py` measures what comes of it.

    `seen` and `hits` are the reference's counts; `run_seen`, `run_hits` those since the likely beginning of a change,
    by a cumulative sum `run_sum` (E. S. Page, Biometrika 41, 1954), and `recent` the last 500 and what came since
    (observations since, hits since, hits of the 500 before): for people to look at. `alarm` is told once; one of a
    stream of severity `alarm` that rests on one key is told as a warning first. `others` and `users` say how it stands
    without single keys and users; `callers` are the first few whose exchanges spoke for the change. `waiting` are
    blocks that are to join the reference.
    """

    kind: StreamKind
    threshold: float
    seen: int = 0
    hits: int = 0
    watched: int = 0
    run_seen: int = 0
    run_hits: int = 0
    run_sum: float = 0.0
    surety: float = 0.0
    recent: list[int] = field(default_factory=lambda: [0, 0, -1])
    alarm: dict[str, Any] | None = None
    detector: SRDetector | None = field(default=None, repr=False)
    steps: tuple[float, float] = field(default=(0.0, 0.0), repr=False)
    others: Others = field(default_factory=Others, repr=False)
    callers: list[str] = field(default_factory=list, repr=False)
    users: Others = field(default_factory=Others, repr=False)
    waiting: list[Block] = field(default_factory=list, repr=False)

    def take(self, hit: bool, *, grows: bool = True, key: str = "", caller: str = "") -> bool:
        """Take one observation, into the reference too if it `grows`, and return whether the detector is alarmed.

        False once the alarm was told.
        """
        raised = False
        self._count(hit)
        if self.detector is not None:
            self.watched += 1
            self._run(hit, caller)
            if not self.is_told:
                if self._is_alarm:
                    self._leave_out(hit, key, caller, self.detector)
                raised = self.detector.update(float(hit))
        if not self.surety and not grows:
            self._end(_CUT_SHORT)
        elif not self.surety and not raised:
            self._grow(hit, key if self._is_alarm else "")
        return raised

    @property
    def is_told(self) -> bool:
        """Whether the alarm was told with the severity of its kind."""
        return self.alarm is not None and self.alarm.get("severity") == self.kind.severity

    def severity(self, needed: Callable[[str], bool], least_callers: int) -> tuple[Severity | None, str]:
        """Return how severe an alarm is now, None for one that is to wait, and the key that it rests on.

        It is a warning where it rests on one key of several (`needed` says so of a key), or on too few callers. Others
        need longer than all together: it waits as long as they bring a quarter of the evidence, on the scale of logs.
        """
        keys = self.others.explain(needed) if self._is_alarm else []
        if not keys and least_callers >= _SEVERAL:
            keys = [("", value) for _, value in self.users.explain(lambda _: True)]
        if not keys and (not self._is_alarm or len(self.callers) >= least_callers):
            return self.kind.severity, ""
        key, value = keys[0] if keys else ("", self.threshold)
        whole = self.threshold if self.detector is None else self.detector.value
        if value >= whole**_QUARTER:
            return None, ""
        return "warning", key

    def acknowledge(self) -> None:
        """Watch again after an alarm, against the same reference, by a surer bound of its rate."""
        if self.alarm is not None:
            self._end(_AFTER_ALARM)
        self.alarm = None
        self.others.reset()
        self.users.reset()
        self.callers = []
        if self.detector is not None:
            self.detector.reset()
        self.run_seen = self.run_hits = 0
        self.run_sum = 0.0

    def share_now(self) -> tuple[int, int]:
        """Return hits and observations of late: of the last 500 to 1,000, or of all where there are fewer."""
        since, hits, before = self.recent
        return (hits, since) if before < 0 else (hits + before, since + _RECENT)

    def _leave_out(self, hit: bool, key: str, caller: str, whole: SRDetector) -> None:
        """Let the detectors without this key and this user pass it over; of a fall no user brings much."""
        speaks = self.steps[hit] > 0
        self.others.take(key, hit, whole, self._rates, new=speaks)
        if self.kind.direction == "rise":
            self.users.take("" if caller == key else caller, hit, whole, self._rates, new=speaks)

    def _grow(self, hit: bool, key: str) -> None:
        """Let an observation wait, and the oldest block that waits join the reference; the first 500 join at once.

        So bets are made on a reference without a change for as many observations as wait.
        """
        if self.seen < LEARNED:
            self._join(Block(1, int(hit), {key: [1, int(hit)]}))
            if self.seen == LEARNED:
                self._aim()
            return
        if not self.waiting or self.waiting[-1].seen == BLOCK:
            self.waiting.append(Block())
        self.waiting[-1].take(hit, key)
        if self.waiting[-1].seen < BLOCK:
            return
        if len(self.waiting) > _MOST_WAITING:
            self._join(self.waiting.pop(0))
        if self.seen < _MOST:
            self._aim()
        else:
            self._end(_COMPLETE)

    def _join(self, block: Block) -> None:
        """Take a block into the reference."""
        self.seen += block.seen
        self.hits += block.hits
        if self._is_alarm:
            self.others.learn(block.parts)

    def _end(self, surety: float) -> None:
        """Let the reference grow no more, and hold against a bound of its rate from now on."""
        self.surety = surety
        self.waiting.clear()
        self._aim()

    def _count(self, hit: bool) -> None:
        """Count what came of late."""
        self.recent[0] += 1
        self.recent[1] += hit
        if self.recent[0] == _RECENT:
            self.recent = [0, 0, self.recent[1]]

    @property
    def _multiples(self) -> tuple[float, ...]:
        """Return the multiples of the reference's rate that are bet on."""
        return _RISES if self.kind.direction == "rise" else _FALLS

    @property
    def _is_alarm(self) -> bool:
        """Whether an alarm of this stream has consequences, so that one key must not bring it about."""
        return self.kind.severity == "alarm"

    def _run(self, hit: bool, caller: str) -> None:
        """Follow the cumulative sum of the log-likelihood ratio."""
        self.run_seen += 1
        self.run_hits += hit
        self.run_sum += self.steps[hit]
        if self.steps[hit] > 0 and len(self.callers) < _SEVERAL and caller not in self.callers:
            self.callers.append(caller)
        if self.run_sum <= 0:
            self.callers = []
            self.run_seen = self.run_hits = 0
            self.run_sum = 0.0

    def _aim(self) -> None:
        """Set the rates of all detectors by what is known now."""
        if self.seen < LEARNED or (self.kind.direction == "fall" and not self.hits):
            return  # too little is known; what never happened cannot become rarer
        p0, usual = self._rates("")
        if self.detector is None:
            self.detector = SRDetector(p0, self.threshold, self._multiples)
        self._set(p0, usual)
        self.others.aim(self._rates)
        self.users.aim(self._rates)

    def _set(self, p0: float, usual: float) -> None:
        """Set the rates of the detector, and the steps of the cumulative sum: for no, for yes."""
        if self.detector is not None:
            self.detector.aim(p0, usual)
        rises = self.kind.direction == "rise"
        other = min(_COMPARED * p0, (1 + p0) / 2) if rises else p0 / _COMPARED
        self.steps = math.log((1 - other) / (1 - p0)), math.log(other / p0)

    def _rates(self, key: str) -> tuple[float, float]:
        """Return the rate that is held against, and the usual one of which multiples are bet on.

        Without a key of the reference: by the rest, where that is less in favour of an alarm.
        """
        seen = self.seen + sum(block.seen for block in self.waiting)
        hits = self.hits + sum(block.hits for block in self.waiting)
        whole, usual = self._rate(hits, seen), self._rate(self.hits, self.seen)
        parts = [self.others.part(key), *(block.parts.get(key, (0, 0)) for block in self.waiting)]
        of_key, bad_of_key = (sum(numbers) for numbers in zip(*parts, strict=True))
        rest = self._rate(hits - bad_of_key, seen - of_key) if key and of_key else whole
        p0 = max(whole, rest) if self.kind.direction == "rise" else min(whole, rest)
        return p0, min(usual * p0 / whole, _HIGHEST)

    def _rate(self, hits: int, seen: int) -> float:
        """Return the rate that so many predict, or the bound of it that is held against."""
        if self.kind.direction == "fall":
            return max(_interval(hits, seen, self.surety or _FALL)[0], _LOWEST)
        if not self.surety:
            return (hits + _PRIOR) / (seen + 2 * _PRIOR)
        return min(_interval(hits, seen, self.surety)[1], _HIGHEST)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; a state that has not begun is short."""
        state: dict[str, Any] = {"seen": self.seen, "hits": self.hits, "recent": self.recent}
        if self.detector is not None:
            state |= {
                "watched": self.watched,
                "rates": [self.detector.p0, self.detector.usual],
                "values": list(self.detector.values),
                "run": [self.run_seen, self.run_hits, self.run_sum],
            }
        if self.surety:
            state["surety"] = self.surety
        if self.waiting:
            state["waiting"] = [block.to_json() for block in self.waiting]
        if self._is_alarm:
            state |= {"others": self.others.to_json(), "users": self.users.to_json(), "callers": self.callers}
        if self.alarm is not None:
            state["alarm"] = self.alarm
        return state

    @classmethod
    def from_json(cls, kind: StreamKind, threshold: float, state: Mapping[str, Any]) -> Stream:
        """Return the stream that `to_json` described; {} is a new one. Raises ValueError, KeyError or TypeError."""
        stream = cls(kind, threshold, state.get("seen", 0), state.get("hits", 0), alarm=state.get("alarm"))
        stream.recent = list(state.get("recent", stream.recent))
        stream.surety = state.get("surety", 0.0)
        if "rates" in state:
            stream.watched = state["watched"]
            stream.run_seen, stream.run_hits, stream.run_sum = state["run"]
            p0, usual = state["rates"]
            stream.detector = SRDetector(p0, threshold, stream._multiples)
            stream._set(p0, usual)
            stream.detector.values = [float(value) for value in state["values"]]
        stream.waiting = [Block.from_json(block) for block in state.get("waiting", ())]
        if "others" in state:
            stream.callers = list(state["callers"])
            stream.others = Others.from_json(state["others"], threshold, stream._multiples)
            stream.users = Others.from_json(state["users"], threshold, stream._multiples)
        return stream


@lru_cache(maxsize=512)
def _interval(hits: int, seen: int, level: float) -> tuple[float, float]:
    """Return both exact one-sided bounds of a rate."""
    return clopper_pearson(hits, seen, 2 * level - 1)
