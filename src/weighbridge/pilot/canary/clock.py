"""The time of a journal that many nodes write into: what one clock says counts where others do not contradict it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.journal.protocol import Entry

__all__ = ["APART_S", "Clock"]

APART_S = 600.0
"""An entry so many seconds ahead of those before it is held until others bear it out."""

_WITNESSES = 10  # entries ahead, one after another: it is later, and no clock is wrong
_BEHIND = 50  # entries far behind, one after another: the clocks before were wrong


class Clock:
    """`now` is the journal's time, `aside` how many entries were put aside because their time cannot be true.

    `late_s` is how much older than `now` an entry may be: an answer is told of at its end, under the time of its
    request. After a pause all entries are ahead: the first nine are held, and lost to nobody.
    """

    def __init__(self, late_s: float, now: float = 0.0) -> None:
        self.now = now
        self.aside = 0
        self._late_s = late_s + APART_S
        self._behind = 0
        self._held: list[tuple[float, int, Mapping[str, Any]]] = []

    def ready(self, entry: Entry) -> list[tuple[float, int, Mapping[str, Any]]]:
        """Take an entry; return time, number and facts of those that are to be taken now, in their order."""
        told = (entry.at, entry.number, entry.facts)
        if self.now and entry.at > self.now + APART_S:
            self._held.append(told)
            if len(self._held) < _WITNESSES:
                return []
            return self._released()
        self.aside += len(self._held)
        self._held.clear()
        if entry.at >= self.now - self._late_s:
            self._behind, self.now = 0, max(self.now, entry.at)
            return [told]
        self._behind += 1
        if self._behind < _BEHIND:
            self.aside += 1
            return []
        self._behind, self.now = 0, entry.at
        return [told]

    def state(self) -> dict[str, Any]:
        """Return everything but `now` as JSON values, for `restore`."""
        return {"aside": self.aside, "behind": self._behind, "held": [list(told) for told in self._held]}

    def restore(self, state: Mapping[str, Any]) -> Clock:
        """Take over what `state` described, and return itself; raises KeyError, TypeError or ValueError."""
        self.aside, self._behind = int(state["aside"]), int(state["behind"])
        self._held = [(at, number, facts) for at, number, facts in state["held"]]
        return self

    def _released(self) -> list[tuple[float, int, Mapping[str, Any]]]:
        """Return what was held: it is as late as all of it says."""
        ready, self._held, self._behind = self._held, [], 0
        self.now = max(at for at, _, _ in ready)
        return ready
