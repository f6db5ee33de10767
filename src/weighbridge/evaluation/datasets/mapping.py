"""Map rows onto items as a layout says, or say at which row and column that fails."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from weighbridge.errors import SuiteError, did_you_mean
from weighbridge.evaluation.datasets.cell import listed, plain_word, said, unlabelled
from weighbridge.evaluation.datasets.layout import Bounds, Choices, Filled, Group
from weighbridge.evaluation.datasets.table import read_rows
from weighbridge.evaluation.item import LETTERS, Item
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from weighbridge.evaluation.datasets.layout import Answer, Cell, Condition, Layout
    from weighbridge.evaluation.datasets.table import Row

__all__ = ["WORKED", "Mapped", "map_files"]

WORKED = "worked"
_MAX_ITEMS = 200_000
_MAX_TEXT = 4_000_000  # characters of one question
_MAX_ID = 120
_FEWEST = 2


@dataclass(slots=True)
class Mapped:
    """The items of some files; how many rows were there, and how many were left out, by reason."""

    items: list[Item] = field(default_factory=list)
    rows: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def leave(self, reason: str) -> None:
        """Count a row that is left out."""
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


class _Unusable(SuiteError):
    """A row that holds no question, or no answer: left out where the layout says so."""


def map_files(paths: Sequence[Path], layout: Layout, *, with_worked: bool = False) -> Mapped:
    """Read files and map their rows; raises SuiteError with file and line."""
    mapped, ids = Mapped(), set[str]()
    for row in chain.from_iterable(read_rows(path, layout.dialect) for path in paths):
        mapped.rows += 1
        failed = next((name for name, wanted in layout.where.items() if not _holds(row, name, wanted)), None)
        if failed is not None:
            mapped.leave(f"`{failed}` is not as `where` asks")
            continue
        try:
            item = _item(row, layout, with_worked=with_worked)
        except _Unusable as error:
            if layout.unusable == "refuse":
                raise SuiteError(
                    f"{row.place}: {error.message}",
                    hint='`unusable = "leave-out"` leaves such rows out, and counts them',
                ) from error
            mapped.leave(error.message)
            continue
        if item.id in ids:
            raise SuiteError(f"{row.place}: the id {quote(item.id)} stands twice")
        ids.add(item.id)
        mapped.items.append(item)
        if len(ids) > _MAX_ITEMS:
            raise SuiteError(f"{row.place}: there are more than {_MAX_ITEMS} items")
    return mapped


def _item(row: Row, layout: Layout, *, with_worked: bool) -> Item:
    """Map one row."""
    shape = layout.item
    question = _filled(row, shape.question)
    if not question.strip():
        raise _Unusable("the question is empty")
    if len(question) > _MAX_TEXT:
        raise SuiteError(f"{row.place}: the question is longer than {_MAX_TEXT} characters")
    choices, answer = _choices(row, shape.choices, question)
    if shape.labels == "strip":
        choices = [unlabelled(text, letter) for text, letter in zip(choices, LETTERS, strict=False)]
    if shape.answer:
        answer = _answer(row, shape.answer, choices)
    data = {name: _cell(row, cell) for name, cell in shape.data.items()}
    if with_worked and shape.worked:
        data[WORKED] = _filled(row, shape.worked)
    given = said(_value(row, shape.id)).strip() if shape.id else f"{row.path.name.partition('.')[0]}-{row.number}"
    if not given or len(given) > _MAX_ID:
        raise SuiteError(f"{row.place}: {quote(given[:40])} is no id: 1 to {_MAX_ID} characters")
    return Item(given, question, tuple(choices), answer, _group(row, shape.group), data)


def _choices(row: Row, shape: Choices | list[str], question: str) -> tuple[list[str], str]:
    """Return the choices, and the letter of the right one where the row tells right and wrong ones apart."""
    if isinstance(shape, Choices):
        return _mixed(row, shape, question)
    if not shape:
        return [], ""
    cells: list[Any] = [_value(row, name) for name in shape]
    if len(shape) == 1:
        cells = _one_list(shape[0], cells[0])
    choices = [said(cell).strip() for cell in cells]
    while choices and not choices[-1]:
        choices.pop()  # questions with fewer choices than columns
    if len(choices) < _FEWEST or not all(choices):
        raise _Unusable("fewer than two choices, or an empty one")
    if len(choices) > len(LETTERS):
        raise _Unusable(f"more than {len(LETTERS)} choices")
    return choices, ""


def _one_list(name: str, value: Any) -> list[Any]:
    """Return the choices of one cell: a list, `{text: [...], label: [...]}`, or `{A: ..., B: ...}`."""
    if isinstance(value, dict):
        inner = value.get("text")
        found: list[Any] | None = inner if isinstance(inner, list) else [value[key] for key in LETTERS if key in value]
    else:
        found = listed(value)
    if not found:
        raise _Unusable(f"the column {quote(name)} holds no list of choices")
    return found


def _mixed(row: Row, shape: Choices, question: str) -> tuple[list[str], str]:
    """Mix one right and several wrong answers, ordered by a hash of question and text: the same on every machine."""
    right = said(_value(row, shape.right)).strip()
    wrong: list[str] = []
    for name in shape.wrong:
        value = _value(row, name)
        cells = listed(value) if not shape.separator else said(value).split(shape.separator)
        wrong += [said(cell).strip() for cell in (cells if cells is not None else [value])]
    wrong = [text for text in dict.fromkeys(wrong) if text]
    if not right or not wrong or right in wrong:
        raise _Unusable("no right answer, or none that is wrong")
    if len(wrong) >= len(LETTERS):
        raise _Unusable(f"more than {len(LETTERS)} choices")
    mixed = sorted([right, *wrong], key=lambda text: hashlib.sha256(f"{question}\0{text}".encode()).digest())
    return mixed, LETTERS[mixed.index(right)]


def _answer(row: Row, ways: list[Answer], choices: list[str]) -> str:
    """Return the answer by the first way whose condition holds."""
    for way in ways:
        if all(_holds(row, name, wanted) for name, wanted in way.when.items()):
            text = said(_value(row, way.column))
            if way.after:
                _, mark, text = text.rpartition(way.after)
                if not mark:
                    raise _Unusable(f"{quote(way.after)} is not in the column {quote(way.column)}")
            if way.before:
                text = text.partition(way.before)[0]
            return _letter(text.strip(), way, choices) if choices else _nonempty(text.strip())
    raise _Unusable("no way of `answer` applies")


def _nonempty(text: str) -> str:
    if not text:
        raise _Unusable("the answer is empty")
    return text


def _letter(text: str, way: Answer, choices: list[str]) -> str:
    """Return the letter of the choice that an answer names."""
    letters = LETTERS[: len(choices)]
    for kind in way.as_:
        if kind == "letter":
            place = letters.find(text.strip("().").upper()) if len(text.strip("().")) == 1 else -1
        elif kind == "text":
            place = choices.index(text) if choices.count(text) == 1 else -1
        else:
            place = int(text) - (kind == "number") if text.isascii() and text.isdigit() and len(text) < 4 else -1  # noqa: PLR2004 - two digits are plenty
        if 0 <= place < len(letters):
            return letters[place]
    raise _Unusable(f"the answer names no choice as {' or '.join(way.as_)}")


def _cell(row: Row, cell: Cell) -> Any:
    """Return a field of `data`."""
    if not cell.columns:
        return cell.value
    values = [_parsed(row, name, cell.parse) for name in cell.columns]
    if len(values) == 1:
        return values[0]
    return [one for value in values for one in (value if isinstance(value, list) else [value]) if one]


def _parsed(row: Row, name: str, kind: str) -> Any:
    value = _value(row, name)
    if kind == "list":
        value = listed(value)
        if value is None:
            raise _Unusable(f"the column {quote(name)} holds no list")
    elif kind == "json" and isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise _Unusable(f"the column {quote(name)} holds no JSON") from error
    return value


def _group(row: Row, shape: Group | str) -> str:
    """Return the group of a row: a column, or a part of the file's name."""
    if isinstance(shape, str):
        return said(_value(row, shape)).strip() if shape else ""
    if shape.text:
        return shape.text
    name = row.path.name
    for pattern in shape.file:
        head, _, tail = pattern.partition("*")
        if name.startswith(head) and name.endswith(tail) and len(name) > len(head) + len(tail):
            return name[len(head) : len(name) - len(tail)]
    raise SuiteError(f"{row.place}: the file's name is not like `{shape.file[0]}`")


def _filled(row: Row, text: str) -> str:
    """Return a column, or a template over columns."""
    if "$" not in text:
        return said(_value(row, text)).strip("\r\n")
    names = Filled(text).get_identifiers()
    return Filled(text).substitute({name: said(_value(row, name)) for name in names}).strip("\r\n")


def _value(row: Row, name: str) -> Any:
    """Return a cell: a column, or a path of keys into an object (`other.source`)."""
    if name in row.cells:
        return row.cells[name]
    value: Any = row.cells
    for key in name.split("."):
        if not isinstance(value, dict) or key not in value:
            known = ", ".join(quote(one) for one in _first(row.cells, 12))
            raise SuiteError(
                f"{row.place} has no column {quote(name)}", hint=did_you_mean(name, row.cells) or f"it has {known}"
            )
        value = value[key]
    return value


def _first(cells: dict[str, Any], most: int) -> Iterator[str]:
    return (name for _, name in zip(range(most), cells, strict=False))


def _holds(row: Row, name: str, wanted: Condition) -> bool:
    """Say whether a column is as wanted."""
    value = _value(row, name)
    if isinstance(wanted, Bounds):
        try:
            number = float(said(value))
        except ValueError:
            return False
        return (wanted.min is None or number >= wanted.min) and (wanted.max is None or number <= wanted.max)
    return plain_word(value) in {plain_word(one) for one in (wanted if isinstance(wanted, list) else [wanted])}
