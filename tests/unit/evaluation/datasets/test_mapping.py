"""Rows become items as a layout says; what cannot be mapped is refused or counted."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from weighbridge.errors import SuiteError
from weighbridge.evaluation.datasets.layout import Layout
from weighbridge.evaluation.datasets.mapping import Mapped, map_files

if TYPE_CHECKING:
    from weighbridge.evaluation.item import Item


def mapped(folder: Path, rows: list[dict[str, Any]], item: dict[str, Any], **layout: Any) -> Mapped:
    """Map rows of a JSONL file."""
    path = folder / "rows_x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return map_files([path], Layout.model_validate({"files": "*", "item": item, **layout}))


def one(folder: Path, row: dict[str, Any], item: dict[str, Any], **layout: Any) -> Item:
    """Map one row."""
    (found,) = mapped(folder, [row], item, **layout).items
    return found


@pytest.mark.parametrize(
    ("cell", "kind", "letter"),
    [("b", "letter", "B"), ("(B)", "letter", "B"), (1, "index", "B"), ("2", "number", "B"), ("two", "text", "B"),
     (2.0, "number", "B"), ("B", ["index", "letter"], "B"), ("1", ["letter", "index"], "B")],
)  # fmt: skip
def test_answers_name_a_choice(tmp_path: Path, cell: Any, kind: Any, letter: str) -> None:
    """By letter, index from 0, number from 1, or the choice's own text."""
    row = {"q": "?", "c": ["one", "two", "three"], "a": cell}
    item = {"question": "q", "choices": "c", "answer": {"column": "a", "as": kind}}
    assert one(tmp_path, row, item).answer == letter


@pytest.mark.parametrize(("cell", "kind"), [("D", "letter"), ("AC", "letter"), (3, "index"), (0, "number"),
                                            (None, "letter"),
                                            ("four", "text"), ("-1", "index"), ("\u0663", "index")])  # fmt: skip
def test_an_answer_that_names_no_choice_is_never_guessed(tmp_path: Path, cell: Any, kind: str) -> None:
    """It is refused with file and line, or left out and counted where the layout says so."""
    row = {"q": "?", "c": ["one", "two", "three"], "a": cell}
    item = {"question": "q", "choices": "c", "answer": {"column": "a", "as": kind}}
    with pytest.raises(SuiteError, match=r"rows_x\.jsonl` line 1: the answer names no choice"):
        mapped(tmp_path, [row], item)
    found = mapped(tmp_path, [row], item, unusable="leave-out")
    assert (found.items, found.rows, sum(found.left_out.values())) == ([], 1, 1)


def test_choices_from_columns_and_objects(tmp_path: Path) -> None:
    """Several columns (trailing empty ones left out), `{text: [...]}` as in ARC, `{A: ...}`, a printed list."""
    columns = {"question": "q", "choices": ["A", "B", "C"]}
    assert one(tmp_path, {"q": "?", "A": "x", "B": "y", "C": ""}, columns).choices == ("x", "y")
    for cell in ({"text": ["x", "y"], "label": ["A", "B"]}, {"A": "x", "B": "y"}, "['x', 'y']", '["x", "y"]'):
        assert one(tmp_path, {"q": "?", "c": cell}, {"question": "q", "choices": "c"}).choices == ("x", "y")


def test_right_and_wrong_answers_are_mixed_by_a_hash(tmp_path: Path) -> None:
    """The right answer is not always A, the order is the same on every run, and doubles count once."""
    item = {"question": "q", "choices": {"right": "best", "wrong": "bad", "separator": ";"}}
    rows = [{"q": f"question {n}", "best": "yes", "bad": "no; never;no;  "} for n in range(200)]
    items = mapped(tmp_path, rows, item).items
    assert all(found.choices[ord(found.answer) - 65] == "yes" and len(found.choices) == 3 for found in items)
    assert all(40 <= sum(found.answer == letter for found in items) <= 95 for letter in "ABC")
    assert mapped(tmp_path, rows, item).items == items


def test_the_first_answer_whose_condition_holds_counts(tmp_path: Path) -> None:
    """As MMLU-Redux needs it: the key where it is sound, the corrected one where it is wrong; the spelling is free."""
    item = {
        "question": "q",
        "choices": "c",
        "answer": [
            {"column": "a", "as": "index", "when": {"e": "ok"}},
            {"column": "fix", "as": ["letter", "index"], "when": {"e": "wrong groundtruth"}},
        ],
    }
    rows = [
        {"q": f"{n}", "c": ["x", "y"], "a": "0", "e": e, "fix": fix}
        for n, (e, fix) in enumerate(
            [("OK", ""), ("Wrong_Groundtruth", "B"), ("wrong groundtruth ", "1"), ("expert", "B")]
        )
    ]
    found = mapped(tmp_path, rows, item, where={"e": ["ok", "wrong groundtruth"]})
    assert [one.answer for one in found.items] == ["A", "B", "B"]
    assert found.left_out == {"`e` is not as `where` asks": 1}


def test_marks_around_an_answer(tmp_path: Path) -> None:
    """GSM8K keeps it behind the last `####`; a row without the mark is refused."""
    item = {"question": "q", "answer": {"column": "a", "after": "####", "before": "\n"}}
    assert one(tmp_path, {"q": "?", "a": "1 #### 2\n#### 42 \nend"}, item).answer == "42"
    with pytest.raises(SuiteError, match="`####` is not in the column `a`"):
        mapped(tmp_path, [{"q": "?", "a": "42"}], item)


def test_templates_groups_and_data(tmp_path: Path) -> None:
    """Questions from several columns, nulls as nothing; groups from the file's name; data joined, parsed or fixed."""
    row = {"q": "Q", "p": None, "the tests": ["a", "b"], "k": '{"x": [1]}', "setup": "", "o": {"s": "deep"}}
    item = {
        "question": "${p}\n${q} costs $$2\n${the tests}",
        "group": {"file": "rows_*.jsonl"},
        "id": "o.s",
        "data": {"tests": ["setup", "the tests"], "k": {"columns": "k", "parse": "json"}, "fixed": {"value": 3}},
    }
    found = one(tmp_path, row, item)
    assert (found.question, found.group, found.id) == ("Q costs $2\na\nb", "x", "deep")
    assert found.data == {"tests": ["a", "b"], "k": {"x": [1]}, "fixed": 3}


def test_bounds_keep_a_range(tmp_path: Path) -> None:
    """MBPP's test split is the tasks 11 to 510."""
    rows = [{"q": "?", "n": n} for n in (10, 11, "510", 511, "x")]
    found = mapped(tmp_path, rows, {"question": "q", "id": "n"}, where={"n": {"min": 11, "max": 510}})
    assert [one.id for one in found.items] == ["11", "510"]


@pytest.mark.parametrize(
    ("row", "item", "said"),
    [
        ({"q": "?"}, {"question": "questoin"}, "no column `questoin`"),
        ({"q": "?", "i": "x"}, {"question": "q", "id": "i.deep"}, "no column `i.deep`"),
        ({"q": "  "}, {"question": "q"}, "the question is empty"),
        ({"q": "?", "c": "one"}, {"question": "q", "choices": "c"}, "no list of choices"),
        ({"q": "?", "c": ["one"]}, {"question": "q", "choices": "c"}, "fewer than two choices"),
        ({"q": "?", "c": ["x"] * 30}, {"question": "q", "choices": "c"}, "more than 20 choices"),
        ({"q": "?", "i": ""}, {"question": "q", "id": "i"}, "is no id"),
        ({"q": "?", "k": "{"}, {"question": "q", "data": {"k": {"columns": "k", "parse": "json"}}}, "no JSON"),
    ],
)
def test_what_is_missing_is_named_with_its_line(tmp_path: Path, row: Any, item: Any, said: str) -> None:
    """The message has file, line and column."""
    with pytest.raises(SuiteError, match=said) as caught:
        mapped(tmp_path, [row], item)
    assert "line 1" in caught.value.message


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """Two items of one id would be one in every comparison."""
    with pytest.raises(SuiteError, match="line 2: the id `1` stands twice"):
        mapped(tmp_path, [{"q": "a", "i": 1}, {"q": "b", "i": "1"}], {"question": "q", "id": "i"})


@pytest.mark.parametrize("glob", ["/etc/passwd", "../x", "a/../../x", "**/x"])
def test_globs_stay_inside(glob: str) -> None:
    """A suite from a stranger cannot name files elsewhere, or walk a whole disk."""
    with pytest.raises(ValidationError, match="leads out"):
        Layout.model_validate({"files": glob, "item": {"question": "q"}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["text", "A", "B", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(row=st.fixed_dictionaries({"q": JSON, "c": JSON, "a": JSON, "d": JSON, "i": JSON}))
def test_any_row_gives_a_sound_item_or_a_refusal(row: dict[str, Any]) -> None:
    """Whatever stands in cells: an item whose answer is one of its letters, or SuiteError."""
    item = {
        "question": "q",
        "choices": "c",
        "answer": {"column": "a", "as": ["letter", "index", "text"]},
        "data": {"d": "d"},
    }
    try:
        with tempfile.TemporaryDirectory() as folder:
            (found,) = mapped(Path(folder), [row], item).items
    except SuiteError:
        return
    assert found.answer in tuple("ABCDEFGHIJKLMNOPQRST"[: len(found.choices)])
    assert found.question.strip()
    assert all(found.choices)
