"""How old the tables are: makers release every few weeks, so a table that nobody has looked at misleads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from weighbridge.knowledge.load import Knowledge
    from weighbridge.knowledge.tables import TableRow

__all__ = ["Age", "ages_of"]

_OLD_DAYS = 120


@dataclass(frozen=True, slots=True)
class Age:
    """When the rows of one table were looked at: the newest day, and the day by which half of them were."""

    table: str
    n: int
    newest: date | None
    half: date | None
    on: date

    @property
    def days(self) -> int | None:
        """Days since half of the rows had been looked at, None where no row says."""
        return (self.on - self.half).days if self.half else None

    @property
    def is_old(self) -> bool:
        """Whether half of the rows are older than 120 days, or nobody knows."""
        return self.n > 0 and (self.days is None or self.days > _OLD_DAYS)

    @property
    def warning(self) -> str:
        """Say how old the table is."""
        if self.days is None:
            return f"nobody says when the {self.table} were looked at"
        return f"half of the {self.table} were last looked at {self.days} days ago or more ({self.half})"


def ages_of(known: Knowledge, on: date) -> tuple[Age, ...]:
    """Return the age of each table on a day."""
    return (
        _age("organisations", tuple(known.organisations.values()), on),
        _age("families", known.families, on),
        _age("releases", known.releases, on),
        _age("prices", known.prices, on),
        _age("look_alikes", tuple(known.look_alikes.values()), on),
    )


def _age(table: str, rows: Sequence[TableRow], on: date) -> Age:
    days = sorted(row.as_of for row in rows if row.as_of)
    half = days[(len(days) - 1) // 2] if 2 * len(days) >= len(rows) and days else None
    return Age(table, len(rows), days[-1] if days else None, half, on)
