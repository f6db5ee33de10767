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
    """How much is known of one thing: a share of rows, of downloads (None where there are none), and of which rows.

    `weight` is the share of what is added up: of downloads, likes or repositories.
    """

    rows: float
    downloads: float | None
    weight: float | None
    scope: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage by column, how bases were found (shares of the population's weight), and what rows there are.

    `of` holds task and created over the whole snapshot, country (of the publisher), base, licence and size over the
    population. `test_share`: what belongs to listed publishers of test artefacts.
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
    rows, downloads, weight, zero, *known = database.row(
        f"""SELECT count(*), sum(downloads), sum(weight), count(*) FILTER (coalesce(downloads, 0) = 0), {_counts(outer)}
        FROM listed"""  # noqa: S608 - names of ours
    )
    inside, inside_downloads, inside_weight, test, *more = database.row(
        f"""SELECT count(*), sum(downloads), sum(weight), sum(weight) FILTER (is_test), {_counts(inner)}
        FROM weighed WHERE belongs"""  # noqa: S608 - names of ours
    )
    values = [*known, *more]
    found = {name: values[3 * at : 3 * at + 3] for at, name in enumerate([*outer, *inner])}
    of = {}
    for name in _KNOWN:
        is_snapshot = name in _OF_SNAPSHOT
        whole = (rows, downloads, weight) if is_snapshot else (inside, inside_downloads, inside_weight)
        of_rows, of_downloads, of_weight = map(_part, found[name], whole)
        of[name] = Known(of_rows or 0.0, of_downloads, of_weight, "snapshot" if is_snapshot else "population")
    by = database.rows("SELECT base_by, sum(weight) FROM weighed WHERE belongs GROUP BY 1 ORDER BY 2 DESC, 1")
    return Coverage(
        of=of,
        base_found_by={str(name): int(value or 0) / int(inside_weight) for name, value in by} if inside_weight else {},
        rows=rows,
        rows_in_population=inside,
        downloads=int(downloads or 0),
        downloads_in_population=int(inside_downloads or 0),
        rows_without_downloads=zero,
        test_share=_part(test, inside_weight) or 0.0,
        likely_cut_at=_cut(database),
    )


def _counts(names: Sequence[str]) -> str:
    """Return SQL of the rows, the downloads and the weight of which each is known."""
    sums = ("count(*)", "sum(downloads)", "sum(weight)")
    return ", ".join(f"{one} FILTER ({_KNOWN[name]})" for name in names for one in sums)


def _part(known: int | None, whole: int | None) -> float | None:
    return int(known or 0) / int(whole) if whole else None


def _cut(database: Database) -> int | None:
    """Return the count below which rows seem to be missing, or None.

    Downloads on a hub fall off with a long tail: most repositories have fewer than ten a month. Where hardly one of the
    counted rows is that small, a listing was cut at its most downloaded.
    """
    counted, tenth = database.row("SELECT count(*), quantile_disc(downloads, 0.1) FROM listing WHERE downloads > 0")
    return int(tenth) if counted >= _ENOUGH and tenth > _TAIL else None
