"""Read the rows of a table as CSV, and say file, line and column of what cannot be read."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

__all__ = ["MAX_BYTES", "Row", "read_rows"]

MAX_BYTES = 8 << 20
_MAX_ROWS = 20_000  # four times the largest catalogue of prices
_MAX_CELL = 2000
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_YEARS = range(2000, 2101)
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
_WHOLE = re.compile(r"[0-9]{1,16}")
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?(?:e-[0-9]{1,2})?")
_FLAGS = {"yes": True, "no": False, "": False}


@dataclass(frozen=True, slots=True)
class Row:
    """One row and where it stands; each method reads one cell, and raises UsageError with the place."""

    place: str
    line: int
    cells: dict[str, str]

    def wrong(self, column: str, why: str, *, hint: str | None = None) -> UsageError:
        """Return the error that says where a cell is wrong."""
        return UsageError(f"`{self.place}`, line {self.line}, column `{column}`: {why}", hint=hint)

    def text(self, column: str) -> str:
        """Return a text, "" where the column is absent."""
        return self.cells.get(column, "")

    def needed(self, column: str) -> str:
        """Return a text that must not be empty."""
        if not (text := self.text(column)):
            raise self.wrong(column, "is empty")
        return text

    def namespace(self, column: str) -> str:
        """Return the name of a publisher as hubs allow it."""
        text = self.needed(column)
        if not _NAMESPACE.fullmatch(text):
            raise self.wrong(column, f"`{text}` is no namespace of a hub", hint="as in `Qwen` of `Qwen/Qwen3-8B`")
        return text

    def one_of(self, column: str, known: Collection[str]) -> str:
        """Return one of the words that are known."""
        text = self.text(column)
        if text not in known:
            raise self.wrong(
                column, f"`{text}` is unknown", hint=did_you_mean(text, known) or f"known: {', '.join(sorted(known))}"
            )
        return text

    def flag(self, column: str) -> bool:
        """Return yes or no; an empty cell is no."""
        text = self.text(column).lower()
        if text not in _FLAGS:
            raise self.wrong(column, f"`{self.text(column)}` is neither `yes` nor `no`")
        return _FLAGS[text]

    def whole(self, column: str) -> int | None:
        """Return a whole number of at most 16 digits, None where the cell is empty."""
        text = self.text(column)
        if text and not _WHOLE.fullmatch(text):
            raise self.wrong(column, f"`{text}` is no whole number", hint="digits only, as in 8190735360")
        return int(text) if text else None

    def price(self, column: str) -> float | None:
        """Return a price of zero or more, None where the cell is empty."""
        text = self.text(column)
        if text and not (_NUMBER.fullmatch(text) and math.isfinite(float(text))):
            raise self.wrong(column, f"`{text}` is no price", hint="US dollars a million tokens, as in 0.27")
        return float(text) if text else None

    def day(self, column: str) -> date | None:
        """Return a day, None where the cell is empty."""
        text = self.text(column)
        if text and len(text) != len("2026-11-21"):
            raise self.wrong(column, f"`{text}` is no day", hint="as in 2026-11-21")
        return self.earliest(column) if text else None

    def earliest(self, column: str) -> date:
        """Return the first day of a day, month or year of our time that is written as 2026-07-16, 2026-07 or 2026."""
        text = self.needed(column)
        try:
            found = date.fromisoformat(f"{text}-01-01"[:10] if _DATE.fullmatch(text) else "")
        except ValueError:
            found = date.min
        if found.year not in _YEARS:
            raise self.wrong(column, f"`{text}` is no date of our time", hint="as in 2026-07-16, 2026-07 or 2026")
        return found


def read_rows(data: bytes, place: str, columns: Sequence[str], required: Collection[str]) -> Iterator[Row]:
    """Yield the rows of a CSV file with a header; raises UsageError that names file, line and column."""
    if len(data) > MAX_BYTES:
        raise UsageError(f"`{place}` is longer than {MAX_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"`{place}`, line {line}: is not UTF-8", hint="save the table as CSV in UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    line, n_rows = 1, 0
    try:
        for cells in reader:
            if header is None:
                header = _header([cell.strip() for cell in cells], place, columns, required)
            elif any(cell.strip() for cell in cells):
                n_rows += 1
                if n_rows > _MAX_ROWS:
                    raise UsageError(f"`{place}` has more than {_MAX_ROWS} rows")
                yield _row(header, cells, place, line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(
            f"`{place}`, line {line}: {error}", hint="a cell with a comma or a quote stands in quotes"
        ) from None
    if header is None:
        raise UsageError(f"`{place}` is empty", hint=f"its first line names the columns: {','.join(columns)}")


def _header(names: list[str], place: str, columns: Sequence[str], required: Collection[str]) -> list[str]:
    for name in names:
        if name not in columns:
            raise UsageError(
                f"`{place}`, line 1: the column `{name[:80]}` is unknown",
                hint=did_you_mean(name[:80], columns) or f"known: {', '.join(columns)}",
            )
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"`{place}`, line 1: the column `{twice}` stands there twice")
    if missing := [name for name in columns if name in required and name not in names]:
        raise UsageError(
            f"`{place}`, line 1: the column `{missing[0]}` is missing", hint=f"needed: {', '.join(missing)}"
        )
    return names


def _row(header: list[str], cells: list[str], place: str, line: int) -> Row:
    if len(cells) != len(header):
        raise UsageError(
            f"`{place}`, line {line}: has {len(cells)} cells, the header {len(header)}",
            hint="a cell with a comma or a quote stands in quotes",
        )
    row = Row(place, line, {name: cell.strip() for name, cell in zip(header, cells, strict=True)})
    for name, cell in row.cells.items():
        if len(cell) > _MAX_CELL:
            raise row.wrong(name, f"is longer than {_MAX_CELL} characters")
        if not cell.isprintable():
            raise row.wrong(name, "holds a character that cannot be printed")
    return row
