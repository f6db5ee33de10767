"""What changed from one snapshot to the next, as far as it speaks of the source and not of the models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.adoption.listing.database import Database

__all__ = ["Change", "compare", "remember"]

_LEAST = 100  # downloads: smaller counts stay the same by chance
_FACTOR = 20
_WEIGHTY = 0.001  # of the population: a jump that no share shows is no matter
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Change:
    """Two snapshots held together, over repositories that both have with 100 downloads or more.

    `same` of the `common` ones have the same count in both; `same_downloads` is their share of the later downloads.
    `jumps` are repositories whose count rose or fell twentyfold and that weigh: (id, before, after), the largest first.
    `uncounted` is the share of the earlier downloads that repositories had which now have no count.
    """

    earlier: str
    common: int
    same: int
    same_downloads: float
    rows_before: int
    rows_after: int
    jumps: Sequence[tuple[str, int, int]]
    uncounted: float


def remember(database: Database) -> None:
    """Keep the counts of `listing` as `before`, for the next snapshot."""
    database.rows(
        "CREATE OR REPLACE TEMP TABLE before AS SELECT id, downloads FROM listing WHERE downloads IS NOT NULL"
    )


def compare(database: Database, earlier: str) -> Change:
    """Hold `listing` against `before`; jumps are those that are or may be in the population."""
    common, same, same_downloads, downloads = database.row(
        f"""SELECT count(*), count(*) FILTER (now.downloads = before.downloads),
        sum(now.downloads) FILTER (now.downloads = before.downloads), sum(now.downloads)
        FROM listing AS now JOIN before USING (id) WHERE now.downloads >= {_LEAST} AND before.downloads >= {_LEAST}"""  # noqa: S608 - names of ours
    )
    jumps = database.rows(
        f"""SELECT id, earlier.downloads, now.downloads
        FROM (SELECT rowid AS node, id, downloads FROM listing WHERE downloads >= {_LEAST}) AS now
        JOIN (SELECT * FROM before WHERE downloads >= {_LEAST}) AS earlier USING (id)
        WHERE greatest(now.downloads, earlier.downloads) >= {_FACTOR} * least(now.downloads, earlier.downloads)
            AND greatest(now.downloads, earlier.downloads) >=
                {_WEIGHTY} * (SELECT sum(downloads) FROM weighed WHERE belongs)
            AND node IN (SELECT node FROM weighed)
        ORDER BY abs(now.downloads - earlier.downloads) DESC, id LIMIT {_MOST_NAMED}"""  # noqa: S608 - names of ours
    )
    rows_before, uncounted = database.row(
        """SELECT count(*), coalesce(sum(downloads) FILTER (
            id IN (SELECT id FROM listing WHERE downloads IS NULL)) / nullif(sum(downloads), 0), 0) FROM before"""
    )
    (rows_after,) = database.row("SELECT count(*) FROM listing")
    share = int(same_downloads or 0) / int(downloads) if downloads else 0.0
    return Change(
        earlier, common, same, share, rows_before, rows_after,
        [(str(i), int(b), int(a)) for i, b, a in jumps], float(uncounted),
    )  # fmt: skip
