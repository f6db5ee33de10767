"""The canary's file: JSON Lines, a question and what was answered to it a row."""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from weighbridge.core.digest import digest_of
from weighbridge.errors import UsageError
from weighbridge.evaluation.behaviour.answered import MOST_SHOWN
from weighbridge.evaluation.behaviour.bank import LANGUAGE, Bank, BankItem
from weighbridge.evaluation.datasets.table import Dialect, read_rows
from weighbridge.evaluation.detector.prose import read_prose, visible_text
from weighbridge.evaluation.suite.file import first_problem
from weighbridge.formats.place import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from weighbridge.evaluation.behaviour.answered import Judged

__all__ = ["CanaryRow", "bank_of", "label_of", "opening_of", "read_canary", "recorded", "write_rows"]

MAX_TOKENS = 320  # of the bank that ships
_MAX_ROWS = 1_000
_UNHEARD = frozenset({"failed", "timeout", "not-asked"})


class CanaryRow(BaseModel):
    """One question of the canary, and its reference: what was answered when it was written.

    `behaviour` is a behaviour or a transport outcome, `answer` the digest of question and answer (`answer_key`),
    `opening` that of the first sentence; all three are "" until an answer was recorded. `draws` is how many answers
    the choice of the item rests on; `unsteady` says that the draws it was recorded from did not behave alike.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,119}$")]
    language: Annotated[str, Field(pattern=LANGUAGE)]
    prompt: Annotated[str, Field(min_length=1, max_length=20_000)]
    kind: Annotated[str, Field(max_length=40, validation_alias="class", serialization_alias="class")] = ""
    topic: Annotated[str, Field(max_length=80)] = ""
    behaviour: Annotated[str, Field(max_length=20)] = ""
    opening: Annotated[str, Field(max_length=80)] = ""
    answer: Annotated[str, Field(max_length=80)] = ""
    draws: Annotated[int, Field(ge=0)] = 0
    unsteady: bool = False
    max_tokens: Annotated[int, Field(ge=1, le=65_536)] = MAX_TOKENS
    source: Annotated[str, Field(max_length=200)] = ""

    @property
    def cell(self) -> tuple[str, str]:
        """The item in its language."""
        return self.id, self.language


def read_canary(path: Path) -> list[CanaryRow]:
    """Return the rows of a file; raises SuiteError or UsageError with file and line."""
    found: dict[tuple[str, str], CanaryRow] = {}
    for row in read_rows(path, Dialect(format="jsonl")):
        try:
            one = CanaryRow.model_validate(row.cells)
        except ValidationError as error:
            raise UsageError(f"{row.place} is no row of a canary: {first_problem(error)}") from error
        if one.cell in found:
            raise UsageError(f"{row.place}: `{one.id}` stands twice in `{one.language}`")
        if len(found) >= _MAX_ROWS:
            raise UsageError(f"{quote(str(path), 4096)} holds more than {_MAX_ROWS:,} rows: that is no canary")
        found[one.cell] = one
    if not found:
        raise UsageError(f"{quote(str(path), 4096)} holds no rows", hint="`weighbridge canary --out FILE` writes some")
    return list(found.values())


def write_rows(rows: Iterable[CanaryRow]) -> str:
    """Return rows as JSON Lines."""
    return "".join(json.dumps(row.model_dump(by_alias=True), ensure_ascii=False) + "\n" for row in rows)


def bank_of(rows: Sequence[CanaryRow], language: str) -> Bank:
    """Return the rows of one language as a bank that can be asked, with the largest of their budgets."""
    own = [row for row in rows if row.language == language]
    items = tuple(
        BankItem.model_validate({"id": row.id, "class": "neutral", "text": {language: row.prompt}, "topic": row.topic})
        for row in own
    )
    budget = max(row.max_tokens for row in own)
    digest = digest_of({"canary": [[row.id, row.prompt] for row in own], "max_tokens": budget})
    by_id = {item.id: item for item in items}
    return Bank("canary", "1", "Canary", "as its source", "weighbridge canary", items, budget, digest, by_id)


def recorded(rows: Iterable[CanaryRow], answers: Iterable[Judged], source: str) -> list[CanaryRow]:
    """Return the rows with these answers as their reference; a row without an answer keeps what it had."""
    heard = [one for one in answers if label_of(one)]
    first = {(one.answered.subject.id, one.answered.language): one for one in reversed(heard)}
    labels: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for answer in heard:
        labels[answer.answered.subject.id, answer.answered.language].add(label_of(answer))
    return [
        row
        if (one := first.get(row.cell)) is None
        else row.model_copy(
            update={
                "behaviour": label_of(one),
                "opening": opening_of(one.answered.text),
                "answer": one.answered.key,
                "unsteady": len(labels[row.cell]) > 1,
                "source": source,
            }
        )
        for row in rows
    ]


def label_of(one: Judged) -> str:
    """Return what became of a question: the behaviour, else the transport outcome; "" where nothing was heard."""
    if one.answered.outcome in _UNHEARD:
        return ""
    return one.behaviour or one.answered.outcome


def opening_of(text: str) -> str:
    """Return the digest of an answer's first sentence, whatever its case, blanks and marks; "" for no sentence."""
    sentences = read_prose(visible_text(text[:MOST_SHOWN])).sentences
    kept = "".join(filter(str.isalnum, unicodedata.normalize("NFKC", sentences[0].said).lower())) if sentences else ""
    return digest_of(kept) if kept else ""
