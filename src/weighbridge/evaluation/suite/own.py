"""A table of your own as a suite in one line: columns are told by well-known names, or nothing is guessed at all."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from weighbridge.errors import SuiteError
from weighbridge.evaluation.datasets.cell import listed, said
from weighbridge.evaluation.datasets.table import Dialect, read_rows
from weighbridge.evaluation.item import LETTERS
from weighbridge.evaluation.suite.file import SuiteFile
from weighbridge.evaluation.suite.load import build_suite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from weighbridge.evaluation.datasets.table import Row
    from weighbridge.evaluation.suite.suite import Suite

__all__ = ["own_suite"]

_QUESTION = ("question", "prompt", "input", "query", "problem")
_ANSWER = ("answer", "target", "expected", "expected_answer", "correct_answer", "label", "gold", "ideal")
_CHOICES = ("choices", "options")
_ID = ("id", "task_id", "qid")
_GROUP = ("group", "subject", "category", "topic")
_LETTERED = ("{}", "choice_{}", "option_{}", "choice {}", "option {}")
_NUMBER = re.compile(r"[-+]?\$?\d{1,3}(?:,?\d{3})*(?:\.\d+)?%?")
_FEWEST_CHOICES = 2
_MOST_ROWS = 200_000
_SIX_LINES = """write a suite.toml, these six lines, and give it with `--suite`:
  suite = {{ name = "mine", scorer = "exact" }}
  prompt = {{ chat = "$question" }}
  [data]
  files = "{name}"
  item.question = "COLUMN"
  item.answer = "COLUMN\""""


def own_suite(place: Path) -> Suite:
    """Read a table whose columns have well-known names; what was guessed stands in the suite's notices.

    Raises SuiteError where a column is missing, two could be meant, or answers can be read in two ways.
    """
    rows = list(islice(read_rows(place, Dialect()), _MOST_ROWS))
    if not rows:
        raise SuiteError(f"`{place}` holds no items")
    columns = list(dict.fromkeys(name for row in rows[:1000] for name in row.cells))
    question = _one(place, columns, "the question", _QUESTION)
    answer = _one(place, columns, "the answer", _ANSWER)
    choices = _choice_columns(place, columns)
    if choices:
        told = _kind_of_answers(place, rows, choices, answer)
        scorer, asked = "choice", f"by the likeliest letter (answers are read as {told})"
    else:
        told = "text"
        is_number = all(_NUMBER.fullmatch(said(row.cells.get(answer)).strip()) for row in rows)
        scorer = "number" if is_number else "exact"
        asked = "by the number it ends with" if is_number else "by equality with the answer"
    item = {"question": question, "answer": {"column": answer, "as": told}, "choices": choices, "labels": "strip"}
    item |= {key: name for key, known in (("id", _ID), ("group", _GROUP)) if (name := _maybe(columns, known))}
    name = re.sub(r"[^a-z0-9]+", "-", place.name.partition(".")[0].lower()).strip("-")[:60] or "own"
    suite: dict[str, Any] = {
        "name": name, "title": f"Questions of {place.name}", "scorer": scorer, "source": place.name,
        "max_tokens": {"choice": 1, "exact": 64}.get(scorer, 1024),
        "chance": _chance(rows, choices) if choices else 0.0,
    }  # fmt: skip
    file = SuiteFile.model_validate(
        {"suite": suite, "prompt": _PROMPTS[scorer], "data": {"files": [place.name], "item": item}}
    )
    built = build_suite(file, place, place)
    shown = ", ".join(f"`{one}`" for one in choices)
    guess = f"`{place.name}`: `{question}` is taken for the question, `{answer}` for the answer"
    guess += f", {shown} for the choices" if choices else ""
    notice = f"{guess}; {len(built.items)} questions, marked {asked}"
    return replace(built, notices=(notice, *built.notices))


_PROMPTS: dict[str, dict[str, str]] = {
    "choice": {
        "completion": "$question\n$choices\nAnswer:",
        "chat": "$question\n$choices\nAnswer with the letter only.",
    },
    "number": {"chat": "$question\n\nGive the answer as a number on the last line.", "prefer": "chat"},
    "exact": {"chat": "$question\n\nGive the answer only, with no sentence around it.", "prefer": "chat"},
}


def _maybe(columns: Sequence[str], known: Sequence[str]) -> str | None:
    """Return the one column that has a known name, whatever its case; None for none or several."""
    found = [column for column in columns if column.strip().lower() in known]
    return found[0] if len(found) == 1 else None


def _one(place: Path, columns: Sequence[str], what: str, known: Sequence[str]) -> str:
    found = [column for column in columns if column.strip().lower() in known]
    if len(found) != 1:
        _unclear_column(place, what, found, columns)
    return found[0]


def _unclear_column(place: Path, what: str, found: Sequence[str], columns: Sequence[str]) -> NoReturn:
    have = ", ".join(f"`{column}`" for column in (found or columns)[:12])
    _unclear(place, f"{what} could be any of {have}" if found else f"no column is {what}: it has {have}")


def _choice_columns(place: Path, columns: Sequence[str]) -> list[str]:
    """Return the column that holds a list of choices, or the columns A, B, C ... in order, or nothing."""
    lists = [column for column in columns if column.strip().lower() in _CHOICES]
    lettered: list[list[str]] = []
    for form in _LETTERED:
        named = {column.strip().lower(): column for column in columns}
        run = [named.get(form.format(letter.lower())) for letter in LETTERS]
        first = [column for column in run[: run.index(None) if None in run else None] if column]
        if len(first) >= _FEWEST_CHOICES:
            lettered.append(first)
    if len(lists) + len(lettered) > 1:
        _unclear(place, "several columns could hold the choices")
    return lists or (lettered[0] if lettered else [])


def _choices_of(row: Row, choices: Sequence[str]) -> list[str]:
    cells = [row.cells.get(name) for name in choices]
    found = listed(cells[0]) if len(cells) == 1 else cells
    return [said(cell).strip() for cell in found or ()]


def _kind_of_answers(place: Path, rows: Sequence[Row], choices: Sequence[str], answer: str) -> str:
    """Return the one way in which all answers can be read; raises where there is none, or two that differ."""
    texts = [said(row.cells.get(answer)).strip() for row in rows]
    offered = [_choices_of(row, choices) for row in rows]
    readings: dict[str, tuple[int, ...]] = {}
    for kind, read in _READINGS.items():
        places = tuple(read(text, found) for text, found in zip(texts, offered, strict=True))
        if all(0 <= place_ < len(found) for place_, found in zip(places, offered, strict=True)):
            readings.setdefault(kind, places)
    if not readings:
        lost = [
            row
            for row, text, found in zip(rows, texts, offered, strict=True)
            if all(not 0 <= read(text, found) < len(found) for read in _READINGS.values())
        ]
        _unclear(
            place, f"the answers are not letters, places or texts of the choices (line {(lost or rows)[0].number})"
        )
    if len(set(readings.values())) > 1:
        _unclear(place, f"the answers could be read as {' or as '.join(readings)}")
    return next(iter(readings))


def _place_of(text: str, first: int) -> int:
    return int(text) - first if text.isascii() and text.isdigit() and len(text) <= _FEWEST_CHOICES else -1


_READINGS: dict[str, Callable[[str, list[str]], int]] = {
    "letter": lambda text, _: LETTERS.find(text.upper()) if len(text) == 1 else -1,
    "index": lambda text, _: _place_of(text, 0),
    "number": lambda text, _: _place_of(text, 1),
    "text": lambda text, found: found.index(text) if found.count(text) == 1 else -1,
}


def _chance(rows: Sequence[Row], choices: Sequence[str]) -> float:
    """Return the share that guessing gets right."""
    return sum(1 / len(_choices_of(row, choices)) for row in rows) / len(rows)


def _unclear(place: Path, what: str) -> NoReturn:
    raise SuiteError(f"`{place}`: {what}", hint=_SIX_LINES.format(name=place.name))
