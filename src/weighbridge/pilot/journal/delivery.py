"""Hand notices over, in order, on a thread of its own: a webhook may take seconds, and folds must not wait for it."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from weighbridge.pilot.journal.protocol import Document, Notice

__all__ = ["Delivery"]

_GRACE_S = 10.0
_RETRY_S, _MOST_RETRY_S = 1.0, 60.0
_CLOSING_S = 10.0
_log = logging.getLogger("weighbridge.pilot.journal")


@dataclass(slots=True)
class _Failing:
    """A document whose next notice could not be delivered."""

    until: float
    pause_s: float


class Delivery:
    """Delivers each notice at least once; `done` are the ids of those that can be taken off their documents.

    Those that were raised here go out at once. Those of other nodes go out only if they are still there after ten
    seconds: the node that raised them has been killed.
    """

    def __init__(self, deliver: Callable[[Notice], None], told: Callable[[], None]) -> None:
        self.done: set[str] = set()
        self._deliver = deliver
        self._told = told
        self._waiting: dict[str, tuple[Notice, ...]] = {}
        self._due: dict[str, float] = {}
        self._failing: dict[str, _Failing] = {}
        self._wake = threading.Event()
        self._stops = False
        self._thread = threading.Thread(target=self._run, name="pilot-notices", daemon=True)

    @property
    def waiting(self) -> int:
        """How many notices wait to be delivered."""
        return sum(len(notices) for notices in self._waiting.values())

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End after the delivery that is under way, which is waited for ten seconds."""
        self._stops = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSING_S)

    def look(self, documents: Iterable[Document], raised: Collection[str]) -> None:
        """Note what is to be delivered now; `raised` are the ids of notices that were raised on this node."""
        now = time.monotonic()
        noted = {document.name: document.notices for document in documents if document.notices}
        ids = {notice.id for notices in noted.values() for notice in notices}
        self.done &= ids
        self._due = {one: now if one in raised else self._due.get(one, now + _GRACE_S) for one in ids}
        waiting = {
            name: left
            for name, notices in noted.items()
            if (left := tuple(notice for notice in notices if notice.id not in self.done))
        }
        self._waiting = waiting
        if waiting:
            self._wake.set()

    def _run(self) -> None:
        """Deliver until the end."""
        while not self._stops:
            self._wake.wait()
            self._wake.clear()
            for name, notices in self._waiting.items():
                self._deliver_all(name, notices)

    def _deliver_all(self, name: str, notices: Iterable[Notice]) -> None:
        """Deliver the notices of one document up to the first that is not due, or cannot be delivered."""
        failing = self._failing.get(name)
        if failing is not None and time.monotonic() < failing.until:
            return
        for notice in notices:
            if notice.id in self.done:
                continue
            if self._stops or time.monotonic() < self._due.get(notice.id, 0.0):
                return
            try:
                self._deliver(notice)
            except Exception as error:  # noqa: BLE001 - whoever is told, the others must be told, too
                pause = min(_MOST_RETRY_S, 2 * failing.pause_s) if failing else _RETRY_S
                self._failing[name] = _Failing(time.monotonic() + pause, pause)
                _log.error("%s could not be told: %s", notice.event, type(error).__name__)
                return
            self._failing.pop(name, None)
            self.done.add(notice.id)
            self._told()
