"""The outbox: which items of a digest were sent, so that none is sent twice to one address, and none is lost.

It knows them by the sightings they hold (`watch.digest.group.sightings_of`), each claimed before the post and sent
after it. Who dies between leaves a claim behind, which ages.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Self

from weighbridge.core.digest import digest_of
from weighbridge.errors import UsageError, WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

__all__ = ["Outbox"]

_FILE = "watch-sent.sqlite"
_HOLD_S = 600  # a post is given up after 4 attempts of 15 s and 3 pauses of 60 s
_TABLES = (
    "CREATE TABLE IF NOT EXISTS sent (item TEXT, address TEXT, at TEXT, PRIMARY KEY (item, address)) STRICT",
    "CREATE TABLE IF NOT EXISTS claimed (item TEXT, address TEXT, at INTEGER, PRIMARY KEY (item, address)) STRICT",
)


class Outbox:
    """What was sent from a workspace, in a file of its own; addresses are kept as digests, for they hold secrets."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        try:
            self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=10)
            self._connection.execute("PRAGMA trusted_schema = OFF")
            for table in _TABLES:
                self._connection.execute(table)
            schema = set(self._connection.execute("SELECT type, name FROM sqlite_master WHERE type != 'index'"))
        except sqlite3.Error as error:
            raise WeighbridgeError(f"`{self._path}` cannot be opened: {error}") from error
        if schema != {("table", "sent"), ("table", "claimed")}:
            self._connection.close()
            raise UsageError(f"`{self._path}` is not the file of an outbox", hint="give another workspace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def unsent(self, items: Iterable[str], address: str, now: datetime) -> set[str]:
        """Return those of the items that nobody sent to an address, or is sending at this time.

        A claim of ten minutes is nobody's: its holder was killed. So is one of the future: a clock was set back.
        """
        rows = self._connection.execute(
            "SELECT item FROM sent WHERE address = :address"
            " UNION SELECT item FROM claimed WHERE address = :address AND at BETWEEN :now - :hold AND :now + :hold",
            {"address": digest_of(address), "now": int(now.timestamp()), "hold": _HOLD_S},
        )
        return set(items) - {row[0] for row in rows}

    def claim(self, items: Iterable[str], address: str, now: datetime) -> set[str]:
        """Take the items that never went to an address, so that no other sender does for a while; return them."""
        self._connection.execute("BEGIN IMMEDIATE")
        fresh = self.unsent(items, address, now)
        self._connection.executemany(
            "INSERT OR REPLACE INTO claimed VALUES (?, ?, ?)",
            [(item, digest_of(address), int(now.timestamp())) for item in sorted(fresh)],
        )
        self._connection.execute("COMMIT")
        return fresh

    def confirm(self, items: Iterable[str], address: str, now: datetime) -> None:
        """Note that an address took items that were claimed: they are never sent there again."""
        mine = sorted(items)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            "INSERT OR IGNORE INTO sent VALUES (?, ?, ?)",
            [(item, digest_of(address), now.isoformat()) for item in mine],
        )
        self.release(mine, address)
        self._connection.execute("COMMIT")

    def release(self, items: Iterable[str], address: str) -> None:
        """Give back the claim on items: the next sender takes what the address did not."""
        self._connection.executemany(
            "DELETE FROM claimed WHERE item = ? AND address = ?", [(item, digest_of(address)) for item in items]
        )
