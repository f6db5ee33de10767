"""Which exchanges are looked at: a keyed hash decides, before anything of the answer is known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

__all__ = ["CANARY", "RouteSample", "drawn"]

CANARY = "canary"
_MINUTE_S, _TURNS = (
    60.0,
    10,
)  # a minute's observations are spread over so many turns: it is all looked at, not its start
_FORGETS = 1_000  # exchanges over which the canary's share is averaged
_FIRST_SHARE, _GONE_SHARE = 0.1, 1e-4
_RANGE = float(1 << 64)


def drawn(key: bytes, exchange_id: str) -> float:
    """Return a number in [0, 1) that depends on the exchange's id and the key alone."""
    digest = hashlib.blake2b(exchange_id.encode(), key=key, digest_size=8, person=b"observe").digest()
    return int.from_bytes(digest, "big") / _RANGE


@dataclass(slots=True)
class RouteSample:
    """What one route's sampling remembers: how many were looked at lately on each leg, and its canary's share.

    While a canary is served, its exchanges are looked at with a higher chance, so that both legs give about as many
    observations. The chance depends on what came before only.
    """

    canary_share: float = 0.0
    _turn: float = field(default=0.0, repr=False)
    _taken: dict[str, int] = field(default_factory=dict, repr=False)

    def chance(self, leg: str, share: float) -> float:
        """Return the chance with which an exchange of a leg is looked at."""
        if leg != CANARY or not self.canary_share:
            return share
        return max(share, min(1.0, share * (1 - self.canary_share) / self.canary_share))

    def most(self, share: float) -> float:
        """Return the highest chance that any leg has now: bodies are held by it, before the leg is known."""
        return self.chance(CANARY, share)

    def note(self, leg: str) -> None:
        """Take note of the leg that an exchange was led to."""
        is_canary = leg == CANARY
        if not self.canary_share:
            self.canary_share = _FIRST_SHARE if is_canary else 0.0
            return
        self.canary_share += (is_canary - self.canary_share) / _FORGETS
        if self.canary_share < _GONE_SHARE:
            self.canary_share = 0.0

    def has_room(self, leg: str, now: float, most_per_minute: int) -> bool:
        """Count one, and say whether it is within the leg's bound of this turn; `now` is a monotonic time."""
        turns = min(_TURNS, max(1, most_per_minute))
        if now - self._turn >= _MINUTE_S / turns:
            self._turn = now
            self._taken.clear()
        self._taken[leg] = taken = self._taken.get(leg, 0) + 1
        return taken <= most_per_minute // turns
