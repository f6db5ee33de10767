"""How much a model is taken up beside models of its size and age: the relative adoption metric, on one snapshot.

RAM (atomproject.ai/relative-adoption-metric) divides a model's downloads by those of its size class at the same age:
version 1 (2026-01) by the median of the ten most downloaded, version 2 (2026-Q2) by the tenth; above 1 is on the
track of the ten most downloaded. It counts from the day of release; a snapshot holds the count of the last 30 days
only, so models of a similar age stand in for the same age.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.adoption.definition import size_classes, tasks_of
from weighbridge.adoption.listing.database import literal
from weighbridge.errors import NotFound, UsageError
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.adoption.listing.database import Database

__all__ = ["Relative", "relative_adoption"]

_TENTH = 10
_LISTED = "(SELECT node, base_by FROM weighed) JOIN (SELECT rowid AS node, * FROM listing) USING (node)"
_LEAST_DAYS = 30
_PART_OF_AGE = 3


@dataclass(frozen=True, slots=True)
class Relative:
    """The scores of one model; both None, with the reason, where the snapshot cannot say.

    `peers` are generative models by listed makers (no copies, no fine-tunes by others) of the same size class, created
    within `days_apart` of the model; `tenth` is the tenth most downloaded of them, the model itself left out.
    """

    model: str
    downloads: int | None
    created: date | None
    age_days: int | None
    size_class: str | None
    days_apart: int | None
    peers: int
    tenth: tuple[str, int] | None
    score: float | None
    score_v1: float | None
    why_not: str = ""


def relative_adoption(database: Database, model: str, data_date: date | None) -> Relative:
    """Return the scores of a model in `weighed`; raises NotFound where it has no row."""
    found = database.rows(
        f"SELECT id, downloads, created, parameters FROM {_LISTED} WHERE lower(id) = lower(?)",  # noqa: S608 - texts of ours
        [model],
    )
    if not found:
        raise NotFound(
            f"{quote(model)} is not in the snapshot", hint="give a repository as the snapshot writes it: maker/model"
        )
    if len(found) > 1:
        raise UsageError(
            f"{quote(model)} means several repositories", hint=", ".join(quote(row[0]) for row in found[:3])
        )
    name, downloads, created, parameters = found[0]
    age = (data_date - created).days if data_date and created else None
    low, high, size = _class_of(parameters)
    reason = _missing(downloads, age, size)
    if reason or age is None or downloads is None:
        return Relative(name, downloads, created, age, size, None, 0, None, None, None, reason)
    apart = max(_LEAST_DAYS, age // _PART_OF_AGE)
    tasks = ", ".join(literal(task) for task in tasks_of("generative"))
    above = f"parameters >= {low}" + (f" AND parameters < {high}" if high else "")
    condition = (
        f"base_by = 'publisher' AND task IN ({tasks}) AND {above} AND downloads IS NOT NULL AND id <> ? "
        "AND abs(date_diff('day', created, ?::DATE)) <= ?"
    )
    values = [name, created, apart]
    (peers,) = database.row(f"SELECT count(*) FROM {_LISTED} WHERE {condition}", values)  # noqa: S608 - texts of ours
    top = database.rows(
        f"SELECT id, downloads FROM {_LISTED} WHERE {condition} ORDER BY downloads DESC, id LIMIT {_TENTH}",  # noqa: S608 - texts of ours
        values,
    )
    tenth = (str(top[-1][0]), int(top[-1][1])) if len(top) == _TENTH else None
    if tenth is None or not tenth[1]:
        why = f"its class has {peers} models of a similar age in the snapshot; ten that are downloaded are needed"
        return Relative(name, downloads, created, age, size, apart, peers, tenth, None, None, why)
    median = statistics.median(count for _, count in top)
    return Relative(name, downloads, created, age, size, apart, peers, tenth, downloads / tenth[1], downloads / median)


def _class_of(parameters: int | None) -> tuple[int, int | None, str | None]:
    """Return the bounds and the name of a size class."""
    if parameters is None:
        return 0, None, None
    low = 0
    for one in size_classes():
        if one.below is None or parameters < one.below:
            return low, one.below, one.name
        low = one.below
    return low, None, None


def _missing(downloads: int | None, age: int | None, size: str | None) -> str:
    """Say what the snapshot does not know of the model."""
    if downloads is None:
        return "the snapshot has no count of its downloads"
    if age is None or age < 0:
        return "the snapshot does not know when it was created" if age is None else "it was created after the snapshot"
    return "" if size else "the snapshot does not know its size"
