"""Hand labels as use cases: draw answers to read, carry labels in and out, report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.errors import NotFound
from weighbridge.evaluation.behaviour.reading import read_answered
from weighbridge.evaluation.imports.reading import digest_of_file
from weighbridge.evaluation.labels.answers import Given, answers_of_evidence, keep_answers
from weighbridge.evaluation.labels.exchange import import_file, rows_of
from weighbridge.evaluation.labels.log import LabelLog
from weighbridge.evaluation.labels.report import report_labels
from weighbridge.evaluation.labels.sample import Sample, freeze_sample, newest_sample, population_of
from weighbridge.workflow.behaviour.measure import labelled_answers
from weighbridge.workflow.workspace import write_whole

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from weighbridge.evaluation.labels.exchange import Imported
    from weighbridge.store.protocol import Store

__all__ = ["Source", "export_labels", "import_labels", "open_sample", "report_hand_labels"]

PER_LANGUAGE = 60  # +-9.5 points beside 200 automatic labels, +-12.4 alone


@dataclass(frozen=True, slots=True)
class Source:
    """Where answers are from: tables, and behaviour evidence by the heads of its ids; neither: what was drawn last."""

    files: tuple[Path, ...] = ()
    evidence: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Say whether anything is named."""
        return bool(self.files or self.evidence)


def open_sample(source: Source, store: Store, on: date, per_language: int = PER_LANGUAGE) -> Sample:
    """Draw answers of a source for people to read; the same draw, or the newest without a source, is found again.

    Raises UsageError for a source without answers, NotFound for evidence that is not there, or nothing drawn before.
    """
    if not source:
        return newest_sample(store)
    parts = _read(source, store)
    return freeze_sample(
        [given for part in parts for given in part.answers],
        per_language,
        store,
        on,
        inputs=tuple(dict.fromkeys(part.digest for part in parts)),
        parts=[population_of(given.key for given in part.answers) for part in parts] if len(parts) > 1 else (),
        empty=sum(part.empty for part in parts),
    )


def export_labels(store: Store, place: Path) -> int:
    """Write the labels that stand as JSON Lines, and return how many; raises NotFound where there are none."""
    rows = rows_of(LabelLog.read(store).labels())
    if not rows:
        raise NotFound("there are no hand labels in this workspace", hint="`weighbridge label --from answers.jsonl`")
    write_whole(place, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
    return len(rows)


def import_labels(place: Path, store: Store, on: date, who: str = "") -> Imported:
    """Take the labels of a JSONL or CSV file as hand labels; see `import_file`."""
    return import_file(place, store, on, who)


def report_hand_labels(store: Store, source: Source | None = None) -> dict[str, Any]:
    """Return what hand labels say, as JSON values; with a source, of its answers only.

    A source also brings the texts of answers that were labelled elsewhere.
    """
    labels = LabelLog.read(store).labels()
    if source:
        wanted = {given.key: given for part in _read(source, store) for given in part.answers}
        labels = [label for label in labels if label.digest in wanted]
        keep_answers((wanted[digest] for digest in {label.digest for label in labels}), store)
    return {"labels": len(labels), "languages": report_labels(labels, store)}


@dataclass(frozen=True, slots=True)
class _Part:
    """The answers of one model in a file, or of a statement, its digest, and how many are not shown to people."""

    digest: str
    answers: list[Given]
    empty: int


def _read(source: Source, store: Store) -> list[_Part]:
    """Return the answers of a source, part by part."""
    stated = [store.get(prefix) for prefix in source.evidence]
    return [part for path in source.files for part in _parts_of(path)] + [
        _Part(evidence.id, *answers_of_evidence(evidence, store)) for evidence in stated
    ]


def _parts_of(path: Path) -> list[_Part]:
    """Return the answers of a file, model by model: the same ones, in the same languages, whose rates they correct."""
    answers, digest = read_answered(path, apart=True), digest_of_file(path)
    models = dict.fromkeys(one.model for one in answers)
    parts = []
    for model in models:
        of_model = [one for one in answers if one.model == model]
        given = [
            Given(one.subject.id, one.language, one.question, one.text, one.key) for one in labelled_answers(of_model)
        ]
        parts.append(_Part(digest, given, len(of_model) - len(given)))
    return parts
