"""Of how much of a snapshot is known what a share rests on: task, day, country, base, licence, size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.adoption.listing.database import Database

__all__ = ["Coverage", "Known", "measure_coverage"]

_KNOWN = {
    "task": "task IS NOT NULL",
    "created": "created IS NOT NULL",
    "country": "has_country",
    "base": "base_by IN ('relation', 'name', 'publisher')",
    "licence": "has_licence",
    "size": "has_size",
}
_ENOUGH = 100  # rows that are counted
_TAIL = 10  # downloads in 30 days
_OF_SNAPSHOT = frozenset({"task", "created"})  # filters rest on them: a row without is not in the population


@dataclass(frozen=True, slots=True)
class Known:
    """How much is known of one thing: a share of rows, of downloads (None where there are none), and of which rows."""

    rows: float
    downloads: float | None
    scope: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage by column, how bases were found (shares of the population's downloads), and what rows there are.

    `of` holds task and created over the whole snapshot, country (of the publisher), base, licence and size over the
    population. `test_share`: downloads of listed publishers of test artefacts.
    """

    of: Mapping[str, Known]
    base_found_by: Mapping[str, float]
    rows: int
    rows_in_population: int
    downloads: int
    downloads_in_population: int
    rows_without_downloads: int
    test_share: float
    likely_cut_at: int | None


def measure_coverage(database: Database) -> Coverage:
    """Return the coverage of `listing`, and of its population `weighed`."""
    outer, inner = ([name for name in _KNOWN if (name in _OF_SNAPSHOT) is is_outer] for is_outer in (True, False))
    rows, downloads, zero, *known = database.row(
        f"""SELECT count(*), sum(downloads), count(*) FILTER (coalesce(downloads, 0) = 0), {_counts(outer)}
        FROM listing"""  # noqa: S608 - names of ours
    )
    inside, inside_downloads, test, *more = database.row(
        f"""SELECT count(*), sum(downloads), sum(downloads) FILTER (is_test), {_counts(inner)}
        FROM weighed WHERE belongs"""  # noqa: S608 - names of ours
    )
    found = dict(zip([*outer, *inner], _pairs([*known, *more]), strict=True))
    of = {}
    for name in _KNOWN:
        is_snapshot = name in _OF_SNAPSHOT
        all_rows, all_downloads = (rows, downloads) if is_snapshot else (inside, inside_downloads)
        known_rows, known_downloads = found[name]
        of[name] = Known(
            known_rows / all_rows if all_rows else 0.0,
            int(known_downloads or 0) / int(all_downloads) if all_downloads else None,
            "snapshot" if is_snapshot else "population",
        )
    by = database.rows("SELECT base_by, sum(downloads) FROM weighed WHERE belongs GROUP BY 1 ORDER BY 2 DESC, 1")
    return Coverage(
        of=of,
        base_found_by={str(name): int(value or 0) / int(inside_downloads) for name, value in by}
        if inside_downloads
        else {},
        rows=rows,
        rows_in_population=inside,
        downloads=int(downloads or 0),
        downloads_in_population=int(inside_downloads or 0),
        rows_without_downloads=zero,
        test_share=int(test or 0) / int(inside_downloads) if inside_downloads else 0.0,
        likely_cut_at=_cut(database),
    )


def _counts(names: Sequence[str]) -> str:
    """Return SQL of the rows and the downloads of which each is known."""
    return ", ".join(f"count(*) FILTER ({_KNOWN[name]}), sum(downloads) FILTER ({_KNOWN[name]})" for name in names)


def _pairs(values: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(values[::2], values[1::2], strict=True))


def _cut(database: Database) -> int | None:
    """Return the count below which rows seem to be missing, or None.

    Downloads on a hub fall off with a long tail: most repositories have fewer than ten a month. Where hardly one of the
    counted rows is that small, a listing was cut at its most downloaded.
    """
    counted, tenth = database.row("SELECT count(*), quantile_disc(downloads, 0.1) FROM listing WHERE downloads > 0")
    return int(tenth) if counted >= _ENOUGH and tenth > _TAIL else None
