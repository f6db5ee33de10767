"""What a watch remembers: subscriptions, where each scope began, the last complete look at each repository, rounds."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from weighbridge.errors import NotFound, StoreDamaged, did_you_mean
from weighbridge.formats.place import quote
from weighbridge.watch.database import WATCH_FILE, Database
from weighbridge.watch.log import append_events
from weighbridge.watch.snapshot import Snapshot, entry_from_json, entry_to_json, files_from_json, files_to_json
from weighbridge.watch.subscription import Subscription

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from weighbridge.core.event import ReleaseEvent
    from weighbridge.hub.catalogue.protocol import Entry
    from weighbridge.watch.subscription import Scope, Target

__all__ = ["Began", "Remembered", "WatchState"]

_MOST_BYTES = 64 << 20  # of the files of one repository, unpacked
_MARK = "moving to "  # no name begins so: names that are exchanged must not meet on the way
_ROUND_ENDS = timedelta(days=1)  # a round that something holds up is closed after this


@dataclass(frozen=True, slots=True)
class Began:
    """Where a scope began: when it was last looked at without a gap, and whether its first listing was whole."""

    looked_at: datetime
    was_whole: bool


@dataclass(frozen=True, slots=True)
class Remembered:
    """A repository as it is remembered; `has_files` says whether its files were ever read."""

    entry: Entry
    is_gone: bool
    has_files: bool


class WatchState:
    """The file `watch.sqlite` of a workspace's folder, for who writes it."""

    def __init__(self, folder: Path) -> None:
        self._database = Database(folder / WATCH_FILE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def subscriptions(self) -> tuple[Subscription, ...]:
        """Return what is followed, by name."""
        rows = self._database.rows("SELECT reference, follows FROM subscriptions ORDER BY reference")
        return tuple(Subscription(*row) for row in rows)

    def add(self, subscription: Subscription, now: datetime) -> bool:
        """Follow something; False where it is followed already."""
        with self._database.writing() as connection:
            made = connection.execute(
                "INSERT OR IGNORE INTO subscriptions (reference, follows, added_at) VALUES (?, ?, ?)",
                (subscription.reference, subscription.follows, now.isoformat()),
            )
            return made.rowcount == 1

    def remove(self, reference: str) -> None:
        """Follow something no longer; what happened stays in the log. Raises NotFound."""
        with self._database.writing() as connection:
            gone = connection.execute(
                "DELETE FROM subscriptions WHERE reference = ? COLLATE NOCASE OR follows = ?", (reference, reference)
            )
            if not gone.rowcount:
                names = [row[0] for row in connection.execute("SELECT reference FROM subscriptions")]
                raise NotFound(
                    f"{quote(reference)} is not watched",
                    hint=did_you_mean(reference, names) or "`watch list` says what is",
                )

    def forget(self, scopes: Iterable[str], subjects: Iterable[str]) -> None:
        """Forget where scopes began that nobody follows any more, and their repositories: they may begin anew."""
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM shelves WHERE name = ?", [(name,) for name in scopes])
            connection.executemany("DELETE FROM snapshots WHERE subject = ?", [(name,) for name in subjects])

    def began(self, scopes: Iterable[Scope]) -> dict[str, Began]:
        """Return where scopes began, by name; one that was never looked at is absent."""
        rows = self._database.rows("SELECT name, looked_at, began_whole FROM shelves")
        wanted = {scope.name for scope in scopes}
        return {name: Began(datetime.fromisoformat(at), bool(whole)) for name, at, whole in rows if name in wanted}

    def remembered(self, target: Target) -> dict[str, Remembered]:
        """Return the repositories of a publisher as they are remembered, by name."""
        prefix = f"{target.hub}:{target.publisher}/"
        rows = self._database.rows(
            "SELECT entry, is_gone, files IS NOT NULL FROM snapshots"
            " WHERE subject >= ? AND subject < ? ORDER BY subject",
            (prefix, prefix[:-1] + "0"),  # `0` follows the slash
        )
        found = (Remembered(self._entry(row[0]), bool(row[1]), bool(row[2])) for row in rows)
        return {one.entry.repository: one for one in found}

    def by_hub_id(self, hub: str, hub_id: str) -> Entry | None:
        """Return the repository that had this id of a hub's own, or None; ids are of one hub each."""
        rows = self._database.rows(
            "SELECT entry FROM snapshots WHERE hub_id = ? AND subject LIKE ? ORDER BY is_gone, subject LIMIT 1",
            (hub_id, f"{hub}:%"),
        )
        return self._entry(rows[0][0]) if rows and hub_id else None

    def entry(self, subject: str) -> Entry | None:
        """Return a repository as it was last listed, or None."""
        rows = self._database.rows("SELECT entry FROM snapshots WHERE subject = ? AND NOT is_gone", (subject,))
        return self._entry(rows[0][0]) if rows else None

    def snapshot(self, entry: Entry) -> Snapshot:
        """Return all that is remembered of a repository."""
        rows = self._database.rows("SELECT files FROM snapshots WHERE subject = ?", (entry.subject,))
        if not rows or rows[0][0] is None:
            return Snapshot(entry)
        try:
            unpacked = zlib.decompressobj().decompress(rows[0][0], _MOST_BYTES)
            revision, texts = files_from_json(json.loads(unpacked))
        except (zlib.error, ValueError, KeyError, TypeError) as error:
            raise self._damaged(entry.subject) from error
        return Snapshot(entry, revision, texts)

    def round(self, now: datetime) -> int:
        """Return the number of the round: that of the last one, where something held it up."""
        with self._database.writing() as connection:
            row = connection.execute(
                "SELECT number, began_at, ended_at FROM rounds ORDER BY number DESC LIMIT 1"
            ).fetchone()
            if row and row[2] is None and abs(now - datetime.fromisoformat(row[1])) < _ROUND_ENDS:
                return int(row[0])
            number = int(row[0]) + 1 if row else 1
            connection.execute("INSERT INTO rounds (number, began_at) VALUES (?, ?)", (number, now.isoformat()))
            return number

    def end_round(self, number: int, now: datetime) -> None:
        """Close a round that missed nothing."""
        with self._database.writing() as connection:
            connection.execute("UPDATE rounds SET ended_at = ? WHERE number = ?", (now.isoformat(), number))

    def keep(
        self, round_number: int, snapshot: Snapshot, events: Sequence[ReleaseEvent], *, instead_of: str = ""
    ) -> None:
        """Keep a look and what it showed, both or neither; `instead_of` is the name that a renamed one had."""
        self.keep_all(round_number, [(snapshot, events, instead_of)])

    def keep_all(self, round_number: int, looks: Iterable[tuple[Snapshot, Sequence[ReleaseEvent], str]]) -> None:
        """Keep several looks at once, each as `keep` does: names that were exchanged do not overwrite each other."""
        looks = list(looks)
        moves = [(snapshot.subject, old) for snapshot, _, old in looks if old]
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM snapshots WHERE subject = ?", [(old,) for _, old in moves])
            for table, column in (("subscriptions", "follows"), ("shelves", "name")):
                marked = [(f"{_MARK}{new}", old) for new, old in moves]
                connection.executemany(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {column} = ?", marked)  # noqa: S608 - both names are ours
                plain = [(new, f"{_MARK}{new}") for new, _ in moves]
                connection.executemany(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {column} = ?", plain)  # noqa: S608 - both names are ours
            for snapshot, events, _ in looks:
                _put(connection, snapshot)
                append_events(connection, round_number, events)

    def keep_gone(self, round_number: int, entry: Entry, events: Sequence[ReleaseEvent]) -> None:
        """Keep that a repository is gone, and the event that says so."""
        with self._database.writing() as connection:
            connection.execute("UPDATE snapshots SET is_gone = 1 WHERE subject = ?", (entry.subject,))
            append_events(connection, round_number, events)

    def begin(
        self,
        round_number: int,
        scopes: dict[str, bool],
        entries: Iterable[Entry],
        events: Sequence[ReleaseEvent],
        now: datetime,
    ) -> None:
        """Keep the first look at scopes (name -> was the listing whole), all of it at once: a half of one would lie."""
        with self._database.writing() as connection:
            for entry in entries:
                _put(connection, Snapshot(entry))
            append_events(connection, round_number, events)
            connection.executemany(
                "INSERT OR REPLACE INTO shelves (name, looked_at, began_whole) VALUES (?, ?, ?)",
                [(name, now.isoformat(), int(whole)) for name, whole in scopes.items()],
            )

    def looked(self, target: Target, now: datetime) -> None:
        """Note that a target was looked at and nothing was missed."""
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE shelves SET looked_at = ? WHERE name = ?", [(now.isoformat(), s.name) for s in target.scopes]
            )

    def _entry(self, text: str) -> Entry:
        try:
            return entry_from_json(json.loads(text))
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(text[:60]) from error

    def _damaged(self, what: str) -> StoreDamaged:
        return StoreDamaged(
            f"`{self._database.path}` is damaged: {quote(what)} cannot be read", hint="restore it from a copy"
        )


def _put(connection: sqlite3.Connection, snapshot: Snapshot) -> None:
    """Write one repository; files that were not read this time stay as they were known for the same commit."""
    entry = snapshot.entry
    body: dict[str, Any] = entry_to_json(entry)
    packed = None
    if snapshot.revision is not None:
        text = json.dumps(files_to_json(snapshot.revision, snapshot.texts), ensure_ascii=True)
        packed = zlib.compress(text.encode(), 6)
    connection.execute(
        "INSERT OR REPLACE INTO snapshots (subject, hub_id, is_gone, entry, files) VALUES (?, ?, 0, ?, ?)",
        (entry.subject, entry.id, json.dumps(body, ensure_ascii=True), packed),
    )
