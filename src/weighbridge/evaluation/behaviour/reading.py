"""Answers that somebody else asked for: a table with a row an answer, or the log of a tool, with or without a bank."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.errors import UsageError
from weighbridge.evaluation.behaviour.answered import Answered, Subject
from weighbridge.evaluation.behaviour.bank import CLASSES, groups_in
from weighbridge.evaluation.datasets.cell import said
from weighbridge.evaluation.detector.flags import CUT
from weighbridge.evaluation.detector.tongue import language_of, script_of
from weighbridge.evaluation.imports.answers import of_model, read_rows_of_any
from weighbridge.evaluation.labels.answers import NAMES, UNKNOWN, given_of_row, language_tag
from weighbridge.evaluation.thinking import answer_part
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from weighbridge.evaluation.behaviour.bank import Bank
    from weighbridge.evaluation.datasets.table import Row

__all__ = ["answered_of_rows", "read_answered"]

_ANSWERS = ("answer", "completion", "response", "output", "text")
_ITEM = ("class", "topic", "about", "form")
_DRAWS = ("draw", "sample", "epoch", "repeat")
_MAX_ROWS = 2_000_000
_MAX_CELL = 80
_MAX_LANGUAGES = 100  # every language is compared with the reference, group by group
_STATE = re.compile(r"[A-Z]{2}", re.ASCII)
_FILTERED = frozenset({"content_filter", "filtered", "safety", "blocked"})


def read_answered(
    path: Path, bank: Bank | None = None, *, model: str | None = None, apart: bool = False
) -> list[Answered]:
    """Return the answers of a file, in its order: a table (JSONL, JSON, CSV, TSV, Parquet), or the log of a tool.

    Of a file with several models, `model` is the one that is read; without it, `apart` lets all of them through.
    Columns: `id`, `language`, `prompt` and `answer`; and where they are there `class`, `topic`, `about`, `form`,
    `finish_reason`, `error`, `reasoning`, `model`, and `draw`, `sample`, `epoch` or `repeat`. A row whose id is one of
    `bank` is that item, and needs no `prompt`. Rows of one id, language and question are draws of one item, `drawn`
    where a column says so. Another question under the same id is an item of its own, `id#2`. `class` and `about` are
    read in either case; what they cannot be is left out and named in `unread`. At most 100 languages.
    Raises SuiteError, DamagedFile or UsageError with file and line.
    """
    where, rows = quote(str(path), 4096), read_rows_of_any(path)
    return answered_of_rows(rows if apart and model is None else of_model(rows, model, where), bank, where)


def answered_of_rows(rows: Iterable[Row], bank: Bank | None, where: str) -> list[Answered]:
    """Return the answers of rows, see `read_answered`."""
    found: list[Answered] = []
    draws: Counter[tuple[str, str, str]] = Counter()
    languages: set[str] = set()
    questions: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in rows:
        if len(found) >= _MAX_ROWS:
            raise UsageError(f"{where} holds more than {_MAX_ROWS:,} answers")
        one = _answered(row, bank)
        asked, question = questions[one.subject.id, one.language, one.model], " ".join(one.question.split())
        if question not in asked:
            asked.append(question)
        if number := asked.index(question):
            one = replace(one, subject=_another(one.subject, number + 1), row_id=one.subject.id)
        key = (one.subject.id, one.language, one.model)
        found.append(replace(one, draw=draws[key]))
        draws[key] += 1
        languages.add(one.language)
        if len(languages) > _MAX_LANGUAGES:
            raise UsageError(
                f"{where} holds answers in more than {_MAX_LANGUAGES} languages",
                hint="is the column `language` a tag such as `en` or `zh-Hans`? Else split the file",
            )
    if not found:
        raise UsageError(f"{where} holds no answers")
    return found


def _answered(row: Row, bank: Bank | None) -> Answered:
    """Read one row; an answer that is null is an empty one."""
    cells = {name.strip().lower(): value for name, value in row.cells.items()}
    blank = {name: "" for name in _ANSWERS if name in cells and cells[name] is None}
    given = given_of_row(replace(row, cells=cells | blank | _asked_by(bank, cells)))
    finish, failed = said(cells.get("finish_reason")).lower(), said(cells.get("error")).strip()
    cut = finish in CUT
    answer = answer_part(Completion(Outcome.TRUNCATED if cut else Outcome.ANSWERED, given.answer))
    thinking = len(said(cells.get("reasoning"))) + answer.thinking if "reasoning" in cells else answer.thinking or None
    language = given.language if given.language != UNKNOWN else _asked_in(given.question)
    subject, unread = _subject(given.id, cells, bank)
    return Answered(
        subject=subject,
        language=language or UNKNOWN,
        question=given.question,
        text=answer.text,
        outcome=_outcome(finish, failed, answer.text),
        thinking=thinking,
        open=answer.open,
        model=said(cells.get("model", cells.get("model_name"))).strip(),
        drawn=any(said(cells.get(name)).strip() for name in _DRAWS),
        unread=unread,
    )


def _asked_by(bank: Bank | None, cells: dict[str, Any]) -> dict[str, str]:
    """Return the question of a row that names an item of the bank and a language, where it has none itself."""
    name = next((said(cells[one]).strip() for one in NAMES["id"] if cells.get(one) is not None), "")
    if bank is None or name not in bank.by_id or any(cells.get(one) is not None for one in NAMES["question"]):
        return {}
    text = bank.by_id[name].text
    tag = next((said(cells[one]).strip() for one in NAMES["language"] if cells.get(one) is not None), "")
    try:
        language = language_tag(tag) if tag or len(text) > 1 else next(iter(text))
    except UsageError:  # said with its place where the row is read
        return {}
    return {"prompt": text[language], "language": language} if language in text else {}


def _another(subject: Subject, number: int) -> Subject:
    """Return an item for another question under an id: not the bank's, so that nothing matches it but its class."""
    return replace(subject, id=f"{subject.id}#{number}", form="", narratives=())


def _asked_in(question: str) -> str:
    """Tell the language of a question, Chinese by its script."""
    language = language_of(question)
    return f"zh-{script_of(question) or 'Hans'}" if language == "zh" else language


def _outcome(finish: str, failed: str, text: str) -> Outcome:
    """Return what became of the request, as far as the row says; text that can be read is judged whatever it says."""
    if not text.strip():
        if finish in _FILTERED:
            return Outcome.FILTERED
        return Outcome.FAILED if failed else Outcome.EMPTY
    return Outcome.TRUNCATED if finish in CUT else Outcome.ANSWERED


def _subject(name: str, cells: dict[str, Any], bank: Bank | None) -> tuple[Subject, tuple[str, ...]]:
    """Return the item of the bank, or what the row itself says of its question; and columns that could not be read."""
    if bank is not None and name in bank.by_id:
        return Subject.of(bank.by_id[name]), ()
    kind, topic, about, form = (said(cells.get(column)).strip()[:_MAX_CELL] for column in _ITEM)
    kind, about = kind.lower(), about.upper()
    known, placed = kind in CLASSES, _STATE.fullmatch(about) is not None
    unread = tuple(
        column for column, wrong in (("class", kind and not known), ("about", about and not placed)) if wrong
    )
    kind, about = kind if known else "", about if placed else ""
    return Subject(name, kind, topic, about, form, groups_in(kind, about)), unread
