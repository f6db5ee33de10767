"""Marks: reasoning is taken off before scoring, and what was cut is counted by its reason, never as wrong."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.engine.protocol import Completion, EngineIdentity, Outcome
from weighbridge.evaluation.marks import bounds, item_bodies, mark_all, notes_on, unscored_counts
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import Run
from weighbridge.evaluation.suite import Item, Suite

if TYPE_CHECKING:
    from weighbridge.evaluation.marks import Mark

HARMONY = "<|channel|>analysis<|message|>2<|end|><|start|>assistant<|channel|>final<|message|>3<|return|>"


def mark(*completions: Completion, answer: str = "3") -> list[Mark]:
    """Mark completions to questions that all have the same answer, by equality."""
    items = tuple(Item(f"q{n}", "1+2=", answer=answer) for n, _ in enumerate(completions))
    suite = Suite(
        name="s", version="1", title="", measures="score/v1", language="en", licence="", source="", scorer="exact",
        chance=0, max_tokens=8, forms={"chat": "$question"}, prefix="", system=None, items=items, digest="sha256:0",
    )  # fmt: skip
    plan = make_plan(suite, "sha256:1", EngineIdentity("e", "m"), "chat")
    return mark_all(plan, Run(list(completions), date(2026, 1, 1)))


def said(text: str, outcome: Outcome = Outcome.ANSWERED, *, thinking: str = "") -> Completion:
    """Return a completion."""
    return Completion(outcome, text, thinking=thinking)


@pytest.mark.parametrize("text", ["3", "<think>2, no</think>3", "2, no\n</think>\n\n3", HARMONY])
def test_the_answer_is_marked_without_its_reasoning(text: str) -> None:
    """The scorer sees "3", and evidence says how much was left out."""
    (one,) = mark(said(text))
    assert one.label == "right"
    (body,) = item_bodies([one])
    assert body["said"] == "3"
    assert ("thinking" in body) == (text != "3")


def test_a_budget_that_cuts_the_reasoning_is_its_own_outcome() -> None:
    """Cut while thinking, cut while answering, silent after thinking, filtered and failed: five reasons, no "wrong"."""
    marks = mark(
        said("3"),
        said("4"),
        said("<think>Let me", Outcome.TRUNCATED),
        said("", Outcome.TRUNCATED, thinking="Let me"),
        said("The sum", Outcome.TRUNCATED),
        said("<think>2</think>"),
        said("", Outcome.EMPTY, thinking="2"),
        said("", Outcome.EMPTY),
        said("", Outcome.FILTERED),
        said("", Outcome.FAILED),
    )
    assert unscored_counts(marks) == {
        "empty": 1,
        "empty after thinking": 2,
        "failed": 1,
        "filtered": 1,
        "truncated": 1,
        "truncated while thinking": 2,
    }
    assert bounds(marks) == {"worst": 0.1, "best": 0.9}
    assert [note.split(" ", 3)[:3] for note in notes_on(marks)] == [
        ["2", "of", "10"],
        ["2", "of", "10"],
        ["1", "of", "10"],
    ]
    assert "raise the token budget" in notes_on(marks)[0]


def test_a_template_that_opens_the_reasoning_is_seen_in_the_other_answers() -> None:
    """Where others end a block that they never began, a cut text without any mark is reasoning."""
    marks = mark(said("1 and 2</think>3"), said("1 and", Outcome.TRUNCATED))
    assert [one.label for one in marks] == ["right", "unscored: truncated while thinking"]
    marks = mark(said("</think>3"), said("3"), said("3"), said("1 and", Outcome.TRUNCATED))
    assert marks[-1].label == "unscored: truncated"  # one answer that names the mark makes no template


def test_nothing_asked_has_no_bounds() -> None:
    """A share of no questions is not known."""
    assert bounds([]) == {"worst": None, "best": None}
    assert notes_on(mark(said("3"))) == []
