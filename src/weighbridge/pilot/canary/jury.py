"""Evidence that must stand without any single key: one panel sees all exchanges, the others all but those of one key.

A key is handed out by the operator; the users that come with it may be invented. Where several keys are in use, none
of them alone shall send a candidate back, and none alone shall let it advance. For any key the panel without it rests
on the others only, so its e-values keep their promise whatever that key does.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.observation.callers import LEAST_CALLERS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from weighbridge.pilot.canary.lane import Arm
    from weighbridge.pilot.canary.panel import Panel
    from weighbridge.pilot.observation.callers import Callers
    from weighbridge.pilot.shadow.pair import Pair

__all__ = ["OTHERS", "Jury", "is_apart", "shown"]

OTHERS = "*"
"""With which the name of a seat begins: keys after the first three that were seen share a few."""

_NAMED, _SEATS = 3, 4
_SHARE, _SHARE_OF_SEAT = 4 / 16, 1 / 16  # of the evidence, that of a panel without a named key, or without a seat


def is_apart(key: str, apart: Collection[str], named: Collection[str]) -> bool:
    """Whether the callers of a key were taken back to the primary."""
    return key in apart or (key not in named and _seat(key) in apart)


def shown(keys: Iterable[str]) -> tuple[str, ...]:
    """Return keys as people are shown them: all that share seats are `*`, once."""
    return tuple(dict.fromkeys(OTHERS if key.startswith(OTHERS) else key for key in keys))


def _seat(key: str) -> str:
    """Return the seat of a key that has none of its own: by a hash, so that all nodes and restarts agree."""
    return f"{OTHERS}{hashlib.blake2b(key.encode(), digest_size=1, person=b'canary').digest()[0] % _SEATS + 1}"


class Jury:
    """Panels that weigh a canary; `fresh` makes one that has seen nothing.

    `whole` sees all, `without` has a panel for each key that was seen, which sees all but that key's: for the first
    three, and for four seats that all further keys share, so that none is most of many. `apart` are keys whose callers
    were taken back to the primary; nothing of theirs counts.
    """

    def __init__(self, fresh: Callable[[], Panel], callers: Callers) -> None:
        self._fresh, self._callers = fresh, callers
        self.whole = fresh()
        self.without: dict[str, Panel] = {}
        self.apart: list[str] = []

    @property
    def panels(self) -> Iterator[Panel]:
        """All panels."""
        yield self.whole
        yield from self.without.values()

    def add(self, key: str, arm: Arm, at: float, user: str, signs: Sequence[int], *, is_of_step: bool) -> None:
        """Put an exchange before all panels but the one without its key."""
        for panel in self._others(key):
            panel.add(arm, at, user, signs, is_of_step=is_of_step)

    def hear(self, key: str, pair: Pair) -> bool:
        """Put a pair before all panels but the one without its key, and return whether it counts; raises ValueError."""
        return all(panel.quality.add(pair) for panel in self._others(key))

    def begin_step(self) -> None:
        """Forget what was shown for the candidate in the step before."""
        for panel in self.panels:
            panel.begin_step()

    def weigh_harm(self, now: float) -> float:
        """Take what is old enough, and return the evidence of harm."""
        for panel in self.panels:
            panel.weigh_harm(now)
        return self.harm()

    def harm(self) -> float:
        """Return the mean of the panels' e-values.

        Their shares are fixed: the one for a key that was not seen yet is the whole. So the mean is an e-value, too.
        """
        mean, left = 0.0, 1.0
        for place, panel in self.without.items():
            share = _SHARE_OF_SEAT if place.startswith(OTHERS) else _SHARE
            mean += share * panel.harm_value()
            left -= share
        return mean + left * self.whole.harm_value()

    def doubtful(self, needed: float) -> str | None:
        """Return the key without which there is the least evidence of harm, less than needed; None where there is none.

        Only a key among several counts: where the others have brought next to nobody, one speaks for all.
        """
        short = {
            place: value
            for place, panel in self.without.items()
            if (value := panel.harm_value()) < needed and self._is_one_of_several(place)
        }
        return min(short, key=lambda place: short[place]) if short else None

    def speaks_for_all(self) -> list[str]:
        """Return the keys each of which could steer the canary by itself: others have brought next to nobody."""
        return [place for place in self.without if not self._is_one_of_several(place)]

    def set_apart(self, place: str) -> None:
        """Let nothing of a key count, then or from now on: what the panel without it saw is the whole."""
        self.whole = self.without.pop(place)
        self.apart.append(place)
        self._callers.forget(self.is_apart)
        for other in self.without:
            self.without[other] = self._fresh()

    def is_apart(self, key: str) -> bool:
        """Whether nothing of a key counts."""
        return bool(self.apart) and is_apart(key, self.apart, self.without)

    def may_advance(self) -> bool:
        """Whether no key was set apart, or several are left: of two that disagree nobody knows which one lies."""
        return not self.apart or (bool(self.without) and all(map(self._is_one_of_several, self.without)))

    def speaking(self) -> list[Panel]:
        """Return the panels that all have to show that the candidate is not worse.

        A panel without a key among several speaks as soon as it saw callers enough on both models; once a key was set
        apart keys contradict each other, and all of these have to.
        """
        others = [
            panel
            for place, panel in self.without.items()
            if self._is_one_of_several(place) and (self.apart or panel.can_tell())
        ]
        return [self.whole, *others]

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `restore`."""
        without = {key: panel.state() for key, panel in self.without.items()}
        mine = {"without": without, "keys": list(without), "apart": list(self.apart)}
        return {**self.whole.state(), **mine, "speaks_for_all": self.speaks_for_all()}

    def restore(self, state: Mapping[str, Any], *, has_lanes: bool = True) -> Jury:
        """Take over what `state` described, and return itself; raises KeyError, TypeError or ValueError."""
        self.whole.restore(state, has_lanes=has_lanes)
        self.without = {
            key: self._fresh().restore(panel, has_lanes=has_lanes) for key, panel in state["without"].items()
        }
        self.apart = list(state["apart"])
        return self

    def _others(self, key: str) -> list[Panel]:
        """Return the panels that see what comes of a key."""
        place = key if key in self.without else self._place(key)
        if place not in self.without:  # until now it has left out nothing
            self.without[place] = self._fresh().restore(self.whole.state())
        return [self.whole, *(panel for name, panel in self.without.items() if name != place)]

    def _place(self, key: str) -> str:
        """Return whose panel leaves out a key that has none of its own yet."""
        named = sum(not place.startswith(OTHERS) for place in (*self.without, *self.apart))
        return key if named < _NAMED else _seat(key)

    def _is_one_of_several(self, place: str) -> bool:
        """Whether other keys have brought callers enough."""
        if not place.startswith(OTHERS):
            return self._callers.is_one_of_several(place)
        return self._callers.brought(lambda key: key in self.without or _seat(key) != place) >= LEAST_CALLERS
