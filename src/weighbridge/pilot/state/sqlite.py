"""The state of a pilot on one node: one SQLite file beside the evidence, which anyone may read with `sqlite3`."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.errors import NotFound, UsageError, WeighbridgeError
from weighbridge.pilot.state.sql import SQLState
from weighbridge.store.connection import connect, translated, use_wal
from weighbridge.store.migration import statements
from weighbridge.store.schema import refuse_foreign

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from weighbridge.pilot.state.session import Session

__all__ = ["STATE_FILE", "SQLiteState"]

STATE_FILE = "pilot.sqlite"
_APPLICATION_ID = int.from_bytes(b"WBPI", "big")
_BUSY_MS = 5000
_CACHE_KIB = 512  # of each connection; SQLite's own 2 MB each fill slowly, and the system caches the file anyway


class SQLiteState(SQLState):
    """The state in the file `path`, made where it is missing (mode 0600) unless `must_exist`.

    Readers never wait for writers: each has a connection of its own. Raises NotFound, UsageError (another program's
    file, a newer Weighbridge), StoreDamaged (a schema that is not ours) or WeighbridgeError (disk full, locked).
    """

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        self.path = path
        if must_exist and not path.is_file():
            raise NotFound(f"there is no pilot at `{path}`", hint="`weighbridge pilot key create` makes the first key")
        _make(path)
        self._locks = (threading.Lock(), threading.Lock())
        with translated(path):
            self._writer = connect(path, "rwc")
            self._reader = connect(path, "rwc")
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        for connection in (self._writer, self._reader):
            connection.close()

    def _prepare(self) -> None:
        """Refuse what is not ours, and bring the schema up to date."""
        for connection in (self._writer, self._reader):
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS:d}")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB:d}")
            connection.text_factory = _text
        use_wal(self._writer)
        # keys and leases must survive a power cut, too: money that a lost lease held would be spent twice
        self._writer.execute("PRAGMA synchronous = FULL")
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            _migrate(self._writer, str(self.path))
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        self._reader.execute("PRAGMA query_only = ON")

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with self._session(self._reader, self._locks[0], "BEGIN") as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._session(self._writer, self._locks[1], "BEGIN IMMEDIATE") as session:
            yield session

    @contextmanager
    def _session(self, connection: sqlite3.Connection, lock: threading.Lock, begin: str) -> Iterator[Session]:
        """Open a transaction, and end it whatever comes."""

        def ask(query: str, values: Sequence[Any] = ()) -> list[Any]:
            return connection.execute(query, tuple(values)).fetchall()

        with lock, translated(self.path):
            self._refuse_lost()
            connection.execute(begin)
            try:
                yield ask
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _refuse_lost(self) -> None:
        """Raise where the file was taken away: SQLite would go on writing to what nobody will ever read."""
        if not self.path.exists():
            raise WeighbridgeError(f"the state of the pilot `{self.path}` is gone", hint="put it back")


def _text(value: bytes) -> str:
    """Return a text; a damaged one must not hide the rows beside it."""
    return value.decode("utf-8", "replace")


def _make(path: Path) -> None:
    """Make an empty file that only its owner can read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise UsageError(f"the state of the pilot `{path}` cannot be opened: {error.strerror}") from error


def _migrate(connection: sqlite3.Connection, place: str) -> None:
    """Apply the migrations that are missing; raises UsageError for a file that is not ours."""
    owner, version, n_objects = (
        connection.execute(query).fetchone()[0]
        for query in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    )
    if owner != _APPLICATION_ID and (owner, version, n_objects) != (0, 0, 0):
        raise UsageError(f"`{place}` is a SQLite database, but not the state of a pilot", hint="give another workspace")
    scripts = _scripts()
    if version > len(scripts):
        raise UsageError(
            f"`{place}` is of version {version}, and this Weighbridge knows versions up to {len(scripts)}",
            hint="`pip install --upgrade weighbridge`",
        )
    refuse_foreign(connection, place, scripts[:version])
    for number, script in enumerate(scripts[version:], version + 1):
        for statement in statements(script):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number:d}")


def _scripts() -> list[str]:
    """Return the migrations in their order."""
    folder = files("weighbridge.pilot.state") / "migrations" / "sqlite"
    return [(folder / name).read_text("utf-8") for name in sorted(entry.name for entry in folder.iterdir())]
