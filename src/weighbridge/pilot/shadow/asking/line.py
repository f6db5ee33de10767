"""The line of exchanges that wait for a trial: bounded, and no caller and no route takes all places of it."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.pilot.exchange import Exchange

__all__ = ["MOST_AT_ONCE", "MOST_OF_A_KEY", "MOST_OF_A_ROUTE", "MOST_WAITING", "Line"]

MOST_AT_ONCE = 8
MOST_OF_A_KEY = 4
MOST_OF_A_ROUTE = 6
"""Under way: prompts on which a candidate hangs leave places to the prompts of others."""
MOST_WAITING = 64


class Line:
    """First come, first served, but that whoever has its share under way lets others pass; used from one event loop."""

    def __init__(self) -> None:
        self._waiting: deque[Exchange] = deque()
        self._keys: Counter[str] = Counter()
        self._routes: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def has_room(self, exchange: Exchange) -> bool:
        """Say whether an exchange may join: the line is not full, and not half of it this key's."""
        mine = sum(one.key_id == exchange.key_id for one in self._waiting)
        return len(self._waiting) < MOST_WAITING and mine < MOST_WAITING // 2

    def join(self, exchange: Exchange) -> None:
        """Take an exchange."""
        self._waiting.append(exchange)

    def call(self) -> Exchange | None:
        """Return the first that may begin now, which then is under way; None where none may."""
        for place, one in enumerate(self._waiting):
            if self._keys[one.key_id] < MOST_OF_A_KEY and self._routes[one.route] < MOST_OF_A_ROUTE:
                del self._waiting[place]
                self._keys[one.key_id] += 1
                self._routes[one.route] += 1
                return one
        return None

    def leave(self, exchange: Exchange) -> None:
        """End one that was under way."""
        for counts, name in ((self._keys, exchange.key_id), (self._routes, exchange.route)):
            counts[name] -= 1
            if not counts[name]:
                del counts[name]

    def clear(self) -> None:
        """Let go of all that wait."""
        self._waiting.clear()
