"""IFEval's 25 kinds of instructions: known answers after the paper's examples and the reference's own tests."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.scorers.instructions.kinds import KINDS
from weighbridge.evaluation.scorers.instructions.score import instructions
from weighbridge.evaluation.suite import Item, Score, Unscored

LESS, LEAST = "less than", "at least"
DETECTOR = importlib.util.find_spec("py3langid") is not None
Rows = list[tuple[str, dict[str, Any], str, bool]]

CASES: Rows = [
    ("keywords:existence", {"keywords": ["correlated", "experiencing"]}, "Correlated, and I am experiencing it.", True),
    ("keywords:existence", {"keywords": ["correlated", "experiencing"]}, "It is correlated.", False),
    ("keywords:existence", {"keywords": ["a.b"]}, "axb", False),
    ("keywords:frequency", {"keyword": "story", "frequency": 2, "relation": LEAST}, "A story of a Story.", True),
    ("keywords:frequency", {"keyword": "story", "frequency": 2, "relation": LESS}, "A story of a Story.", False),
    ("keywords:forbidden_words", {"forbidden_words": ["friends"]}, "No one is a friend.", True),
    ("keywords:forbidden_words", {"forbidden_words": ["friends"]}, "Friends.", False),
    ("keywords:forbidden_words", {"forbidden_words": ["good friends", "x"]}, "Good friends.", False),
    ("keywords:forbidden_words", {"forbidden_words": ["good friends", "x"]}, "Good friend, xs.", True),
    ("keywords:letter_frequency", {"letter": "q", "let_frequency": 2, "let_relation": LEAST}, "Quick quiz", True),
    ("keywords:letter_frequency", {"letter": "#", "let_frequency": 3, "let_relation": LEAST}, "## a", False),
    # the four sentences of instruction_following_eval/instructions_test.py
    ("length_constraints:number_sentences", {"num_sentences": 4, "relation": LESS}, "xx,x. xx,x! xx/x. x{x}x?", False),
    ("length_constraints:number_sentences", {"num_sentences": 5, "relation": LESS}, "xxxx. xx,x! xxxx. x(x)x?", True),
    ("length_constraints:number_sentences", {"num_sentences": 4, "relation": LEAST}, "xxxx. xx,x! xx|x. x&x x?", True),
    ("length_constraints:number_sentences", {"num_sentences": 5, "relation": LEAST}, "xx-x. xx,x! xx}x. x,xx?", False),
    ("length_constraints:number_sentences", {"num_sentences": 3, "relation": LESS},
     "Dr. A. Smith paid $3.50. He left.", True),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": LEAST}, "One, e.g. this. And two", True),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": LEAST}, "\u4e00\u3002\u4e8c\u3002", True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 3}, "one\n***\ntwo\n***\nthree", True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 3}, "***\none\n***\ntwo\n***\nthree\n***", True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "one\n***\n \n***\ntwo", False),
    ("length_constraints:number_words", {"num_words": 5, "relation": LEAST}, "Don't count it", False),
    ("length_constraints:number_words", {"num_words": 4, "relation": LEAST}, "Don't count it", True),
    ("length_constraints:nth_paragraph_first_word",
     {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "weekend"}, 'On it.\n\n"Weekend, at last.', True),
    ("length_constraints:nth_paragraph_first_word",
     {"num_paragraphs": 3, "nth_paragraph": 2, "first_word": "weekend"}, "On it.\n\nWeekend at last.", False),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "Dear [name], of [address]", True),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "Dear [name], of [address\n]", False),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Yours. (not a new line) P.S. and more", True),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "p. p. s what", True),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P.S. what", False),
    ("detectable_format:number_bullet_lists", {"num_bullets": 3}, "Three:\n * a\n- b\n*(no space)c\n", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "one\n***\ntwo\n  * only one\n", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "inline * star\n\u2022 dot", False),
    ("detectable_format:constrained_response", {}, "\n My answer is no.\n", True),
    ("detectable_format:constrained_response", {}, "My answer is perhaps.", False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*two different* and **this**", True),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*one\n*two*\n*three", False),
    ("detectable_format:multiple_sections", {"section_spliter": "SECTION", "num_sections": 2},
     "SECTION 1\na\nSECTION 2\nb", True),
    ("detectable_format:multiple_sections", {"section_spliter": "Section", "num_sections": 3},
     "Section X:\nSection 1\na\nSection 2\nb", False),
    ("detectable_format:json_format", {}, '```json\n{"a": [1, 2]}\n```', True),
    ("detectable_format:json_format", {}, 'Sure: {"a": 1}', False),
    ("detectable_format:title", {}, "<<poem of joy>>\nla la", True),
    ("detectable_format:title", {}, "<<>> <poem>", False),
    ("combination:two_responses", {}, "one\n******\ntwo", True),
    ("combination:two_responses", {}, "one\n******\none", False),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Write a poem."}, "write a poem. Roses", True),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Write a poem."}, "Sure. Write a poem.", False),
    ("startend:end_checker", {"end_phrase": "Any other questions?"}, "So. Any other questions?\n", True),
    ("startend:end_checker", {"end_phrase": "Any other questions?"}, "Any other questions? No.", False),
    ("startend:quotation", {}, '"Yes."', True),
    ("startend:quotation", {}, '"', False),
    ("change_case:capital_word_frequency", {"capital_frequency": 3, "capital_relation": LEAST},
     "NASA and I, U.S.", True),
    ("change_case:capital_word_frequency", {"capital_frequency": 3, "capital_relation": LESS},
     "NASA and I, U.S.", False),
    ("change_case:english_capital", {}, "Not all capital", False),
    ("change_case:english_lowercase", {}, "not all Lowercase", False),
    ("punctuation:no_comma", {}, "None at all.", True),
    ("punctuation:no_comma", {}, "One, at least.", False),
]  # fmt: skip
SPOKEN: Rows = [
    ("language:response_language", {"language": "en"}, "The response is English", True),
    ("language:response_language", {"language": "es"}, "Desayunamos en McDonald's hoy", True),
    ("language:response_language", {"language": "en"}, "Today we visit the Louvre", True),
    ("language:response_language", {"language": "de"}, "This is clearly no German at all.", False),
    ("language:response_language", {"language": "hi"},
     "\u092f\u0939 \u0939\u093f\u0902\u0926\u0940 \u092e\u0947\u0902 \u0939\u0948", True),
    ("change_case:english_capital", {}, "THIS WHOLE ANSWER IS LOUD.", True),
    ("change_case:english_lowercase", {}, "this whole answer is quiet and in english.", True),
    ("change_case:english_lowercase", {}, "diese antwort ist leise, aber auf deutsch.", False),
]  # fmt: skip


def mark(text: str, *asked: tuple[str, dict[str, Any]], outcome: Outcome = Outcome.ANSWERED) -> Score | Unscored:
    """Mark an answer against instructions."""
    data = {"instruction_id_list": [kind for kind, _ in asked], "kwargs": [given for _, given in asked]}
    return instructions(Item("q", "?", data=data), Completion(outcome, text))


@pytest.mark.parametrize(("kind", "arguments", "text", "followed"), CASES)
def test_known_answers(kind: str, arguments: dict[str, Any], text: str, followed: bool) -> None:
    """Each kind, followed and not."""
    assert KINDS[kind](text, arguments) is followed


@pytest.mark.skipif(not DETECTOR, reason="needs the extra `languages`")
@pytest.mark.parametrize(("kind", "arguments", "text", "followed"), SPOKEN)
def test_known_languages(kind: str, arguments: dict[str, Any], text: str, followed: bool) -> None:
    """The sentences of the reference's own tests, and others."""
    assert KINDS[kind](text, arguments) is followed


def test_every_kind_of_the_paper_is_known() -> None:
    """25 kinds (arXiv 2311.07911, Table 4), each with a known answer above."""
    assert len(KINDS) == 25
    assert {kind for kind, *_ in (*CASES, *SPOKEN)} == set(KINDS)


def test_all_instructions_must_be_followed() -> None:
    """The prompt-level mark is strict; counts of both levels and both ways are said."""
    comma: tuple[str, dict[str, Any]] = ("punctuation:no_comma", {})
    title: tuple[str, dict[str, Any]] = ("detectable_format:title", {})
    assert mark("<<t>> a", comma, title) == Score("right", "strict 2 of 2, loose 2 of 2")
    assert mark("Sure, here:\n<<t>> a", comma, title) == Score(
        "wrong", "strict 1 of 2, loose 2 of 2; not punctuation:no_comma"
    )


def test_what_cannot_be_marked() -> None:
    """Items without instructions, of unknown kinds or lacking an argument; cut and empty answers."""
    assert instructions(Item("q", "?"), Completion(Outcome.ANSWERED, "a")) == Unscored("the item has no instructions")
    assert mark("a", ("new:kind", {})) == Unscored("an instruction is of no known kind: new:kind")
    assert mark("a", ("startend:end_checker", {"end_phrase": None})) == Unscored(
        "an instruction of the item lacks `end_phrase`"
    )
    assert mark("a", ("punctuation:no_comma", {}), outcome=Outcome.TRUNCATED) == Unscored("truncated")
    assert mark(" \n", ("punctuation:no_comma", {})) == Unscored("empty")


def test_a_language_that_cannot_be_told_is_unscored_unless_all_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a detector nobody knows; but another instruction that is not followed decides."""
    monkeypatch.setattr("weighbridge.evaluation.scorers.instructions.kinds.language_of", lambda _text: None)
    spoken = ("language:response_language", {"language": "en"})
    assert mark("Yes", spoken) == Unscored("the language of the answer cannot be told (extra `languages`)")
    assert mark("Yes, sir", spoken, ("punctuation:no_comma", {})).__class__ is Score


REPEATS = [
    "[",
    "]",
    "<<",
    "*",
    "**",
    "* ",
    "\n",
    "\n*",
    "Section ",
    "Section 1",
    "P.",
    "p. ",
    "***",
    "a.",
    "A.",
    ". ",
    "`",
    "{",
    " ",
]


@pytest.mark.parametrize("piece", REPEATS)
def test_long_repeats_come_back(piece: str) -> None:
    """A hundred thousand characters of one piece against every kind."""
    text = piece * (100_000 // len(piece))
    for kind, given_, _, _ in CASES:
        assert KINDS[kind](text, given_) in {True, False, None}


@settings(deadline=None)
@given(st.text(max_size=300), st.sampled_from(CASES))
def test_any_text_is_checked(text: str, case: tuple[str, dict[str, Any], str, bool]) -> None:
    """No text raises, and the same text gives the same mark."""
    assert mark(text, case[:2]) == mark(text, case[:2])
