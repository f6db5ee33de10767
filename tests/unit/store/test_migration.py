from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from weighbridge.store import migration
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from pathlib import Path


def test_migrations_are_numbered_without_gaps() -> None:
    """1, 2, 3 ...: the number is the store's version."""
    numbers = list(migration._migrations())
    assert numbers == list(range(1, len(numbers) + 1))


def test_asking_what_is_pending_writes_nothing(tmp_path: Path) -> None:
    """A fresh database lacks them all, a store none."""
    with closing(sqlite3.connect(tmp_path / "fresh.db", isolation_level=None)) as connection:
        assert list(migration.pending(connection, "fresh.db")) == list(migration._migrations())
    assert (tmp_path / "fresh.db").stat().st_size == 0
    SQLiteStore(tmp_path / "store.db").close()
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as connection:
        assert migration.pending(connection, "store.db") == {}


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it in one transaction, or nothing: here the second statement of a next migration fails."""
    path = tmp_path / "store.db"
    SQLiteStore(path).close()
    scripts = {**migration._migrations(), 2: "CREATE TABLE two (thing) STRICT;\nCREATE TABLE evidence (n);"}
    monkeypatch.setattr(migration, "_migrations", lambda: scripts)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert list(migration.pending(connection, "store.db")) == [2]
        with pytest.raises(sqlite3.OperationalError):
            migration.migrate(connection, "store.db")
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'two'").fetchall() == []
        scripts[2] = "CREATE TABLE two (thing ANY) STRICT;\n-- a comment; with a semicolon\n"
        migration.migrate(connection, "store.db")
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
