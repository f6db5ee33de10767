# ruff: noqa: RUF001 - answers of the world have the world's characters
"""The number scorer: the last, boxed or announced number, in the ways that people and models write numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.scorers.number import number
from weighbridge.evaluation.suite import Item, Score, Unscored


def mark(text: str, answer: str = "18", outcome: Outcome = Outcome.ANSWERED) -> Score | Unscored:
    """Mark an answer."""
    return number(Item("q", "?", answer=answer), Completion(outcome, text))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("#### 18", "18"), ("9 * 2 = $<<9*2=18>>18 a day.\n#### 18", "18"), ("18.", "18"), ("**18**", "18"),
        (r"Thus \[ \boxed{18} \]", "18"), (r"\boxed{\text{18 dollars}}", "18"), (r"$\boxed{\$18}$", "18"),
        ("1,234", "1234"), ("1.234 Euro", "1234"), ("1 234 567", "1234567"), ("1’234", "1234"), ("1,00,000", "100000"),
        ("$1,234.50.", "1234.5"), ("1.234,50 €", "1234.5"), ("70,000$", "70000"), ("US$18", "18"), ("Rs. 18", "18"),
        ("3/4", "0.75"), (r"\frac{3}{4}", "3/4"), ("0.6666667", "2/3"), ("25%", "25"), ("25%", "0.25"), ("25", "25%"),
        ("-5 degrees", "-5"), ("−5", "-5"), ("$-5$", "-5"), ("18.00", "18"), ("2.5e3", "2500"),
        (r"3 \times 10^4", "30000"), ("-$18", "-18"), ("the answer is -18", "-18"),
        ("1.5 million", "1500000"), ("5 Million Euro", "5000000"), ("5万元", "50000"), ("答案是三百二十元。", "320"),
        ("１８", "18"), ("১৮", "18"), ("๑๘", "18"), ("१८", "18"), ("١٨", "18"), ("١٬٢٣٤", "1234"), ("২,৫০০", "2500"),
    ],
)  # fmt: skip
def test_ways_of_writing_a_number(text: str, answer: str) -> None:
    """Separators of several locales, currency, fractions, percent, units, and digits of every script of MGSM."""
    assert isinstance(found := mark(text, answer), Score)
    assert found.label == "right"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 18.", "Die Antwort ist 18.", "La réponse est 18.", "La respuesta es 18.", "Ответ — 18.",
        "答案是18。", "答えは18です。", "คำตอบคือ 18", "Jibu ni 18.", "উত্তর হল ১৮", "సమాధానం: 18",
    ],
)  # fmt: skip
def test_announcements_of_mgsm(text: str) -> None:
    """The answer prefixes of all eleven languages of MGSM (arXiv 2210.03057); another number follows."""
    assert mark(text + "\n\n7 7 7") == mark("18")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        # lm-evaluation-harness 3214: "$29.00" is 29
        ("The total cost of Rory's delivery order is $29.00.", "29"),
        # lm-evaluation-harness 2552: a box outside of dollar signs
        (r"some logic ... Thus the answer is \[ \boxed{42} \]", "42"),
        # lm-evaluation-harness 3438: few-shot answers recited before the own one
        ("Example: #### 5\nExample: #### 6\nMine:\n#### 18", "18"),
        # the model goes on with another question by itself
        ("So 18.\n#### 18\n\nQuestion: How many are 2 and 2?\nAnswer: 4\n#### 4", "18"),
        ("The answer is 18.\n\nQ: What is 2 + 2?\nA: The answer is 4.", "18"),
        ("The answer is 18. This follows from 16 - 3 - 4 = 9.", "18"),
        ("The answer is 9 * 2 = 18", "18"),
        ("Answer: Janet sells 16 - 3 - 4 = 9 eggs.\nShe makes 9 * 2 = $18 every day.", "18"),
        ("4 + 14 = 18 points in the 40 minutes", "18"),
        ("Step 1: add.\nStep 2: so it is 18.\n", "18"),
        ("The answer is **18** apples out of 40.", "18"),
        ("The answer is 17. Wait, no: the answer is 18.", "18"),
        ("**Final Answer:**\n\n18", "18"),
    ],
)  # fmt: skip
def test_traps_of_extraction(text: str, answer: str) -> None:
    """What other harnesses read wrongly, by the number of the issue."""
    assert isinstance(found := mark(text, answer), Score)
    assert found.label == "right"


@pytest.mark.parametrize(
    ("text", "answer"),
    [("19", "18"), ("1.8", "18"), ("-18", "18"), ("181", "18"), ("2125001", "2125000"), ("1" * 5_000, "18"),
     ("0.18", "18"), ("1,23", "123"), ("18%", "18.5"), ("1/3", "0.3"),
     ("3²", "32"), ("3²", "3"), ("1½", "11"), ("1½", "1"), ("5 million", "5"), ("1000000.99", "1000000"),
     ("18.00001", "18"), (r"\boxed{2^{10}}", "2"), ("2³", "23"),
     ("The answer is 17.\n18 was my first guess.", "18")],
)  # fmt: skip
def test_other_numbers_are_wrong(text: str, answer: str) -> None:
    """A number that is near, or written alike, is another number."""
    assert isinstance(found := mark(text, answer), Score)
    assert found.label == "wrong"


@pytest.mark.parametrize("text", ["I do not know.", "H2O and GPT4", "x" * 50_000])
def test_a_whole_answer_without_a_number_is_wrong(text: str) -> None:
    """Whoever asks for a number and gets none was not answered rightly; nothing at all is another outcome."""
    assert mark(text) == Score("wrong", "no number")
    assert mark("") == Unscored("empty")


def test_a_cut_answer_is_unscored_unless_it_was_over() -> None:
    """A later step might have changed the number; but behind it the model had begun with another question."""
    assert mark("16 - 3 = 13", outcome=Outcome.TRUNCATED) == Unscored("truncated")
    assert mark("#### 18\nQuestion: and", outcome=Outcome.TRUNCATED) == Score("right", "18")


def test_an_item_without_a_number_is_unscored() -> None:
    """A suite with the wrong scorer gives no marks; a whole GSM8K solution serves as an answer."""
    assert mark("18", "eighteen") == Unscored("the item has no number for an answer")
    assert mark("18", "9 * 2 = 18\n#### 18") == Score("right", "18")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("3²", "9"), ("2⁻¹", "0.5"), ("10⁶", "1000000"), ("3^2", "9"), (r"2^{10}", "1024"), (r"\boxed{3^2}", "9"),
        ("1½", "1.5"), ("½", "0.5"), ("1 1/2", "1.5"), ("3⁄4", "0.75"), (r"\boxed{1\frac{1}{2}}", "1.5"),
        ("It is 18 cm².", "18"), (r"18^\circ", "18"), ("5 million", "5000000"), ("5千克", "5"),
    ],
)  # fmt: skip
def test_raised_digits_and_mixed_fractions(text: str, answer: str) -> None:
    """A whole power is its value and a mixed fraction its sum; a raised digit is never joined to the digit before."""
    assert isinstance(found := mark(text, answer), Score)
    assert found.label == "right"


def test_a_question_in_millions_may_be_answered_without_the_word() -> None:
    """Asked how many million, "3 million" says 3."""
    item = Item("q", "How many million people live there?", answer="3")
    assert number(item, Completion(Outcome.ANSWERED, "3 million")) == Score("right", "3 million")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is not 18, it is 20.", "20"), ("Is the answer 18? No, 20.", "20"),
        ("The answer isn't 18. It is 20. (18 was my first guess.)", "20"), ("Is the answer 18? Yes, 18.", "18"),
        ("Die Antwort ist nicht 18, sondern 20.", "20"), ("#### 9 * 2 = 18", "18"),
    ],
)  # fmt: skip
def test_a_denied_number_is_not_the_answer(text: str, answer: str) -> None:
    """Of "not 18, it is 20" the answer is 20; a question announces nothing."""
    assert isinstance(found := mark(text, answer), Score)
    assert found.label == "right"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 18 or 20.", "The answer is between 10 and 20.", "between 10 and 20", "18 or 20",
        "The answer is 18 dollars or 20 dollars.", "The answer is 18-20.", "The answer is not 18.",
        "Is the answer 18? No.", r"\boxed{\sqrt{18}}", r"\boxed{18\sqrt{2}}", r"\boxed{18\pi}", r"\boxed{18^{x}}",
        r"\boxed{18 + 2}", r"\boxed{\frac{18}{\sqrt{2}}}", "The answer is 18^99999", "2√18",
    ],
)  # fmt: skip
@pytest.mark.parametrize("answer", ["18", "20", "10"])
def test_what_names_no_single_number_is_unscored(text: str, answer: str) -> None:
    """Two numbers, a denial, or an expression that is not worked out: neither right nor wrong."""
    assert isinstance(mark(text, answer), Unscored)


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12))
def test_a_number_equals_itself_with_and_without_separators(value: int) -> None:
    """Grouped and plain writing agree, and its successor is another number."""
    for text in (str(value), f"{value:,}", f"the answer is {value:,}.", rf"\boxed{{{value}}}", f"#### {value}"):
        assert mark(text, str(value)).label == "right"  # type: ignore[union-attr]  # a number is named
        assert mark(text, str(value + 1)).label == "wrong"  # type: ignore[union-attr]  # a number is named
