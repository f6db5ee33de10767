"""The exact scorer: equality, and nothing cleverer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.scorers.exact import exact
from weighbridge.evaluation.suite import Item, Score, Unscored


def mark(text: str, answer: str) -> Score | Unscored:
    """Mark a text against an answer."""
    return exact(Item("q", "?", answer=answer), Completion(Outcome.ANSWERED, text))


@pytest.mark.parametrize(
    ("text", "answer"), [("A", "A"), (" Paris.\n", "Paris"), ("北京。", "北京"), ("3.5", "3.5"), ("Paris", "Paris.")]
)
def test_equal_answers_are_right(text: str, answer: str) -> None:
    """Blanks and one full stop do not count; an answer that is an article stays (Inspect's `exact` empties it)."""
    assert isinstance(result := mark(text, answer), Score)
    assert result.label == "right"


@pytest.mark.parametrize(
    ("text", "answer"), [("paris", "Paris"), ("The Paris", "Paris"), ("A", "B"), ("Paris..", "Paris")]
)
def test_other_answers_are_wrong(text: str, answer: str) -> None:
    """Case, articles and further marks count."""
    assert isinstance(result := mark(text, answer), Score)
    assert result.label == "wrong"


def test_nothing_is_unscored() -> None:
    """An empty answer is not a wrong one, and an item without an answer cannot be marked."""
    assert mark(" . ", "A") == Unscored("empty")
    assert mark("A", "") == Unscored("the item has no answer")


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=50))
def test_never_raises(text: str, answer: str) -> None:
    """Any text gets a mark or a reason."""
    assert isinstance(mark(text, answer), Score | Unscored)


def test_a_cut_answer_is_not_marked() -> None:
    """What the token limit cut off might have been right: unscored, not wrong."""
    assert exact(Item("q", "1+1=", answer="2"), Completion(Outcome.TRUNCATED, "The sum")) == Unscored("truncated")
