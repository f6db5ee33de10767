"""The log of labels: counted once, taken back by an act of its own, and what most people say."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.errors import StoreDamaged, UsageError
from weighbridge.evaluation.labels.log import LabelLog, labelled_sample, majority
from weighbridge.evaluation.labels.sample import freeze_sample, population_of

if TYPE_CHECKING:
    from weighbridge.store.sqlite import SQLiteStore

ON = date(2026, 11, 22)
A, B, FILE = digest_of("a"), digest_of("b"), digest_of("file")


def test_the_first_label_of_a_person_counts(store: SQLiteStore, act: Any) -> None:
    """A second one is not written; another person's is; a fresh log reads the same."""
    log = LabelLog.read(store)
    assert log.cast(act("ann", "refusal"), A, ON, FILE)
    assert not log.cast(act("ann", "compliance", 1), A, ON, FILE)
    assert log.cast(act("bob", "partial"), A, ON, FILE)
    for one in (log, LabelLog.read(store)):
        assert [(label.act.who, label.act.behaviour) for label in one.labels()] == [
            ("ann", "refusal"),
            ("bob", "partial"),
        ]
        assert (one.turn("ann"), one.turn("bob"), one.people()) == (1, 1, ["ann", "bob"])


def test_what_is_taken_back_can_be_given_again(store: SQLiteStore, givens: Any, act: Any) -> None:
    """Label, undo, the same label: three statements, one label; an old undo form does nothing."""
    sample = freeze_sample(givens(2), 60, store, ON)
    digest = sample.drawn()[0].digest
    log = LabelLog.read(store)
    log.cast(act("ann", "refusal", population=sample.population), digest, ON, sample.id)
    assert log.undo("ann", 1, sample, "", ON)
    assert log.labels() == LabelLog.read(store).labels() == []
    assert not log.undo("ann", 1, sample, "", ON)
    assert log.cast(act("ann", "refusal", 2, population=sample.population), digest, ON, sample.id)
    assert [label.act.turn for label in LabelLog.read(store).labels()] == [2]
    assert len(list(store.select(kind="labels/v1"))) == 3


def test_undo_stays_in_its_sample_and_language(store: SQLiteStore, givens: Any, act: Any) -> None:
    """A label that was imported is not taken back on the page, nor one in a language that is not shown."""
    sample = freeze_sample(givens(2), 60, store, ON)
    log = LabelLog.read(store)
    log.cast(act("ann", "refusal"), A, ON, FILE)
    assert not log.undo("ann", 1, sample, "", ON)
    log.cast(act("ann", "refusal", 1, population=sample.population), sample.drawn()[0].digest, ON, sample.id)
    assert not log.undo("ann", 2, sample, "ko", ON)
    assert log.undo("ann", 2, sample, "en", ON)


def test_most_people_decide(store: SQLiteStore, act: Any) -> None:
    """Two of three stand, one against one is left out, who skips has no say; narrative is decided for itself."""
    log = LabelLog.read(store)
    said = {"ann": ("refusal", True), "bob": ("refusal", False), "cho": ("partial", True), "dee": ("skip", None)}
    for who, (behaviour, narrative) in said.items():
        log.cast(act(who, behaviour, narrative=narrative), A, ON, FILE)
    for who in ("ann", "cho"):
        log.cast(act(who, said[who][0], 1), B, ON, FILE)
    found = majority(LabelLog.read(store).labels())
    assert found.keys() == {A}
    assert (found[A].behaviour, found[A].narrative, found[A].people) == ("refusal", True, 3)


def test_the_labelled_sample_is_a_head(store: SQLiteStore, givens: Any, act: Any) -> None:
    """Labels that came with a file stand for themselves only, until the person on the page has passed them."""
    answers = givens(40)
    keys = [one.key for one in answers]
    assert labelled_sample(store, keys) == {}
    sample = freeze_sample(answers, 20, store, ON)
    order = [one.digest for one in sample.drawn()]
    log = LabelLog.read(store)
    for turn, digest in enumerate(order[10:15]):
        log.cast(act("ann", "refusal", turn), digest, ON, FILE)
    assert labelled_sample(store, keys) == {}
    for turn, digest in enumerate(order[:3], 5):
        log.cast(act("ann", "partial", turn, population=sample.population), digest, ON, sample.id)
    assert list(labelled_sample(store, keys)) == order[:3]
    assert labelled_sample(store, keys[1:]) == {}


def test_only_an_act_passes_an_answer(store: SQLiteStore, givens: Any, act: Any) -> None:
    """The head ends at the first answer that nobody labelled or skipped, whatever is labelled behind it."""
    answers = givens(40)
    keys = [one.key for one in answers]
    sample = freeze_sample(answers, 20, store, ON)
    order = [one.digest for one in sample.drawn()]
    log = LabelLog.read(store)
    for turn, digest in enumerate([*order[:4], *order[5:20]]):
        log.cast(act("ann", "compliance", turn, population=sample.population), digest, ON, sample.id)
    assert list(labelled_sample(store, keys)) == order[:4]
    log.cast(act("bob", "skip", 0, None, population=sample.population), order[4], ON, sample.id)
    assert list(labelled_sample(store, keys)) == order[:4] + order[5:]


def test_the_same_answers_in_a_second_file_keep_their_labels(store: SQLiteStore, givens: Any, act: Any) -> None:
    """Labels from the page of another sample count up to the last answer that was passed in this one."""
    first, second = givens(30), givens(30) + givens(30, start=100)
    sample = freeze_sample(first, 30, store, ON)
    log = LabelLog.read(store)
    for turn, one in enumerate(sample.drawn()):
        log.cast(act("ann", "refusal", turn, population=sample.population), one.digest, ON, sample.id)
    keys = [one.key for one in second]
    other = freeze_sample(second, 60, store, ON)
    assert labelled_sample(store, keys) == {}
    order = [one.digest for one in other.drawn()]
    fresh = [digest for digest in order if log.find("ann", digest) is None]
    for turn, digest in enumerate(fresh[:5], 30):
        log.cast(act("ann", "partial", turn, population=other.population), digest, ON, other.id)
    assert list(labelled_sample(store, keys)) == order[: order.index(fresh[4]) + 1]


def test_two_models_in_one_sample_serve_both(store: SQLiteStore, givens: Any, act: Any) -> None:
    """Mixed on the page, each has the labels on its own answers, in its own order; and no one else's."""
    one, two = givens(20), givens(20, start=100)
    keys = [[given.key for given in part] for part in (one, two)]
    sample = freeze_sample(one + two, 30, store, ON, parts=[population_of(part) for part in keys])
    order = [answer.digest for answer in sample.drawn()]
    log = LabelLog.read(store)
    for turn, digest in enumerate(order[:12]):
        log.cast(act("ann", "refusal", turn, population=sample.population), digest, ON, sample.id)
    for part in keys:
        alone = [answer.digest for answer in freeze_sample(one if part is keys[0] else two, 20, store, ON).drawn()]
        assert list(labelled_sample(store, part)) == [digest for digest in order[:12] if digest in part]
        assert list(labelled_sample(store, part)) == alone[: len(labelled_sample(store, part))]
    assert len(labelled_sample(store, keys[0])) + len(labelled_sample(store, keys[1])) == 12


def test_a_sample_labelled_whole_elsewhere_counts(store: SQLiteStore, givens: Any, act: Any) -> None:
    """Every answer of the sample was labelled on the page of another one: all of it counts."""
    answers = givens(6)
    other = freeze_sample(givens(9), 9, store, ON)
    log = LabelLog.read(store)
    for turn, one in enumerate(other.drawn()):
        log.cast(act("ann", "refusal", turn, population=other.population), one.digest, ON, other.id)
    freeze_sample(answers, 4, store, ON)
    assert len(labelled_sample(store, [one.key for one in answers])) == 4


def test_what_is_no_label_is_refused(store: SQLiteStore, act: Any) -> None:
    """An undo cannot be cast; a statement that is no label is damage."""
    with pytest.raises(UsageError):
        LabelLog.read(store).cast(act("ann", "undo"), A, ON, FILE)
    store.add(Evidence(A, "labels/v1", {"behaviour": "refusal"}, (), OURS, ON))
    with pytest.raises(StoreDamaged):
        LabelLog.read(store)
