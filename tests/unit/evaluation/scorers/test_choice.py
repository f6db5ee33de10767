# ruff: noqa: RUF001 - Chinese answers have Chinese punctuation
"""The choice scorer: the likeliest letter of a distribution, or the letter that an answer names."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.scorers.choice import choice, needs_forced
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
        "", "A dog is the answer here", "Because of this", "The answer is A or the answer is B", "I don't know",
        "ANSWER: AB", "The answer is a dog", "The answer is not B.", "A, B and C are wrong", "Option B might be right",
        "I choose B or C.",
        "Neither A nor B is correct", "A、B正确", "A is correct and B is correct", "I pick A dog", "B is correctable",
        "The answer is A, C", "It is A/B.", "The answer is I think unknown", "one or two", "The answer is A dog",
        r"\boxed{\langle H\rangle \ll \Delta E}",
        "Answer: Beta", "Answer: B or C", "答案是错的", "选A或B", "E", "Apple", "I",
    ],
)  # fmt: skip
def test_a_letter_that_is_not_named_is_not_guessed(text: str) -> None:
    """Articles, words and contradictions name no choice."""
    assert from_text(text) == Unscored("no choice named")


@pytest.mark.parametrize(
    "text",
    [
        "b", "(b)", "Answer: b", "two", "**Two.**", "The answer is two.", r"\boxed{B}", r"Answer: $\boxed{\text{B}}$",
        r"\boxed{(B)}", r"\boxed{B. two}", "so it is\n\nB", "so\n**B**", "**Answer:** (B) two", "故选：B。",
        "La bonne réponse est la B.", "La respuesta correcta es la opción B.", "Die richtige Antwort ist B, weil",
        "答案是（B）。",
        "正解はBです", "정답은 B입니다", "Therefore, the correct answer is option B.",
        "Option B is correct.", "B is the correct answer.", "I choose B.", "选项B正确", "B选项是正确的",
    ],
)  # fmt: skip
def test_reads_what_reasoning_models_end_with(text: str) -> None:
    """Boxes, last lines, announcements in seven languages, and a choice said word for word."""
    assert from_text(text) == Score("right", "B")


@pytest.mark.parametrize(
    "text",
    [
        "The answer is B. Note that A is a common distractor.",  # jundot/omlx 3668
        "I considered (A), but it is incorrect. Final answer: B.",  # aniri15/OPD-V 2
        "Answer: A\nAfter checking the reasoning, I need to correct this.\nAnswer: B",  # openai/frontier-evals 125
        "ANSWER: A ... actually, ANSWER: B",  # openai/evals 1767
        "The answer is B because a car moves.",  # lm-evaluation-harness 4188
        "Antwort:\n\nAntwort: B",  # openai/simple-evals 33
        r"So \boxed{\langle H\rangle \ll \Delta E}. **Answer: B**",  # NVIDIA-NeMo/Skills 1526
        "Answer: **B**",  # aniri15/OPD-V 2: "Answer" was read as A
        "B\n\nQuestion: Which next?\nAnswer: C",  # the model goes on by itself
    ],
)
def test_traps_of_extraction(text: str) -> None:
    """What other harnesses read wrongly, by the number of the issue."""
    assert from_text(text) == Score("right", "B")


@pytest.mark.parametrize(
    "text",
    [
        r"\boxed{A} and so the answer is B.",
        "A is correct. B is correct.",
        "Answer: A\n\nB",
    ],
)
def test_two_different_letters_leave_it_open(text: str) -> None:
    """An opening, a box and a last line that contradict the announcement name no choice."""
    assert from_text(text) == Unscored("two different letters named")


@pytest.mark.parametrize(
    "text",
    [
        "A) is wrong. The answer is B.", "A. No wait, the answer is B.",
        "A. Paris is wrong; B is right", "A: no. The correct one is B", "A is not right.\nB",
        "B. two, because it is not odd", "B. two",
    ],
)  # fmt: skip
def test_an_opening_letter_that_is_denied_names_nothing(text: str) -> None:
    """What follows counts: the letter that is announced or called right."""
    assert from_text(text) == Score("right", "B")


@pytest.mark.parametrize("text", ["A) is wrong.", "A. Paris? No.", "A: incorrect", "A. one. No wait, B is correct."])
def test_a_denied_opening_alone_is_no_answer(text: str) -> None:
    """Neither the letter that is denied nor another is named."""
    assert isinstance(from_text(text), Unscored)
    cut = choice(ITEM, Completion(Outcome.TRUNCATED, text, "length"))
    assert isinstance(cut, Unscored) or "No wait" in text


def test_the_words_of_the_choice_deny_nothing() -> None:
    """A choice that says "is not" is chosen by its letter and its words."""
    item = Item("q", "Which?", ("It is flat", "It is not flat"), "B")
    assert choice(item, Completion(Outcome.ANSWERED, "B. It is not flat.")) == Score("right", "B")


def test_a_cut_answer_counts_by_its_opening_only() -> None:
    """What an answer opens with stays; what it had announced might have been corrected."""
    assert choice(ITEM, Completion(Outcome.TRUNCATED, "B. Two is")) == Score("right", "B")
    assert choice(ITEM, Completion(Outcome.TRUNCATED, "The answer is B. But")) == Unscored("truncated")


def test_a_letter_that_may_hide_leaves_it_open() -> None:
    """B has 0.3; 0.5 is not reported, and a hidden letter may have 0.4 of it. With 0.45 for B none can have more."""
    assert from_tokens(("B", math.log(0.3)), ("The", math.log(0.2))) == Unscored(
        "a letter is hidden below the reported tokens"
    )
    assert from_tokens(("B", math.log(0.45)), ("The", math.log(0.2))) == Score("right", "B")
    every = [(letter, math.log(0.1)) for letter in "ACD"]
    assert from_tokens(("B", math.log(0.2)), *every) == Score("right", "B")


def test_a_token_that_opens_reasoning_is_no_letter() -> None:
    """Reasoning more likely than all letters together: what letter follows it, nobody knows."""
    assert from_tokens(("<think>", math.log(0.9)), ("B", math.log(0.05)), ("A", math.log(0.01))) == Unscored(
        "the model thinks before it answers"
    )
    assert from_tokens(("B", math.log(0.9)), ("<think>", math.log(0.05))) == Score("right", "B")


def test_what_must_be_asked_again_by_force() -> None:
    """A distribution that does not tell, or a single token that names nothing; never an answer in words."""
    hidden = Completion(Outcome.TRUNCATED, "The", top_logprobs=(("The", -0.1), ("I", -3.0)))
    assert needs_forced(ITEM, hidden)
    assert needs_forced(ITEM, Completion(Outcome.TRUNCATED, "The", completion_tokens=1))
    assert not needs_forced(ITEM, Completion(Outcome.TRUNCATED, "B", completion_tokens=1))
    assert not needs_forced(ITEM, Completion(Outcome.ANSWERED, "I do not know", completion_tokens=4))
    assert not needs_forced(ITEM, Completion(Outcome.TRUNCATED, "B", top_logprobs=(("B", -0.1),)))


def test_an_item_without_choices_is_unscored() -> None:
    """A suite with the wrong scorer gives no marks."""
    assert choice(Item("q", "?"), Completion(Outcome.ANSWERED, "B")) == Unscored("the item has no choices")


@settings(deadline=None)
@given(st.text(max_size=300), st.lists(st.tuples(st.text(max_size=3), st.floats()), max_size=20))
def test_never_raises(text: str, tokens: list[tuple[str, float]]) -> None:
    """Any text and any numbers get a mark or a reason, NaN and infinities too."""
    mark = choice(ITEM, Completion(Outcome.TRUNCATED, text, top_logprobs=tuple(tokens)))
    assert isinstance(mark, Unscored) or mark.said in "ABCD"
