"""The SQLite store: one file, append-only, that anyone can read with `sqlite3`.

The schema is an interface; `migrations/0001_first.sql` is its reference. Many processes may write at
once, and one store may be used from several threads.
"""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import closing, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import canonical, digest_of_bytes, short
from weighbridge.core.evidence import Evidence
from weighbridge.errors import NotFound, StoreDamaged, UsageError
from weighbridge.store.connection import MAX_RECORD_BYTES, connect, translated, use_wal
from weighbridge.store.migration import migrate, pending

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["SQLiteStore"]

_PAGE = 50  # records a read holds in memory; a score with its items is some 200 kB
_PAGE_BYTES = 16 << 20  # a page ends early where its records are large
_ROW_BYTES = 1 << 20  # left for the other columns of a record
_CHUNK = 500  # recipes asked for at once
_MIN_PREFIX = 4
_HEX_DIGITS = 64
_UNSAFE = 2**53
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class SQLiteStore:
    """Evidence and completions in the SQLite file `path`; the file and its folder are made where missing.

    With `read_only` nothing is written or made. Raises NotFound, UsageError (another program's file, a
    newer store), StoreDamaged (no database at all) or WeighbridgeError (disk full, locked).
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._lock = threading.Lock()
        if read_only and not path.is_file():
            hint = "`weighbridge weigh` makes one, `weighbridge evidence import` brings one"
            raise NotFound(f"there is no store at `{path}`", hint=hint)
        with translated(path):
            self._connection = connect(path, "ro" if read_only else "rwc")
            try:
                self._prepare(read_only=read_only)
            except BaseException:
                self._connection.close()
                raise

    def add(self, evidence: Evidence) -> str:
        """Append one statement and return its id; adding the same statement again changes nothing."""
        try:
            statement = canonical(evidence.to_json())
        except (ValueError, TypeError, RecursionError) as error:
            raise UsageError(f"evidence of kind `{evidence.kind}` is not plain JSON: {error}") from error
        _refuse_large(len(statement), f"evidence of kind `{evidence.kind}`")
        evidence_id = digest_of_bytes(statement)
        with self._writing() as connection:
            if connection.execute("SELECT 1 FROM evidence WHERE id = ?", (evidence_id,)).fetchone():
                return evidence_id
            last = connection.execute("SELECT n, chain FROM evidence ORDER BY n DESC LIMIT 1").fetchone() or (0, "")
            connection.execute(
                "INSERT INTO evidence (n, id, subject, kind, recipe, made_on, statement, chain)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    last[0] + 1, evidence_id, evidence.subject, evidence.kind, evidence.recipe,
                    evidence.made_on.isoformat(), statement.decode(), _link(last[1], evidence_id),
                ),
            )  # fmt: skip
        return evidence_id

    def get(self, id_prefix: str) -> Evidence:
        """Return the statement whose id starts so (with or without `sha256:`), from 4 hex digits on."""
        digits = id_prefix.strip().lower().removeprefix("sha256:")
        if not _MIN_PREFIX <= len(digits) <= _HEX_DIGITS or digits.strip("0123456789abcdef"):
            raise UsageError(
                f"`{ascii(id_prefix)[1:-1]:.80}` is not an id of evidence",
                hint=f"give {_MIN_PREFIX} to {_HEX_DIGITS} hex digits, as in `weighbridge evidence list`",
            )
        first = "sha256:" + digits
        rows = self._rows(
            "SELECT id FROM evidence WHERE id >= ? AND id < ? ORDER BY id LIMIT 6",
            (first, first + "g"),  # `g` follows the last hex digit
        )
        if not rows:
            raise NotFound(f"there is no evidence `{digits}`", hint="`weighbridge evidence list` shows what there is")
        if len(rows) > 1:
            several = ", ".join(f"`{short(row[0])}`" for row in rows)
            raise UsageError(f"several statements start with `{digits}`: {several}", hint="give more digits")
        return self._evidence(*self._rows("SELECT id, CAST(statement AS BLOB) FROM evidence WHERE id = ?", rows[0])[0])

    def by_recipe(self, recipe: str) -> Evidence | None:
        """Return the newest statement with this recipe, or None."""
        rows = self._rows(
            "SELECT id, CAST(statement AS BLOB) FROM evidence WHERE recipe = ? ORDER BY n DESC LIMIT 1", (recipe,)
        )
        return self._evidence(*rows[0]) if rows else None

    def select(self, *, subject: str | None = None, kind: str | None = None) -> Iterator[Evidence]:
        """Yield statements in the order they were added; the store may be written to meanwhile."""
        wanted = {name: value for name, value in (("subject", subject), ("kind", kind)) if value is not None}
        where = "".join(f" AND {name} = ?" for name in wanted)
        query = f"SELECT n, id, CAST(statement AS BLOB) FROM evidence WHERE n > ?{where} ORDER BY n LIMIT ?"  # noqa: S608 - column names of ours
        last = 0
        while rows := self._page(query, (last, *wanted.values(), _PAGE)):
            for last, evidence_id, statement in rows:  # noqa: B007 - the last number opens the next page
                yield self._evidence(evidence_id, statement)

    def count(self) -> int:
        """Return how many statements there are, unverified."""
        return int(self._rows("SELECT count(*) FROM evidence")[0][0])

    def verify(self) -> int:
        """Recompute ids and the hash chain; return how many records hold, raise StoreDamaged at the first that fails.

        Whoever can write the file can rebuild the whole chain: keep the newest id elsewhere to see that too.
        """
        held, chain = 0, ""
        query = (
            "SELECT n, id, subject, kind, recipe, made_on, chain, CAST(statement AS BLOB) FROM evidence"
            " WHERE n > ? ORDER BY n LIMIT ?"
        )
        while rows := self._page(query, (held, _PAGE)):
            for row in rows:
                if row[0] != held + 1:
                    raise StoreDamaged(f"the store `{self.path}` is damaged: record {held + 1} is missing")
                chain = self._check(row, chain)
                held += 1
        ever = self._rows("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'evidence'")[0][0]
        if ever > held:
            raise StoreDamaged(f"the store `{self.path}` is damaged: record {held + 1} is missing")
        return held

    def completions(self, recipes: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the stored completions among these recipes."""
        found: dict[str, dict[str, Any]] = {}
        remaining = iter(recipes)
        while chunk := list(islice(remaining, _CHUNK)):
            marks = ",".join("?" * len(chunk))
            query = f"SELECT recipe, body FROM completions WHERE recipe IN ({marks})"  # noqa: S608 - question marks only
            for recipe, body in self._rows(query, tuple(chunk)):
                try:
                    found[recipe] = json.loads(body)
                except ValueError as error:
                    raise StoreDamaged(
                        f"the store `{self.path}` is damaged: the completion `{recipe}` is not JSON"
                    ) from error
        return found

    def add_completions(self, completions: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep completions under their recipes in one transaction; a recipe already kept stays as it is."""
        try:
            rows = [(recipe, _encode(body)) for recipe, body in completions.items()]
        except (ValueError, TypeError, RecursionError) as error:
            raise UsageError(f"a completion is not plain JSON: {error}") from error
        _refuse_large(max((len(body) for _, body in rows), default=0), "a completion")
        if rows:
            with self._writing() as connection:
                connection.executemany("INSERT INTO completions (recipe, body) VALUES (?, ?)", rows)

    def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        with self._lock, translated(self.path):
            self._connection.close()

    def _prepare(self, *, read_only: bool) -> None:
        """Refuse what is not ours, then set the connection up and bring the schema up to date."""
        connection = self._connection
        connection.execute("PRAGMA trusted_schema = OFF")  # a store may come from someone else
        todo = pending(connection, str(self.path))
        if read_only and todo:
            raise UsageError(
                f"the store `{self.path}` is empty or was written by an older Weighbridge",
                hint="open it once for writing, with this version",
            )
        if read_only:
            return
        use_wal(connection)
        # In WAL mode a killed process loses nothing; a power cut may drop the last commits, never tear one.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 8000")  # pages: recipes fall at random places of their index
        migrate(connection, str(self.path))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock from the first read on, so that no other process appends in between."""
        connection = self._connection
        with self._lock, translated(self.path):
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """Read one page to its end: no cursor stays open between calls."""
        with self._lock, translated(self.path):
            return self._connection.execute(query, values).fetchall()

    def _page(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        """Read rows that end with a statement, as many as fit in memory; the caller asks again from the last one on."""
        page, n_bytes = [], 0
        with self._lock, translated(self.path), closing(self._connection.execute(query, values)) as cursor:
            for row in cursor:
                page.append(row)
                n_bytes += len(row[-1])
                if n_bytes > _PAGE_BYTES:
                    break
        return page

    def _evidence(self, evidence_id: str, statement: bytes) -> Evidence:
        """Return a record as evidence; one whose text does not hash to its id is never handed out."""
        if digest_of_bytes(statement) != evidence_id:
            raise StoreDamaged(f"the store `{self.path}` is damaged: `{evidence_id}` is not the digest of its text")
        try:
            return Evidence.from_json(json.loads(statement, parse_int=_number))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise StoreDamaged(f"the store `{self.path}` is damaged: `{evidence_id}` is not a statement") from error

    def _check(self, row: tuple[Any, ...], chain: str) -> str:
        """Check one record against its own text and the chain before it; return the chain after it."""
        n, evidence_id, *columns, linked, statement = row
        where = f"the store `{self.path}` is damaged at record {n} (`{evidence_id}`)"
        try:
            evidence = self._evidence(evidence_id, statement)
            recomputed = evidence.id
        except (ValueError, RecursionError, StoreDamaged) as error:
            raise StoreDamaged(f"{where}: its text does not give its id") from error
        if recomputed != evidence_id:
            raise StoreDamaged(f"{where}: its text is not canonical JSON")
        if columns != [evidence.subject, evidence.kind, evidence.recipe, evidence.made_on.isoformat()]:
            raise StoreDamaged(f"{where}: its columns are not those of its text")
        if linked != _link(chain, evidence_id):
            raise StoreDamaged(f"{where}: the hash chain does not hold")
        return str(linked)


def _refuse_large(n_bytes: int, what: str) -> None:
    """Refuse what could not be read again."""
    if n_bytes > MAX_RECORD_BYTES - _ROW_BYTES:
        raise UsageError(f"{what} takes {n_bytes:,} bytes; a store keeps at most {MAX_RECORD_BYTES >> 20} MiB a record")


def _link(chain: str, evidence_id: str) -> str:
    """Return the chain after a record: SHA-256 over the chain before it and its id, both as text."""
    return "sha256:" + hashlib.sha256((chain + evidence_id).encode()).hexdigest()


def _number(digits: str) -> int | float:
    """Read an integer as JSON means it: beyond 2**53 the canonical text came from a double."""
    return int(digits) if abs(int(digits)) < _UNSAFE else float(digits)
