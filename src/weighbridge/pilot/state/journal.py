"""The journal of a pilot in SQL: entries in one order, and the documents that are folded from them."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, fields
from itertools import islice
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.journal.protocol import Document, Entry, Notice
from weighbridge.pilot.state.session import Sessions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from weighbridge.pilot.journal.protocol import EntryKind
    from weighbridge.pilot.state.session import Session

__all__ = ["SQLJournal"]

_ROWS = 100  # in one INSERT
_FORGET = "DELETE FROM entries WHERE n IN (SELECT n FROM entries WHERE {0} < ? ORDER BY {0} LIMIT ?) RETURNING n"
_NOTICE = frozenset(field.name for field in fields(Notice))
_UNREADABLE = (ValueError, TypeError, AttributeError, RecursionError)
_DOCUMENTS = "SELECT name, body, taken, version, notices FROM documents"
_log = logging.getLogger("weighbridge.pilot.state")


class SQLJournal(Sessions):
    """What `Journal` asks, over the sessions of a database.

    Entries and documents are numbered by a row each that stays locked to the end of the transaction: numbers come in
    the order of commits, so that whoever has read up to one never misses a smaller one that comes later.
    """

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries; their numbers grow in the order in which they can be read."""
        texts = [(one.at, one.route, one.kind, _json(dict(one.facts))) for one in entries]
        if not texts:
            return
        with self._writing() as ask:
            ((last,),) = ask("UPDATE counters SET n = n + ? WHERE name = 'entry' RETURNING n", (len(texts),))
            rows = iter([(number, *text) for number, text in enumerate(texts, last - len(texts) + 1)])
            while batch := list(islice(rows, _ROWS)):
                places = ", ".join(["(?, ?, ?, ?, ?)"] * len(batch))
                ask(
                    f"INSERT INTO entries (n, at, route, kind, facts) VALUES {places}",  # noqa: S608 - question marks
                    [value for row in batch for value in row],
                )

    def entries(self, route: str, after: int, most: int) -> list[Entry]:
        """Return the next entries of a route, by number; entries that were forgotten are passed over.

        A row that cannot be read is an entry of kind `unreadable` without facts.
        """
        with self._reading() as ask:
            rows = ask(
                "SELECT at, kind, facts, n FROM entries WHERE route = ? AND n > ? ORDER BY n LIMIT ?",
                (route, after, most),
            )
        return [_entry(route, *row) for row in rows]

    def news(self, after: int) -> tuple[int, tuple[str, ...]]:
        """Return the number of the newest entry ever written, and the routes that have entries after `after`."""
        with self._reading() as ask:
            ((newest,),) = ask("SELECT n FROM counters WHERE name = 'entry'")
            rows = ask("SELECT DISTINCT route FROM entries WHERE n > ?", (after,)) if newest > after else []
        return newest, tuple(route for (route,) in rows)

    def document(self, name: str) -> Document | None:
        """Return a document."""
        with self._reading() as ask:
            rows = ask(f"{_DOCUMENTS} WHERE name = ?", (name,))
        return next(iter(_documents(rows)), None)

    def documents(self, since: int = 0) -> tuple[int, tuple[Document, ...]]:
        """Return the newest version, and the documents changed after version `since`, from one moment."""
        with self._reading() as ask:
            ((newest,),) = ask("SELECT n FROM counters WHERE name = 'document'")
            rows = ask(f"{_DOCUMENTS} WHERE version > ? ORDER BY version, name", (since,)) if newest > since else []
        return newest, _documents(rows)

    def put(self, document: Document) -> bool:
        """Keep a document if `document.version` is still that of the one kept (0: there is none)."""
        return self.put_all((document,)) != (0,)

    def put_all(self, documents: Sequence[Document]) -> tuple[int, ...]:
        """Put each as `put` does, in one transaction; the version that each has now, 0 where it was not kept."""
        texts = [
            (_json(dict(one.body)), one.taken, _json([asdict(notice) for notice in one.notices])) for one in documents
        ]
        if not texts:
            return ()
        with self._writing() as ask:
            ((version,),) = ask("UPDATE counters SET n = n + 1 WHERE name = 'document' RETURNING n")
            now = time.time()
            return tuple(_put(ask, one, text, (version, now)) for one, text in zip(documents, texts, strict=True))

    def forget(self, before: float, most: int, below: int = 0) -> int:
        """Drop up to `most` entries that were seen before a time or have a number below one, and return how many."""
        with self._writing() as ask:
            old = len(ask(_FORGET.format("at"), (before, most)))
            return old + len(ask(_FORGET.format("n"), (below, most - old)))

    def retire(self, before: float, wanted: Collection[str]) -> tuple[str, ...]:
        """Drop documents that were not changed since a time, bear no notice and are not wanted; return their names."""
        with self._writing() as ask:
            rows = ask("SELECT name FROM documents WHERE changed_at < ? AND notices = '[]' ORDER BY name", (before,))
            gone = tuple(name for (name,) in rows if name not in wanted)
            for name in gone:
                ask("DELETE FROM documents WHERE name = ? AND changed_at < ?", (name, before))
        return gone


def _put(ask: Session, document: Document, text: tuple[str, int, str], now: tuple[int, float]) -> int:
    """Write one document over the one that it comes from; `now` is the version, and the time."""
    if document.version:
        query = "UPDATE documents SET body = ?, taken = ?, notices = ?, version = ?, changed_at = ?"
        rows = ask(
            f"{query} WHERE name = ? AND version = ? RETURNING 1", (*text, *now, document.name, document.version)
        )
    else:
        query = "INSERT INTO documents (body, taken, notices, version, changed_at, name) VALUES (?, ?, ?, ?, ?, ?)"
        rows = ask(f"{query} ON CONFLICT (name) DO NOTHING RETURNING 1", (*text, *now, document.name))
    return now[0] if rows else 0


def _entry(route: str, at: float, kind: EntryKind, facts: str, number: int) -> Entry:
    """Read an entry; one that no Weighbridge wrote keeps its place, for those after it count."""
    try:
        return Entry(at, route, kind, _object(facts), number)
    except _UNREADABLE:
        return Entry(at, route, "unreadable", {}, number)


def _documents(rows: Iterable[Sequence[Any]]) -> tuple[Document, ...]:
    """Read documents; one that cannot be read has an empty body and no notices."""
    found = []
    for name, body, taken, version, notices in rows:
        try:
            document = Document(name, _object(body), taken, version, tuple(map(_notice, json.loads(notices))))
        except _UNREADABLE:
            _log.error("the document %s of the pilot's journal cannot be read", name)
            document = Document(name, {}, taken, version)
        found.append(document)
    return tuple(found)


def _notice(value: dict[str, Any]) -> Notice:
    """Return a notice; what a newer Weighbridge says beyond it is passed over."""
    return Notice(**{name: one for name, one in value.items() if name in _NOTICE})


def _object(text: str) -> dict[str, Any]:
    """Return a JSON object; raises ValueError where it is something else."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - callers catch one error
    return value


def _json(value: object) -> str:
    """Return JSON; raises ValueError or TypeError for what is none."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
