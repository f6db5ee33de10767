"""Adoption: shares of downloads by one definition, with coverage, warnings and what others have published."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.adoption.definition import Definition
from weighbridge.adoption.listing.bases import load_bases
from weighbridge.adoption.listing.database import open_database
from weighbridge.adoption.listing.snapshot import find_file, load_snapshot
from weighbridge.adoption.owner.attribution import attribute
from weighbridge.adoption.published import published
from weighbridge.adoption.relative import relative_adoption
from weighbridge.adoption.report import measure
from weighbridge.adoption.shares import weigh
from weighbridge.core.progress import silent
from weighbridge.dossier.share_chart import share_page, shares_plot
from weighbridge.errors import ExtraMissing, UsageError
from weighbridge.knowledge.load import load_knowledge
from weighbridge.workflow.workspace import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from weighbridge.adoption.relative import Relative
    from weighbridge.adoption.report import Measured
    from weighbridge.adoption.shares import Shares
    from weighbridge.core.progress import Progress

__all__ = ["Asked", "ShareReport", "draw_shares", "share", "share_relative"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for: files of a listing, base relations beside them, columns by other names, own tables."""

    snapshots: Sequence[Path]
    bases: Sequence[Path]
    columns: Mapping[str, str]
    knowledge: Path | None = None


@dataclass(frozen=True, slots=True)
class ShareReport:
    """The measured snapshots, the oldest first; the newest is the one that is reported, the others are its past.

    `named_count` is the column that the user named for the downloads.
    """

    definition: Definition
    measured: Sequence[Measured]
    named_count: str = ""

    @property
    def newest(self) -> Measured:
        """Return what is reported."""
        return self.measured[-1]

    def to_json(self) -> dict[str, Any]:
        """Return the report for machines: `shares`, `regions`, `coverage`, `warnings`, `definition` and more.

        `warnings` are those on every snapshot, the newest first; the figures beside them are of the newest alone.
        """
        newest, attribution = self.newest, self.definition.attribution
        found = newest.shares(attribution)
        return {
            "definition": self.definition.described(newest.snapshot.data_date, self.named_count),
            "shares": found.shares,
            "regions": found.regions,
            "intervals": {key: [group.low, group.high] for key, group in found.groups.items()},
            "bounds": {key: asdict(bound) for key, bound in found.bounds.items()},
            "top_k": found.top_k,
            "total": found.total,
            "n": found.n,
            "hhi": found.hhi,
            "hhi_listed": found.hhi_listed,
            "coverage": _coverage(newest),
            "warnings": [warning for one in reversed(self.measured) for warning in _warnings(one)],
            "same_by_both": newest.publisher.groups == newest.base.groups,
            "attributions": {one.attribution: _written(one) for one in (newest.publisher, newest.base)},
            "series": [_point(one, attribution) for one in self.measured],
            "snapshot": asdict(newest.snapshot),
            "published": [asdict(one) for one in published()] if self.definition.by == "country" else [],
        }


def _coverage(measured: Measured) -> dict[str, Any]:
    """Return the coverage, with the figure of each column at the top."""
    body = asdict(measured.coverage)
    return {**body.pop("of"), **body}


def _written(shares: Shares) -> dict[str, Any]:
    """Return one attribution with all that belongs to it."""
    body = asdict(shares)
    for name in ("largest", "doubtful"):
        body[name] = [{"id": repository, "share": share} for repository, share in body[name]]
    return {"shares": shares.shares, **body}


def _point(measured: Measured, attribution: str) -> dict[str, Any]:
    """Return one snapshot of a series."""
    found = measured.shares(attribution)
    return {
        "snapshot": measured.snapshot.name,
        "data_date": measured.snapshot.data_date,
        "shares": found.shares,
        "groups": {key: asdict(group) for key, group in found.groups.items()},
        "regions": found.regions,
        "total": found.total,
        "n": found.n,
        "hhi": found.hhi,
        "coverage": _coverage(measured),
        "warnings": _warnings(measured),
    }


def _warnings(measured: Measured) -> list[dict[str, str]]:
    """Return the warnings on one snapshot, each with its name."""
    return [{**asdict(one), "snapshot": measured.snapshot.name} for one in measured.warnings]


def share(asked: Asked, definition: Definition, *, progress: Progress = silent) -> ShareReport:
    """Measure snapshots by a definition, with both attributions.

    Raises NotFound for a file that is not there, UsageError for one that cannot be read, ExtraMissing without DuckDB.
    """
    paths, bases = [find_file(path) for path in asked.snapshots], [find_file(path) for path in asked.bases]
    if len(set(paths)) < len(paths):
        raise UsageError("a snapshot is named twice", hint="name each file once")
    known = load_knowledge(asked.knowledge)
    with open_database([*paths, *bases]) as database, progress("shares", len(paths), "snapshots") as advance:
        load_bases(database, bases)
        measured = measure(database, paths, definition, known, columns=asked.columns, advance=advance)
    return ShareReport(definition, measured, asked.columns.get("downloads", ""))


def share_relative(asked: Asked, model: str) -> tuple[Relative, date | None]:
    """Return how a model stands beside those of its size and age in one snapshot, and the day of its counts.

    Raises as `share`, and NotFound for a model that the snapshot does not list.
    """
    if len(asked.snapshots) != 1:
        raise UsageError("`--relative` reads one snapshot", hint="name the newest one with `--snapshot`")
    path = find_file(asked.snapshots[0])
    bases = [find_file(one) for one in asked.bases]
    with open_database([path, *bases]) as database:
        load_bases(database, bases)
        snapshot = load_snapshot(database, path, asked.columns)
        weigh(database, Definition(population="all"))
        attribute(database, load_knowledge(asked.knowledge), "country")
        return relative_adoption(database, model, snapshot.data_date), snapshot.data_date


def draw_shares(content: Mapping[str, Any], path: Path) -> None:
    """Draw a report (`ShareReport.to_json`) as `.svg` or as a page (`.html`); raises UsageError, ExtraMissing."""
    if path.suffix not in {".svg", ".html"}:
        raise UsageError(
            f"`{path.name}` is neither .svg nor .html", hint="name the chart `shares.svg` or `shares.html`"
        )
    if not content["shares"]:
        raise UsageError("there are no shares to draw", hint="see the warnings")
    plot = shares_plot(content)
    if plot is None:
        raise ExtraMissing("charts need vl-convert", hint="`pip install 'weighbridge[charts]'`")
    write_whole(path, (str(plot) if path.suffix == ".svg" else share_page(content, plot)).encode())
