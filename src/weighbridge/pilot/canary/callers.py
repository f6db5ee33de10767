"""How often a caller was counted today: a sticky caller comes back, and its answers resemble each other."""

from __future__ import annotations

import hashlib

__all__ = ["MOST_A_DAY", "Callers"]

MOST_A_DAY = 5
"""Looked-at exchanges of one caller that count on one UTC day: the first ones."""

_PLACES = 4096
_DAY_S = 86_400


class Callers:
    """Counts by the hash of a caller in a table of fixed size, kept as text.

    Two callers that share a place share its count: some exchanges are then left out, whatever came of them, which costs
    time and no truth. At most 20,480 exchanges a day count.
    """

    def __init__(self, text: str = "", day: int = 0) -> None:
        self.day = day
        self._counts = bytearray(text.encode() if len(text) == _PLACES else b"0" * _PLACES)

    @property
    def text(self) -> str:
        """The table."""
        return self._counts.decode()

    def admit(self, user: str, at: float) -> bool:
        """Whether an exchange of this caller counts; one of nobody always does."""
        if not user:
            return True
        day = int(at // _DAY_S)
        if day > self.day:
            self.day, self._counts = day, bytearray(b"0" * _PLACES)
        place = int.from_bytes(hashlib.blake2b(user.encode(), digest_size=4).digest()) % _PLACES
        if self._counts[place] >= ord("0") + MOST_A_DAY:
            return False
        self._counts[place] += 1
        return True
