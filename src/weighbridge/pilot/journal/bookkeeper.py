"""The bookkeeper: the thread between what a node sees and the journal that all nodes share."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.journal.delivery import Delivery
from weighbridge.pilot.journal.folding import Folding
from weighbridge.pilot.journal.protocol import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from weighbridge.pilot.journal.protocol import Document, Fold, Journal, Notice

__all__ = ["Bookkeeper"]

_ROUND_S = 0.5
_BATCH = 500
_MOST_WAITING = 10_000
_CLOSING_S = 10.0
_RETENTION_S = 30 * 86_400.0
_MOST_KEPT = 1_000_000  # entries: some 700 MB
_FORGET_S = 60.0
_UNWANTED_S = 90 * 86_400.0
_RETIRE_S = 3600.0
_log = logging.getLogger("weighbridge.pilot.journal")


class Bookkeeper:
    """Writes entries, folds them, follows the documents of other nodes, and hands notices over.

    Twice a second, in one thread; `put` and `document` touch memory only. Where the database is gone entries wait, up
    to 10,000, and those beyond are `dropped`. Entries older than 30 days, or beyond the newest million, are forgotten
    once all folds took them; those beyond twice that also where a fold is behind or put aside. Documents that no fold
    wants, those of settings that were changed, are dropped 90 days after their last change.
    """

    def __init__(
        self,
        journal: Journal,
        folds: Callable[[], Sequence[Fold]],
        deliver: Callable[[Notice], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.dropped = 0
        self.trouble = ""
        self._journal = journal
        self._clock = clock
        self._waiting: deque[Entry] = deque()
        self._counting = threading.Lock()
        self._working = threading.Lock()
        self._wake = threading.Event()
        self._folding = Folding(journal, folds)
        self._delivery = Delivery(deliver, self._wake.set)
        self._unsure: Sequence[Entry] = ()
        self._forget_at = 0.0
        self._retire_at = time.monotonic() + _RETIRE_S
        self._whole_at = time.monotonic()
        self._stops = False
        self._thread = threading.Thread(target=self._run, name="pilot-journal", daemon=True)

    @property
    def waiting(self) -> int:
        """How many entries are not written yet."""
        return len(self._waiting) + len(self._unsure)

    @property
    def undelivered(self) -> int:
        """How many notices nobody was told of yet."""
        return self._delivery.waiting

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of folds that are put aside."""
        return self._folding.failed

    @property
    def stale_s(self) -> float:
        """How long ago the journal was last read and written: what documents say may be that old."""
        return time.monotonic() - self._whole_at

    def put(self, entry: Entry) -> None:
        """Take an entry to be written within half a second; from any thread, never waits, drops when full."""
        waiting = self._waiting
        if len(waiting) >= _MOST_WAITING:
            with self._counting:
                self.dropped += 1
            return
        waiting.append(entry)
        if len(waiting) == _BATCH:
            self._wake.set()

    def order(self, route: str, facts: Mapping[str, Any]) -> None:
        """Write an operator's order, and have it obeyed soon; waits for the database, raises WeighbridgeError.

        Then the order waits before all entries, for as long as this process runs, and is written once that can be.
        """
        order = Entry(self._clock(), route, "order", facts)
        try:
            self._journal.append([order])
        except WeighbridgeError:
            self._waiting.appendleft(order)
            raise
        self._folding.hurry(route)
        self._wake.set()

    def document(self, name: str) -> Document | None:
        """Return a document as it is known here, from memory; None for one that is damaged or put aside."""
        document = self._folding.documents.get(name)
        return None if document is None or not document.body or self._folding.has_failed(name) else document

    def documents(self) -> Collection[Document]:
        """Return all documents as they are known here, from memory: those of other rooms and of other nodes, too."""
        return self._folding.documents.values()

    def start(self) -> None:
        """Read the documents, if the database is there, and begin."""
        self._try_round()
        self._thread.start()
        self._delivery.start()

    def close(self) -> None:
        """Write what waits, and end; waits at most ten seconds for each thread."""
        self._stops = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSING_S)
        self._delivery.close()

    def work(self) -> None:
        """Do one round in this thread: for tests, and for whoever has no thread running. Raises as the journal does."""
        with self._working:
            self._folding.refresh()
            self._write()
            self._folding.work(tuple(self._delivery.done))
            self._delivery.look(self._folding.documents.values(), self._folding.raised)
            self._forget()
            self._retire()
        self._whole_at = time.monotonic()

    def _run(self) -> None:
        """Work until the end; what waits then is written."""
        while not self._stops:
            self._wake.wait(_ROUND_S)
            self._wake.clear()
            self._try_round()
        self._try_round()
        if self.waiting:
            _log.error("%d entries could not be written", self.waiting)

    def _try_round(self) -> None:
        """Do one round; what goes wrong is said once, and does not end it."""
        try:
            self.work()
        except Exception as error:  # noqa: BLE001 - a thread that ends would see nothing any more
            trouble = error.message if isinstance(error, WeighbridgeError) else type(error).__name__
            if trouble != self.trouble:
                _log.error("the journal cannot be kept: %s", trouble, exc_info=not isinstance(error, WeighbridgeError))
            self.trouble = trouble
        else:
            if self.trouble:
                _log.info("the journal is kept again")
            self.trouble = ""

    def _write(self) -> None:
        """Write all that waits; a batch whose end was not heard of is looked for before it is written again."""
        if self._unsure:
            if not self._was_written(self._unsure[0]):
                self._append(self._unsure)
            self._unsure = ()
        while self._waiting:
            batch: list[Entry] = []
            self._unsure = batch
            while self._waiting and len(batch) < _BATCH:
                batch.append(self._waiting.popleft())
            self._append(batch)
            self._unsure = ()

    def _append(self, batch: Sequence[Entry]) -> None:
        """Append a batch, without what is no JSON."""
        try:
            self._journal.append(batch)
        except (TypeError, ValueError, RecursionError):
            self._unsure = [entry for entry in batch if _is_json(entry)]
            with self._counting:
                self.dropped += len(batch) - len(self._unsure)
            _log.exception("%d entries cannot be written", len(batch) - len(self._unsure))
            self._journal.append(self._unsure)

    def _was_written(self, entry: Entry) -> bool:
        """Whether an entry is in the journal: a connection may break between the end of a transaction and its news."""
        after = self._folding.newest
        while page := self._journal.entries(entry.route, after, _BATCH):
            if any(replace(one, number=0) == entry for one in page):
                return True
            after = page[-1].number
        return False

    def _forget(self) -> None:
        """Forget a few old entries, now and then."""
        now = time.monotonic()
        if now < self._forget_at:
            return
        old, below = self._clock() - _RETENTION_S, self._folding.newest - _MOST_KEPT
        if self._folding.is_behind:
            old, below = old - _RETENTION_S, below - _MOST_KEPT
        if self._journal.forget(old, _BATCH, below) < _BATCH:
            self._forget_at = now + _FORGET_S

    def _retire(self) -> None:
        """Drop documents that nobody wants, now and then."""
        now = time.monotonic()
        if now >= self._retire_at:
            self._retire_at = now + _RETIRE_S
            self._folding.retire(self._clock() - _UNWANTED_S)


def _is_json(entry: Entry) -> bool:
    """Whether the facts of an entry can be written."""
    try:
        json.dumps(dict(entry.facts), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
