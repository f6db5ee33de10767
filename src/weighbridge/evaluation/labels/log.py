"""The log of hand labels: acts of people, appended one by one and never changed; an undo is an act of its own."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import LabelsV1
from weighbridge.errors import StoreDamaged, UsageError
from weighbridge.evaluation.detector.judgement import BEHAVIOURS
from weighbridge.evaluation.labels.sample import population_of, samples_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from weighbridge.evaluation.labels.sample import Sample
    from weighbridge.store.protocol import Store

__all__ = ["CHOICES", "KIND", "HandLabel", "Label", "LabelLog", "labelled_sample", "majority"]

KIND = "labels/v1"
CHOICES = (*BEHAVIOURS, "skip")


@dataclass(frozen=True, slots=True)
class Label:
    """A `labels/v1` of a day, with the digest of the answer it is on."""

    act: LabelsV1
    digest: str
    on: date


@dataclass(frozen=True, slots=True)
class HandLabel:
    """What most people say of one answer; `narrative` is None where they are even on it, or nobody said."""

    digest: str
    language: str
    item: str
    behaviour: str
    narrative: bool | None
    people: int


@dataclass(slots=True)
class LabelLog:
    """All acts on answers, in the order they were written; the store is their only truth.

    The first label of a person on an answer counts until it is taken back: what a double click, a second page or a
    file that is imported again sends changes nothing. Only acts on the page know a population; one that was imported
    neither stands in the page's way nor counts beside what the same person said there.
    """

    store: Store
    _standing: dict[tuple[str, str, bool], Label] = field(default_factory=dict)  # see `_ledger`
    _turns: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, store: Store) -> LabelLog:
        """Read the acts that the store holds; raises StoreDamaged for one that is no label."""
        log = cls(store)
        for evidence in store.select(kind=KIND):
            try:
                act = LabelsV1.model_validate(evidence.body)
            except ValidationError as error:
                raise StoreDamaged(f"`{evidence.id}` is no hand label") from error
            log._note(Label(act, evidence.subject, evidence.made_on))
        return log

    def turn(self, who: str) -> int:
        """Return how many acts a person has made."""
        return self._turns[who]

    def find(self, who: str, digest: str) -> Label | None:
        """Return what a person's standing act on an answer is, on the page before an imported one; perhaps a skip."""
        return self.find_drawn(who, digest) or self._standing.get((who, digest, False))

    def find_drawn(self, who: str, digest: str) -> Label | None:
        """Return what a person's standing act on an answer is that was shown on the page, perhaps a skip."""
        return self._standing.get((who, digest, True))

    def labels(self) -> list[Label]:
        """Return the labels that stand, one of a person on an answer, in the order they were given."""
        return [
            label
            for label in self.standing()
            if label.act.behaviour != "skip" and self.find(label.act.who, label.digest) is label
        ]

    def people(self) -> list[str]:
        """Return who has labelled, by name."""
        return sorted({label.act.who for label in self.labels()})

    def standing(self) -> list[Label]:
        """Return the acts that were not taken back, those that left an answer out among them."""
        return list(self._standing.values())

    def cast(self, act: LabelsV1, digest: str, on: date, source: str) -> bool:
        """Write a label at once; False where that person's act on that answer stands: nothing is written.

        `source` is the digest of the sample, or of the file that was imported: then the act names no population.
        """
        if act.behaviour not in CHOICES:
            raise UsageError("that is no label", hint=f"a label is one of: {', '.join(CHOICES)}")
        if _ledger(act, digest) in self._standing:
            return False
        self._write(Label(act, digest, on), source)
        return True

    def undo(self, who: str, turn: int, sample: Sample, language: str, on: date) -> bool:
        """Take back the person's last act on a sample (in a language, where one is given).

        False where there is none, or where `turn` is not the person's turn now.
        """
        mine = [
            label
            for label in self.standing()
            if label.act.who == who
            and label.act.population == sample.population
            and language in ("", label.act.language)
        ]
        if not mine or turn != self.turn(who):
            return False
        last = max(mine, key=lambda label: label.act.turn)
        changed = {"behaviour": "undo", "narrative": None, "turn": turn, "undoes": last.act.turn}
        self._write(Label(last.act.model_copy(update=changed), last.digest, on), sample.id)
        return True

    def _write(self, label: Label, source: str) -> None:
        """Append one act to the store, then to what is held here."""
        body = label.act.model_dump(mode="json")
        self.store.add(Evidence(label.digest, KIND, body, (source,), OURS, label.on))
        self._note(label)

    def _note(self, label: Label) -> None:
        key = _ledger(label.act, label.digest)
        self._turns[label.act.who] += 1
        standing = self._standing.get(key)
        if label.act.behaviour != "undo":
            self._standing.setdefault(key, label)
        elif standing is not None and standing.act.turn == label.act.undoes:
            del self._standing[key]


def _ledger(act: LabelsV1, digest: str) -> tuple[str, str, bool]:
    """Return what an act is kept under: who, on which answer, and whether on the page."""
    return act.who, digest, act.population is not None


def majority(labels: Iterable[Label]) -> dict[str, HandLabel]:
    """Return what most of these labels say of each answer; answers on which they are even are left out."""
    by_answer: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_answer[label.digest].append(label)
    found = {}
    for digest, given in by_answer.items():
        behaviour = _most([label.act.behaviour for label in given])
        if behaviour is not None:
            told = [label.act.narrative for label in given if label.act.narrative is not None]
            act = given[0].act
            found[digest] = HandLabel(digest, act.language, act.item, behaviour, _most(told), len(given))
    return found


def labelled_sample(store: Store, keys: Iterable[str]) -> dict[str, HandLabel]:
    """Return the hand labels that are a uniform random sample, within each language, of exactly these answers.

    These are the labels on the head of the sample's order: up to the last answer that was passed as one of these, or
    all where each was passed on some page, and never beyond one that nobody labelled or skipped. Only what people said
    on the page counts. A label behind the head would favour the answers that somebody chose, or that other samples
    share. Empty where no sample was drawn from these answers, alone or put together with others. Answers of the head
    that are missing were skipped, or people are even on them. `keys` are of all answers that were given and show
    something.
    """
    wanted = frozenset(keys)
    samples = samples_of(store, population_of(wanted))
    if not samples:
        return {}
    standing = [label for label in LabelLog.read(store).standing() if label.act.population is not None]
    labels = majority(label for label in standing if label.act.behaviour != "skip")
    seen = {label.digest for label in standing}
    found: dict[str, HandLabel] = {}
    for sample in samples:  # all have one order, so that the longest head holds the others
        gone = {label.digest for label in standing if label.act.population == sample.population}
        for language in sample.body.languages:
            order = [answer.digest for answer in sample.drawn(language) if answer.digest in wanted]
            head = list(takewhile(seen.__contains__, order))
            end = max((place + 1 for place, digest in enumerate(head) if digest in gone), default=0)
            passed = order if len(head) == len(order) else head[:end]
            found |= {digest: labels[digest] for digest in passed if digest in labels}
    return found


_Said = TypeVar("_Said", str, bool)


def _most(said: Sequence[_Said]) -> _Said | None:
    """Return what is said most often, None where two are said equally often."""
    ranked = Counter(said).most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
