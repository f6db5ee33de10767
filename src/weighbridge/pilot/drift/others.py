"""Whether an alarm stands without any single key: detectors that leave one key out each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.statistics.drift import SRDetector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BLOCK", "Block", "Others"]

BLOCK = 250
_MOST = 8


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
    and gone. Whatever one key does, as long as the others are as their reference allows, the detector without it alarms
    at most once in `threshold` observations.
    """

    def __init__(self) -> None:
        self._parts: dict[str, list[int]] = {}  # of the reference, by key: observations, hits
        self._without: dict[str, SRDetector] = {}

    def learn(self, parts: Mapping[str, list[int]]) -> None:
        """Take observations of the reference, by key."""
        for key, (seen, hits) in parts.items():
            part = self._parts.setdefault(key, [0, 0])
            part[0] += seen
            part[1] += hits
        while len(self._parts) > _MOST:
            del self._parts[min(self._parts, key=lambda name: self._parts[name][0])]

    def take(
        self, key: str, hit: bool, whole: SRDetector, rates: Callable[[str], tuple[float, float]], *, new: bool
    ) -> None:
        """Take an observation that `whole` has not taken yet; `rates` are those of the reference without a key.

        A key is left out from the first time that it speaks for a change on (`new` says that it does), and the keys of
        the reference always.
        """
        for name in sorted(self._parts.keys() - self._without.keys()):
            self._without[name] = _begun(whole, rates(name))
        if new and key and key not in self._without:
            able = {name: one.value for name, one in self._without.items() if name not in self._parts}
            if len(able) >= _MOST:  # that one goes whose leaving out matters least
                del self._without[max(able, key=able.__getitem__)]
            self._without[key] = _begun(whole, rates(key))
        for name, detector in self._without.items():
            if name != key:
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
        """Return the keys without which there is no alarm, and the value without each, least first.

        Only those count whose absence is `needed` to be borne.
        """
        found = [(key, one.value) for key, one in self._without.items() if needed(key) and not one.alarmed]
        return sorted(found, key=lambda one: one[1])

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
        others._parts = {key: list(part) for key, part in state["parts"].items()}
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
