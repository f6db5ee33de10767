"""Look at the tables of makers, families, releases and prices, check a user's own, and take new rows into them."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.errors import NotFound, UsageError, did_you_mean
from weighbridge.knowledge.age import ages_of
from weighbridge.knowledge.cadence import cadence_of
from weighbridge.knowledge.load import load_knowledge, read_sheet, shipped_sheet
from weighbridge.knowledge.shapes import TABLES
from weighbridge.workflow.workspace import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from weighbridge.knowledge.cadence import Cadence
    from weighbridge.knowledge.load import Knowledge
    from weighbridge.knowledge.shapes import Key, Shape
    from weighbridge.knowledge.tables import Family, Organisation, Release

__all__ = ["Change", "Shown", "check_tables", "show_name", "update_tables"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of a name: as a publisher, as a family, and whom it could be taken for."""

    name: str
    organisation: Organisation | None
    look_alike: Organisation | None
    family: Family | None
    releases: tuple[Release, ...]
    cadence: Cadence | None
    old: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self) | {
            "cadence": asdict(self.cadence) | {"is_silent": self.cadence.is_silent} if self.cadence else None
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What a file does to one row of a user's table; `before` and `after` are cells, None where there is no row."""

    table: str
    key: tuple[str, ...]
    kind: Literal["added", "changed", "withdrawn", "unchanged"]
    before: dict[str, str] | None
    after: dict[str, str]


def show_name(name: str, known: Knowledge, on: date) -> Shown:
    """Return what is known of a publisher, a repository or a family; raises NotFound where nothing is."""
    name = name.removeprefix("hf:").removeprefix("ms:").partition("@")[0].strip()
    organisation, look_alike = known.organisation(name), known.look_alike(name)
    by_name = {family.name.casefold(): family for family in known.families}
    family = by_name.get(name.casefold()) or (known.family_of(name) if "/" in name or not organisation else None)
    family = family or next((one for one in known.families if organisation and one.maker == organisation.name), None)
    if organisation is None and look_alike is None and family is None:
        names = [*known.organisations, *(one.name for one in known.families)]
        raise NotFound(
            f"`{name}` is in no table",
            hint=did_you_mean(name, names) or "`weighbridge knowledge list organisations` names all that are",
        )
    releases = tuple(one for one in known.releases if family and one.family == family.name)
    cadence = cadence_of(family.name, known.releases, on) if family else None
    old = tuple(age.warning for age in ages_of(known, on) if age.is_old)
    return Shown(name, organisation, look_alike, family, releases, cadence, old)


def check_tables(folder: Path) -> tuple[dict[str, int], list[str]]:
    """Read a user's tables whole; return the rows of each and remarks of a careful reader.

    Raises UsageError that names file, line and column of what cannot be read, and where no table is there.
    """
    sheets = {
        name: read_sheet(shape, folder / shape.file) for name, shape in TABLES.items() if (folder / shape.file).exists()
    }
    if not sheets:
        raise UsageError(
            f"`{folder}` holds no table", hint=f"one of {', '.join(shape.file for shape in TABLES.values())}"
        )
    remarks = []
    for name, sheet in sheets.items():
        shipped = shipped_sheet(TABLES[name])
        remarks += [
            f"{name}: `{' '.join(key)}` is withdrawn and does not ship: nothing to withdraw"
            for key in sorted(sheet.withdrawn - shipped.records.keys())
        ]
        remarks += [
            f"{name}: `{' '.join(key)}` says what ships anyway"
            for key, record in sheet.records.items()
            if shipped.records.get(key) == record
        ]
    ships_so = set(_across(load_knowledge()))
    remarks += [remark for remark in _across(load_knowledge(folder)) if remark not in ships_so]
    strangers = sorted(path.name for path in folder.glob("*.csv") if path.stem not in TABLES)
    remarks += [f"`{name}` is none of the tables, and is not read" for name in strangers]
    return {name: len(sheet.cells) for name, sheet in sheets.items()}, remarks


def _across(known: Knowledge) -> Iterator[str]:
    """Yield what one table says and another does not know, and words that two families share."""
    owners: dict[str, list[str]] = {}
    for family in sorted(known.families, key=lambda family: family.name):
        if family.maker not in known.organisations:
            yield f"families: `{family.maker}`, the maker of `{family.name}`, is not listed: it has no country"
        for word in set(family.pattern.split()):
            owners.setdefault(word, []).append(family.name)
    for word, names in sorted(owners.items()):
        if len(names) > 1:
            yield f"families: `{word}` is a word of {' and '.join(names)}: a name with it alone is of neither"
    for look_alike in known.look_alikes.values():
        if look_alike.meant and look_alike.meant not in known.organisations:
            yield f"look_alikes: `{look_alike.meant}`, whom `{look_alike.name}` is taken for, is not listed"
    listed = {family.name for family in known.families}
    for name in sorted({release.family for release in known.releases} - listed):
        yield f"releases: `{name}` is no listed family: no name will be of it"


def update_tables(files: Sequence[Path], folder: Path, *, dry_run: bool = False) -> list[Change]:
    """Take the rows of CSV files into the user's tables; return what changed.

    Each file is of the table whose columns it has. Nothing is written before all files are read without error; each
    table is then written whole or not at all. Raises UsageError that names file, line and column.
    """
    changes: list[Change] = []
    tables: dict[str, dict[Key, dict[str, str]]] = {}
    for path in files:
        shape = _shape_of(path)
        own = folder / shape.file
        if shape.name not in tables:
            tables[shape.name] = dict(read_sheet(shape, own).cells) if own.exists() else {}
        table, shipped = tables[shape.name], shipped_sheet(shape).cells
        for key, cells in read_sheet(shape, path).cells.items():
            changes.append(_change(shape.name, key, table.get(key) or shipped.get(key), cells))
            table[key] = cells
    if not dry_run:
        for name, table in tables.items():
            write_whole(folder / TABLES[name].file, _written(TABLES[name], table))
    return changes


def _change(table: str, key: Key, before: dict[str, str] | None, after: dict[str, str]) -> Change:
    def said(cells: dict[str, str]) -> dict[str, str]:
        return {name: cell for name, cell in cells.items() if cell}

    if after.get("withdrawn", "").lower() == "yes":
        return Change(table, key, "withdrawn", before, after)
    if before is None:
        return Change(table, key, "added", None, after)
    return Change(table, key, "unchanged" if said(before) == said(after) else "changed", before, after)


def _shape_of(path: Path) -> Shape[Any]:
    """Return the table that a file is of: by its name, else by its columns."""
    if path.stem in TABLES:
        return TABLES[path.stem]
    if path.exists() and not path.is_file():  # a pipe would wait for ever
        raise UsageError(f"`{path}` is no file")
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            names = {cell.strip() for cell in next(csv.reader([stream.readline(1 << 16)]), [])}
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}") from error
    except csv.Error:
        names = set()
    fitting = [shape for shape in TABLES.values() if shape.required <= names]
    if len(fitting) != 1:
        raise UsageError(
            f"`{path}` has the columns of no table",
            hint="; ".join(f"{shape.name}: {','.join(shape.columns)}" for shape in TABLES.values()),
        )
    return fitting[0]


def _written(shape: Shape[Any], table: dict[Key, dict[str, str]]) -> bytes:
    stream = io.StringIO()
    used = [name for name in shape.written if name in shape.required or any(row.get(name) for row in table.values())]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(used)
    writer.writerows([[table[key].get(name, "") for name in used] for key in sorted(table)])
    return stream.getvalue().encode()
