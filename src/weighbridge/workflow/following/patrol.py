"""The patrol: rounds on schedule in a thread of their own, and sooner where somebody says "look now"."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.errors import WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["Patrol"]

_LEAST_PAUSE_S = 10.0  # between looks out of turn: who knocks often is not answered oftener
_MOST_WANTED = 200


@dataclass(slots=True)
class Patrol:
    """Calls `look` with all of what is followed (an empty set) every `every_s` seconds, or with what was asked for.

    A look that fails is noted and tried again at the next turn; nothing of it reaches the pages but the note.
    """

    look: Callable[[Collection[str]], None]
    every_s: float
    looked_at: datetime | None = None
    failure: str = ""
    _wanted: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _woken: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin with a whole round at once."""
        self._thread = threading.Thread(target=self._go, name="watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ask the patrol to stop after the look it is at, and do not wait for long."""
        self._ended.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def want(self, publisher: str) -> bool:
        """Ask for a look at a publisher (`hf:Qwen`) out of turn; False where too many are waiting."""
        with self._lock:
            if len(self._wanted) >= _MOST_WANTED:
                return False
            self._wanted.add(publisher)
        self._woken.set()
        return True

    def health(self) -> dict[str, Any]:
        """Return how it stands: `ok` unless the last look failed, or is older than two turns."""
        now = datetime.now(UTC)
        is_late = self.looked_at is not None and (now - self.looked_at).total_seconds() > 2 * self.every_s + 60
        looked = self.looked_at.isoformat() if self.looked_at else None
        return {"ok": not self.failure and not is_late, "looked_at": looked, "failure": self.failure or None}

    def _go(self) -> None:
        due, self_paced = time.monotonic(), 0.0
        while not self._ended.is_set():
            now = time.monotonic()
            if now >= due:
                self._once(frozenset())
                due = time.monotonic() + self.every_s
            elif self._wanted and now >= self_paced:
                with self._lock:
                    wanted, self._wanted = frozenset(self._wanted), set()
                self._once(wanted)
                self_paced = time.monotonic() + _LEAST_PAUSE_S
            rest = (min(due, self_paced) if self._wanted else due) - time.monotonic()
            if self._woken.wait(timeout=max(0.05, rest)):
                self._woken.clear()

    def _once(self, publishers: frozenset[str]) -> None:
        try:
            self.look(publishers)
        except WeighbridgeError as error:
            self.failure = error.message
        except Exception as error:  # noqa: BLE001 - a thread that dies would look like a world without news
            self.failure = f"Weighbridge failed: {type(error).__name__}"
        else:
            self.failure, self.looked_at = "", datetime.now(UTC)
