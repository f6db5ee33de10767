"""The outbox of alarms: a file of the workspace, so that no notice is lost where the process ends before it is sent.

Notices of one severity, route and event form a group: its kin. A group is told of at most once an hour; what comes in
between waits and is counted in the next message. A message holds the same notices at every attempt. Alarms go first,
and wait for no warning.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.errors import UsageError, WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["HOUR_S", "OUTBOX_FILE", "Batch", "Outbox"]

OUTBOX_FILE = "alarms-outbox.sqlite"
HOUR_S = 3600.0
_FIRST_S, _LONGEST_S = 5.0, 900.0
_GIVEN_UP_S = 3 * 86_400.0
_KEPT_S = 90 * 86_400.0
_MOST = 1000
_TABLES = (
    """CREATE TABLE IF NOT EXISTS notice (id TEXT PRIMARY KEY, at REAL NOT NULL, kin TEXT NOT NULL, told TEXT,
    is_recorded INTEGER NOT NULL DEFAULT 0, batch INTEGER) STRICT""",
    """CREATE TABLE IF NOT EXISTS batch (id INTEGER PRIMARY KEY, kin TEXT NOT NULL, made_at REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL, ended_at REAL) STRICT""",
    "CREATE INDEX IF NOT EXISTS waiting ON notice (kin) WHERE batch IS NULL AND told IS NOT NULL",
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one message tells: its notices in their order, and how often it was tried."""

    id: int
    told: tuple[dict[str, Any], ...]
    tries: int


class Outbox:
    """Notices by id; safe to use from several threads of one process. Raises WeighbridgeError where the disk fails."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / OUTBOX_FILE
        self._lock = threading.Lock()
        with self._translated():
            folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))  # webhooks' texts are the gateway's alone
            self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=10, check_same_thread=False)
            self._connection.execute("PRAGMA trusted_schema = OFF")
            for table in _TABLES:
                self._connection.execute(table)
            schema = set(
                self._connection.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
            )
        if schema != {("table", "notice"), ("table", "batch"), ("index", "waiting")}:
            self._connection.close()
            raise UsageError(f"`{self._path}` is not the file of an outbox", hint="give another workspace")

    def put(self, notice: str, at: float, kin: str, told: Mapping[str, Any] | None) -> bool:
        """Keep a notice, once, and return whether it was recorded; `told` is what a message says of it, or None.

        What was told 90 days before is forgotten.
        """
        text = None if told is None else json.dumps(dict(told), allow_nan=False)
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO notice (id, at, kin, told) VALUES (?, ?, ?, ?)", (notice, at, kin, text)
            )
            _forget(connection, at - _KEPT_S)
            (is_recorded,) = connection.execute("SELECT is_recorded FROM notice WHERE id = ?", (notice,)).fetchone()
        return bool(is_recorded)

    def recorded(self, notice: str) -> None:
        """Note that the audit log has a notice."""
        with self._transaction() as connection:
            connection.execute("UPDATE notice SET is_recorded = 1 WHERE id = ?", (notice,))

    def next(self, now: float) -> Batch | None:
        """Return what is to be sent now: a message that was tried before, or what a group has waited an hour with."""
        with self._transaction() as connection:
            _gather(connection, now)
            found = connection.execute(
                "SELECT id, tries FROM batch WHERE ended_at IS NULL AND next_at NOT BETWEEN :now + 0.001"
                " AND :now + :longest ORDER BY kin NOT LIKE 'alarm %', next_at LIMIT 1",
                {"now": now, "longest": _LONGEST_S},
            ).fetchone()
            if found is None:
                return None
            rows = connection.execute("SELECT told FROM notice WHERE batch = ? ORDER BY at, id", (found[0],)).fetchall()
        return Batch(found[0], tuple(json.loads(row[0]) for row in rows), found[1])

    def taken(self, batch: Batch, now: float) -> None:
        """Note that the receiver has a message."""
        with self._transaction() as connection:
            connection.execute("UPDATE batch SET ended_at = ? WHERE id = ?", (now, batch.id))

    def failed(self, batch: Batch, now: float) -> bool:
        """Note that a message was not taken; return whether it is given up, after three days."""
        pause_s = min(_FIRST_S * 2.0 ** min(batch.tries, 20), _LONGEST_S)
        with self._transaction() as connection:
            connection.execute(
                "UPDATE batch SET tries = tries + 1, next_at = :next,"
                " ended_at = CASE WHEN made_at < :oldest THEN :now END WHERE id = :id",
                {"next": now + pause_s, "oldest": now - _GIVEN_UP_S, "now": now, "id": batch.id},
            )
            row = connection.execute("SELECT ended_at FROM batch WHERE id = ?", (batch.id,)).fetchone()
        return row is not None and row[0] is not None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Write as one, or not at all."""
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise WeighbridgeError(f"`{self._path}` cannot be written: {error}") from error


def _forget(connection: sqlite3.Connection, before: float) -> None:
    """Drop notices from before a time that were told, or were not to be."""
    connection.execute(
        "DELETE FROM notice WHERE at < ? AND (told IS NULL OR batch IN"
        " (SELECT id FROM batch WHERE ended_at IS NOT NULL))", (before,),
    )  # fmt: skip
    connection.execute("DELETE FROM batch WHERE ended_at < ?", (before,))


def _gather(connection: sqlite3.Connection, now: float) -> None:
    """Make a message of all that waits in the group that has waited longest, where its last one is an hour old.

    A message that ended in the future was sent before a clock was set back: it holds nobody up.
    """
    row = connection.execute(
        "SELECT kin FROM notice WHERE batch IS NULL AND told IS NOT NULL AND kin NOT IN (SELECT kin FROM batch WHERE"
        " ended_at IS NULL OR ended_at BETWEEN :now - :hour AND :now)"
        " ORDER BY kin NOT LIKE 'alarm %', at, id LIMIT 1",
        {"now": now, "hour": HOUR_S},
    ).fetchone()
    if row is None:
        return
    made = connection.execute("INSERT INTO batch (kin, made_at, next_at) VALUES (?, ?, ?)", (row[0], now, now))
    connection.execute(
        "UPDATE notice SET batch = ? WHERE id IN (SELECT id FROM notice WHERE kin = ? AND batch IS NULL"
        " AND told IS NOT NULL ORDER BY at, id LIMIT ?)", (made.lastrowid, row[0], _MOST),
    )  # fmt: skip
