"""The number scorer over all reference solutions of GSM8K."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.scorers.number import number
from weighbridge.evaluation.suite import Item, Score

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared")) / "data/evals/gsm8k/test.jsonl"
pytestmark = [pytest.mark.shared, pytest.mark.skipif(not DATA.is_file(), reason="needs ../shared")]


def rows() -> list[tuple[str, str]]:
    """Return (solution, answer) of the 1,319 questions."""
    found = [json.loads(line)["answer"].rpartition("####") for line in DATA.read_text(encoding="utf-8").splitlines()]
    return [(solution, answer.strip()) for solution, _, answer in found]


def label(text: str, answer: str) -> str:
    """Mark an answer."""
    mark = number(Item("q", "?", answer=answer), Completion(Outcome.ANSWERED, text))
    return mark.label if isinstance(mark, Score) else mark.reason


def test_every_reference_solution_is_right_and_another_number_wrong() -> None:
    """All 1,319 by their mark `####`, and one more than the answer in its place is always wrong."""
    assert len(rows()) == 1319
    for solution, answer in rows():
        assert label(f"{solution}#### {answer}", answer) == "right"
        more = int(answer.replace(",", "")) + 1
        assert label(f"{solution}#### {more}", answer) == "wrong"
        for text in (f"The answer is {more}.", rf"\boxed{{{more:,}}}"):
            assert label(f"{solution}\n{text}", answer) == "wrong"


def test_solutions_without_a_mark_are_read_by_their_last_sum() -> None:
    """99 in 100 solutions name their answer last in plain words; the others end with another number."""
    plain = [label(re.sub("<<.*?>>", "", solution), answer) for solution, answer in rows()]
    assert plain.count("right") >= 0.99 * len(plain)
