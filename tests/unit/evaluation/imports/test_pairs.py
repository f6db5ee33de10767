"""Which items of two runs are one question, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from weighbridge.errors import UsageError
from weighbridge.evaluation.imports.imported import Asked, Gathering, ImportedRun, Marked, Source
from weighbridge.evaluation.imports.pairs import Pairs, pair_items


def run(questions: dict[str, str], tool: str = "lm-eval") -> ImportedRun:
    """Return a run of items by id with their questions ("" where the file does not hold one)."""
    gathering = Gathering(Source(Path("a.jsonl"), "sha256:0", tool), repeats=False)
    for item, question in questions.items():
        gathering.add("line", item, Asked(question), "said", {"acc": Marked(1.0)})
    (only,) = gathering.runs("t", "m")
    return only


def ids(pairs: Pairs) -> list[tuple[str, str]]:
    """Return the ids of the pairs."""
    return [(ours.id, theirs.id) for ours, theirs in pairs.pairs]


def test_shared_ids_are_paired_and_the_others_are_named() -> None:
    """Items of one run only are listed, not dropped in silence."""
    found = pair_items(run({"1": "a", "2": "b", "3": "c"}), run({"2": "b", "3": "c", "4": "d"}))
    assert (found.by, ids(found)) == ("id", [("2", "2"), ("3", "3")])
    assert (found.left_only, found.right_only, found.unchecked) == (("1",), ("4",), 0)


def test_white_space_and_unicode_forms_do_not_make_another_question() -> None:
    """U+00E9 is U+0065 U+0301, and a line feed is a space."""
    assert ids(pair_items(run({"1": "caf\u00e9  is\n"}), run({"1": "cafe\u0301 is"}))) == [("1", "1")]


def test_one_id_with_two_questions_is_refused() -> None:
    """The same tool, the same ids, another version of the data."""
    with pytest.raises(UsageError, match=r"1 of 2 ids of `t` name different questions.*the first is `2`: `b` and `x`"):
        pair_items(run({"1": "a", "2": "b"}), run({"1": "a", "2": "x"}))


def test_items_that_only_moved_are_paired_by_their_questions() -> None:
    """A data set in another order: ids are places in it, the questions are the same."""
    found = pair_items(run({"0": "a", "1": "b", "2": "c"}), run({"0": "c", "1": "a", "2": "b"}))
    assert (found.by, sorted(ids(found))) == ("question", [("0", "1"), ("1", "2"), ("2", "0")])


def test_two_tools_number_their_items_in_their_own_way() -> None:
    """One counts from 0, the other from 1: pairing by id would pair every question with its neighbour."""
    found = pair_items(run({"0": "a", "1": "b", "2": "c"}), run({"1": "a", "2": "b", "3": "c"}, "inspect"))
    assert (found.by, ids(found)) == ("question", [("0", "1"), ("1", "2"), ("2", "3")])


def test_a_question_that_stands_twice_is_not_guessed() -> None:
    """Across tools nothing tells the two apart: they stay unpaired, and are named."""
    found = pair_items(run({"0": "a", "1": "a", "2": "c"}), run({"5": "a", "6": "a", "7": "c"}, "inspect"))
    assert ids(found) == [("2", "7")]
    assert (found.left_only, found.right_only) == (("0", "1"), ("5", "6"))


def test_without_questions_the_ids_alone_count_and_that_is_counted() -> None:
    """A table of `id,score`: the pairs are as good as the ids."""
    found = pair_items(run({"1": "", "2": ""}, "table"), run({"1": "", "2": ""}, "table"))
    assert (found.by, len(found.pairs), found.unchecked) == ("id", 2, 2)


def test_other_choices_make_another_question() -> None:
    """MMLU asks "Which of the following is true?" more than once."""
    runs: list[ImportedRun] = []
    for letters in ("ab", "ac"):
        gathering = Gathering(Source(Path("a.jsonl"), "sha256:0", "lm-eval"), repeats=False)
        gathering.add("line", "1", Asked("Which?", tuple(letters)), "", {"acc": Marked(1.0)})
        runs += gathering.runs("t", "m")
    with pytest.raises(UsageError, match="different questions"):
        pair_items(*runs)
