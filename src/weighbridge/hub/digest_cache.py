"""A cache of digests in a SQLite file, so that an unchanged model of 100 GB is read once.

It is only a cache: it may be deleted at any time, it is no part of the evidence store, and what cannot be
read from it is computed again. It believes a file's size, inode and time of change, which `touch` cannot set back:
whoever can set the machine's clock, or write the cache, can deceive it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import threading
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SQLiteDigestCache"]

_APPLICATION_ID = int.from_bytes(b"WBDC", "big")
_BUSY_S = 5.0
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_SHA256 = re.compile("[0-9a-f]{64}")
_SCHEMA = "CREATE TABLE IF NOT EXISTS digests (path BLOB PRIMARY KEY, stamp TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT"


class SQLiteDigestCache:
    """Implements `hub.protocol.DigestCache` in the file `path`; safe to use from threads and processes.

    A damaged file is moved aside to `<path>.damaged` and begun anew; where no file can be written, digests
    are remembered until `close`. Raises UsageError where `path` is another program's database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection = self._open()

    def get(self, path: str, size: int, ctime_ns: int, inode: int) -> str | None:
        """Return the SHA-256 known for this very file, or None."""
        with self._lock:
            try:
                row = self._connection.execute(
                    "SELECT sha256 FROM digests WHERE path = ? AND stamp = ?",
                    (os.fsencode(path), _stamp(size, ctime_ns, inode)),
                ).fetchone()
            except sqlite3.Error as error:
                self._renew_if_damaged(error)
                return None
        return row[0] if row and _SHA256.fullmatch(row[0]) else None

    def put(self, path: str, size: int, ctime_ns: int, inode: int, sha256: str) -> None:
        """Remember a digest; a cache that cannot be written forgets it, and stops nothing."""
        with self._lock:
            try:
                self._connection.execute(
                    "INSERT OR REPLACE INTO digests (path, stamp, sha256) VALUES (?, ?, ?)",
                    (os.fsencode(path), _stamp(size, ctime_ns, inode), sha256),
                )
            except sqlite3.Error as error:
                self._renew_if_damaged(error)

    def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        with self._lock:
            self._connection.close()

    def _open(self) -> sqlite3.Connection:
        """Open the file, a new one in place of a damaged one, or memory where there is no writing."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self._connect(str(self.path))
        except OSError:
            return self._connect(":memory:")
        except sqlite3.Error as error:
            if _is_damage(error) and self._move_aside():
                with contextlib.suppress(sqlite3.Error):
                    return self._connect(str(self.path))
            return self._connect(":memory:")

    def _connect(self, place: str) -> sqlite3.Connection:
        """Connect and make the table; each statement is its own transaction."""
        connection = sqlite3.connect(place, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            _claim(connection, place)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_SCHEMA)
        except BaseException:
            connection.close()
            raise
        return connection

    def _renew_if_damaged(self, error: sqlite3.Error) -> None:
        """Begin anew after damage; leave any other trouble (locked, disk full, closed) alone."""
        if _is_damage(error):
            self._connection.close()
            self._move_aside()
            self._connection = self._open()

    def _move_aside(self) -> bool:
        """Move a damaged cache and its log away; nothing is deleted, for it may be no cache at all."""
        try:
            for suffix in ("", "-wal", "-shm"):
                part = self.path.with_name(self.path.name + suffix)
                if part.exists():
                    part.replace(part.with_name(part.name + ".damaged"))
        except OSError:
            return False
        return True


def _claim(connection: sqlite3.Connection, place: str) -> None:
    """Mark an empty database as a digest cache; raises UsageError for another program's."""
    if connection.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION_ID:
        return
    if connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()[0]:
        raise UsageError(f"`{place}` is not a digest cache", hint="give another path; a cache is made there")
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID:d}")


def _is_damage(error: sqlite3.Error) -> bool:
    """Return whether the file itself is broken."""
    return str(getattr(error, "sqlite_errorname", "")).startswith(_DAMAGED)


def _stamp(size: int, ctime_ns: int, inode: int) -> str:
    """Return size, time and inode as text: an inode may not fit SQLite's signed integers."""
    return f"{size}:{ctime_ns}:{inode}"
