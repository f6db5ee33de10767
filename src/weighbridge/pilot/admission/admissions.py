"""Admissions: the routes and what admits them, as one snapshot in memory that is replaced whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from weighbridge.pilot.clock import SteadyClock
from weighbridge.pilot.route import Admission

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from weighbridge.pilot.access.protocol import Caller
    from weighbridge.pilot.admission.judge import Ruled
    from weighbridge.pilot.route import Leg, Route

__all__ = ["Admissions", "Snapshot"]

_GONE = "the route has been changed meanwhile: ask again"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Routes by name, and the ruling on each leg by the identity of the leg.

    By identity: two legs that look alike may stand in routes that accept other conditions. The snapshot holds its legs,
    so no other object can have the identity of one.
    """

    routes: Mapping[str, Route] = field(default_factory=lambda: MappingProxyType({}))
    rulings: Mapping[int, Ruled] = field(default_factory=lambda: MappingProxyType({}))


class Admissions:
    """What the hot path asks: it reads one snapshot and a clock, waits for nothing and locks nothing.

    What expires does so by the clock, whatever becomes of the thread that checks.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or SteadyClock()
        self._snapshot = Snapshot()

    def find(self, name: str) -> Route | None:
        """Return the route of a name."""
        return self._snapshot.routes.get(name)

    def names(self, caller: Caller | None = None) -> tuple[str, ...]:
        """Return the names of all routes that a caller may use, open or not; of all, where no caller is given."""
        names = tuple(self._snapshot.routes)
        allowed = caller.models if caller is not None else None
        return names if allowed is None else tuple(name for name in names if name in allowed)

    def admission(self, leg: Leg) -> Admission:
        """Return whether a leg, as `find` gave it, may be served now; one of a route that is gone may not."""
        ruled = self._snapshot.rulings.get(id(leg))
        return ruled.at(self._clock()) if ruled is not None else Admission(leg, "", refused=_GONE)

    def replace(self, snapshot: Snapshot) -> None:
        """Put another snapshot in the place of this one, at once."""
        self._snapshot = snapshot
