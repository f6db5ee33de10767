"""How the streams of a route stand, read from the fold's document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.drift.figures import share_of
from weighbridge.pilot.drift.state import State
from weighbridge.pilot.drift.stream import LEARNED
from weighbridge.pilot.drift.table import kind_of, stream_kinds
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.drift.stream import Stream

__all__ = ["Standing", "StreamStanding", "read_standing"]


@dataclass(frozen=True, slots=True)
class StreamStanding:
    """One stream. Shares are `{share, low, high, hits, n}` with exact 95% intervals.

    `now` are the last 500 to 1,000. `evidence` in [0, 1] is the detector's value over its threshold: mostly far below
    0.1, and 1 at the alarm; None while the reference is too small to watch. `alarm` is what was told and not
    acknowledged yet, `at` in seconds since 1970 among it.
    """

    name: str
    says: str
    direction: str
    severity: str
    reference: Mapping[str, Any]
    now: Mapping[str, Any]
    evidence: float | None
    watched: int
    alarm: Mapping[str, Any] | None

    @property
    def state(self) -> str:
        """Return `learning`, `watching` or `alarmed`."""
        return "alarmed" if self.alarm is not None else "learning" if self.evidence is None else "watching"

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "name": self.name,
            "state": self.state,
            "says": self.says,
            "direction": self.direction,
            "severity": self.severity,
            "reference": dict(self.reference),
            "now": dict(self.now),
            "evidence": self.evidence,
            "watched": self.watched,
            "alarm": None if self.alarm is None else dict(self.alarm),
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """A route's drift: how many exchanges were looked at under the decision, and its streams by name.

    `left_out` were looked at and do not count: their user or key had more than its part. `speaks_for_all` are keys
    each of which could bring about or hide an alarm by itself: the one that leads, or the only one.
    """

    decision: str
    seen: int
    false_alarm_every: int
    learned: int
    streams: tuple[StreamStanding, ...]
    left_out: int = 0
    speaks_for_all: tuple[str, ...] = ()


def read_standing(body: Mapping[str, Any]) -> Standing:
    """Read the body of a drift document; what cannot be read stands as not begun. No clock, raises nothing."""
    every = body.get("false_alarm_every")
    every = every if isinstance(every, int) and every > 0 else 1
    try:
        state = State.from_json(body, every)
    except (ValueError, KeyError, TypeError, AttributeError):  # another version wrote it
        state = State(every)
    order = list(stream_kinds())
    ordered = sorted(state.streams.items(), key=lambda item: order.index(item[1].kind.name))  # clusters as they come
    rows = tuple(_row(name, stream) for name, stream in ordered)
    learned, speakers = min(state.seen, LEARNED), state.admission.speaks_for_all()
    return Standing(str(body.get("decision", "")), state.seen, every, learned, rows, state.left_out, speakers)


def _row(name: str, stream: Stream) -> StreamStanding:
    """Read one stream."""
    kind = kind_of(name)
    hits, n = stream.share_now()
    evidence = None if stream.detector is None else min(1.0, stream.detector.value / stream.threshold)
    return StreamStanding(
        name,
        told("drift.stream", {"name": name}, name),
        kind.direction,
        kind.severity,
        share_of(stream.hits, stream.seen),
        share_of(hits, n),
        evidence,
        stream.watched,
        stream.alarm,
    )
