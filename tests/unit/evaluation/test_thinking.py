"""Thinking: reasoning is split from the answer, whoever marked it, and never counts as an answer."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.thinking import Answer, answer_part, opens_thinking

TABLE = tomllib.loads(files("weighbridge.evaluation").joinpath("thinking.toml").read_text(encoding="utf-8"))
MARKS = sorted({mark for row in TABLE["style"] for mark in (*row["opening"], *row["closing"])})


def split(text: str, thinking: str = "", outcome: Outcome = Outcome.ANSWERED) -> Answer:
    """Split a completion."""
    return answer_part(Completion(outcome, text, thinking=thinking))


@pytest.mark.parametrize(
    ("text", "answer", "style"),
    [
        ("<think>\nOkay, 6 x 7.\n</think>\n\nThe answer is 42.", "The answer is 42.", "think"),  # DeepSeek-R1
        ("Okay, 6 x 7.\n</think>\n\nThe answer is 42.", "The answer is 42.", "think"),  # the template wrote the opening
        ("<think>\n\n</think>\n\n42", "42", "think"),  # Qwen3 with thinking switched off
        ("<think>a</think>\n</think>\n42", "42", "think"),
        ("<think>\nHm.\n</think>\n<answer>\n42\n</answer>", "42", "think"),  # Hunyuan-A13B
        ("\nHm.\n</think>\n\n<response>\n42\n</response>\n", "42", "think"),  # ERNIE-4.5-Thinking
        ("<thought>\nHm.\n</thought>\n\n42", "42", "thought"),  # EXAONE Deep
        ("<seed:think>Hm.</seed:think>42", "42", "seed"),
        ("[THINK]Hm.[/THINK]42", "42", "magistral"),
        ("◁think▷Hm.◁/think▷42", "42", "kimi"),
        (
            "<|channel|>analysis<|message|>6 x 7<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>",
            "42",
            "harmony",
        ),
        ("analysisThe user asks 6 x 7.assistantfinal42", "42", "harmony without special tokens"),
        ("Here is my thought process:\nHm.\nHere is my response:\n42", "42", "granite"),
        ("<|channel>thought\nHm.<channel|>42<turn|>", "42", "gemma"),
        ("<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>42<|END_RESPONSE|>", "42", "cohere"),
        ("<think>一加一等于二。</think>答案是二。", "答案是二。", "think"),
    ],
)
def test_known_styles_are_split(text: str, answer: str, style: str) -> None:
    """Each style as the models' cards and the servers' parsers write it."""
    found = split(text)
    assert (found.text.strip(), found.style, found.open) == (answer, style, False)
    assert found.thinking > 0


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 42.",
        "Write <think> before you reason.",
        "analysis of variance gives 42",
        "Here is my thought process: first, 6 x 7.",
        "",
        "< think >no mark</ think>",
    ],
)
def test_answers_without_reasoning_stay_whole(text: str) -> None:
    """An answer that names a mark, or begins with its words, is no reasoning."""
    assert split(text) == Answer(text)


@pytest.mark.parametrize("text", ["<think>\nOkay, let me", "[THINK]Okay", "<|channel|>analysis<|message|>We need"])
def test_reasoning_that_never_ends_is_open(text: str) -> None:
    """No answer is read from what the budget cut."""
    found = split(text, outcome=Outcome.TRUNCATED)
    assert (found.text, found.open) == ("", True)


def test_reported_reasoning_counts() -> None:
    """A server that parsed the reasoning leaves the answer alone; cut without an answer, the reasoning never ended."""
    assert split("42", thinking="6 x 7") == Answer("42", 5, "reported")
    assert split("", thinking="6 x", outcome=Outcome.TRUNCATED) == Answer("", 3, "reported", open=True)


def test_a_call_ends_reasoning() -> None:
    """Kimi K2 and Qwen3 may call a tool without closing their reasoning."""
    found = split('<think>I need the weather.<tool_call>{"name": "f", "arguments": {}}</tool_call>')
    assert (found.text, found.open) == ('<tool_call>{"name": "f", "arguments": {}}</tool_call>', False)


def test_the_first_token_may_open_reasoning() -> None:
    """A letter read beside such a token would not be the model's answer."""
    assert opens_thinking("<think>")
    assert opens_thinking("<|channel|>")
    assert not any(map(opens_thinking, ["A", " B", "<", "", "Here", "analysis"]))


@pytest.mark.parametrize("mark", MARKS)
def test_repeated_marks_take_linear_time(mark: str) -> None:
    """A hundred thousand marks in a row are read in one pass; a quadratic reader would not come back."""
    for text in (mark * 100_000, f"{mark} x " * 100_000):
        assert len(split(text).text) <= len(text)


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(MARKS), st.text(max_size=20)), max_size=20).map("".join))
def test_nothing_is_invented(text: str) -> None:
    """Whatever stands in the text, the answer is made of its pieces, and the same each time."""
    found = split(text)
    assert found == split(text)
    assert found.thinking >= 0
    assert len(found.text) + found.thinking <= len(text)
