"""What an importer gives: one run of one task by one model, marked by somebody else's scorer."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of_bytes
from weighbridge.formats.place import damaged, quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Asked", "Gathering", "ImportedItem", "ImportedRun", "Marked", "Source", "digest_of_question", "to_mark"]

_SHOWN = 400
_MOST_ITEMS = 1_000_000
_LARGEST_REASON = 120
_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "y", "right", "correct", "pass", "passed", "c"), 1.0),
    **dict.fromkeys(("0", "false", "no", "n", "wrong", "incorrect", "fail", "failed", "i"), 0.0),
    "p": 0.5,
}  # "C", "I", "P" and "N" are Inspect's: correct, incorrect, partial, no answer (scorer/_metric.py, 0.3.285)


@dataclass(frozen=True, slots=True)
class ImportedItem:
    """One question of a run. `score` is a share in [0, 1], or None with the `reason` why there is no mark.

    `marked` is what the tool itself counted: it may hold a zero for a failed request or a cut answer, which `score`
    does not. `content` is the digest of all that the tool keeps of the question, `questions` are digests of its text
    that other tools can have, too; both are empty where the file does not hold the question.
    """

    id: str
    score: float | None
    reason: str
    marked: float | None
    question: str
    content: str
    questions: tuple[str, ...]
    text: str
    expected: str
    group: str

    @property
    def mark(self) -> str:
        """The mark in a word: right, wrong, the score, or why it is missing."""
        if self.score is None:
            return f"missing: {self.reason}"
        return {1.0: "right", 0.0: "wrong"}.get(self.score, f"{self.score:.3g}")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a run comes from: file, its digest, the tool and its version ("" where the file does not tell)."""

    path: Path
    digest: str
    tool: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """One model's run of one task under one metric. `stated` is the mean that the tool itself wrote down, if it did.

    `settings` are what the tool says of how the task was asked; two runs that differ there are not alike.
    """

    task: str
    model: str
    metric: str
    items: Mapping[str, ImportedItem]
    source: Source
    stated: float | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def as_marked(self) -> float | None:
        """The mean of the tool's own marks, as the tool would print it; None without any."""
        marks = [item.marked for item in self.items.values() if item.marked is not None]
        return math.fsum(marks) / len(marks) if marks else None

    @property
    def missing(self) -> dict[str, int]:
        """How many items have no mark, by reason."""
        return dict(Counter(item.reason for item in self.items.values() if item.score is None).most_common())


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as a file holds it; `prompts` are whole prompts that were sent, `content` all that tells it apart."""

    question: str = ""
    choices: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    content: str = ""
    expected: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """A tool's mark, None where it gave none; `reason` says why the mark may not count as it stands.

    With a reason only a full mark is believed: a cut answer may be right, but not wrong. `lost` believes none.
    """

    value: float | None
    reason: str = ""
    lost: bool = False

    @property
    def score(self) -> float | None:
        """The mark that counts."""
        if self.value is None or self.lost or (self.reason and self.value < 1):
            return None
        return self.value


@dataclass(slots=True)
class _Gathered:
    asked: Asked
    text: str
    marks: list[Marked]


class Gathering:
    """Collects rows by metric and item; `repeats` says whether a second row of an item is another answer to it."""

    def __init__(self, source: Source, *, repeats: bool) -> None:
        self.source = source
        self._repeats = repeats
        self._rows: dict[str, dict[str, _Gathered]] = {}
        self._refused: dict[str, str] = {}
        self.notes: list[str] = []

    def add(self, place: str, item: str, asked: Asked, text: str, marks: Mapping[str, Marked | str]) -> None:
        """Add one row; a mark that is a sentence says why its metric is none.

        Raises DamagedFile where the item stands twice, or names two questions.
        """
        for metric, mark in marks.items():
            if isinstance(mark, str):
                self._refused.setdefault(metric, mark)
                continue
            rows = self._rows.setdefault(metric, {})
            known = rows.get(item)
            if known is None:
                if len(rows) >= _MOST_ITEMS:
                    raise damaged(self.source.path, f"holds more than {_MOST_ITEMS:,} items")
                rows[item] = _Gathered(asked, text[:_SHOWN], [mark])
                continue
            if not self._repeats:
                raise damaged(self.source.path, f"{place} gives the item {quote(item)} a second time")
            if _content(known.asked) != _content(asked):
                raise damaged(self.source.path, f"{place} gives the item {quote(item)} another question than before")
            known.marks.append(mark)

    def runs(
        self,
        task: str,
        model: str,
        stated: Mapping[str, float] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Iterator[ImportedRun]:
        """Yield a run for each metric whose values are all shares; raises DamagedFile where there is none."""
        kept = [metric for metric in self._rows if metric not in self._refused]
        if not kept:
            why = "; ".join(f"{quote(metric)} {reason}" for metric, reason in list(self._refused.items())[:3])
            raise damaged(self.source.path, f"holds no marks in [0, 1]{f': {why}' if why else ''}")
        notes = [f"the metric {quote(metric)} is left out: {why}" for metric, why in self._refused.items()]
        for metric in kept:
            items = {name: _item(name, row) for name, row in self._rows[metric].items()}
            lost = sum(
                1
                for row in self._rows[metric].values()
                if 0 < sum(mark.score is None for mark in row.marks) < len(row.marks)
            )
            more = [f"{lost} items lost some of their repeats: the others are averaged"] if lost else []
            yield ImportedRun(
                task,
                model,
                metric,
                items,
                self.source,
                (stated or {}).get(metric),
                settings or {},
                (*self.notes, *notes, *more),
            )


def _item(name: str, row: _Gathered) -> ImportedItem:
    """Return an item; of several answers to one question the mean of those that have a mark."""
    scores = [mark.score for mark in row.marks if mark.score is not None]
    own = [mark.value for mark in row.marks if mark.value is not None]
    reason = "" if scores else next((mark.reason for mark in row.marks if mark.reason), "not scored")
    asked = row.asked
    return ImportedItem(
        name,
        math.fsum(scores) / len(scores) if scores else None,
        " ".join(reason.split())[:_LARGEST_REASON],
        math.fsum(own) / len(own) if own else None,
        asked.question[:_SHOWN],
        _content(asked),
        _questions(asked),
        row.text,
        asked.expected[:_SHOWN],
        asked.group,
    )


def _content(asked: Asked) -> str:
    """Return the digest of the question as the tool keeps it, "" where it does not."""
    if asked.content:
        return digest_of_bytes(asked.content.encode("utf-8", "surrogatepass"))
    return digest_of_question(asked.question, asked.choices) if asked.question else ""


def _questions(asked: Asked) -> tuple[str, ...]:
    """Return digests by which another tool's row can be known, the most telling first."""
    own = [digest_of_question(asked.question, asked.choices)] if asked.question else []
    return tuple(dict.fromkeys([*own, *(digest_of_question(prompt) for prompt in asked.prompts if prompt)]))


def digest_of_question(text: str, choices: Sequence[str] = ()) -> str:
    """Return the digest of a question's words: Unicode in NFC, white space as one space, choices in their order."""
    parts = (" ".join(unicodedata.normalize("NFC", part).split()) for part in (text, *choices))
    return digest_of_bytes("\x1f".join(parts).encode("utf-8", "surrogatepass"))


def to_mark(value: Any) -> float | str | None:
    """Return a share in [0, 1], None for no mark at all (empty, NaN), or a sentence where it is no mark."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool | int | float):
        return float(value) if 0 <= value <= 1 else f"has values outside [0, 1], such as {value:.6g}"
    if not isinstance(value, str):
        return "has values that are no numbers"
    word = value.strip().lower()
    if word in {"", "nan", "na", "n/a", "none", "null"}:
        return None
    if word in _WORDS:
        return _WORDS[word]
    return (
        to_mark(float(word))
        if re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,20})?(e[+-]?\d{1,2})?", word)
        else (f"has the value {quote(value, 40)}")
    )
