# ruff: noqa: RUF001 - Chinese answers have Chinese punctuation
"""The choice scorer: the likeliest letter of a distribution, or the letter that an answer names."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.scorers.choice import choice
from weighbridge.evaluation.suite import Item, Score, Unscored

ITEM = Item("q", "Which?", ("one", "two", "three", "four"), "B")


def from_tokens(*tokens: tuple[str, float], item: Item = ITEM) -> Score | Unscored:
    """Mark a completion that the token limit cut after its first token."""
    return choice(item, Completion(Outcome.TRUNCATED, tokens[0][0] if tokens else "", "length", tokens))


def from_text(text: str) -> Score | Unscored:
    """Mark an answer without a distribution."""
    return choice(ITEM, Completion(Outcome.ANSWERED, text))


def test_the_likeliest_letter_is_the_answer() -> None:
    """Other tokens, however likely, are no choices."""
    assert from_tokens(("The", -0.1), (" B", -2.0), (" A", -2.5), ("C", -4.0)) == Score("right", "B")
    assert from_tokens((" A", -0.2), (" B", -2.0)) == Score("wrong", "A")


def test_spellings_of_a_letter_count_together() -> None:
    """0.3 + 0.25 for B beats 0.4 for A, though A is the likeliest token."""
    tokens = (("A", math.log(0.4)), (" B", math.log(0.3)), ("B", math.log(0.25)))
    assert from_tokens(*tokens) == Score("right", "B")


def test_tokenizer_blanks_are_blanks() -> None:
    """SentencePiece and byte-level tokenizers write a leading blank as a character of their own."""
    assert from_tokens(("▁B", -0.5), ("ĠA", -1.0)) == Score("right", "B")


def test_letters_beyond_the_choices_do_not_count() -> None:
    """E is no choice of four, and a lower-case letter is a word."""
    assert from_tokens(("E", -0.1), ("a", -0.2), ("B", -3.0)) == Score("right", "B")


def test_no_letter_is_unscored() -> None:
    """A distribution without a letter says nothing; that is not a wrong answer."""
    assert from_tokens(("The", -0.1), ("I", -1.0)) == Unscored("no letter among the likeliest tokens")


def test_an_exact_tie_goes_to_the_earlier_letter() -> None:
    """The order of the tokens does not matter, so that a re-run gives the same mark."""
    assert from_tokens(("C", -1.0), ("B", -1.0)) == from_tokens(("B", -1.0), ("C", -1.0)) == Score("right", "B")


@pytest.mark.parametrize(
    "text",
    [
        "B", "B.", " B\n", "(B)", "**B**", "B: two", "B) two", "Answer: B", "The answer is B.", "B\n\nTwo is even",
        "The correct answer is (B)", "I think the answer would be B because two is even.",
        "答案是B", "答案：B", "正确答案为 B。", "B。", "选B", "應選Ｂ",
    ],
)  # fmt: skip
def test_reads_a_named_letter(text: str) -> None:
    """Endpoints without a distribution answer in words, in English or Chinese."""
    assert from_text(text) == Score("right", "B")


@pytest.mark.parametrize(
    "text",
    [
        "", "two", "A dog is the answer here", "Because of this", "The answer is A or the answer is B", "I don't know",
        "Answer: Beta", "Answer: B or C", "答案是错的", "选A或B", "E", "Apple", "I",
    ],
)  # fmt: skip
def test_a_letter_that_is_not_named_is_not_guessed(text: str) -> None:
    """Articles, words and contradictions name no choice."""
    assert from_text(text) == Unscored("no choice named")


def test_an_item_without_choices_is_unscored() -> None:
    """A suite with the wrong scorer gives no marks."""
    assert choice(Item("q", "?"), Completion(Outcome.ANSWERED, "B")) == Unscored("the item has no choices")


@settings(deadline=None)
@given(st.text(max_size=300), st.lists(st.tuples(st.text(max_size=3), st.floats()), max_size=20))
def test_never_raises(text: str, tokens: list[tuple[str, float]]) -> None:
    """Any text and any numbers get a mark or a reason, NaN and infinities too."""
    mark = choice(ITEM, Completion(Outcome.TRUNCATED, text, top_logprobs=tuple(tokens)))
    assert isinstance(mark, Unscored) or mark.said in "ABCD"
