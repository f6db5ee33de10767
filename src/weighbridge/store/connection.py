"""Connections to the SQLite store: how they are opened, and what their errors mean to a user."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from weighbridge.errors import StoreDamaged, UsageError, WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MAX_RECORD_BYTES", "connect", "translated", "use_wal"]

MAX_RECORD_BYTES = 64 << 20  # the statement about 100,000 files with long names takes some 40 MiB
_BUSY_S = 30.0
_RETRY_S = 0.02


def connect(path: Path, mode: Literal["ro", "rwc"]) -> sqlite3.Connection:
    """Open the file; its folder is made where missing unless `mode` is "ro". Transactions are the caller's."""
    if mode == "rwc":
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"the folder `{path.parent}` cannot be made: {error.strerror}") from error
    immutable = "&immutable=1" if mode == "ro" and _cannot_change(path) else ""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}{immutable}",
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,  # the store's own lock keeps threads apart
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_RECORD_BYTES)
    return connection


def _cannot_change(path: Path) -> bool:
    """Whether the file lies where nobody here can write and no log waits beside it.

    SQLite reads a file with a log only where it can write beside it, unless it is told that nothing will change.
    """
    log = path.with_name(path.name + "-wal")
    try:
        return not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    except OSError:
        return False


def use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging: readers and one writer at once. SQLite does not wait for this lock by itself."""
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _name_of(error) != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)
        else:
            return


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours; `path` names the store."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise UsageError("the text holds a lone surrogate, which is not Unicode") from error
    except (sqlite3.Error, OverflowError) as error:
        raise _meaning(error, path) from error


def _name_of(error: Exception) -> str:
    """Return SQLite's name for the error, without its extension: `SQLITE_IOERR_WRITE` is `SQLITE_IOERR`."""
    name = str(getattr(error, "sqlite_errorname", ""))
    return "_".join(name.split("_")[:2])


def _meaning(error: Exception, path: Path) -> WeighbridgeError:
    """Say what an error of SQLite means."""
    name = _name_of(error)
    if name in _MEANINGS:
        kind, message, hint = _MEANINGS[name]
        return kind(message.format(path=path, error=error), hint=hint)
    if not name and "decode" in str(error):
        return StoreDamaged(f"the store `{path}` is damaged: it holds text that is not UTF-8")
    return WeighbridgeError(f"the store `{path}` failed: {error}")


_LOCKED = (
    WeighbridgeError,
    f"another process has kept the store `{{path}}` locked for {_BUSY_S:.0f} seconds",
    "wait for it to end and run it again",
)
_NOT_WRITABLE = (
    UsageError,
    "the store `{path}` cannot be written",
    "check who may write the file and its folder",
)
_MEANINGS: dict[str, tuple[type[WeighbridgeError], str, str]] = {
    "SQLITE_NOTADB": (
        StoreDamaged,
        "`{path}` is not a SQLite database",
        "give another path; a store is made where there is none",
    ),
    "SQLITE_CORRUPT": (StoreDamaged, "the store `{path}` is damaged: {error}", "restore it from a copy"),
    "SQLITE_TOOBIG": (
        StoreDamaged,
        f"the store `{{path}}` is damaged: it holds a record of more than {MAX_RECORD_BYTES >> 20} MiB",
        "restore it from a copy",
    ),
    "SQLITE_FULL": (
        WeighbridgeError,
        "the disk of `{path}` is full",
        "what was kept before is safe; make room and run it again",
    ),
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_READONLY": _NOT_WRITABLE,
    "SQLITE_PERM": _NOT_WRITABLE,
    "SQLITE_CANTOPEN": (
        UsageError,
        "the store `{path}` cannot be opened",
        "check who may read it and write its folder",
    ),
}
