"""What the fold of drift remembers of one route, and how one observation changes it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.drift.admission import LEAST_OTHERS, Admission
from weighbridge.pilot.drift.centres import find_centres
from weighbridge.pilot.drift.others import NEWCOMERS
from weighbridge.pilot.drift.sketch import packed, unpacked
from weighbridge.pilot.drift.stream import LEARNED, Stream
from weighbridge.pilot.drift.table import CLUSTER, CLUSTERS, kind_of, stream_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.pilot.journal.protocol import Severity
    from weighbridge.pilot.observation.noun import Observation

__all__ = ["Raised", "State"]

_CLUSTER_NAMES = tuple(f"{CLUSTER}-{number}" for number in range(1, CLUSTERS + 1))
_BY_THEMSELVES = frozenset({"operation", "form"})  # their alarms end the growth of no other references
_ALL = frozenset(kind.about for kind in stream_kinds().values())
_SHORT = 0.5  # a cutoff at a quantile below it counts what lies below, else what lies above


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm: of which stream, how severe, and the key without which there would be none, "" for no single one."""

    name: str
    stream: Stream
    severity: Severity
    key: str


@dataclass(slots=True)
class State:
    """The body of the document, unfolded.

    `values` are lengths, seconds and distances while their cutoffs are made, `sketches` the prompts while the centres
    are; both are empty afterwards. `frozen` names what the streams are about whose references grow no more: one of
    them has alarmed. `left_out` counts exchanges of users and keys that had more than their part.
    """

    false_alarm_every: int
    seen: int = 0
    frozen: frozenset[str] = frozenset()
    values: dict[str, list[float]] = field(default_factory=dict)
    cutoffs: dict[str, float] = field(default_factory=dict)
    sketches: list[str] = field(default_factory=list)
    centres: list[str] = field(default_factory=list)
    streams: dict[str, Stream] = field(default_factory=dict)
    left_out: int = 0
    admission: Admission = field(default_factory=Admission)

    def take(self, seen: Observation) -> list[Raised]:
        """Take one observation of the primary leg and return the alarms that it raised."""
        if not self.admission.admit(seen):
            self.left_out += 1
            return []
        self.seen += 1
        told = [(name, self.stream(name), hit) for name, hit in self._hits(seen)]
        frozen = self.frozen
        raised: list[Raised] = []
        for name, stream, hit in told:
            if stream.take(hit, grows=stream.kind.about not in frozen, key=seen.voice, caller=seen.user):
                raised += self._raise(name, stream)
        self._learn(seen)
        return raised

    def _raise(self, name: str, stream: Stream) -> Iterator[Raised]:
        """Yield an alarm that is to be told: a first one, or one whose warning was told and which others bear out."""
        admission = self.admission
        known = admission.counted(stream.others.known())

        def is_needed(key: str) -> bool:
            """Whether others are there who would see what this key sees, if it were so."""
            return known >= LEAST_OTHERS if key == NEWCOMERS else admission.is_one_of_several(key)

        severity, key = stream.severity(is_needed, admission.least_callers())
        if severity is not None and (stream.alarm is None or severity == stream.kind.severity):
            about = stream.kind.about
            self.frozen |= {about} if key or about in _BY_THEMSELVES else _ALL
            yield Raised(name, stream, severity, key)

    def stream(self, name: str) -> Stream:
        """Return a stream, a new one at its first observation."""
        found = self.streams.get(name)
        if found is None:
            kind = kind_of(name)
            found = self.streams[name] = Stream(kind, self._threshold(kind.name))
        return found

    def _threshold(self, kind: str) -> float:
        """Return the threshold of a kind of stream: all streams together alarm as seldom as the route allows."""
        several = CLUSTERS if kind == CLUSTER else 1
        return self.false_alarm_every * several / stream_kinds()[kind].part

    def _hits(self, seen: Observation) -> Iterator[tuple[str, bool]]:
        """Yield what an observation says to each stream that it says something to."""
        if seen.is_left:
            # how long it would have taken is not known, unless it took too long already
            if seen.total_s > self.cutoffs.get("late", math.inf):
                yield "late", True
            return
        signs = (
            ("failed", seen.failed),
            ("refused", seen.refused),
            ("accepted", seen.refused),
            ("out-of-form", _not(seen.in_form)),
            ("other-language", _not(seen.same_language)),
            ("cut", None if seen.is_bound else seen.is_cut),
        )
        yield from ((name, hit) for name, hit in signs if hit is not None)
        for name, value in self._measured(seen):
            cutoff = self.cutoffs.get(name)
            if cutoff is not None:
                yield name, value < cutoff if stream_kinds()[name].cutoff < _SHORT else value > cutoff
        if seen.cluster is not None:
            yield from ((name, at == seen.cluster) for at, name in enumerate(_CLUSTER_NAMES[: len(self.centres)]))

    def _measured(self, seen: Observation) -> Iterator[tuple[str, float]]:
        """Yield the values of streams that have a cutoff; a failure has none."""
        if seen.failed:
            return
        known = {
            "chars": None if seen.is_bound else seen.chars,
            "total_s": seen.total_s,
            "first_s": seen.first_s,
            "distance": seen.distance,
        }
        for name, measure in _measures():
            value = known[measure]
            if value is not None and math.isfinite(value):
                yield name, float(value)

    def _learn(self, seen: Observation) -> None:
        """Gather what cutoffs and centres are made of, until they are made."""
        if not seen.is_left:
            for name, value in self._measured(seen):
                if name not in self.cutoffs:
                    gathered = self.values.setdefault(name, [])
                    gathered.append(value)
                    if len(gathered) == LEARNED:
                        self.cutoffs[name] = sorted(gathered)[round(stream_kinds()[name].cutoff * (LEARNED - 1))]
                        del self.values[name]
        if seen.sketch and not self.centres and unpacked(seen.sketch) is not None:
            self.sketches.append(seen.sketch)
            if len(self.sketches) == LEARNED:
                vectors = [vector for text in self.sketches if (vector := unpacked(text)) is not None]
                self.centres = [packed(centre) for centre in find_centres(vectors, CLUSTERS)]
                self.sketches = []

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "seen": self.seen,
            "frozen": sorted(self.frozen),
            "values": self.values,
            "cutoffs": self.cutoffs,
            "sketches": self.sketches,
            "centres": self.centres,
            "streams": {name: stream.to_json() for name, stream in self.streams.items()},
            "left_out": self.left_out,
            "admission": self.admission.state(),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any], false_alarm_every: int) -> State:
        """Return the state that `to_json` described; {} is a new one. Raises ValueError, KeyError or TypeError."""
        state = cls(
            false_alarm_every,
            int(body.get("seen", 0)),
            frozenset(body.get("frozen", ())),
            {name: list(values) for name, values in body.get("values", {}).items()},
            dict(body.get("cutoffs", {})),
            list(body.get("sketches", ())),
            list(body.get("centres", ())),
            left_out=int(body.get("left_out", 0)),
        )
        if "admission" in body:
            state.admission.restore(body["admission"])
        for name, stream in body.get("streams", {}).items():
            kind = kind_of(name)
            state.streams[name] = Stream.from_json(kind, state._threshold(kind.name), stream)
        return state


@cache
def _measures() -> tuple[tuple[str, str], ...]:
    """Return the streams that have a cutoff, with what is measured."""
    return tuple((name, kind.value) for name, kind in stream_kinds().items() if kind.value)


def _not(sign: bool | None) -> bool | None:
    """Turn a sign round; what is not known stays so."""
    return None if sign is None else not sign
