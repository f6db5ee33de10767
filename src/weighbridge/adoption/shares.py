"""Shares of a population by key: exact sums, what one repository can move, and how concentrated they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.adoption.definition import UNKNOWN, UNLISTED, region_of, tasks_of
from weighbridge.adoption.listing.database import literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.adoption.definition import Definition
    from weighbridge.adoption.listing.database import Database

__all__ = ["REST", "Bound", "Group", "Shares", "compute_shares", "weigh"]

REST = "rest"
_TOP = (1, 10, 100)
_MOST_KEYS = 200  # of publishers there may be hundreds of thousands: what is below these is one key, `rest`
_WEIGHTS = {"downloads": "downloads", "likes": "likes", "models": "1"}


@dataclass(frozen=True, slots=True)
class Group:
    """One key: its sum in the metric, its repositories, its share, and the share's range without any one repository."""

    value: int
    n: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bound:
    """What a share could be if rows that cannot be judged belonged: all of them, or the worst choice of them."""

    if_all: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of one attribution; `regions` only where the keys are countries.

    `top_k` holds the shares without the k largest repositories. `hhi` is the sum of squared shares (Herfindahl and
    Hirschman, 0 to 1) with what is unlisted as one; `hhi_listed` leaves that out, as if it were many.
    `largest` are the largest repositories with their share. `doubtful` are the largest of which nobody can say whether
    they belong, with what they weigh beside the population (it may be more than 1).
    """

    attribution: str
    total: int
    n: int
    groups: Mapping[str, Group]
    regions: Mapping[str, float]
    top_k: Mapping[int, Mapping[str, float]]
    bounds: Mapping[str, Bound]
    hhi: float
    hhi_listed: float
    largest: Sequence[tuple[str, float]]
    doubtful: Sequence[tuple[str, float]] = ()

    @property
    def shares(self) -> dict[str, float]:
        """Return the fraction of each key, the largest first."""
        return {key: group.share for key, group in self.groups.items()}


def weigh(database: Database, definition: Definition) -> None:
    """Make `listed` and `candidates` from `listing`: all rows, and those that are or may be in the population.

    Columns: node (the row of `listing`), those of `listing`, `weight` by the metric, and `belongs`: true, or NULL where
    nobody can say. Rows in doubt that weigh nothing could move no share, and are left out. `listed` holds every row,
    and `counts`: whether it is a candidate.
    """
    tasks = tasks_of(definition.population)
    conditions = [f"task IN ({', '.join(literal(task) for task in tasks)})"] if tasks else []
    if definition.created_after:
        conditions.append(f"created > DATE {literal(definition.created_after.isoformat())}")
    belongs, weight = " AND ".join(conditions) or "true", _WEIGHTS[definition.metric]
    database.rows(
        f"""CREATE OR REPLACE TEMP VIEW listed AS SELECT rowid AS node, *, {weight}::BIGINT AS weight,
        {belongs} AS belongs, ({belongs}) IS NOT FALSE AND (({belongs}) OR {weight} > 0) AS counts FROM listing"""  # noqa: S608 - texts of ours
    )
    database.rows("CREATE OR REPLACE TEMP VIEW candidates AS SELECT * EXCLUDE (counts) FROM listed WHERE counts")


def compute_shares(database: Database, by: str, attribution: str) -> Shares:
    """Return the shares of `weighed` by publisher or base. A population that weighs nothing has no shares."""
    key = f"{attribution}_key"
    sums = {
        str(name): (int(value), int(n), int(most))
        for name, value, n, most in database.rows(
            f"""SELECT {key}, sum(weight), count(*), max(weight) FROM weighed
            WHERE belongs AND weight IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"""  # noqa: S608 - names of ours
        )
    }
    total = sum(value for value, _, _ in sums.values())
    n = sum(count for _, count, _ in sums.values())
    if not total:
        return Shares(attribution, 0, n, {}, {}, {}, {}, 0.0, 0.0, ())
    fractions = {name: value / total for name, (value, _, _) in sums.items()}
    hhi = sum(share * share for share in fractions.values())
    nobody = sum(fractions.get(name, 0.0) ** 2 for name in (UNLISTED, UNKNOWN))
    top = database.rows(
        f"""SELECT id, {key}, weight FROM weighed JOIN (SELECT rowid AS node, id FROM listing) USING (node)
        WHERE belongs AND weight >= (SELECT min(weight) FROM (SELECT weight FROM weighed WHERE belongs
            AND weight IS NOT NULL ORDER BY weight DESC LIMIT {max(_TOP)}))
        ORDER BY weight DESC, id LIMIT {max(_TOP)}"""  # noqa: S608 - names of ours
    )
    folded = _fold(sums)
    regions: dict[str, float] = {}
    if by == "country":
        for name, (value, _, _) in sums.items():
            regions[region_of(name)] = regions.get(region_of(name), 0) + value / total
    return Shares(
        attribution=attribution,
        total=total,
        n=n,
        groups=_groups(folded, total),
        regions=regions,
        top_k={k: _without(sums, top[:k], total, folded) for k in _TOP if k < n},
        bounds=_bounds(database, key, folded, total),
        hhi=hhi,
        hhi_listed=hhi - nobody,
        largest=[(str(name), weight / total) for name, _, weight in top[:10]],
        doubtful=_doubtful(database, total),
    )


def _doubtful(database: Database, total: int) -> list[tuple[str, float]]:
    """Return the three largest rows in doubt."""
    rows = database.rows(
        """SELECT id, weight FROM listing JOIN (SELECT node, weight FROM weighed WHERE belongs IS NULL AND weight > 0
        ORDER BY weight DESC LIMIT 3) ON listing.rowid = node ORDER BY weight DESC, id"""
    )
    return [(str(name), weight / total) for name, weight in rows]


def _fold(sums: Mapping[str, tuple[int, int, int]]) -> dict[str, tuple[int, int, int]]:
    """Return the sums with all below the largest keys as one."""
    kept = dict(list(sums.items())[:_MOST_KEYS])
    rest = list(sums.values())[_MOST_KEYS:]
    if rest:
        kept[REST] = (sum(row[0] for row in rest), sum(row[1] for row in rest), max(row[2] for row in rest))
    return kept


def _groups(sums: Mapping[str, tuple[int, int, int]], total: int) -> dict[str, Group]:
    """Return each key's share with its range over all ways to leave one repository out (exact, from the maxima).

    A share is lowest without its own largest repository, and highest without the largest of all others.
    """
    ranked = sorted(((most, name) for name, (_, _, most) in sums.items()), reverse=True)
    groups = {}
    for name, (value, n, most) in sums.items():
        others = next((other for other, key in ranked if key != name), 0)
        low = (value - most) / (total - most) if total > most else 0.0
        high = value / (total - others) if total > others else 1.0
        groups[name] = Group(value, n, value / total, low, high)
    return groups


def _without(
    sums: Mapping[str, tuple[int, int, int]],
    top: Sequence[tuple[str, str, int]],
    total: int,
    shown: Mapping[str, object],
) -> dict[str, float]:
    """Return the shares when the repositories of `top` are left out."""
    left = {name: value for name, (value, _, _) in sums.items()}
    for _, key, weight in top:
        left[key] -= weight
    remaining = total - sum(weight for _, _, weight in top)
    if not remaining:
        return {}
    kept = {name: left[name] / remaining for name in shown if name in left}
    return kept | ({REST: 1 - sum(kept.values())} if REST in shown else {})


def _bounds(database: Database, key: str, sums: Mapping[str, tuple[int, int, int]], total: int) -> dict[str, Bound]:
    """Return what the shares could be, given the rows of which nobody can say whether they belong."""
    unsure = {
        str(name): int(value)
        for name, value in database.rows(
            f"SELECT {key}, sum(weight) FROM weighed WHERE belongs IS NULL AND weight > 0 GROUP BY 1"  # noqa: S608 - names of ours
        )
    }
    added = sum(unsure.values())
    if not added:
        return {}
    bounds: dict[str, Bound] = {}
    for name in (*sums, *(name for name in unsure if name not in sums)):
        if name == REST or len(bounds) > _MOST_KEYS:
            continue
        value, more = sums.get(name, (0, 0, 0))[0], unsure.get(name, 0)
        bounds[name] = Bound(
            (value + more) / (total + added), value / (total + added - more), (value + more) / (total + more)
        )
    return bounds
