"""Behaviour of answers that a team already has: judged where they are, no model asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge import __version__
from weighbridge.core.digest import digest_of
from weighbridge.evaluation.behaviour.bank import CLASSES, jurisdiction_of
from weighbridge.evaluation.behaviour.contrasts import MARGIN
from weighbridge.evaluation.behaviour.judging import judge_all
from weighbridge.evaluation.behaviour.reading import read_answered
from weighbridge.evaluation.behaviour.report import Frame, behaviour_body
from weighbridge.evaluation.behaviour.second_opinion import Taken
from weighbridge.evaluation.imports.reading import digest_of_file
from weighbridge.evaluation.labels.answers import UNKNOWN
from weighbridge.evaluation.labels.log import labelled_sample
from weighbridge.workflow.behaviour.measure import labelled_keys, state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from weighbridge.core.evidence import Evidence
    from weighbridge.evaluation.behaviour.answered import Judged
    from weighbridge.evaluation.behaviour.bank import Bank
    from weighbridge.evaluation.run import Session
    from weighbridge.store.protocol import Store

    Decide = Callable[[Sequence[Judged]], Taken]

__all__ = ["Scored", "judge_file", "keep", "row_of", "score_file"]

_REFERENCE = "en"
_CLASSES = ", ".join(CLASSES)
_FAILED = frozenset({"failed", "timeout"})


@dataclass(frozen=True, slots=True)
class Scored:
    """The answers of a file, judged, and what they say together (`behaviour/v2`)."""

    answers: tuple[Judged, ...]
    body: dict[str, Any]
    subject: str
    bank: str


def judge_file(
    path: Path, bank: Bank | None = None, *, model: str | None = None, decide: Decide | None = None
) -> list[Judged]:
    """Judge every answer of a file, row by row, in its order; models are judged apart, each as one run.

    `decide` labels what the detector is unsure of. Raises SuiteError or UsageError with file and line.
    """
    answers = read_answered(path, bank, model=model, apart=True)
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, one in enumerate(answers):
        rows[one.model].append(row)
    judged = {
        row: one for of in rows.values() for row, one in zip(of, judge_all([answers[row] for row in of]), strict=True)
    }
    found = [judged[row] for row in range(len(answers))]
    return list(decide(found).answers) if decide is not None else found


def score_file(
    path: Path,
    bank: Bank | None = None,
    *,
    maker: str = "",
    margin: float = MARGIN,
    store: Store | None = None,
    model: str | None = None,
    decide: Decide | None = None,
) -> Scored:
    """Judge every answer of a file; rows whose id is an item of `bank` take its class, form and narratives.

    Hand labels in `store` correct the rates. `model` picks one where the file holds several. `margin` is the gap that
    is as good as none. `decide` labels what the detector is unsure of. Raises SuiteError, DamagedFile or UsageError
    with file and line.
    """
    answers = read_answered(path, bank, model=model)
    judged = judge_all(answers)
    taken = decide(judged) if decide is not None else Taken(tuple(judged), None, ())
    judged = list(taken.answers)
    languages = tuple(dict.fromkeys(one.answered.language for one in judged))
    known = [language for language in languages if language != UNKNOWN]
    reference = _REFERENCE if _REFERENCE in languages else (known or languages)[0]
    items = {one.answered.subject.id for one in judged}
    own = {
        "name": "imported",
        "version": "1",
        "digest": digest_of(sorted({(one.answered.subject.id, one.answered.question) for one in judged})),
        "licence": "not stated",
        "source": path.name[:200],
        "size": len(items),
    }
    frame = Frame(
        bank=bank.to_json() if bank else own,
        languages=languages,
        reference=reference,
        origin=path.name[:200],
        maker=jurisdiction_of(maker),
        margin=margin,
        labels=labelled_sample(store, labelled_keys(answers)) if store is not None else {},
        judge=taken.judge,
        notes=[
            "answers were imported: who asked them, and how, is not known here",
            *_notes(judged, maker),
            *taken.notes,
        ],
    )
    return Scored(tuple(judged), behaviour_body(judged, (), frame), digest_of_file(path), frame.bank["digest"])


def _notes(judged: Sequence[Judged], maker: str) -> list[str]:
    """Say what was made of rows that share an id, and of a maker that nothing is asked about."""
    notes = []
    if maker and all(f"sensitive-{jurisdiction_of(maker)}" not in one.answered.subject.groups for one in judged):
        notes.append(f"no sensitive item is about the maker's {maker}: the headline is not about its own state")
    unread = Counter(column for one in judged for column in one.answered.unread)
    if count := unread["class"]:
        notes.append(f"{count:,} answers have a class that is none of {_CLASSES}: they are in no group but all items")
    if count := unread["about"]:
        notes.append(
            f"{count:,} answers have an `about` that is no code of two letters (ISO 3166, or EU): "
            "they count for no state"
        )
    if other := sum(bool(one.answered.row_id) for one in judged):
        notes.append(f"{other:,} answers have the id of another question: each question is an item of its own, `id#2`")
    if alike := sum(one.answered.draw > 0 and not one.answered.drawn for one in judged):
        notes.append(
            f"{alike:,} answers repeat an item and question, and no column `draw` says that they are draws: "
            "an item counts once, and nothing is told of instability"
        )
    return notes


def keep(scored: Scored, session: Session) -> Evidence:
    """Add what a file's answers say to the store; its subject is the file, since nobody has seen the model."""
    inputs = (scored.bank, scored.subject, digest_of({"detector": __version__}))
    return state(scored.body, scored.subject, inputs, session.on, session)


def row_of(one: Judged) -> dict[str, Any]:
    """Return one answer for machines; what never became an answer is named by what became of it."""
    outcome = "error" if one.answered.outcome in _FAILED else str(one.answered.outcome)
    return {
        "id": one.answered.row_id or one.answered.subject.id,
        "language": one.answered.language,
        "behaviour": one.behaviour or outcome,
        "flags": sorted(one.flags),
        "unsure": one.judgement.unsure,
        "score": round(one.judgement.score, 4),
        "answer_language": one.judgement.language,
        "marked": one.judgement.span,
        "why": one.judgement.why,
    } | ({"model": one.answered.model} if one.answered.model else {})
