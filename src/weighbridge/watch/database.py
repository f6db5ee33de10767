"""The file that a watch keeps: one SQLite database a workspace, claimed, checked, and written in transactions."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.errors import NotFound, UsageError
from weighbridge.store.connection import connect, translated, use_wal
from weighbridge.store.migration import statements
from weighbridge.store.schema import refuse_foreign

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["WATCH_FILE", "Database"]

WATCH_FILE = "watch.sqlite"
_APPLICATION_ID = int.from_bytes(b"WBWT", "big")
_VERSION = 1


class Database:
    """The SQLite file `path`, made where it is missing; one writer at a time, also among threads.

    With `read_only` nothing is made. Raises NotFound, UsageError (another program's file, a newer one) or
    StoreDamaged (a schema that is not ours: a view or trigger of a stranger would run at every reading).
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._lock = threading.RLock()
        if read_only and not path.is_file():
            raise NotFound(f"nothing is watched in `{path.parent}`", hint="`weighbridge watch add hf:Qwen` begins it")
        with translated(path):
            self._connection = connect(path, "ro" if read_only else "rwc")
            try:
                self._connection.execute("PRAGMA trusted_schema = OFF")
                if not read_only:
                    use_wal(self._connection)
                    # a power cut may take the last looks, each whole with its events: the next round sees the same
                    self._connection.execute("PRAGMA synchronous = NORMAL")
                self._prepare(read_only=read_only)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        with self._lock:
            self._connection.close()

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self._lock, translated(self.path):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction: all of what is written in it is kept, or nothing."""
        with self._lock, translated(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _prepare(self, *, read_only: bool) -> None:
        """Make the tables of a new file, or hold those of an old one against ours."""
        script = (files("weighbridge.watch") / "schema.sql").read_text(encoding="utf-8")
        if not read_only:
            with self.writing() as connection:
                if self._is_empty(connection):
                    for statement in statements(script):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID:d}")
                    connection.execute(f"PRAGMA user_version = {_VERSION:d}")
        connection = self._connection
        if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
            raise UsageError(f"`{self.path}` is not the file of a watch", hint="give another workspace")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != _VERSION:
            raise UsageError(
                f"`{self.path}` is of version {version}, and this Weighbridge knows version {_VERSION}",
                hint="`pip install --upgrade weighbridge`",
            )
        refuse_foreign(connection, str(self.path), [script])

    @staticmethod
    def _is_empty(connection: sqlite3.Connection) -> bool:
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        return owner == 0 and not connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()[0]
