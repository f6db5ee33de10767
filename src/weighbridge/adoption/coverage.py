"""Of how much of a snapshot is known what a share rests on: task, day, country, base, licence, size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.adoption.listing.database import Database

__all__ = ["Coverage", "Known", "measure_coverage"]

_KNOWN = {
    "task": "task IS NOT NULL",
    "created": "created IS NOT NULL",
    "country": "has_country",
    "base": "base_by IN ('relation', 'name', 'publisher')",
    "licence": "licence IS NOT NULL",
    "size": "parameters IS NOT NULL",
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
    """Return the coverage of `weighed`."""
    parts = ", ".join(
        f"count(*) FILTER ({_where(name, condition)}), sum(downloads) FILTER ({_where(name, condition)})"
        for name, condition in _KNOWN.items()
    )
    rows, downloads, inside, inside_downloads, zero, test, *found = database.row(
        f"""SELECT count(*), sum(downloads), count(*) FILTER (belongs), sum(downloads) FILTER (belongs),
        count(*) FILTER (coalesce(downloads, 0) = 0), sum(downloads) FILTER (belongs AND kind = 'test'), {parts}
        FROM weighed"""  # noqa: S608 - names of ours
    )
    of = {}
    for place, name in enumerate(_KNOWN):
        is_snapshot = name in _OF_SNAPSHOT
        all_rows, all_downloads = (rows, downloads) if is_snapshot else (inside, inside_downloads)
        known_rows, known_downloads = found[2 * place : 2 * place + 2]
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


def _where(name: str, condition: str) -> str:
    return condition if name in _OF_SNAPSHOT else f"belongs AND {condition}"


def _cut(database: Database) -> int | None:
    """Return the count below which rows seem to be missing, or None.

    Downloads on a hub fall off with a long tail: most repositories have fewer than ten a month. Where hardly one of the
    counted rows is that small, a listing was cut at its most downloaded.
    """
    counted, tenth = database.row("SELECT count(*), quantile_disc(downloads, 0.1) FROM attributed WHERE downloads > 0")
    return int(tenth) if counted >= _ENOUGH and tenth > _TAIL else None
