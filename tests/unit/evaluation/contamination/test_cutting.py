"""What the probes ask, and what they leave out because it could be guessed."""

from __future__ import annotations

import pytest

from weighbridge.evaluation.contamination.control import shipped_control
from weighbridge.evaluation.contamination.cutting import Cut, half, last_option, repeats, rotations, units
from weighbridge.evaluation.item import LETTERS, Item
from weighbridge.evaluation.suite import find_suite

QUESTION = "Which of these animals sleeps through the cold months in a hollow tree or under leaves?"
ITEM = Item("q", QUESTION, ("a small dormouse", "the arctic fox", "a raven", "some wild goose"), "A")


def test_words_are_compared_without_case_and_punctuation() -> None:
    """Each Chinese character is a unit, as there are no blanks."""
    assert units("The Cat, sat_on 3.5!") == ["the", "cat", "sat", "on", "3", "5"]
    assert units("树木的AI") == ["树", "木", "的", "ai"]


def test_half_of_a_question_is_given_with_its_options() -> None:
    """The two parts are the whole, and what follows counts for eight words."""
    cut = half(ITEM)
    assert cut is not None
    assert units(cut.given + " " + cut.follows) == units(
        QUESTION + " A a small dormouse B the arctic fox C a raven D some wild goose"
    )
    assert repeats(cut, " " + cut.follows[:60].upper())
    assert not repeats(cut, " ".join(cut.follows.split()[:4]) + " and then something else altogether is said")


@pytest.mark.parametrize(
    "question",
    ["Too short to cut", "one two three four five six seven eight nine one two three four five six seven eight nine"],
)
def test_what_only_repeats_or_is_too_short_is_left_out(question: str) -> None:
    """A model that copies from its prompt has no memory."""
    assert half(Item("q", question)) is None


@pytest.mark.parametrize(
    ("last", "why"),
    [
        ("All of the above", "speaks of others"),
        ("12 metres long", "a number"),
        ("goose", "one word"),
        ("the cold months", "stands in the question"),
        ("Both A and B", "speaks of others"),
        ("以上都不是", "speaks of others"),
    ],
)
def test_options_that_can_be_guessed_are_left_out(last: str, why: str) -> None:
    """Only an option that nothing else tells is probed."""
    assert last_option(Item("q", QUESTION, (*ITEM.choices[:3], last), "A")) is None, why


def test_the_answer_itself_is_never_left_out() -> None:
    """Naming the right answer is a skill."""
    assert last_option(ITEM) == Cut(
        "q", QUESTION + "\nA. a small dormouse\nB. the arctic fox\nC. a raven\nD.", "some wild goose"
    )
    assert last_option(Item("q", QUESTION, ITEM.choices, "D")) is None


def test_every_order_is_asked_and_the_answer_moves_along() -> None:
    """Four cyclic orders, the published one first; the letter always points at the same text."""
    suite = find_suite("knowledge-en")
    turned = rotations(suite, [ITEM]).items
    assert [one.id for one in turned] == ["q@0", "q@1", "q@2", "q@3"]
    assert turned[0].choices == ITEM.choices
    assert {one.choices[LETTERS.index(one.answer)] for one in turned} == {"a small dormouse"}
    assert sorted(one.answer for one in turned) == list("ABCD")


@pytest.mark.parametrize("choices", [("1", "2", "3", "4"), ("a", "b", "c", "None of the above"), ("yes", "no")])
def test_options_with_a_natural_order_are_not_turned(choices: tuple[str, ...]) -> None:
    """Another order than that of their numbers would be odd for anybody."""
    assert rotations(find_suite("knowledge-en"), [Item("q", QUESTION, choices, "A")]).items == ()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_control_can_be_used_by_every_probe(language: str) -> None:
    """So that the control is never smaller than it says."""
    control = shipped_control(language)
    assert control is not None
    assert all(half(item) is not None and last_option(item) is not None for item in control.items)
    assert shipped_control("sw") is None
