"""Cells: lists written as text, labels of choices, spellings."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.evaluation.datasets.cell import listed, plain_word, said, unlabelled


@settings(max_examples=300)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=6))
def test_lists_as_python_prints_them_are_read(texts: list[str]) -> None:
    """`repr` of a list of texts comes back (oracle: `repr` and `ast.literal_eval`)."""
    assert listed(repr(texts)) == ast.literal_eval(repr(texts)) == texts


@settings(max_examples=300)
@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Anything else is None or a list; nothing is run and nothing is raised."""
    assert listed(f"[{text}]") is None or isinstance(listed(f"[{text}]"), list)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('["a", "b"]', ["a", "b"]),
        ("['a' 'b'\n 'c']", ["a", "b", "c"]),  # as NumPy prints
        ("""['it\\'s', "x"]""", ["it's", "x"]),
        ("[1, 2.5]", [1, 2.5]),
        ("[]", []),
        ("['a', __import__('os')]", None),
        ("['a', b]", None),
        ("'a', 'b'", None),
        (None, None),
        (3, None),
    ],
)
def test_known_lists(text: object, found: list[object] | None) -> None:
    """Quoted texts and numbers are elements; anything else makes it no list."""
    assert listed(text) == found


def test_a_long_hostile_list_is_read_in_linear_time() -> None:
    """A megabyte of quotes and backslashes ends at once: no nested repetition in the pattern."""
    assert listed("['" + "\\\\" * 300_000) is None
    assert listed("[" + "'\\'" * 200_000 + "]") is None


@pytest.mark.parametrize(
    ("choice", "letter", "plain"),
    [
        ("(A)①②", "A", "①②"),
        ("    A．发展中国家", "A", "发展中国家"),  # noqa: RUF001 - as the data set writes it
        ("B. two", "B", "two"),
        ("（C）三", "C", "三"),  # noqa: RUF001 - as the data set writes it
        ("(A)(1)(2)(3)", "A", "(1)(2)(3)"),
        ("B. two", "A", "B. two"),  # the label of another choice is text
        ("Apple", "A", "Apple"),
        ("A dog", "A", "A dog"),
    ],
)
def test_labels_come_off(choice: str, letter: str, plain: str) -> None:
    """Only a choice's own label is one; AGIEval's files hold all of these."""
    assert unlabelled(choice, letter) == plain


def test_spellings() -> None:
    """MMLU-Redux spells one word in five ways; numbers and nulls are said plainly."""
    words = ("Wrong Groundtruth", "wrong_groundtruth ", "Wrong groundtruth", "wrong groundtruth", " WRONG_GROUNDTRUTH")
    assert {plain_word(word) for word in words} == {"wrong groundtruth"}
    assert [said(value) for value in (None, True, 3.0, 2.5, ["a", 1])] == ["", "true", "3", "2.5", "a\n1"]
