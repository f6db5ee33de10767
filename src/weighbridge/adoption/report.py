"""Measure one or more snapshots by one definition: the way from files to shares with all that belongs beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from weighbridge.adoption.changes import compare, remember
from weighbridge.adoption.coverage import measure_coverage
from weighbridge.adoption.findings import find
from weighbridge.adoption.listing.snapshot import day_in, load_snapshot
from weighbridge.adoption.owner.attribution import attribute
from weighbridge.adoption.shares import compute_shares, weigh
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from weighbridge.adoption.coverage import Coverage
    from weighbridge.adoption.definition import Definition
    from weighbridge.adoption.findings import Finding
    from weighbridge.adoption.listing.database import Database
    from weighbridge.adoption.listing.snapshot import Snapshot
    from weighbridge.adoption.shares import Shares
    from weighbridge.core.progress import Advance
    from weighbridge.knowledge.protocol import Known

__all__ = ["Measured", "measure"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One snapshot: what it held, shares by both attributions, coverage, warnings on the attribution asked for."""

    snapshot: Snapshot
    publisher: Shares
    base: Shares
    coverage: Coverage
    warnings: Sequence[Finding]

    def shares(self, attribution: str) -> Shares:
        """Return the shares of one attribution."""
        return self.publisher if attribution == "publisher" else self.base


def measure(
    database: Database,
    paths: Sequence[Path],
    definition: Definition,
    known: Known,
    *,
    columns: Mapping[str, str],
    advance: Advance,
) -> list[Measured]:
    """Return the snapshots in the order of their days; `declared` (id, base) must be there (see `bases`).

    One snapshot is in memory at a time, beside the counts of the one before. Raises UsageError for files that cannot be
    read and for two of one day.
    """
    measured: list[Measured] = []
    ordered = _by_day(paths)
    for path in ordered:
        snapshot = load_snapshot(database, path, columns)
        weigh(database, definition)
        attribute(database, known, definition.by)
        publisher, base = (compute_shares(database, definition.by, name) for name in ("publisher", "base"))
        change = compare(database, measured[-1].snapshot.name) if measured else None
        coverage = measure_coverage(database)
        chosen = publisher if definition.attribution == "publisher" else base
        measured.append(
            Measured(snapshot, publisher, base, coverage, find(snapshot, definition, chosen, coverage, change))
        )
        if path != ordered[-1]:
            remember(database)
        advance(1)
    return measured


def _by_day(paths: Sequence[Path]) -> list[Path]:
    """Return snapshots in the order of the days in their names; one alone needs none."""
    days = {path: day_in(path.name) for path in paths}
    if len(paths) == 1:
        return list(paths)
    if None in days.values() or len(set(days.values())) < len(paths):
        raise UsageError(
            "snapshots over time need a day each in their names", hint="call each as in `hub-2026-10-05.csv`"
        )
    return sorted(days, key=lambda path: days[path] or date.min)
