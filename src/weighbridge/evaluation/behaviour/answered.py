"""Answers to items, wherever they come from: asked for here, or read from a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from weighbridge.evaluation.labels.answers import answer_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from weighbridge.evaluation.behaviour.bank import BankItem, Narrative
    from weighbridge.evaluation.detector.judgement import Judgement

__all__ = ["MOST_SHOWN", "Answered", "Judged", "Subject", "in_pairs"]

MOST_SHOWN = 400  # characters of a question or an answer that evidence keeps


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of the question beside its text; all of it may be empty for imported answers."""

    id: str
    kind: str = ""
    topic: str = ""
    about: str = ""
    form: str = ""
    groups: tuple[str, ...] = ()
    narratives: tuple[Narrative, ...] = ()

    @classmethod
    def of(cls, item: BankItem) -> Subject:
        """Return what a bank knows of an item."""
        return cls(item.id, item.kind, item.topic, item.about, item.form, item.groups, tuple(item.narratives))


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: `text` without reasoning, `outcome` as the engine gave it.

    `thinking` is the characters of reasoning that were left out, None where nobody can know; `open` says that the
    reasoning never ended. `chunks` are what was streamed, where it was. `recipe` and `digest` tie it to the store.
    `model` is the name that a file gives, "" elsewhere. `drawn` says that answers to the same item are draws of it,
    and not rows that happen to be alike. `row_id` is the id in the file where another question had it before.
    `unread` names the columns of the file whose value is none that they can have.
    """

    subject: Subject
    language: str
    question: str
    text: str
    outcome: str = "answered"
    draw: int = 0
    thinking: int | None = None
    open: bool = False
    chunks: tuple[str, ...] = ()
    recipe: str = ""
    digest: str | None = None
    model: str = ""
    drawn: bool = True
    row_id: str = ""
    unread: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What hand labels are tied to: the same words to the same question carry their label over."""
        return answer_key(self.language, self.question, self.text)


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer with what it does; `by` says who decided: the detector, a judge, or a hand."""

    answered: Answered
    judgement: Judgement
    flags: frozenset[str] = field(default_factory=frozenset)
    by: str = "detector"

    @property
    def behaviour(self) -> str:
        """The behaviour; "" where there was no answer to judge."""
        return self.judgement.behaviour

    @property
    def place(self) -> tuple[str, str, int]:
        """Where it stands in the design: item, language and draw."""
        return self.answered.subject.id, self.answered.language, self.answered.draw


def in_pairs(first: Iterable[Judged], second: Iterable[Judged]) -> Iterator[tuple[Judged, Judged]]:
    """Yield the answers of two sides to the same item, language and draw, in the order of the first."""
    others = {one.place: one for one in second}
    return ((one, others[one.place]) for one in first if one.place in others)
