"""Hand labels as rows, so that they can be carried between machines and read by other tools."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from weighbridge.core.kinds import LabelsV1
from weighbridge.errors import UsageError
from weighbridge.evaluation.arena.votes import voter_name
from weighbridge.evaluation.datasets.cell import plain_word, said
from weighbridge.evaluation.datasets.table import Dialect, read_rows
from weighbridge.evaluation.detector.judgement import BEHAVIOURS
from weighbridge.evaluation.imports.reading import digest_of_file
from weighbridge.evaluation.labels.answers import given_of_row, keep_answers, language_tag
from weighbridge.evaluation.labels.log import Label, LabelLog
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.evaluation.datasets.table import Row
    from weighbridge.evaluation.labels.answers import Given
    from weighbridge.store.protocol import Store

__all__ = ["Imported", "import_file", "rows_of"]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_NARRATIVE = {
    "true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": None, "none": None, "null": None,
}  # fmt: skip
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of a file: written, known before, and against another label of the same person."""

    taken: int
    known: int
    against: int


def rows_of(labels: list[Label]) -> list[dict[str, Any]]:
    """Return a row for each label, in the order they were given."""
    return [
        {
            "id": label.act.item,
            "language": label.act.language,
            "digest": label.digest,
            "behaviour": label.act.behaviour,
            "narrative": label.act.narrative,
            "who": label.act.who,
            "made_on": label.on.isoformat(),
            "population": label.act.population,
            "drawn_with": label.act.drawn_with,
        }
        for label in labels
    ]


def import_file(path: Path, store: Store, on: date, who: str = "") -> Imported:
    """Write the labels of a table; nothing is written where one of its rows cannot be read.

    Columns: behaviour; digest, or question and answer as `given_of_row` reads them (then the texts are kept); who,
    or the argument for rows that name nobody; language; perhaps id, narrative, made_on. What the same person said
    before stands. Whatever `population` says, anybody can write into a file: no imported label belongs to a random
    sample. Raises UsageError and SuiteError with file and line.
    """
    read = [_label(row, on, who) for row in read_rows(path, Dialect())]
    if not read:
        raise UsageError(f"{quote(str(path), 4096)} holds no rows")
    log, source = LabelLog.read(store), digest_of_file(path)
    taken = known = against = 0
    for label, _ in read:
        before = log.find(label.act.who, label.digest)
        if before is None:
            act = label.act.model_copy(update={"turn": log.turn(label.act.who)})
            log.cast(act, label.digest, label.on, source)
            taken += 1
        elif (before.act.behaviour, before.act.narrative) == (label.act.behaviour, label.act.narrative):
            known += 1
        else:
            against += 1
    keep_answers([given for _, given in read if given is not None], store)
    return Imported(taken, known, against)


def _label(row: Row, on: date, who: str) -> tuple[Label, Given | None]:
    """Return the label of a row, and the answer where the row holds its text."""
    cells = {name.strip().lower(): value for name, value in row.cells.items()}
    try:
        digest = _digest(cells.get("digest"))
        given = None if digest else given_of_row(row)
        act = _act(cells, said(cells.get("who")) or who, given)
        made_on = said(cells.get("made_on")).strip()
        return Label(act, given.key if given else str(digest), date.fromisoformat(made_on) if made_on else on), given
    except ValueError as error:  # pydantic's is one, too
        raise UsageError(f"{row.place}: its date cannot be read") from error
    except UsageError as error:
        told = error.message if error.message.startswith(row.place) else f"{row.place}: {error.message}"
        raise UsageError(told, hint=error.hint) from error


def _act(cells: dict[str, Any], who: str, given: Given | None) -> LabelsV1:
    """Return the act of a row; its turn is set when it is written."""
    behaviour = plain_word(cells.get("behaviour"))
    if behaviour not in BEHAVIOURS:
        raise UsageError(f"{quote(behaviour, 60)} is no behaviour", hint=f"one of: {', '.join(BEHAVIOURS)}")
    narrative = said(cells.get("narrative")).strip().lower()
    if narrative not in _NARRATIVE:
        raise UsageError(f"the narrative {quote(narrative, 60)} is not understood", hint="write true or false")
    if not who.strip():
        raise UsageError("nobody is named who gave the label", hint="add a column `who`, or give `--who NAME`")
    return LabelsV1(
        who=voter_name(who),
        language=given.language if given else language_tag(said(cells.get("language"))),
        item=given.id if given else said(cells.get("id")).strip()[:_LONGEST_ID],
        behaviour=behaviour,  # type: ignore[arg-type]  # one of BEHAVIOURS, as looked up above
        narrative=_NARRATIVE[narrative],
        turn=0,
        population=None,
        drawn_with=None,
    )


def _digest(cell: Any) -> str | None:
    """Return the digest in a cell, None for an empty one."""
    text = said(cell).strip().lower()
    if text and not _DIGEST.fullmatch(text):
        raise UsageError(f"{quote(text, 80)} is no digest", hint="`weighbridge label --export` writes them")
    return text or None
