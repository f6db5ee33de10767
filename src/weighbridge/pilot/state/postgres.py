"""The state of a pilot of many nodes in PostgreSQL, by psycopg 3 (extra `postgres`), in a schema of its own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weighbridge.errors import ExtraMissing, UsageError, WeighbridgeError
from weighbridge.pilot.state.sql import SQLState

try:
    import psycopg
except ImportError as error:
    raise ExtraMissing("PostgreSQL needs an extra", hint="install it: `pip install 'weighbridge[postgres]'`") from error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.pilot.state.session import Session

__all__ = ["PostgresState"]

_SCHEMA = "weighbridge_pilot"
_MIGRATING = int.from_bytes(b"WBPI", "big")
_PATIENCE_S = 5
_READ, _WRITE = 0, 1
_BEGIN = ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


class PostgresState(SQLState):
    """The state in the database that `address` (a connection string of libpq) names; schema `weighbridge_pilot`.

    Two connections: readers do not wait for writers. One that breaks is opened anew by the next call. No call takes
    much longer than five seconds. Raises WeighbridgeError where the database is not reached or fails, UsageError for a
    schema of a newer Weighbridge.
    """

    def __init__(self, address: str) -> None:
        self._address = _checked(address)
        self._locks = (threading.Lock(), threading.Lock())
        self._connections: list[psycopg.Connection[Any] | None] = [None, None]
        with _translated():
            self._migrate()

    def close(self) -> None:
        """Let go of the connections; closing twice is harmless."""
        for kind in (_READ, _WRITE):
            with self._locks[kind]:
                self._drop(kind)

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with self._session(_READ) as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with self._session(_WRITE) as session:
            yield session

    @contextmanager
    def _session(self, kind: int) -> Iterator[Session]:
        """Open a transaction, and end it whatever comes; a connection that broke is not used again."""
        with self._locks[kind], _translated():
            connection = self._connections[kind]
            if connection is None or connection.closed:
                connection = self._connections[kind] = self._connect()
            try:
                with connection.transaction():
                    _run(connection, _BEGIN[kind])
                    _run(connection, f"SET LOCAL search_path TO {_SCHEMA}")  # in each: poolers hand sessions around
                    yield lambda query, values=(): _run(connection, query.replace("?", "%s"), values)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                self._drop(kind)
                raise

    def _connect(self) -> psycopg.Connection[Any]:
        """Open a connection on which nothing waits for ever."""
        connection = psycopg.connect(
            self._address,
            autocommit=True,  # transactions are opened in so many words
            connect_timeout=_PATIENCE_S,
            tcp_user_timeout=_PATIENCE_S * 1000,
            prepare_threshold=None,
            application_name="weighbridge pilot",
        )
        _run(connection, f"SET statement_timeout = '{_PATIENCE_S}s'")
        return connection

    def _drop(self, kind: int) -> None:
        """Close a connection, if there is one."""
        connection, self._connections[kind] = self._connections[kind], None
        if connection is not None:
            connection.close()

    def _migrate(self) -> None:
        """Bring the schema up to date, one node at a time."""
        scripts = _scripts()
        with self._connect() as connection, connection.transaction():
            _run(connection, "SELECT pg_advisory_xact_lock(%s)", (_MIGRATING,))
            if not _run(connection, "SELECT 1 FROM pg_namespace WHERE nspname = %s", (_SCHEMA,)):
                _run(connection, f"CREATE SCHEMA {_SCHEMA}")
            _run(connection, f"SET LOCAL search_path TO {_SCHEMA}")
            _run(connection, "CREATE TABLE IF NOT EXISTS migrations (n BIGINT NOT NULL PRIMARY KEY)")
            ((version,),) = _run(connection, "SELECT coalesce(max(n), 0) FROM migrations")
            if version > len(scripts):
                raise UsageError(
                    f"the pilot's database is of version {version}, and this Weighbridge knows up to {len(scripts)}",
                    hint="`pip install --upgrade weighbridge`",
                )
            for number, script in enumerate(scripts[version:], version + 1):
                _run(connection, script)
                _run(connection, "INSERT INTO migrations (n) VALUES (%s)", (number,))


def _run(connection: psycopg.Connection[Any], query: str, values: Sequence[Any] = ()) -> list[Any]:
    """Run a query of ours and return its rows; without values it is sent as it is, and may hold several statements."""
    cursor = connection.execute(query, tuple(values) or None)
    return cursor.fetchall() if cursor.description else []


def _scripts() -> list[str]:
    """Return the migrations in their order."""
    folder = files("weighbridge.pilot.state") / "migrations" / "postgres"
    return [(folder / name).read_text("utf-8") for name in sorted(entry.name for entry in folder.iterdir())]


def _checked(address: str) -> str:
    """Return an address that can be read; raises UsageError, without it, for it may hold a password."""
    try:
        psycopg.conninfo.conninfo_to_dict(address)
    except psycopg.Error:
        raise UsageError(
            "the address of the pilot's database cannot be read",
            hint="`host=... dbname=... user=...`, or `postgresql://user@host/name`",
        ) from None
    return address


@contextmanager
def _translated() -> Iterator[None]:
    """Turn psycopg's errors into ours; addresses and passwords are not in them."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise WeighbridgeError(
            "the pilot's database cannot be reached", hint="see whether PostgreSQL runs and lets this node in"
        ) from error
    except psycopg.Error as error:
        raise WeighbridgeError(f"the pilot's database failed: {type(error).__name__}") from error
