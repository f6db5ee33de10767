"""Whether an alarm stands without any single key: detectors that leave one key out each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.statistics.drift import SRDetector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Others"]

_MOST = 8


class Others:
    """For the keys that matter most to a stream: how the stream would stand without each.

    A detector that leaves a key out begins, at the key's first exchange, as a copy of the one that leaves out none:
    until then they are the same. Its reference is that of the other keys, where theirs is less in favour of an alarm,
    so that a key cannot raise one by having lowered the reference and gone. Whatever one key does, as long as the
    others are as their reference allows, the detector without it alarms at most once in `threshold` observations.
    """

    def __init__(self) -> None:
        self._parts: dict[str, list[int]] = {}  # of the reference, by key: observations, hits
        self._without: dict[str, SRDetector] = {}

    def learn(self, key: str, hit: bool) -> None:
        """Take an observation of the reference."""
        part = self._parts.setdefault(key, [0, 0])
        part[0] += 1
        part[1] += hit
        if len(self._parts) > _MOST:
            del self._parts[min((name for name in self._parts if name != key), key=lambda name: self._parts[name][0])]

    def take(self, key: str, hit: bool, whole: SRDetector, begin: Callable[[int, int], SRDetector]) -> None:
        """Take an observation that `whole` has not taken yet; `begin` makes a detector of the reference less a part."""
        if key not in self._without:
            if len(self._without) >= _MOST:  # that one goes whose leaving out matters least
                del self._without[max(self._without, key=lambda name: self._without[name].value)]
            self._without[key] = self._begin(key, whole, begin)
        for name, detector in self._without.items():
            if name != key:
                detector.update(float(hit))

    def set(self, whole: SRDetector, begin: Callable[[int, int], SRDetector]) -> None:
        """Set the references anew; what the detectors have gathered so far stays."""
        for key, detector in self._without.items():
            self._without[key] = self._begin(key, whole, begin)
            self._without[key].values = detector.values

    def explain(self, needed: Callable[[str], bool]) -> list[str]:
        """Return the keys without which there is no alarm, of those whose absence is needed to be borne."""
        return [key for key, detector in self._without.items() if needed(key) and not detector.alarmed]

    def reset(self) -> None:
        """Start anew against the same reference."""
        self._without = {}

    def _begin(self, key: str, whole: SRDetector, begin: Callable[[int, int], SRDetector]) -> SRDetector:
        """Return the detector without a key as it stands at the key's first exchange."""
        detector = begin(*self._parts.get(key, (0, 0)))
        detector.values = list(whole.values)
        return detector

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        without = {key: [detector.p0, *detector.values] for key, detector in self._without.items()}
        return {"parts": self._parts, "without": without}

    @classmethod
    def from_json(cls, state: Mapping[str, Any], threshold: float, multiples: tuple[float, ...]) -> Others:
        """Return what `to_json` described. Raises ValueError, KeyError or TypeError."""
        others = cls()
        others._parts = {key: list(part) for key, part in state["parts"].items()}
        for key, (p0, *values) in state["without"].items():
            others._without[key] = detector = SRDetector(p0, threshold, multiples)
            detector.values = [float(value) for value in values]
        return others
