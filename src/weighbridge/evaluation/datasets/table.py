"""Read the rows of a table: JSONL, JSON, CSV, TSV, each also as `.gz`, and Parquet; bounded, and with their places.

What cannot be read whole and in one way only is refused with its file and line: a ragged row, a name that stands
twice, a quotation that never ends. Half a table would be another benchmark.
"""

from __future__ import annotations

import csv
import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from weighbridge.errors import DamagedFile, SuiteError
from weighbridge.evaluation.datasets.parquet import parquet_rows
from weighbridge.formats.bounded_file import read_small
from weighbridge.formats.place import quote
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ENCODINGS", "FORMATS", "Dialect", "Row", "format_of", "read_rows"]

FORMATS = ("jsonl", "json", "csv", "tsv", "parquet")
ENCODINGS = ("utf-8", "utf-16", "cp1252", "gb18030", "latin-1", "mac-roman")
_ENDINGS = {"jsonl": "jsonl", "ndjson": "jsonl", "json": "json", "csv": "csv", "tsv": "tsv", "parquet": "parquet"}
_MAX_BYTES = 128 << 20  # of one file, unpacked
_MAX_LINE, _MAX_ANSWER = 6 << 20, 64 << 20
_MAX_JSON = 32 << 20
_MAX_COLUMNS = 500
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written; `columns` names them where the file has no header, `rows` is the list inside a JSON.

    `of_models` says that its texts are what models said: a row of JSONL may be 64 MiB, and broken Unicode is mended.
    """

    format: str = ""
    encodings: tuple[str, ...] = ("utf-8",)
    delimiter: str = ""
    columns: tuple[str, ...] = ()
    is_quoted: bool = True
    rows: str = ""
    of_models: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its file, its line (or number, counted from 1, where there are no lines), and its cells by column."""

    path: Path
    number: int
    cells: dict[str, Any]

    @property
    def place(self) -> str:
        """Where it stands, for errors."""
        return f"{quote(str(self.path), 4096)} line {self.number}"


def format_of(path: Path) -> str | None:
    """Return the format that a file's name tells, None for a name that tells none."""
    parts = path.name.lower().removesuffix(".gz").rsplit(".", 1)
    return _ENDINGS.get(parts[1]) if len(parts) > 1 else None


def read_rows(path: Path, dialect: Dialect) -> Iterator[Row]:
    """Yield the rows of one file.

    Raises SuiteError with file and line for what cannot be read, ExtraMissing for Parquet without pyarrow.
    """
    kind = dialect.format or format_of(path)
    if kind == "parquet":
        yield from (Row(path, number, cells) for number, cells in parquet_rows(path))
        return
    if kind is None:
        raise SuiteError(
            f"{quote(str(path), 4096)} does not tell its format", hint=f"say `format = ...`: {', '.join(FORMATS)}"
        )
    data = _bytes(path)
    if kind == "jsonl":
        yield from _jsonl(path, data, of_models=dialect.of_models)
    elif kind == "json":
        yield from _json(path, data, dialect.rows)
    else:
        yield from _separated(path, _text(path, data, dialect.encodings), dialect, kind)


def _bytes(path: Path) -> bytes:
    """Read a bounded file, unpacked where its name ends in `.gz`."""
    try:
        data = read_small(path, _MAX_BYTES)
    except DamagedFile as error:
        raise SuiteError(error.message, hint=error.hint) from error
    if not path.name.lower().endswith(".gz"):
        return data
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        text = unpacker.decompress(data, _MAX_BYTES + 1)
    except zlib.error as error:
        _refuse(path, 0, "is no gzip file, or a damaged one", error)
    if len(text) > _MAX_BYTES:
        _refuse(path, 0, f"unfolds into more than {_MAX_BYTES >> 20} MiB")
    if not unpacker.eof or unpacker.unused_data:
        _refuse(path, 0, "breaks off, or holds more than one gzip file")
    return text


def _text(path: Path, data: bytes, encodings: tuple[str, ...]) -> str:
    """Decode by the first encoding that fits all of the file."""
    for encoding in encodings:
        try:
            return data.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            if encoding == encodings[-1]:
                line = data.count(b"\n", 0, error.start) + 1
                message = f"is not {encoding}"
                raise SuiteError(
                    f"{quote(str(path), 4096)} line {line} {message}",
                    hint="save the file as UTF-8; a suite may name its `encoding`",
                ) from error
    raise ValueError(encodings)


def _jsonl(path: Path, data: bytes, *, of_models: bool) -> Iterator[Row]:
    """Yield one object a line."""
    most = _MAX_ANSWER if of_models else _MAX_LINE
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            yield Row(path, number, _object(path, number, _parsed(path, number, line, most, of_models=of_models)))


def _json(path: Path, data: bytes, rows: str) -> Iterator[Row]:
    """Yield the objects of a list, or of an object of objects, whose keys then are the column `key`."""
    value = _parsed(path, 0, data.removeprefix(b"\xef\xbb\xbf"), _MAX_JSON)
    for name in rows.split(".") if rows else ():
        if not isinstance(value, dict) or name not in value:
            _refuse(path, 0, f"has no {quote(rows)} inside")
        value = value[name]
    if isinstance(value, dict) and value and all(isinstance(one, dict) for one in value.values()):
        value = [{"key": key, **one} for key, one in value.items()]
    if not isinstance(value, list):
        _refuse(path, 0, "holds no list of rows; `rows = ...` names the list inside an object")
    for number, one in enumerate(value, 1):
        yield Row(path, number, _object(path, number, one))


def _parsed(path: Path, number: int, data: bytes, most: int, *, of_models: bool = False) -> Any:
    where = f"{path} line {number}" if number else str(path)
    try:
        return parse_json(data, where, max_bytes=most, of_models=of_models)
    except DamagedFile as error:
        raise SuiteError(error.message, hint=error.hint) from error


def _object(path: Path, number: int, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(path, number, "is no JSON object")
    return value


_QUOTING: dict[bool, Literal[0, 3]] = {True: csv.QUOTE_MINIMAL, False: csv.QUOTE_NONE}


def _separated(path: Path, text: str, dialect: Dialect, kind: str) -> Iterator[Row]:
    """Yield the rows of a CSV or TSV file (RFC 4180; the delimiter is the commonest of `, ; tab |` in the header)."""
    if "\0" in text:
        _refuse(path, text.count("\n", 0, text.index("\0")) + 1, "holds a zero byte")
    delimiter = dialect.delimiter or ("\t" if kind == "tsv" else _delimiter(text, is_header=not dialect.columns))
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True, quoting=_QUOTING[dialect.is_quoted]
    )
    columns = list(dialect.columns)
    try:
        for fields in reader:
            if not fields or fields == [""]:
                continue
            if not columns:
                columns = _header(path, reader.line_num, fields)
                continue
            if len(fields) != len(columns):
                _refuse(path, reader.line_num, f"has {len(fields)} fields, and there are {len(columns)} columns")
            cells = {name: field for name, field in zip(columns, fields, strict=True) if name}
            yield Row(path, reader.line_num, cells)
    except csv.Error as error:
        _refuse(path, reader.line_num, f"is no row of a table: {error}", error)


def _delimiter(text: str, *, is_header: bool) -> str:
    """Guess the delimiter of a header; a table without one has commas unless the suite says otherwise."""
    first = text.partition("\n")[0]
    return max(_DELIMITERS, key=first.count) if is_header else ","


def _header(path: Path, number: int, fields: list[str]) -> list[str]:
    columns = [field.strip() for field in fields]
    if len(columns) > _MAX_COLUMNS:
        _refuse(path, number, f"has more than {_MAX_COLUMNS} columns")
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice is not None:
        _refuse(path, number, f"has the column {quote(twice)} twice")
    return columns


def _refuse(path: Path, number: int, what: str, cause: Exception | None = None) -> NoReturn:
    line = f" line {number}" if number else ""
    raise SuiteError(f"{quote(str(path), 4096)}{line} {what}") from cause
