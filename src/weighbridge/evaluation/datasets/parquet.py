"""Read a Parquet file through pyarrow, an extra, one batch of rows after another."""

from __future__ import annotations

import datetime as dt
import decimal
import importlib
import math
from typing import TYPE_CHECKING, Any

from weighbridge.errors import ExtraMissing, SuiteError
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["parquet_rows"]

_MAX_BYTES = 256 << 20
_MAX_UNPACKED = 512 << 20
_BATCH = 1024
_MAX_DEPTH = 32


def parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (row number, cells); raises ExtraMissing without pyarrow, SuiteError for a file that cannot be read."""
    where = quote(str(path), 4096)
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ExtraMissing(
            f"{where} is Parquet, and pyarrow is not installed", hint="`pip install 'weighbridge[parquet]'`"
        ) from error
    number = 0
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SuiteError(f"{where} is larger than {_MAX_BYTES >> 20} MiB")
        # no mapping: the file may shrink while it is read
        with parquet.ParquetFile(path, memory_map=False) as file:
            groups = (file.metadata.row_group(index) for index in range(file.metadata.num_row_groups))
            if sum(group.total_byte_size for group in groups) > _MAX_UNPACKED:
                raise SuiteError(f"{where} unfolds into more than {_MAX_UNPACKED >> 20} MiB")
            for batch in file.iter_batches(batch_size=_BATCH, use_threads=False):
                for cells in batch.to_pylist():
                    number += 1
                    yield number, _plain(cells, f"{where} row {number}", 0)
    except (OSError, ValueError, TypeError, ArithmeticError, NotImplementedError) as error:  # pyarrow's own are these
        said = str(error).partition("\n")[0][:200]
        raise SuiteError(f"{where} cannot be read as Parquet after row {number}: {said}") from error


def _plain(value: Any, where: str, depth: int) -> Any:
    """Return a cell as JSON values; dates and decimals as text, bytes as UTF-8 text."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise SuiteError(f"{where} holds {value}, which is no number")
    if depth > _MAX_DEPTH:
        raise SuiteError(f"{where} is nested deeper than {_MAX_DEPTH}")
    if isinstance(value, dict):
        return {str(key): _plain(one, where, depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one, where, depth + 1) for one in value]
    if isinstance(value, (dt.date, dt.time, dt.timedelta, decimal.Decimal)):
        return str(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise SuiteError(f"{where} holds bytes that are no text") from error
    raise SuiteError(f"{where} holds a {type(value).__name__}, which no suite can ask")
