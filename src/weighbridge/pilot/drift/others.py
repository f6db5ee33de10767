"""Whether an alarm stands without any single key, and without all that came later: detectors that leave them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.statistics.drift import SRDetector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["BLOCK", "NEWCOMERS", "Block", "Others"]

BLOCK = 250
NEWCOMERS = "*"
"""All keys that the reference hardly knows, as one: whoever has several, or makes some, has one voice with them."""

_MOST = 8
_MOST_PARTS = 64
_KNOWN = 20  # observations of the reference from which on it knows a key


@dataclass(slots=True)
class Block:
    """Observations that are counted together: all, the hits, and both by key."""

    seen: int = 0
    hits: int = 0
    parts: dict[str, list[int]] = field(default_factory=dict)

    def take(self, hit: bool, key: str) -> None:
        """Count one."""
        self.seen += 1
        self.hits += hit
        part = self.parts.setdefault(key, [0, 0])
        part[0] += 1
        part[1] += hit

    def to_json(self) -> list[Any]:
        """Return JSON values."""
        return [self.seen, self.hits, self.parts]

    @classmethod
    def from_json(cls, state: list[Any]) -> Block:
        """Return what `to_json` described. Raises ValueError or TypeError."""
        seen, hits, parts = state
        return cls(seen, hits, {key: list(part) for key, part in parts.items()})


class Others:
    """For the keys that matter most to a stream: how the stream would stand without each.

    A detector that leaves a key out begins, at the key's first exchange that speaks for a change, as a copy of the one
    that leaves out none: what the key said against it before only makes it slower. Its reference is that of the other
    keys, where theirs is less in favour of an alarm, so that a key cannot raise one by having lowered the reference
    and gone. Whatever one key does, and whatever keys do that the reference does not know: as long as the others are as
    their reference allows, the detector without it, or without them, alarms at most once in `threshold` observations.
    """

    def __init__(self) -> None:
        self._parts: dict[str, list[int]] = {}  # of the reference, by key: observations, hits
        self._largest: list[str] = []  # of these keys
        self._without: dict[str, SRDetector] = {}

    def learn(self, parts: Mapping[str, list[int]]) -> None:
        """Take observations of the reference, by key."""
        for key, (seen, hits) in parts.items():
            part = self._parts.setdefault(key, [0, 0])
            part[0] += seen
            part[1] += hits
        ordered = sorted(self._parts, key=lambda name: (-self._parts[name][0], name))
        for key in ordered[_MOST_PARTS:]:
            del self._parts[key]
        self._largest = ordered[:_MOST]

    def known(self) -> Iterator[str]:
        """Yield the keys that the reference knows."""
        return (key for key, (seen, _) in self._parts.items() if seen >= _KNOWN)

    def take(
        self, key: str, hit: bool, whole: SRDetector, rates: Callable[[str], tuple[float, float]], *, new: bool
    ) -> None:
        """Take an observation that `whole` has not taken yet; `rates` are those of the reference without a key.

        A key is left out from the first time that it speaks for a change on (`new` says that it does), the largest of
        the reference and the newcomers always.
        """
        always = [*self._largest, NEWCOMERS] if self._largest else []
        for name in always:
            if name not in self._without:
                self._without[name] = _begun(whole, rates(name))
        if new and key and key not in self._without:
            able = {name: one.value for name, one in self._without.items() if name not in always}
            if len(able) >= _MOST:  # that one goes whose leaving out matters least
                del self._without[max(able, key=able.__getitem__)]
            self._without[key] = _begun(whole, rates(key))
        is_new = self._parts.get(key, (0, 0))[0] < _KNOWN
        for name, detector in self._without.items():
            if name != key and not (is_new and name == NEWCOMERS):
                detector.update(float(hit))

    def aim(self, rates: Callable[[str], tuple[float, float]]) -> None:
        """Set the references anew; what the detectors have gathered so far stays."""
        for key, detector in self._without.items():
            detector.aim(*rates(key))

    def part(self, key: str) -> tuple[int, int]:
        """Return what a key has brought to the reference: observations, hits."""
        seen, hits = self._parts.get(key, (0, 0))
        return seen, hits

    def explain(self, needed: Callable[[str], bool]) -> list[tuple[str, float]]:
        """Return the keys without which there is no alarm, and the value without each: least first, newcomers last.

        Only those count whose absence is `needed` to be borne.
        """
        found = [(key, one.value) for key, one in self._without.items() if needed(key) and not one.alarmed]
        return sorted(found, key=lambda one: (one[0] == NEWCOMERS, one[1]))

    def reset(self) -> None:
        """Start anew against the same reference."""
        self._without = {}

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        without = {key: [detector.p0, detector.usual, *detector.values] for key, detector in self._without.items()}
        return {"parts": self._parts, "without": without}

    @classmethod
    def from_json(cls, state: Mapping[str, Any], threshold: float, multiples: tuple[float, ...]) -> Others:
        """Return what `to_json` described. Raises ValueError, KeyError or TypeError."""
        others = cls()
        others.learn(state["parts"])
        for key, (p0, usual, *values) in state["without"].items():
            others._without[key] = detector = SRDetector(p0, threshold, multiples)
            detector.aim(p0, usual)
            detector.values = [float(value) for value in values]
        return others


def _begun(whole: SRDetector, rates: tuple[float, float]) -> SRDetector:
    """Return a detector that has gathered what the whole one has, against other rates."""
    detector = SRDetector(rates[0], whole.threshold, whole.multiples)
    detector.aim(*rates)
    detector.values = list(whole.values)
    return detector
