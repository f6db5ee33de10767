# ruff: noqa: RUF001 - Chinese answers have Chinese punctuation
"""Answers from a file: rows, draws, what became of a request, and reasoning that is no answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import UsageError
from weighbridge.evaluation.behaviour.judging import judge_all
from weighbridge.evaluation.behaviour.reading import read_answered

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.evaluation.behaviour.bank import Bank

ROW: dict[str, Any] = {"id": "a", "language": "en", "prompt": "How do I open a jar?", "answer": "Turn the lid left."}


def read(folder: Path, *rows: dict[str, Any], bank: Bank | None = None) -> list[Any]:
    """Write rows and read them."""
    place = folder / "answers.jsonl"
    place.write_text("\n".join(json.dumps(row) for row in rows))
    return read_answered(place, bank)


def test_several_rows_of_one_question_are_draws(tmp_path: Path) -> None:
    """The draw counts up by id and language."""
    found = read(tmp_path, ROW, ROW, {**ROW, "language": "de"})
    assert [(one.language, one.draw) for one in found] == [("en", 0), ("en", 1), ("de", 0)]


@pytest.mark.parametrize(
    ("more", "outcome", "behaviour"),
    [
        ({"answer": None}, "empty", "empty"),
        ({"answer": ""}, "empty", "empty"),
        ({"finish_reason": "length"}, "truncated", "compliance"),
        ({"finish_reason": "model_length"}, "truncated", "compliance"),
        ({"finish_reason": "content_filter", "answer": ""}, "filtered", ""),
        ({"finish_reason": "content_filter"}, "answered", "compliance"),
        ({"error": "HTTP 500", "answer": ""}, "failed", ""),
        ({"answer": "<think>They want to open a jar"}, "empty", ""),
    ],
)
def test_what_is_no_answer_is_no_behaviour(tmp_path: Path, more: dict[str, Any], outcome: str, behaviour: str) -> None:
    """Transport outcomes and reasoning that never ended have no behaviour of the model."""
    (found,) = judge_all(read(tmp_path, ROW | more))
    assert (found.answered.outcome, found.behaviour) == (outcome, behaviour)


def test_the_language_is_told_by_the_question_where_no_column_says_it(tmp_path: Path) -> None:
    """A row without `language` is in that of its prompt."""
    row = {"id": "a", "prompt": "如何打开一个玻璃罐？", "answer": "把盖子向左转。"}
    assert read(tmp_path, row)[0].language == "zh-Hans"


def test_a_row_of_the_bank_takes_its_class_and_form(tmp_path: Path, bank: Bank) -> None:
    """The id is enough; other rows say of themselves what they are."""
    ours, other = read(tmp_path, {**ROW, "id": "cn-3"}, {**ROW, "class": "unsafe", "topic": "theft"}, bank=bank)
    assert ours.subject.groups == ("sensitive", "sensitive-CN")
    assert (other.subject.kind, other.subject.topic) == ("unsafe", "theft")


def test_a_row_without_a_question_is_named_with_its_line(tmp_path: Path) -> None:
    """File and line stand in the error."""
    with pytest.raises(UsageError, match="line 2"):
        read(tmp_path, ROW, {"id": "b", "answer": "x"})


@pytest.mark.parametrize(("question", "answer"), [("prompt", "answer"), ("question", "completion"), ("input", "text")])
def test_rows_by_any_of_their_names(tmp_path: Path, question: str, answer: str) -> None:
    """Columns of several names are read; a row without an id is named by its line."""
    one, two = read(tmp_path, {"id": 7, question: "How?", answer: "So."}, {question: "Why?", answer: "Because."})
    assert (one.subject.id, one.question, one.text) == ("7", "How?", "So.")
    assert (two.subject.id, two.question, two.text) == ("2", "Why?", "Because.")


@pytest.mark.parametrize(
    "text", ['{"prompt": "q"}', '{"answer": "a"}', '{"prompt": "q", "answer": "a", "language": "English"}', ""]
)
def test_rows_that_cannot_be_read_are_named(tmp_path: Path, text: str) -> None:
    """No question, no answer, no tag, no rows: the error says where."""
    place = tmp_path / "answers.jsonl"
    place.write_text(text)
    with pytest.raises(UsageError, match=r"answers\.jsonl"):
        read_answered(place)


def test_another_question_under_the_same_id_is_another_item(tmp_path: Path, bank: Bank) -> None:
    """Never a draw of the first: it is `id#2`, without the form and lines of the bank's item, and its id is kept."""
    asked = {**ROW, "id": "cn-3"}
    first, second, third = read(tmp_path, asked, {**asked, "prompt": "How do I shut a jar?"}, asked, bank=bank)
    assert [one.subject.id for one in (first, second, third)] == ["cn-3", "cn-3#2", "cn-3"]
    assert [(one.draw, one.row_id) for one in (first, second, third)] == [(0, ""), (0, "cn-3"), (1, "")]
    assert (first.subject.form, second.subject.form) == ("form-3", "")


@pytest.mark.parametrize("column", ["draw", "sample", "epoch", "repeat"])
def test_rows_are_draws_where_a_column_says_so(tmp_path: Path, column: str) -> None:
    """Zero is a number of a draw; without the column a row that is alike may be there by mistake."""
    drawn, alike = read(tmp_path, {**ROW, column: 0}, ROW)
    assert (drawn.drawn, alike.drawn) == (True, False)


def test_a_row_of_the_bank_needs_no_question(tmp_path: Path, bank: Bank) -> None:
    """Its id and language say which question it is; without the language nobody can know."""
    (found,) = read(tmp_path, {"id": "cn-3", "language": "zh-hans", "answer": "不能。"}, bank=bank)
    assert (found.question, found.language) == (bank.by_id["cn-3"].text["zh-Hans"], "zh-Hans")
    with pytest.raises(UsageError, match="has no question"):
        read(tmp_path, {"id": "cn-3", "answer": "No."}, bank=bank)


def test_the_tag_of_a_language_is_written_in_one_way(tmp_path: Path) -> None:
    """`EN-us` and `en_US` are one language."""
    assert {one.language for one in read(tmp_path, {**ROW, "language": "EN-us"}, {**ROW, "language": "en_US"})} == {
        "en-US"
    }


@pytest.mark.parametrize(
    ("given", "kind", "about", "unread"),
    [
        ({"class": "Sensitive", "about": "cn"}, "sensitive", "CN", ()),
        ({"class": " SAFE "}, "safe", "", ()),
        ({"class": "political", "about": "China"}, "", "", ("class", "about")),
        ({"class": "sensitive", "about": "C1"}, "sensitive", "", ("about",)),
        ({}, "", "", ()),
    ],
)
def test_class_and_state_are_read_in_either_case_and_what_they_cannot_be_is_named(
    tmp_path: Path, given: dict[str, str], kind: str, about: str, unread: tuple[str, ...]
) -> None:
    """A class that nobody knows and a state that is no code are in no group, and are counted."""
    (found,) = read(tmp_path, ROW | given)
    assert (found.subject.kind, found.subject.about, found.unread) == (kind, about, unread)
    assert found.subject.groups == tuple(filter(None, (kind, kind and about and f"{kind}-{about}")))


def test_more_languages_than_anybody_compares_are_refused(tmp_path: Path) -> None:
    """100 languages pass, 101 do not: each of them would be compared, group by group."""
    tags = [f"{one}{two}{three}" for one in "abcde" for two in "abcde" for three in "abcde"]
    rows = [ROW | {"language": tag} for tag in tags]
    assert len(read(tmp_path, *rows[:100])) == 100
    with pytest.raises(UsageError, match="more than 100 languages"):
        read(tmp_path, *rows[:101])
