"""The outbox: which items of a digest were sent, so that none is sent twice to one address."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Self

from weighbridge.core.digest import digest_of
from weighbridge.errors import UsageError, WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

__all__ = ["Outbox"]

_FILE = "watch-sent.sqlite"
_TABLE = "CREATE TABLE IF NOT EXISTS sent (item TEXT, address TEXT, at TEXT, PRIMARY KEY (item, address)) STRICT"


class Outbox:
    """What was sent from a workspace, in a file of its own; addresses are kept as digests, for they hold secrets."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        try:
            self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=10)
            self._connection.execute("PRAGMA trusted_schema = OFF")
            self._connection.execute(_TABLE)
            schema = self._connection.execute("SELECT count(*) FROM sqlite_master WHERE type != 'index'").fetchone()
        except sqlite3.Error as error:
            raise WeighbridgeError(f"`{self._path}` cannot be opened: {error}") from error
        if schema != (1,):
            self._connection.close()
            raise UsageError(f"`{self._path}` is not the file of an outbox", hint="give another workspace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def unsent(self, items: Sequence[str], address: str) -> set[str]:
        """Return those of the items that nobody sent to an address, or is about to."""
        rows = self._connection.execute("SELECT item FROM sent WHERE address = ?", (digest_of(address),))
        return set(items) - {row[0] for row in rows}

    def claim(self, items: Sequence[str], address: str, now: datetime) -> set[str]:
        """Take the items that never went to an address, so that no other sender does; return them."""
        self._connection.execute("BEGIN IMMEDIATE")
        fresh = self.unsent(items, address)
        self._connection.executemany(
            "INSERT INTO sent VALUES (?, ?, ?)", [(item, digest_of(address), now.isoformat()) for item in sorted(fresh)]
        )
        self._connection.execute("COMMIT")
        return fresh

    def release(self, items: Iterable[str], address: str) -> None:
        """Give back items that the address did not take: the next sender tries again."""
        self._connection.executemany(
            "DELETE FROM sent WHERE item = ? AND address = ?", [(item, digest_of(address)) for item in items]
        )
