"""How the tables of makers, families, releases and prices read on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.cli.layout import line, plain, quantity
from weighbridge.knowledge.tables import Family, LookAlike, Organisation, Release

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.knowledge.age import Age
    from weighbridge.knowledge.cadence import Cadence
    from weighbridge.knowledge.tables import TableRow
    from weighbridge.workflow.knowledge import Change, Shown

__all__ = ["age_line", "change_lines", "shown_lines", "table_lines"]

_NOBODY = "-"
_MOST = 12  # releases shown of one family


def table_lines(rows: Sequence[TableRow]) -> list[str]:
    """Return the rows of one table in columns."""
    cells = [_cells(row) for row in rows]
    widths = [max(len(column) for column in columns) for columns in zip(*cells, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cells(row: TableRow) -> tuple[str, ...]:
    found: tuple[str, ...]
    if isinstance(row, Organisation):
        found = row.name, row.country or _NOBODY, row.kind, row.display_name, row.source
    elif isinstance(row, Family):
        found = row.name, row.maker, row.pattern, row.not_pattern or _NOBODY, row.source
    elif isinstance(row, Release):
        found = row.date_text, row.family, row.model, row.licence or _NOBODY, row.basis
    elif isinstance(row, LookAlike):
        found = row.name, row.meant or "nobody's double", row.source
    else:
        found = row.model, row.provider, _usd(row.usd_per_mtok_input), _usd(row.usd_per_mtok_output), row.catalogue
    return tuple(plain(cell)[:60] for cell in found)


def _usd(price: float | None) -> str:
    return _NOBODY if price is None else f"${price:g}"


def age_line(age: Age) -> str:
    """Say how many rows there are and how old they are, as a warning where half are old."""
    if age.is_old:
        return f"warning: {age.n} {age.table}; {age.warning}"
    return f"{age.n} {age.table}, the newest looked at on {age.newest}"


def shown_lines(shown: Shown) -> list[str]:
    """Return the lines on one name."""
    lines = []
    if shown.organisation:
        one = shown.organisation
        country = one.country or "no country is stated"
        lines += [line("publisher", f"{one.name}: {one.display_name}", f"{one.kind}, {country}")]
        lines += [line("", f"its own service runs in {', '.join(one.hosts)}")] if one.hosts else []
        lines += [line("", one.notes)] if one.notes else []
        lines += [line("", f"source: {one.source}{f', {one.as_of}' if one.as_of else ''}")]
    elif shown.look_alike:
        like = shown.look_alike
        lines += [
            line("publisher", f"not listed, and could be taken for `{like.name}` ({like.display_name})", "WARNING")
        ]
    elif "/" in shown.name:
        lines += [line("publisher", f"`{shown.name.partition('/')[0]}` is not listed")]
    if shown.family:
        lines += [line("family", f"by its name {shown.family.name}, which {shown.family.maker} trains")]
    lines += [_release_line(release) for release in shown.releases[-_MOST:]]
    if len(shown.releases) > _MOST:
        lines += [line("", f"{len(shown.releases)} releases in all; `weighbridge knowledge list releases`")]
    return lines + (_cadence_lines(shown.cadence) if shown.cadence else [])


def _release_line(release: Release) -> str:
    size = f"{quantity(release.total_parameters)}, " if release.total_parameters else ""
    return line(
        "release", f"{release.date_text:<10}  {release.model}", f"{size}{release.licence or 'licence not known'}"
    )


def _cadence_lines(cadence: Cadence) -> list[str]:
    if cadence.median_days is None:
        return [line("cadence", "one day of release is known: no rhythm")]
    lines = [line("cadence", f"median {cadence.median_days:g} days between {cadence.n} days of release")]
    if cadence.next_window:
        first, last = cadence.next_window
        lines.append(
            line("", f"next expected from {first} to {last}", f"{cadence.coverage:.0%} of such pauses end there")
        )
    elif cadence.undated:
        lines.append(line("", f"next: not known, the day of {cadence.undated[-1]} is not known"))
    elif cadence.is_silent:
        days = f"{cadence.days_since} days since the last, the longest pause before was {cadence.longest_days}"
        lines.append(line("", f"silent: {days}"))
    else:
        lines.append(line("", "next: not known, too few releases"))
    return lines


def change_lines(changes: Sequence[Change]) -> list[str]:
    """Return a line for each row that a file adds, changes or withdraws, with the cells that differ."""
    lines = []
    for change in changes:
        lines.append(line(change.kind, f"{change.table}: {' '.join(change.key)}"))
        if change.kind == "changed" and change.before is not None:
            names = sorted(change.before.keys() | change.after.keys())
            differ = [name for name in names if change.before.get(name, "") != change.after.get(name, "")]
            lines += [
                line("", f"{name}: {change.before.get(name) or _NOBODY} -> {change.after.get(name) or _NOBODY}")
                for name in differ
            ]
    return lines
