"""Which looked-at exchanges count for drift: few of one user, and of one key among several not too many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.pilot.observation.callers import Callers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from weighbridge.pilot.observation.noun import Observation

__all__ = ["LEAST_CALLERS", "LEAST_OTHERS", "Admission"]

LEAST_CALLERS = 5
"""Where one key speaks for a route, an alarm rests on so many of its callers at least, or on all there are."""

LEAST_OTHERS = 20
"""Counted exchanges of other keys, today and yesterday, from which on a key is one of several."""

_FREE = 100  # that a key may count beyond all others together, today and yesterday
_MOST_KEYS = 64
_DAY_S = 86_400
_FIRST = 500  # exchanges that say who may lead
_LEAST_DAY = 100


class Admission:
    """Decides by who asked and when, never by what came of it, so that what counts is a fair sample still.

    Of a user five exchanges at once and then 20 an hour count (`Callers`); a caller who names no user is bounded by its
    key alone. A key that is one of several counts no more than all others together and 100 more. The key that leads,
    and the only one in use, count whole: what changes for them changes for the route. All keys of a tenant are one.
    """

    def __init__(self) -> None:
        self.callers = Callers()
        self._known: dict[str, list[str]] = {}  # by key: its first few callers
        self._day = 0
        self._counts: list[dict[str, int]] = [{}, {}]  # by key: what counted today, and yesterday
        self._came: list[dict[str, int]] = [{}, {}]  # what came, whether or not it counted
        self._first: dict[str, int] = {}

    def admit(self, seen: Observation) -> bool:
        """Whether an exchange counts."""
        self._turn(int(seen.at // _DAY_S))
        key = seen.voice
        _count(self._came[0], key)
        if sum(self._first.values()) < _FIRST:
            _count(self._first, key)
        mine, others = self._both(key)
        if self.is_one_of_several(key) and mine >= others + _FREE:
            return False
        user = seen.user if seen.key and seen.user != seen.key else ""
        if not self.callers.admit(key, user, seen.at):
            return False
        _count(self._counts[0], key)
        known = self._known.setdefault(key, [])
        if len(known) < LEAST_CALLERS and seen.user not in known:
            known.append(seen.user)
        if len(self._known) > _MOST_KEYS:
            del self._known[min(self._known, key=lambda key: len(self._known[key]))]
        return True

    def is_one_of_several(self, key: str) -> bool:
        """Whether others are there who would see what this key sees, if it were so."""
        return self._both(key)[1] >= LEAST_OTHERS and key != self.leader()

    def counted(self, keys: Iterable[str]) -> int:
        """Return how many exchanges of these keys counted, today and yesterday."""
        return sum(counts.get(key, 0) for key in keys for counts in self._counts)

    def leader(self) -> str | None:
        """Return the key with more than half of what came first, if it has still of what came yesterday.

        Of yesterday only those count that were there at first: who comes later can neither lead nor unseat who does.
        """
        key = max(self._first, key=self._first.__getitem__, default=None)
        before = {name: self._came[1].get(name, 0) for name in self._first}
        bases = (self._first, before) if sum(before.values()) >= _LEAST_DAY else (self._first,)
        return key if key is not None and all(2 * base[key] > sum(base.values()) for base in bases) else None

    def speaks_for_all(self) -> tuple[str, ...]:
        """Return the keys each of which could bring about or hide an alarm by itself: the leader, or the only one."""
        keys = dict.fromkeys(key for counts in self._counts for key in counts)
        return tuple(key for key in keys if key and not self.is_one_of_several(key))

    def least_callers(self) -> int:
        """Return on how many callers an alarm must rest: five of the key that speaks for the route, or all it has."""
        counted = self._counts[0] or self._counts[1]
        key = self.leader() or next(iter(counted), None)
        return 1 if key is None or self.is_one_of_several(key) else min(LEAST_CALLERS, len(self._known.get(key, ())))

    def _turn(self, day: int) -> None:
        """Begin another day where one has begun."""
        if not self._day - 1 <= day <= self._day:
            is_next = day == self._day + 1
            self._counts = [{}, self._counts[0] if is_next else {}]
            self._came = [{}, self._came[0] if is_next else {}]
            self._day = day

    def _both(self, key: str) -> tuple[int, int]:
        """Return what counted of a key and of all others, today and yesterday."""
        mine = sum(counts.get(key, 0) for counts in self._counts)
        return mine, sum(sum(counts.values()) for counts in self._counts) - mine

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `restore`."""
        return {
            "callers": self.callers.state(),
            "known": self._known,
            "day": self._day,
            "counts": self._counts,
            "came": self._came,
            "first": self._first,
        }

    def restore(self, state: Mapping[str, Any]) -> Admission:
        """Take over what `state` described, and return itself; raises KeyError, TypeError or ValueError."""
        self.callers.restore(state["callers"])
        self._known = {key: list(users) for key, users in state["known"].items()}
        self._day, self._first = int(state["day"]), dict(state["first"])
        self._counts, self._came = ([dict(one) for one in state[name]] for name in ("counts", "came"))
        return self


def _count(counts: dict[str, int], key: str) -> None:
    """Count one of a key; of many keys the smallest is forgotten."""
    counts[key] = counts.get(key, 0) + 1
    if len(counts) > _MOST_KEYS:
        del counts[min(counts, key=counts.__getitem__)]
