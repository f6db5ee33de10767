"""The line of exchanges that wait for a trial: bounded, and no voice and no route takes all places of it.

A voice is a key, or all keys of a tenant or of one maker (`observation.callers.voice_of`).
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.pilot.exchange import Exchange

__all__ = ["MOST_AT_ONCE", "MOST_OF_A_ROUTE", "MOST_OF_A_VOICE", "MOST_WAITING", "Line"]

MOST_AT_ONCE = 8
MOST_OF_A_VOICE = 4
MOST_OF_A_ROUTE = 6
"""Under way: prompts on which a candidate hangs leave places to the prompts of others."""
MOST_WAITING = 64


class Line:
    """First come, first served, but that whoever has its share under way lets others pass; used from one event loop."""

    def __init__(self) -> None:
        self._waiting: deque[Exchange] = deque()
        self._queued: Counter[str] = Counter()
        self._voices: Counter[str] = Counter()
        self._routes: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def has_room(self, exchange: Exchange) -> bool:
        """Say whether an exchange may join: the line is not full, and not half of it this voice's."""
        return len(self._waiting) < MOST_WAITING and self._queued[exchange.voice] < MOST_WAITING // 2

    def join(self, exchange: Exchange) -> None:
        """Take an exchange."""
        self._waiting.append(exchange)
        self._queued[exchange.voice] += 1

    def call(self) -> Exchange | None:
        """Return the first that may begin now, which then is under way; None where none may."""
        for place, one in enumerate(self._waiting):
            if self._voices[one.voice] < MOST_OF_A_VOICE and self._routes[one.route] < MOST_OF_A_ROUTE:
                del self._waiting[place]
                _take_one(self._queued, one.voice)
                self._voices[one.voice] += 1
                self._routes[one.route] += 1
                return one
        return None

    def leave(self, exchange: Exchange) -> None:
        """End one that was under way."""
        _take_one(self._voices, exchange.voice)
        _take_one(self._routes, exchange.route)

    def clear(self) -> None:
        """Let go of all that wait."""
        self._waiting.clear()
        self._queued.clear()


def _take_one(counts: Counter[str], name: str) -> None:
    """Count one less, and forget a name of which there is none."""
    counts[name] -= 1
    if not counts[name]:
        del counts[name]
