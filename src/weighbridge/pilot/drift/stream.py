"""One stream of yes and no: its reference, which grows by stages, and the detector that holds it against that."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.statistics.drift import SRDetector
from weighbridge.statistics.interval import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.drift.table import StreamKind

__all__ = ["STAGES", "Stream"]

STAGES = ((500, 0.85), (1_000, 0.85), (2_000, 0.8), (4_000, 0.8), (8_000, 0.8), (16_000, 0.6), (32_000, 0.5))
"""At so many observations the reference rate is set anew, to its one-sided bound of that level.

A bound and not the rate itself: its error would become false alarms. `bench/drift.py` measures that with these levels
the mean number of observations for each false alarm, over references, is at least the threshold at every stage.
"""
_LEVELS = dict(STAGES)
_RISES, _FALLS = (1.5, 2.0, 4.0), (0.67, 0.5, 0.25)
_HIGHEST = 0.999
_RECENT = 500
_COMPARED = 2.0  # a run begins where a rate of twice (half) the reference last lost against it


@dataclass(slots=True)
class Stream:
    """The state of one stream.

    `seen` and `hits` are the reference's counts; `run_seen`, `run_hits` those since the likely beginning of a change,
    by a cumulative sum `run_sum` (E. S. Page, Biometrika 41, 1954), and `recent` the last 500 and what came since
    (observations since, hits since, hits of the 500 before): for people to look at. `alarm` is told once.
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

    def take(self, hit: bool, *, grows: bool = True) -> bool:
        """Take one observation, into the reference too if it `grows`, and return whether it raised the alarm."""
        raised = False
        self._count(hit)
        if self.detector is not None:
            self.watched += 1
            self._run(hit)
            raised = self.alarm is None and self.detector.update(float(hit))
        if grows and not raised and self.seen < STAGES[-1][0]:
            self.seen += 1
            self.hits += hit
            level = _LEVELS.get(self.seen)
            if level is not None:
                self._set(level)
        return raised

    def acknowledge(self) -> None:
        """Watch again after an alarm, against the same reference."""
        self.alarm = None
        if self.detector is not None:
            self.detector.reset()
        self.run_seen = self.run_hits = 0
        self.run_sum = 0.0

    def share_now(self) -> tuple[int, int]:
        """Return hits and observations of late: of the last 500 to 1,000, or of all where there are fewer."""
        since, hits, before = self.recent
        return (hits, since) if before < 0 else (hits + before, since + _RECENT)

    def _count(self, hit: bool) -> None:
        """Count what came of late."""
        self.recent[0] += 1
        self.recent[1] += hit
        if self.recent[0] == _RECENT:
            self.recent = [0, 0, self.recent[1]]

    def _run(self, hit: bool) -> None:
        """Follow the cumulative sum of the log-likelihood ratio."""
        self.run_seen += 1
        self.run_hits += hit
        self.run_sum += self.steps[hit]
        if self.run_sum <= 0:
            self.run_seen = self.run_hits = 0
            self.run_sum = 0.0

    def _begin(self, p0: float) -> SRDetector:
        """Begin a detector against a rate, and note the steps of the cumulative sum: for no, for yes."""
        rises = self.kind.direction == "rise"
        other = min(_COMPARED * p0, (1 + p0) / 2) if rises else p0 / _COMPARED
        self.steps = math.log((1 - other) / (1 - p0)), math.log(other / p0)
        return SRDetector(p0, self.threshold, _RISES if rises else _FALLS)

    def _set(self, level: float) -> None:
        """Set the reference rate; what the detector has gathered so far stays, since each bet was fair in its time."""
        low, high = clopper_pearson(self.hits, self.seen, 2 * level - 1)
        p0 = min(high, _HIGHEST) if self.kind.direction == "rise" else low
        if p0 <= 0:
            return  # what never happened cannot become rarer
        values = None if self.detector is None else self.detector.values
        self.detector = self._begin(p0)
        if values is not None:
            self.detector.values = values

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
        return stream
