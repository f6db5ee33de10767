"""Answers in the order in which they were *asked for*, gathered into blocks of both arms.

Slow answers and time-outs are told of later than quick ones. To count in the order of telling would show a candidate
that hangs as one that never fails, for as long as it hangs. So exchanges are put into slots of time by their arrival,
and a slot counts when enough time has gone by that its answers have ended. Sizes of blocks then depend on arrivals,
never on outcomes, as the tests of `weighbridge.statistics.arms` demand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Arm", "Counts", "Lane", "copied", "gather"]

Arm = Literal["primary", "canary"]
Counts = list[int]
"""How many exchanges, and how many of them showed each of the signs."""

_APART_S = 6 * 3600.0  # answers of the two arms that lie further apart, by night and by day, are not compared


class Lane:
    """Slots of `slot_s` seconds, each of which counts `settle_s` seconds after its end; `signs` is how many there are.

    An exchange whose slot has counted already goes to the next one that will.
    """

    def __init__(self, slot_s: float, settle_s: float, signs: int) -> None:
        self.slot_s, self.settle_s = slot_s, settle_s
        self._empty = [0] * (1 + signs)
        self._next: int | None = None  # the first slot that has not counted
        self._slots: dict[int, tuple[Counts, Counts]] = {}
        self._waiting: tuple[int, Counts, Counts] | None = None  # one arm waits for the other, since that slot

    def add(self, arm: Arm, at: float, signs: Sequence[int]) -> None:
        """Put an exchange, by the time of its arrival."""
        number = self._number(at)
        if self._next is not None:
            number = max(number, self._next)
        pair = self._slots.setdefault(number, (list(self._empty), list(self._empty)))
        gather(pair[arm == "canary"], (1, *signs))

    def close(self, now: float) -> Iterator[tuple[Counts, Counts]]:
        """Yield the blocks that count by now: primary's and canary's counts, neither without an exchange."""
        last = self._number(now - self.settle_s) - 1
        for number in sorted(number for number in self._slots if number <= last):
            yield from self._merged(number, *self._slots.pop(number))
        self._next = last + 1 if self._next is None else max(self._next, last + 1)

    def rewind(self, now: float) -> None:
        """Take it that the time is `now`, after a clock that was ahead."""
        self._next = min(self._next, self._number(now - self.settle_s)) if self._next is not None else None

    def state(self) -> dict[str, Any]:
        """Return what is gathered as JSON values, for `restore`."""
        slots = {str(number): list(pair) for number, pair in self._slots.items()}
        return {"next": self._next, "slots": slots, "waiting": self._waiting and list(self._waiting)}

    def restore(self, state: Mapping[str, Any]) -> Lane:
        """Take over what `state` described, and return itself."""
        self._next = state["next"]
        self._slots = {int(number): (list(pair[0]), list(pair[1])) for number, pair in state["slots"].items()}
        waiting = state["waiting"]
        self._waiting = (waiting[0], list(waiting[1]), list(waiting[2])) if waiting else None
        return self

    def _number(self, at: float) -> int:
        return int(at // self.slot_s)

    def _merged(self, number: int, primary: Counts, canary: Counts) -> Iterator[tuple[Counts, Counts]]:
        """Join a slot to what waits for the other arm, unless that waits too long; yield it once both are there."""
        since = number
        if self._waiting is not None and (number - self._waiting[0]) * self.slot_s <= _APART_S:
            since = self._waiting[0]
            gather(primary, self._waiting[1])
            gather(canary, self._waiting[2])
        if primary[0] and canary[0]:
            self._waiting = None
            yield primary, canary
        else:
            self._waiting = (since, primary, canary)


def gather(counts: Counts, more: Sequence[int]) -> None:
    """Add counts up."""
    for place, number in enumerate(more):
        counts[place] += number


def copied(counts: Mapping[Arm, Counts]) -> dict[Arm, Counts]:
    """Return counts of both arms that may be changed."""
    return {arm: list(numbers) for arm, numbers in counts.items()}
