"""Items in our own form: one JSON object a line, with the fields of an item and no others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from weighbridge.errors import SuiteError
from weighbridge.evaluation.item import LETTERS, Item
from weighbridge.evaluation.suite.file import first_problem

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_items"]

_MAX_BYTES = 64 << 20
_MAX_ITEMS = 200_000


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    id: Annotated[str, Field(min_length=1, max_length=120)]
    question: Annotated[str, Field(min_length=1, max_length=200_000)]
    choices: Annotated[list[str], Field(max_length=len(LETTERS))] = []
    answer: str = ""
    group: str = ""
    data: dict[str, Any] = {}


def read_items(place: Path) -> tuple[Item, ...]:
    """Read and check the items; raises SuiteError with file and line."""
    items: dict[str, Item] = {}
    for number, line in enumerate(_text(place).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = _Row.model_validate(json.loads(line))
        except ValidationError as error:
            raise SuiteError(f"`{place}` line {number}: {first_problem(error)}") from error
        except (ValueError, RecursionError) as error:
            raise SuiteError(f"`{place}` line {number} is not JSON: {error}") from error
        if row.id in items:
            raise SuiteError(f"`{place}` line {number}: the id `{row.id}` stands twice")
        if row.choices and row.answer not in tuple(LETTERS[: len(row.choices)]):
            raise SuiteError(
                f"`{place}` line {number}: the answer `{row.answer}` is none of the letters of its choices"
            )
        items[row.id] = Item(row.id, row.question, tuple(row.choices), row.answer, row.group, row.data)
        if len(items) > _MAX_ITEMS:
            raise SuiteError(f"`{place}` has more than {_MAX_ITEMS} items")
    if not items:
        raise SuiteError(f"`{place}` holds no items")
    return tuple(items.values())


def _text(place: Path) -> str:
    """Read a bounded UTF-8 file."""
    try:
        if not place.is_file():
            raise SuiteError(f"`{place}` is not a file")
        if place.stat().st_size > _MAX_BYTES:
            raise SuiteError(f"`{place}` is larger than {_MAX_BYTES >> 20} MiB")
        return place.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SuiteError(f"`{place}` is not UTF-8: {error}") from error
    except OSError as error:
        raise SuiteError(f"`{place}` cannot be read: {error.strerror}") from error
