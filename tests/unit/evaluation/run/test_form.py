"""How a suite is asked: by what the engine can do, with the fewest calls, and the same for both sides."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.evaluation.compare.full import compare
from weighbridge.evaluation.compare.journal import MemoryJournal
from weighbridge.evaluation.compare.sequential import compare_until_clear, prepare
from weighbridge.evaluation.compare.sides import Side
from weighbridge.evaluation.compare.terms import Terms
from weighbridge.evaluation.evaluate import evaluate
from weighbridge.evaluation.run import Session
from weighbridge.evaluation.suite import Suite, load_suite
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from weighbridge.core.evidence import Evidence

    Answer = Callable[[Request], Completion]

SUBJECT, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
DAY = date(2026, 11, 22)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    """Open a fresh store."""
    opened = SQLiteStore(tmp_path / "evidence.sqlite")
    yield opened
    opened.close()


def suite_of(folder: Path, *, choices: bool, n: int = 12) -> Suite:
    """Write a suite of four choices read off one token, or of sums with a budget for reasoning."""
    folder.mkdir(exist_ok=True)
    forms = 'chat = "$question"\n'
    if choices:
        forms = 'chat = "$question\\n$choices"\ncompletion = "$question\\n$choices\\nAnswer:"\n'
    scorer, tokens = ("choice", 1) if choices else ("number", 16)
    (folder / "suite.toml").write_text(
        f'[suite]\nname = "s"\nversion = "1"\ntitle = "S"\nmeasures = "score/v1"\nlanguage = "en"\n'
        f'licence = "Apache-2.0"\nsource = "ours"\nscorer = "{scorer}"\nmax_tokens = {tokens}\n'
        f"[prompt]\n{forms}\n" + ("" if choices else "[generation]\nthinking_tokens = 500\n")
    )
    shown = {"choices": ["one", "two", "three", "four"]} if choices else {}
    rows = [{"id": f"q{i}", "question": f"{i}?", "answer": "B" if choices else "7", **shown} for i in range(n)]
    (folder / "items.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return load_suite(folder)


def measured(
    store: SQLiteStore, suite: Suite, answer: Answer, subject: str = SUBJECT
) -> tuple[Evidence, list[Request]]:
    """Evaluate a suite on a scripted engine; return the evidence and what was asked."""
    engine = ScriptedEngine(answer, lanes=1)
    return asyncio.run(evaluate(suite, subject, engine, Session(store, DAY))), engine.requests


def no_logprobs(request: Request) -> Completion:
    """Answer as a vendor's chat that gives no distribution and ignores constraints it does not know."""
    if request.form == "completion":
        return Completion(Outcome.FAILED, detail="HTTP 404: no such route")
    if request.choices:
        return Completion(Outcome.FAILED, detail="HTTP 400: unknown field")
    return Completion(Outcome.TRUNCATED, "The") if request.max_tokens == 1 else Completion(Outcome.ANSWERED, "B")


def guided(request: Request) -> Completion:
    """Answer as a chat without distributions that can be held to letters."""
    if request.form == "completion":
        return Completion(Outcome.FAILED, detail="HTTP 404: no such route")
    return Completion(Outcome.ANSWERED, "B") if request.choices else Completion(Outcome.TRUNCATED, "The")


def distribution(request: Request) -> Completion:
    """Answer as llama.cpp or vLLM do."""
    top = (("B", -0.1), ("A", -2.5), ("C", -4.0), ("D", -5.0)) if request.top_logprobs else ()
    return Completion(Outcome.ANSWERED, "B", top_logprobs=top, completion_tokens=1)


def thinks(request: Request) -> Completion:
    """Answer as a chat model that opens its reasoning unless its template is told not to."""
    if request.form == "completion":
        return Completion(Outcome.FAILED, detail="HTTP 404: no such route")
    if request.thinking is False:
        return distribution(request)
    return Completion(Outcome.TRUNCATED, "<think>", top_logprobs=(("<think>", -0.01), ("B", -6.0)))


@pytest.mark.parametrize(
    ("answer", "form", "reading", "wasted"),
    [
        (distribution, "completion", "distribution", 0),
        (thinks, "chat", "distribution", 2),
        (guided, "chat", "constrained", 3),
        (no_logprobs, "chat", "generated", 4),
    ],
)
def test_a_choice_is_read_as_the_engine_can(
    store: SQLiteStore, tmp_path: Path, answer: Answer, form: str, reading: str, wasted: int
) -> None:
    """The evidence says how; every answer is right; a wrong guess costs one call, a right one none."""
    suite = suite_of(tmp_path / "s", choices=True)
    evidence, requests = measured(store, suite, answer)
    assert (evidence.body["form"], evidence.body["reading"]) == (form, reading)
    assert evidence.body["accuracy"]["value"] == 1.0
    assert len(requests) == len(suite.items) + wasted == evidence.body["calls"]["calls"]


def test_a_model_that_reasons_gets_room_for_it(store: SQLiteStore, tmp_path: Path) -> None:
    """The budget for reasoning is added once the first answer shows it, and remembered the next time."""

    def reasons(request: Request) -> Completion:
        if request.max_tokens < 500:
            return Completion(Outcome.TRUNCATED, "<think>\nLet me see")
        return Completion(Outcome.ANSWERED, "<think>\n3 + 4, not 12\n</think>\n7")

    suite = suite_of(tmp_path / "s", choices=False)
    evidence, requests = measured(store, suite, reasons)
    assert [request.max_tokens for request in requests] == [16] + [516] * len(suite.items)
    assert evidence.body["reasoned"] is True
    assert evidence.body["accuracy"]["value"] == 1.0
    again, asked = measured(store, suite, reasons)
    assert again.id == evidence.id
    assert asked == []


def test_a_model_that_does_not_reason_is_not_given_more(store: SQLiteStore, tmp_path: Path) -> None:
    """The first answer counts; no call is wasted."""
    suite = suite_of(tmp_path / "s", choices=False)
    evidence, requests = measured(store, suite, lambda _request: Completion(Outcome.ANSWERED, "7"))
    assert {request.max_tokens for request in requests} == {16}
    assert len(requests) == len(suite.items)
    assert evidence.body["reasoned"] is False


def test_a_hidden_letter_is_asked_for_by_force(store: SQLiteStore, tmp_path: Path) -> None:
    """Where the letters are not among the reported tokens, the engine is held to them, and the evidence says so."""

    def hides(request: Request) -> Completion:
        if request.choices:
            return Completion(Outcome.ANSWERED, "B")
        if request.text.startswith(("3?", "5?")):
            return Completion(Outcome.ANSWERED, "The", top_logprobs=(("The", -0.5), ("It", -1.0)), completion_tokens=1)
        return distribution(request)

    suite = suite_of(tmp_path / "s", choices=True)
    evidence, requests = measured(store, suite, hides)
    assert evidence.body["accuracy"]["value"] == 1.0
    assert len([request for request in requests if request.choices]) == 2
    assert any("by force" in note for note in evidence.body["notes"])


def test_both_sides_of_a_comparison_are_read_alike(store: SQLiteStore, tmp_path: Path) -> None:
    """A baseline without distributions makes the candidate write its letters, too; whole runs refuse otherwise."""
    suite = suite_of(tmp_path / "s", choices=True, n=60)
    engine = ScriptedEngine(distribution, lanes=2)

    async def run() -> Evidence:
        session = Session(store, DAY)
        sides = Side(SUBJECT, "new", engine), Side(OTHER, "old", ScriptedEngine(guided, lanes=2))
        return await compare_until_clear(await prepare(suite, *sides, Terms(), session), session, MemoryJournal())

    body = asyncio.run(run()).body
    assert body["sequential"]["verdict"] == "noninferior"
    assert sum(not request.choices for request in engine.requests) == 2  # one look at each form

    def chat_only(request: Request) -> Completion:
        return distribution(request) if request.form == "chat" else no_logprobs(request)

    ours, _ = measured(store, suite, chat_only, "sha256:" + "e" * 64)
    theirs, _ = measured(store, suite, guided, OTHER)
    assert compare(ours, theirs, "old") == "the choices were read in different ways: `distribution` and `constrained`"
