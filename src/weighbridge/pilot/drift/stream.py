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

__all__ = ["STAGES", "Stream"]

STAGES = (
    *((500, 0.85), (750, 0.85), (1_000, 0.85), (1_500, 0.85), (2_000, 0.8), (3_000, 0.8), (4_000, 0.8), (6_000, 0.8)),
    *((8_000, 0.8), (12_000, 0.7), (16_000, 0.6), (24_000, 0.55), (32_000, 0.5)),
)
"""At so many observations the reference rate is set anew, to its one-sided bound of that level.

A bound and not the rate itself: its error would become false alarms. `bench/drift.py` measures that with these levels
the mean number of observations for each false alarm, over references, is at least the threshold at every stage.
"""
_LEVELS = dict(STAGES)
_AFTER_ALARM = 0.95  # level of the bound once an alarm was acknowledged: an unlucky reference would alarm again
_RISES, _FALLS = (1.5, 2.0, 4.0), (0.67, 0.5, 0.25)
_HIGHEST, _LOWEST = 0.999, 1e-9
_RECENT = 500
_QUARTER = 0.25
_SEVERAL = 5
_MOST_WAITING = 8  # blocks: 2,000 observations
_COMPARED = 2.0  # a run begins where a rate of twice (half) the reference last lost against it


@dataclass(slots=True)
class Stream:
    """The state of one stream.

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
        if not grows:
            self.waiting.clear()
        elif not raised and self.seen < STAGES[-1][0]:
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
        if self.alarm is not None and self.detector is not None:
            p0 = self._bound(self.hits, self.seen, _AFTER_ALARM)
            self.detector = self._begin(p0) if p0 > 0 else self.detector
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
        self.others.take(key, hit, whole, self._without, new=speaks)
        if self.kind.direction == "rise":
            self.users.take("" if caller == key else caller, hit, whole, self._without, new=speaks)

    def _grow(self, hit: bool, key: str) -> None:
        """Let an observation wait, and the oldest block that waits join the reference; the first 500 join at once.

        So a change is held against a reference without it for as many observations as wait.
        """
        if self.detector is None:
            self._join(Block(1, int(hit), {key: [1, int(hit)]}))
            return
        if not self.waiting or self.waiting[-1].seen == BLOCK:
            self.waiting.append(Block())
        self.waiting[-1].take(hit, key)
        if len(self.waiting) > _MOST_WAITING:
            self._join(self.waiting.pop(0))

    def _join(self, block: Block) -> None:
        """Take a block into the reference; at a stage the rate is set anew."""
        self.seen += block.seen
        self.hits += block.hits
        if self._is_alarm:
            self.others.learn(block.parts)
        level = _LEVELS.get(self.seen)
        if level is not None:
            self._set(level)

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

    def _begin(self, p0: float) -> SRDetector:
        """Begin a detector against a rate, and note the steps of the cumulative sum: for no, for yes."""
        rises = self.kind.direction == "rise"
        other = min(_COMPARED * p0, (1 + p0) / 2) if rises else p0 / _COMPARED
        self.steps = math.log((1 - other) / (1 - p0)), math.log(other / p0)
        return SRDetector(p0, self.threshold, self._multiples)

    def _set(self, level: float) -> None:
        """Set the reference rate; what the detector has gathered so far stays, since each bet was fair in its time."""
        p0 = self._bound(self.hits, self.seen, level)
        if p0 <= 0:
            return  # what never happened cannot become rarer
        values = None if self.detector is None else self.detector.values
        self.detector = self._begin(p0)
        if values is not None:
            self.detector.values = values
        self.others.set(self.detector, self._without)
        self.users.set(self.detector, self._without)

    def _bound(self, hits: int, seen: int, level: float) -> float:
        """Return the bound of a reference's rate that is held against."""
        low, high = _interval(hits, seen, level)
        return min(high, _HIGHEST) if self.kind.direction == "rise" else low

    def _without(self, seen: int, hits: int) -> SRDetector:
        """Return a detector whose reference is less in favour of an alarm: the whole one, or the one less a part."""
        whole = 0.0 if self.detector is None else self.detector.p0
        level = next(level for size, level in reversed(STAGES) if self.seen >= size)
        rest = self._bound(self.hits - hits, self.seen - seen, level) if seen else whole
        rises = self.kind.direction == "rise"
        p0 = max(whole, rest) if rises else max(min(whole, rest), _LOWEST)
        return SRDetector(p0, self.threshold, self._multiples)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; a state that has not begun is short."""
        state: dict[str, Any] = {"seen": self.seen, "hits": self.hits, "recent": self.recent}
        if self.detector is not None:
            state |= {
                "watched": self.watched,
                "p0": self.detector.p0,
                "values": list(self.detector.values),
                "run": [self.run_seen, self.run_hits, self.run_sum],
            }
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
        if "p0" in state:
            stream.watched = state["watched"]
            stream.run_seen, stream.run_hits, stream.run_sum = state["run"]
            stream.detector = stream._begin(state["p0"])
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
