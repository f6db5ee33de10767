"""Numbered migrations of the SQLite store: `migrations/0001_first.sql` and those that follow.

The number of the last one applied is SQLite's `user_version`.
"""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError
from weighbridge.store.schema import refuse_foreign

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["migrate", "pending", "statements"]

_APPLICATION_ID = int.from_bytes(b"WBRG", "big")


def pending(connection: sqlite3.Connection, place: str) -> dict[int, str]:
    """Return the SQL of the migrations that are still to be applied, by number; writes nothing.

    Raises UsageError for another program's database and for a store of a newer Weighbridge, StoreDamaged where
    the schema is not the one that its migrations made; `place` names it.
    """
    own_transaction = not connection.in_transaction
    if own_transaction:
        connection.execute("BEGIN")  # one snapshot for all questions
    try:
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        empty = connection.execute("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()[0]
        if owner != _APPLICATION_ID and not (owner == version == 0 and empty):
            raise UsageError(
                f"`{place}` is a SQLite database, but not a Weighbridge store",
                hint="give another path; a store is made where there is none",
            )
        known = _migrations()
        if version > max(known):
            raise UsageError(
                f"the store `{place}` is of version {version}, and this Weighbridge knows versions up to {max(known)}",
                hint="`pip install --upgrade weighbridge`",
            )
        refuse_foreign(connection, place, (script for number, script in known.items() if number <= version))
    finally:
        if own_transaction:
            connection.execute("COMMIT")
    return {number: script for number, script in known.items() if number > version}


def migrate(connection: sqlite3.Connection, place: str) -> None:
    """Apply what is pending, all of it in one transaction or nothing."""
    if not pending(connection, place):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number, script in pending(connection, place).items():  # asked again: another process may have been faster
            for statement in statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _migrations() -> dict[int, str]:
    """Return every shipped migration by number, in order."""
    folder = files("weighbridge.store") / "migrations"
    scripts = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return {int(name[:4]): (folder / name).read_text(encoding="utf-8") for name in scripts}


def statements(script: str) -> Iterator[str]:
    """Split a script into statements: `executescript` would commit the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
