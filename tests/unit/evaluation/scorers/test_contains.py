"""Retrieval: every needle stands in the answer, as itself and not as a part of something longer."""

from __future__ import annotations

import pytest

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.scorers.contains import contains
from weighbridge.evaluation.suite import Item, Score, Unscored


def mark(text: str, *needles: str, outcome: Outcome = Outcome.ANSWERED) -> Score | Unscored:
    """Mark an answer."""
    return contains(Item("q", "?", data={"needles": list(needles)}), Completion(outcome, text))


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("The magic number is 42.", "42"),
        ("MAGIC  number", "magic number"),
        ("\uff14\uff12", "42"),
        ("\u84dd\u8272\u7684\u5927\u8c61", "\u5927\u8c61"),
        ("1428, then 42", "42"),
        ("It is sand-wich-7!", "sand-wich-7"),
    ],
)
def test_a_needle_is_found(text: str, needle: str) -> None:
    """Case, gaps and width do not count; neighbours in scripts without gaps are no matter."""
    assert mark(text, needle) == Score("right", "1 of 1")


@pytest.mark.parametrize(
    ("text", "needle"), [("1428", "42"), ("I do not know", "42"), ("catalogue", "cat"), ("4 2", "42")]
)
def test_a_part_of_a_word_is_no_needle(text: str, needle: str) -> None:
    """A digit or letter next to it makes another word of it."""
    assert mark(text, needle) == Score("wrong", f"0 of 1, without {needle}")


def test_a_share_of_the_needles_is_said() -> None:
    """Right only with all; how many were found is kept."""
    assert mark("red and blue", "red", "blue") == Score("right", "2 of 2")
    assert mark("red and blue", "red", "green", "blue") == Score("wrong", "2 of 3, without green")
    assert contains(Item("q", "?", answer="red"), Completion(Outcome.ANSWERED, "Red.")) == Score("right", "1 of 1")


def test_what_cannot_be_marked() -> None:
    """A cut answer may hold the rest behind the cut; an item without needles asks for nothing."""
    assert mark("red and", "red", "blue", outcome=Outcome.TRUNCATED) == Unscored("truncated")
    assert mark("red and", "red", outcome=Outcome.TRUNCATED) == Score("right", "1 of 1")
    assert (
        mark("red", " ")
        == contains(Item("q", "?"), Completion(Outcome.ANSWERED, "x"))
        == Unscored("the item has no needles")
    )
    assert mark(" ", "red") == Unscored("empty")


def test_long_repeats_come_back() -> None:
    """A needle that overlaps itself is looked for once a word."""
    assert mark("a" * 300_000, "a" * 999) == Score("wrong", f"0 of 1, without {'a' * 184}")


@pytest.mark.parametrize(
    ("text", "needles"),
    [
        ("a" * 1_000_000, ["b" * 5_001] * 1_000), ("word " * 2_500, ["x" * 100 + str(n) for n in range(1_000)]),
        ("word " * 80_000, ["other"]), ("ab " * 90_000, ["a"]),
    ],
)  # fmt: skip
def test_what_is_too_much_to_look_through_is_unscored(text: str, needles: list[str]) -> None:
    """Needles times text are bounded: whoever writes both cannot make a mark take seconds, nor a false one."""
    assert isinstance(mark(text, *needles), Unscored)
