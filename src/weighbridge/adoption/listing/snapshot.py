"""Read a snapshot of a hub's listing, of any size, into one table of ours: bounded, checked, duplicates told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from weighbridge.adoption.listing.columns import canonical_columns, read_columns
from weighbridge.adoption.listing.database import literal
from weighbridge.errors import NotFound, UsageError
from weighbridge.formats.bounded_file import BoundedFile
from weighbridge.formats.place import damaged, quote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from weighbridge.adoption.listing.database import Database

__all__ = ["Snapshot", "day_in", "find_file", "load_snapshot", "source_of"]

_DAY = re.compile(r"(?<!\d)(20\d{2})[-_]?([01]\d)[-_]?([0-3]\d)(?!\d)")
_GZIP = b"\x1f\x8b"
_PATTERN = frozenset("*?[]")
_MOST_BASES = 16  # a merge of more says nothing of one maker
_LONGEST_ID = 200  # bytes; of a Hub at most 96 letters a part
_LONGEST_TAG = 80
_MAX_JSON = 32 << 20  # bytes of one object


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read of one file.

    `rows` are distinct repositories. `dropped` rows have no id, `uncounted` no count of downloads, `duplicates` repeat
    an id (the largest count stays; `conflicting` of them said another count). `spelled` rows more wrote an id in other
    letter case, which a hub ignores, with the same count, and were joined; `split` did with a count of their own, and
    stay. `columns` names what each figure was read from, `unread` other counts that the file has. `uncounted_likes` is
    the share of all likes that rows without a count have, None where there are no likes. `dated` is the day in the
    file's name; `newest` the newest day of creation in it.
    """

    name: str
    rows: int
    dropped: int
    uncounted: int
    duplicates: int
    conflicting: int
    spelled: int
    split: int
    uncounted_likes: float | None
    columns: Mapping[str, list[str]]
    unread: list[str]
    dated: date | None
    newest: date | None

    @property
    def data_date(self) -> date | None:
        """Return the day that the counts are of: as the file's name says, else the newest creation."""
        return self.dated or self.newest


def find_file(path: Path) -> Path:
    """Return the whole path of a regular file; raises NotFound, or DamagedFile for what is none."""
    if not path.exists():
        raise NotFound(
            f"no file {quote(str(path), 4096)}", hint="give the path of a .csv, .json, .jsonl or .parquet file"
        )
    whole = path.resolve()
    if _PATTERN.intersection(str(whole)):  # DuckDB would look for files of that pattern
        raise UsageError(f"{quote(str(whole), 4096)} has one of *?[] in its path", hint="give it another name")
    with BoundedFile(whole) as file:
        file.refuse_pointer()
        if not file.size:
            raise damaged(path, "is empty")
    return whole


def source_of(path: Path) -> str:
    """Return SQL that reads a file by what its bytes are: Parquet, JSON (array or lines), else CSV; gzip is opened."""
    name = literal(str(path))
    with BoundedFile(path) as file:
        first = file.read(0, 512)
    if first.startswith(b"PAR1"):
        return f"read_parquet({name})"
    if b"\0" in first and not first.startswith(_GZIP):
        raise damaged(path, "is neither Parquet, JSON nor CSV: it begins with binary data")
    is_packed = first.startswith(_GZIP)
    packed = ", compression = 'gzip'" if is_packed else ""
    looks_like_json = first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}
    if looks_like_json or (is_packed and re.search(r"\.(?:json|jsonl|ndjson)(?:\.gz)?$", path.name)):
        return f"read_json({name}, maximum_object_size = {_MAX_JSON}, map_inference_threshold = -1{packed})"
    # as text: what a column holds is judged by us, not guessed from its first rows
    return f"read_csv({name}, header = true, all_varchar = true, max_line_size = 2000000{packed})"


def load_snapshot(database: Database, path: Path, chosen: Mapping[str, str]) -> Snapshot:
    """Read a file into the table `listing`, one row a repository, and say what it held.

    Columns of `listing`: id, downloads, likes, task, created, licence, parameters, bases. `chosen` maps names of these
    to columns of the file. Raises UsageError that names the file and what is wrong: a missing column, a wrong type,
    negative counts, bytes that are not of the format.
    """
    try:
        return _load(database, path, chosen)
    except UsageError as error:
        if quote(str(path), 4096) in error.message:
            raise
        raise type(error)(f"{quote(str(path), 4096)}: {error.message}", hint=error.hint) from error


def _load(database: Database, path: Path, chosen: Mapping[str, str]) -> Snapshot:
    names = [column.name for column in canonical_columns()]
    if wrong := [name for name in chosen if name not in names]:
        raise UsageError(f"no figure is called {quote(wrong[0])}", hint=f"one of {', '.join(names)}")
    source = source_of(path)
    types = database.columns(f"SELECT * FROM {source}")  # noqa: S608 - quoted by `literal`
    written, used, unread = read_columns(types, chosen, source)
    database.rows(_create(written))
    total, dropped, uncounted = database.row(
        """SELECT count(*), count(*) FILTER (id IS NULL), count(*) FILTER (id IS NOT NULL AND downloads IS NULL)
        FROM listing"""
    )
    if not total:
        raise UsageError("holds no rows")
    if dropped == total:
        raise UsageError(f"no row has an id in {', '.join(quote(name) for name in used['id'])}")
    _refuse_wrong_counts(database, used)
    duplicates, conflicting, spelled, split = _fold_duplicates(database, dropped)
    rows, newest, uncounted_likes = database.row(
        "SELECT count(*), max(created), sum(likes) FILTER (downloads IS NULL) / nullif(sum(likes), 0) FROM listing"
    )
    return Snapshot(
        path.name, rows, dropped, uncounted, duplicates, conflicting, spelled, split, uncounted_likes, used,
        unread, day_in(path.name), newest,
    )  # fmt: skip


def _create(written: str) -> str:
    """Return SQL that makes the table of what was read, bounded."""
    return f"""
        CREATE OR REPLACE TEMP TABLE listing AS
        SELECT {_short("id", _LONGEST_ID)} AS id, downloads::BIGINT AS downloads, likes::BIGINT AS likes,
            lower({_short("task", _LONGEST_TAG)}) AS task, created::DATE AS created,
            lower({_short("licence", _LONGEST_TAG)}) AS licence,
            nullif(greatest(parameters, 0), 0)::BIGINT AS parameters, bases[1:{_MOST_BASES}] AS bases
        FROM ({written})
    """  # noqa: S608 - names are quoted by `identifier`, texts by `literal`


def _short(written: str, longest: int) -> str:
    """Return SQL of a text that is NULL where it is too long to be what it should be."""
    return f"CASE WHEN strlen({written}) <= {longest} THEN {written} END"


def _refuse_wrong_counts(database: Database, used: Mapping[str, list[str]]) -> None:
    """Raise UsageError for counts that are negative or no whole numbers."""
    for column in ("downloads", "likes"):
        negative, wrong, first = database.row(
            f"""SELECT count(*) FILTER ({column} = -1), count(*) FILTER ({column} = -2),
            min(id) FILTER ({column} < 0) FROM listing"""  # noqa: S608 - names of ours
        )
        if negative or wrong:
            what = "negative" if negative else "no whole number"
            raise UsageError(
                f"column {quote(used[column][0])} is {what} in {negative or wrong} rows, the first by name "
                f"{quote(str(first))}",
                hint="a count of downloads is a whole number from 0 on",
            )


def _fold_duplicates(database: Database, dropped: int) -> tuple[int, int, int, int]:
    """Leave one row a repository, the one with the largest count.

    Return how many rows went that repeat an id, how many of them with another count; how many went that differ from
    another in letter case only and have its count; and how many such with a count of their own stay.
    """
    total, distinct = database.row(
        "SELECT count(id), count(DISTINCT hash(lower(id))) FILTER (id IS NOT NULL) FROM listing"
    )
    if not dropped and total == distinct:
        return 0, 0, 0, 0
    distinct, names = database.row("SELECT count(DISTINCT id), count(DISTINCT lower(id)) FROM listing")
    (conflicting,) = database.row(
        """SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM listing WHERE id IS NOT NULL
        GROUP BY id HAVING count(*) > 1 AND min(downloads) <> max(downloads))"""
    )
    for same in ("id", "lower(id), coalesce(downloads, most)"):
        database.rows(
            f"""CREATE OR REPLACE TEMP TABLE listing AS SELECT * EXCLUDE (most)
            FROM (SELECT *, max(downloads) OVER (PARTITION BY lower(id)) AS most FROM listing WHERE id IS NOT NULL)
            QUALIFY row_number() OVER (PARTITION BY {same}
                ORDER BY downloads DESC NULLS LAST, created, likes DESC, id) = 1"""  # noqa: S608 - texts of ours
        )
    (left,) = database.row("SELECT count(*) FROM listing")
    return total - distinct, int(conflicting), distinct - left, left - names


def day_in(name: str) -> date | None:
    """Return the last day that a file's name holds."""
    for year, month, day in reversed(_DAY.findall(name)):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            continue
    return None
