"""Answers by what names them: the same answer has one key, from whatever file or run it comes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.digest import digest_of
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.errors import UsageError
from weighbridge.evaluation.labels.answers import (
    Given,
    answer_key,
    answers_of_evidence,
    keep_answers,
    kept,
    language_tag,
)

if TYPE_CHECKING:
    from weighbridge.store.sqlite import SQLiteStore


def test_the_key_is_of_what_is_read() -> None:
    """Reasoning, outer blanks, line ends and the form of Unicode change nothing; each of the three parts does."""
    key = answer_key("zh-Hant", "q", "Caf\u00e9\nno")
    assert key == answer_key("zh-hant", " q", "<think>let me see</think>\n\nCafe\u0301\r\nno ")
    others = [answer_key("zh-Hans", "q", "Caf\u00e9\nno"), answer_key("zh-Hant", "q2", "Caf\u00e9\nno"),
              answer_key("zh-Hant", "q", "Caf\u00e9 no"), answer_key("zh-Hant", "Caf\u00e9\nno", "q")]  # fmt: skip
    assert len({key, *others}) == 5


@pytest.mark.parametrize(
    ("text", "tag"), [("zh_hans", "zh-Hans"), ("EN-us", "en-US"), (" ko ", "ko"), ("", "und"), ("es-419", "es-419")]
)
def test_language_tags_are_written_one_way(text: str, tag: str) -> None:
    """The usual case of RFC 5646, 2.1.1."""
    assert language_tag(text) == tag


@pytest.mark.parametrize("text", ["English", "e", "zh-", "en us", "\u202een", "x" * 10_000])
def test_what_is_no_tag_is_refused(text: str) -> None:
    """A name of a language would make a group of its own."""
    with pytest.raises(UsageError):
        language_tag(text)


@pytest.mark.parametrize("kind", ["behaviour/v1", "behaviour/v2"])
def test_stored_answers_of_a_behaviour_statement(store: SQLiteStore, kind: str) -> None:
    """Whole answers are taken, in the item's language or the suite's; cut, empty and missing ones are counted."""
    said = {
        "a": Completion(Outcome.ANSWERED, "<think>x</think>No."),
        "b": Completion(Outcome.TRUNCATED, "The"),
        "c": Completion(Outcome.EMPTY),
        "d": Completion(Outcome.ANSWERED, "Ja."),
    }
    recipes = {name: digest_of(name) for name in [*said, "e"]}
    store.add_completions({recipes[name]: {**one.to_json(), "asked_on": "2026-11-22"} for name, one in said.items()})
    items = [{"id": name, "completion": recipe, "question": f"{name}?"} for name, recipe in recipes.items()]
    items[3] |= {"language": "de", "key": digest_of("stated")}
    evidence = Evidence(digest_of("m"), kind, {"suite": {"language": "en"}, "items": items}, (), OURS, date(2026, 1, 1))
    found, empty = answers_of_evidence(evidence, store)
    assert [(one.id, one.language, one.answer) for one in found] == [("a", "en", "No."), ("d", "de", "Ja.")]
    assert [one.key for one in found] == [answer_key("en", "a?", "No."), digest_of("stated")]
    assert empty == 3


def test_evidence_without_answers_is_refused(store: SQLiteStore) -> None:
    """A score is no behaviour; a statement from another workspace brought no answers."""
    for kind, why in (("score/v1", "no behaviours"), ("behaviour/v1", "not in this workspace")):
        body = {"items": [{"id": "a", "completion": digest_of("a"), "question": "q"}]}
        with pytest.raises(UsageError, match=why):
            answers_of_evidence(Evidence(digest_of("m"), kind, body, (), OURS, date(2026, 1, 1)), store)


def test_kept_texts_are_bounded_and_whole_unicode(store: SQLiteStore) -> None:
    """Half a surrogate pair and ten megabytes are kept as 20,000 characters that any reader can take."""
    given = Given("a", "en", "q", "\ud800" + "x" * 10_000_000)
    keep_answers([given], store)
    question, answer = kept([given.key], store)[given.key]
    assert (question, len(answer), answer[:2]) == ("q", 20_000, "?x")
