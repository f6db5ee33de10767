"""Compare a store's schema with the one that its migrations make: a file from someone else may hold anything.

A view named `evidence` would run the stranger's query at every reading, a trigger at every writing.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING

from weighbridge.errors import StoreDamaged

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["refuse_foreign"]

_MOST_OBJECTS = 1000
_STATISTICS = ("sqlite_stat1", "sqlite_stat4")  # what `ANALYZE` leaves


def refuse_foreign(connection: sqlite3.Connection, place: str, migrations: Iterable[str]) -> None:
    """Raise StoreDamaged where tables, indexes, triggers or views are not those that `migrations` make.

    A trigger or index that is absent changes no answer and is let pass; a table is not. `place` names the store.
    """
    expected = _made_by(migrations)
    found = _objects(connection)
    for name, made in found.items():
        if made == expected.get(name) or (made[0] == "table" and name in _STATISTICS):
            continue
        raise StoreDamaged(
            f"the store `{place}` is damaged: its {made[0]} `{ascii(name)[1:-1]:.80}` is not one of Weighbridge's",
            hint="restore it from a copy",
        )
    for name, (kind, _) in expected.items():
        if kind == "table" and name not in found:
            raise StoreDamaged(
                f"the store `{place}` is damaged: its table `{name}` is missing", hint="restore it from a copy"
            )


def _made_by(migrations: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the schema that these migrations make."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in migrations:
            connection.executescript(script)
        return _objects(connection)


def _objects(connection: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """Return kind and text of everything in the schema by name; white space in the text does not count."""
    rows = connection.execute("SELECT name, type, coalesce(sql, '') FROM sqlite_master")
    return {str(name): (str(kind), " ".join(str(text).split())) for name, kind, text in islice(rows, _MOST_OBJECTS)}
