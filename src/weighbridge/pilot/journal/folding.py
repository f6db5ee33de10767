"""Fold what is new in the journal into documents, and keep up with what other nodes have folded."""

from __future__ import annotations

import logging
import random
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from weighbridge.errors import StoreDamaged, WeighbridgeError
from weighbridge.pilot.journal.protocol import Document, Notice
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from weighbridge.pilot.journal.protocol import Entry, Fold, Journal

__all__ = ["Folding"]

_PAGE = 500
_PAGES = 20
_MOST_NOTICES = 200
_REST = 1000.0
_MOST_REST_S = 5.0
_YIELD_S = (1.0, 3.0)
_PAUSE_S, _MOST_PAUSE_S = 60.0, 3600.0
_NEWEST = sys.maxsize
_FAILED = "monitor.failed"
_log = logging.getLogger("weighbridge.pilot.journal")


@dataclass(slots=True)
class _Work:
    """What is known of one fold: whether entries may wait for it, until when it rests, whether it was at the end."""

    route: str
    waits: bool = True
    rests_until: float = 0.0
    is_behind: bool = True
    has_failed: bool = False
    pause_s: float = 0.0

    def put_aside(self) -> None:
        """Let the fold try again after a minute, and after twice as long each time it fails, at most an hour."""
        self.has_failed = self.waits = self.is_behind = True
        self.pause_s = min(_MOST_PAUSE_S, 2 * self.pause_s or _PAUSE_S)
        self.rests_until = time.monotonic() + self.pause_s


class Folding:
    """The folds of one node; called from one thread, `documents` is read by any.

    A fold rests a thousand times as long as its document took to be written, at most five seconds: large ones are not
    written again for every entry. Where another node was faster it rests some seconds: one of them does the work.
    """

    def __init__(self, journal: Journal, folds: Callable[[], Sequence[Fold]]) -> None:
        self.documents: Mapping[str, Document] = {}
        self.raised: set[str] = set()
        self._journal = journal
        self._folds = folds
        self._works: dict[str, _Work] = {}
        self._version = 0
        self._newest = -1
        self._pages: dict[tuple[str, int], list[Entry]] = {}

    @property
    def newest(self) -> int:
        """The number of the newest entry when it was last asked for."""
        return self._newest

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the folds that are put aside."""
        return tuple(name for name, work in tuple(self._works.items()) if work.has_failed)

    @property
    def is_behind(self) -> bool:
        """Whether a fold has not reached the end of the journal yet; those that are put aside have not."""
        return any(work.is_behind for work in self._works.values())

    def has_failed(self, name: str) -> bool:
        """Whether a fold is put aside, and has not got over what it failed at."""
        work = self._works.get(name)
        return work is not None and work.has_failed

    def hurry(self, route: str) -> None:
        """Let the folds of a route rest no longer."""
        for work in tuple(self._works.values()):
            if work.route == route:
                work.rests_until = 0.0

    def refresh(self) -> None:
        """Read what others have changed, and begin the documents of new folds: at the end of the journal as it is."""
        self._read()
        if self._newest < 0:
            self._newest, _ = self._journal.news(_NEWEST)  # for every fold something may wait: nobody need look where
        folds = {fold.name: fold for fold in self._folds()}
        self._works = {name: self._works.get(name) or _Work(fold.route) for name, fold in folds.items()}
        now = time.monotonic()
        missing = [
            fold for name, fold in folds.items() if name not in self.documents and now >= self._works[name].rests_until
        ]
        if missing:
            newest, _ = self._journal.news(_NEWEST)
            begun = {fold.name: self._begun(fold) for fold in missing}
            self._put({name: Document(name, body, newest) for name, body in begun.items() if body is not None})
            self._read()

    def retire(self, before: float) -> None:
        """Drop documents that no fold here wants and nobody changed since a time, and see what others have dropped."""
        gone = self._journal.retire(before, self._works.keys())
        if gone:
            _log.info("%d documents that no route asks for any more were dropped", len(gone))
        self._version, documents = self._journal.documents()
        self.documents = {document.name: document for document in documents}

    def work(self, delivered: Iterable[str] = ()) -> None:
        """Take what is new into every document that it is for, and take off the notices that were delivered."""
        try:
            self._work(frozenset(delivered))
        except BaseException:
            for work in self._works.values():  # what was taken may not have been put
                work.waits = True
            raise

    def _work(self, delivered: frozenset[str]) -> None:
        """Do what `work` says."""
        folds = [fold for fold in self._folds() if fold.name in self.documents and fold.name in self._works]
        self._newest, routes = self._journal.news(self._newest)
        for fold in folds:
            self._works[fold.name].waits |= fold.route in routes
        now = time.monotonic()
        self._pages.clear()
        advanced = {fold.name: self._advanced(fold) for fold in folds if self._is_ready(fold.name, now)}
        changed = {name: document for name, document in advanced.items() if document is not self.documents[name]}
        self._take_off(delivered, changed)
        begun = time.thread_time()
        self._put(changed)
        rest = min(_MOST_REST_S, _REST * (time.thread_time() - begun) / max(1, len(changed)))
        for name in changed.keys() & advanced.keys():
            work = self._works[name]
            work.rests_until = max(work.rests_until, 0.0 if work.is_behind else now + rest)
        self.raised &= {notice.id for document in self.documents.values() for notice in document.notices}

    def _is_ready(self, name: str, now: float) -> bool:
        """Whether a fold has something to do, and may."""
        work = self._works[name]
        return work.waits and now >= work.rests_until

    def _take_off(self, gone: frozenset[str], changed: dict[str, Document]) -> None:
        """Take notices off all documents that bear them."""
        for name, document in {**self.documents, **changed}.items():
            left = tuple(notice for notice in document.notices if notice.id not in gone)
            if len(left) < len(document.notices):
                changed[name] = replace(document, notices=left)

    def _read(self) -> None:
        """Read the documents that were changed since the last time."""
        version, changed = self._journal.documents(self._version)
        if version < self._version:  # the database was put back from a copy
            version, changed = self._journal.documents()
            self.documents, self._newest, self._works = {}, -1, {}
        if changed:
            self.documents = {**self.documents, **{document.name: document for document in changed}}
        self._version = version

    def _begun(self, fold: Fold) -> Mapping[str, Any] | None:
        """Return the first body of a fold, None where it fails and is put aside."""
        try:
            return fold.begin()
        except Exception:  # noqa: BLE001 - as below
            _log.exception("%s failed at its beginning and is put aside", fold.name)
            self._works[fold.name].put_aside()
            return None

    def _advanced(self, fold: Fold) -> Document:
        """Return a fold's document after what is new."""
        before, work = self.documents[fold.name], self._works[fold.name]
        body, taken, notices = before.body, before.taken, list(before.notices)
        for _ in range(_PAGES):
            page = self._page(fold.route, taken)
            work.waits = work.is_behind = len(page) == _PAGE
            if page:
                try:
                    body, raised = fold.take(_whole(body), page)
                except Exception as error:  # noqa: BLE001 - one fold must not stop the others
                    return self._put_aside(fold, before, page[0], error)
                taken = page[-1].number
                notices += raised
                self.raised.update(notice.id for notice in raised)
                time.sleep(0)  # the event loop gets its turn
            if not work.waits:
                break
        if taken == before.taken:
            return before
        if len(notices) > _MOST_NOTICES:
            _log.error("%s: %d notices could not be delivered in time", fold.name, len(notices) - _MOST_NOTICES)
        return replace(before, body=body, taken=taken, notices=tuple(notices[-_MOST_NOTICES:]))

    def _page(self, route: str, after: int) -> list[Entry]:
        """Return the next entries of a route; folds of one route mostly stand at the same place."""
        page = self._pages.get((route, after))
        if page is None:
            page = self._pages[route, after] = self._journal.entries(route, after, _PAGE)
        return page

    def _put_aside(self, fold: Fold, document: Document, at: Entry, error: Exception) -> Document:
        """Run a fold no more for a while, and return its document with a notice that says so."""
        work = self._works[fold.name]
        has_been_told = work.has_failed
        work.put_aside()
        _log.error("%s failed and is put aside for %d s", fold.name, work.pause_s, exc_info=error)
        if has_been_told:
            return document
        facts = {"monitor": fold.name, "entry": at.number, "error": _message(error)}
        notice_id, why = f"{fold.name}:{document.taken}:{_FAILED}", told(_FAILED, facts)
        notice = Notice(notice_id, at.at, fold.route, _FAILED, "warning", why, facts=facts)
        self.raised.add(notice.id)
        known = {one.id for one in document.notices}
        return document if notice.id in known else replace(document, notices=(*document.notices, notice))

    def _put(self, documents: Mapping[str, Document]) -> None:
        """Put documents; a fold whose body cannot be written is put aside, one that was slower rests."""
        if not documents:
            return
        try:
            versions = dict(zip(documents, self._journal.put_all(tuple(documents.values())), strict=True))
        except (TypeError, ValueError, RecursionError):
            versions = {name: self._put_one(document) for name, document in documents.items()}
        kept = {name: replace(documents[name], version=version) for name, version in versions.items() if version}
        for name in kept:
            if name not in self.documents or documents[name].taken > self.documents[name].taken:
                self._get_over(name)
        self.documents = {**self.documents, **kept}
        if self._version + 1 in versions.values():  # nobody else has put any: ours need not be read again
            self._version += 1
        for name in documents.keys() - kept.keys():
            if work := self._works.get(name):
                work.waits = True
                pause = random.uniform(*_YIELD_S)  # noqa: S311 - no secret
                work.rests_until = max(work.rests_until, time.monotonic() + pause)
            if name in self.documents and self._journal.document(name) is None:  # somebody dropped it
                self.documents = {other: document for other, document in self.documents.items() if other != name}

    def _get_over(self, name: str) -> None:
        """Note that a fold has got on."""
        work = self._works.get(name)
        if work is not None and work.has_failed:
            work.has_failed, work.pause_s = False, 0.0
            _log.info("%s is not put aside any more", name)

    def _put_one(self, document: Document) -> int:
        """Put a document by itself, and put its fold aside where it is no JSON."""
        try:
            return self._journal.put_all((document,))[0]
        except (TypeError, ValueError, RecursionError):
            _log.exception("%s cannot be written, and is put aside", document.name)
            if work := self._works.get(document.name):
                work.put_aside()
            return 0


def _whole(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a body that can be read; raises StoreDamaged for one that cannot."""
    if not body:
        raise StoreDamaged("its document is damaged; once its row is deleted it begins anew")
    return body


def _message(error: Exception) -> str:
    """Return what can be told of an error: words of ours only."""
    return error.message if isinstance(error, WeighbridgeError) else type(error).__name__
