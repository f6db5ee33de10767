"""A DuckDB that reads the files it was given and nothing else: no network, no extensions, bounded memory."""

from __future__ import annotations

import importlib
import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from weighbridge.errors import ExtraMissing, UsageError
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Database", "Row", "identifier", "literal", "open_database"]

Row = tuple[Any, ...]

_MEMORY = "600MB"  # of DuckDB; with Python and what it allocates beside, the process stays under a gigabyte
_SPILL = "64GB"
_MAX_THREADS = 4


def identifier(name: str) -> str:
    """Return a column's name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"


class Database:
    """The connection; `duckdb.Error` becomes UsageError with the first line of what DuckDB said."""

    def __init__(self, connection: Any, error: type[Exception]) -> None:
        self._connection = connection
        self._error = error

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Run a query of ours, and return its rows."""
        try:
            found: list[Row] = self._connection.execute(query, list(values)).fetchall()
        except self._error as error:
            raise self._said(error) from error
        return found

    def row(self, query: str, values: Sequence[object] = ()) -> Row:
        """Return the one row of an aggregate."""
        return self.rows(query, values)[0]

    def columns(self, query: str) -> dict[str, Any]:
        """Return name and DuckDB type of each column of a query."""
        try:
            relation = self._connection.sql(query)
            return dict(zip(relation.columns, relation.types, strict=True))
        except self._error as error:
            raise self._said(error) from error

    def keep(self, table: str, columns: Sequence[str], records: Sequence[Sequence[object]]) -> None:
        """Make a table of texts and numbers that Python holds: `columns` as `name TYPE`."""
        self.rows(f"CREATE OR REPLACE TEMP TABLE {table} ({', '.join(columns)})")
        if records:
            marks = ", ".join(f"unnest(?::{column.split()[1]}[])" for column in columns)
            self.rows(f"INSERT INTO {table} SELECT {marks}", [list(values) for values in zip(*records, strict=True)])

    def _said(self, error: Exception) -> UsageError:
        """Return the error for people; the file is named by whoever reads one."""
        said = "; ".join(line.strip() for line in str(error).splitlines()[:2] if line.strip())
        if type(error).__name__ == "OutOfMemoryException":
            return UsageError("the snapshot does not fit: memory and the disk for what spills over are used up")
        return UsageError(f"DuckDB cannot read it: {quote(said, 300)}")


@contextmanager
def open_database(paths: Sequence[Path]) -> Iterator[Database]:
    """Open a database in memory that may read `paths` and a scratch folder of its own; closed with the block.

    Raises ExtraMissing without duckdb.
    """
    try:
        duckdb: Any = importlib.import_module("duckdb")
    except ImportError as error:
        raise ExtraMissing("shares need DuckDB", hint="`pip install 'weighbridge[adoption]'`") from error
    # a look-alike of an extension in the user's folder is never loaded, whatever a file calls for
    settings = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    with (
        tempfile.TemporaryDirectory(prefix="weighbridge-share-") as scratch,
        duckdb.connect(":memory:", config=settings) as connection,
    ):
        allowed = ", ".join(literal(str(path)) for path in paths)
        for setting in (
            f"memory_limit = '{_MEMORY}'",
            f"threads = {min(_MAX_THREADS, os.cpu_count() or 1)}",
            f"temp_directory = {literal(scratch)}",
            f"max_temp_directory_size = '{_SPILL}'",
            "preserve_insertion_order = false",
            "enable_progress_bar = false",
            "python_enable_replacements = false",  # a table's name never means a variable of Python
            f"allowed_paths = [{allowed}]",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            connection.execute(f"SET {setting}")
        yield Database(connection, duckdb.Error)
