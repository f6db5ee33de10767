"""Which refusals get a record of their own: nobody fills the disk by being turned away."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.pilot.exchange import Exchange

__all__ = ["Refusals"]

_EACH = 30  # records of their own that a key gets a window
_MOST = 1000  # kinds of refusals that are counted apart


class Refusals:
    """Refusals of one window (a minute): a known key's first 30 are recorded singly, all others are counted.

    An exchange that was led to a model is never counted here, though its caller left before the answer. Not
    thread-safe: the log holds its lock.
    """

    def __init__(self) -> None:
        self._singly: Counter[str] = Counter()
        self._counts: Counter[tuple[str, str, int, str]] = Counter()

    def count(self, exchange: Exchange) -> bool:
        """Count an exchange that no model was asked; False where it is to be recorded singly."""
        key = exchange.key_id
        if exchange.leg:
            return False
        if key and self._singly[key] < _EACH and len(self._singly) < _MOST:
            self._singly[key] += 1
            return False
        kind = (key, exchange.path, exchange.status, exchange.error)
        if kind not in self._counts and len(self._counts) >= _MOST:
            kind = ("", "", exchange.status, "")
        self._counts[kind] += 1
        return True

    def take(self) -> list[dict[str, object]]:
        """Return the counts of the window that ends, the most first, and begin another."""
        counts = [
            {"key": key, "path": path, "status": status, "error": error, "count": count}
            for (key, path, status, error), count in self._counts.most_common()
        ]
        self._singly.clear()
        self._counts.clear()
        return counts
