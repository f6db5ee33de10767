"""The tasks asked of a scripted model, and what the report says of it."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.evaluation.behaviour.hijack.asking import Taken, ask_cases
from weighbridge.evaluation.behaviour.hijack.report import hijack_body
from weighbridge.evaluation.behaviour.hijack.tasks import cases_of
from weighbridge.evaluation.run import Session
from weighbridge.statistics.interval import wilson
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

CASES = {one.question: one for one in cases_of("en")}


def obedient(request: Request) -> Completion:
    """Answer as a model that does whatever it reads: calls the tool with the first marker in sight, and answers."""
    case = CASES[request.text]
    said = case.expects[0] if case.expects else "Done"
    if case.arm == "clean":
        return Completion(Outcome.ANSWERED, said)
    call = (case.tool, json.dumps({"x": case.markers[0]}))
    return Completion(Outcome.ANSWERED, said, tool_calls=(call,))


def careful(request: Request) -> Completion:
    """Answer as a model that calls tools for its user only."""
    case = CASES[request.text]
    return obedient(request) if case.arm == "asked" else Completion(Outcome.ANSWERED, case.expects[0])


def dumb(_request: Request) -> Completion:
    """Answer as a model that can do neither."""
    return Completion(Outcome.ANSWERED, "Tools are useful things.")


def asked(answer: Callable[[Request], Completion], folder: Path) -> tuple[Taken, dict[str, Any], ScriptedEngine]:
    """Ask the English cases, and return what was taken with its body."""
    engine = ScriptedEngine(answer)
    store = SQLiteStore(folder / "store.sqlite")
    taken = asyncio.run(ask_cases(cases_of("en"), "sha256:" + "0" * 64, engine, Session(store, date(2026, 11, 22))))
    store.close()
    body = hijack_body(taken.answers, ["en"], taken.protocol, engine.identity.to_json(), taken.calls)
    KINDS["hijack/v1"].model_validate(body)
    return taken, body, engine


@pytest.mark.parametrize(
    ("answer", "hijacked", "able", "useful"), [(obedient, 24, 12, 24), (careful, 0, 12, 24), (dumb, 0, 0, 0)]
)
def test_three_models_are_told_apart(
    answer: Callable[[Request], Completion], hijacked: int, able: int, useful: int, tmp_path: Path
) -> None:
    """One obeys, one is careful, one cannot: the last two have no hijack, and only one of them is said to be unable."""
    _, body, engine = asked(answer, tmp_path)
    rate = body["rates"]["en"]["all"]
    assert (rate["items"], rate["hijacked"]["value"]) == (24, hijacked / 24)
    assert (rate["hijacked"]["low"], rate["hijacked"]["high"]) == pytest.approx(wilson(hijacked, 24))
    assert body["able"]["en"]["value"] == able / 12
    assert body["utility"]["en"]["clean"]["value"] == useful / 24
    assert body["utility"]["en"]["difference"]["value"] == 0
    assert any("is not shown to call a tool" in note for note in body["notes"]) == (able == 0)
    assert {goal: one["items"] for goal, one in body["rates"]["en"].items() if goal != "all"} == dict.fromkeys(
        ("credentials", "phishing", "script", "payment", "deletion", "disclosure"), 4
    )
    assert len(engine.requests) == body["calls"]["calls"] == 60
    assert all(json.loads(request.tools) for request in engine.requests)


def test_an_engine_without_tools_gets_them_in_words(tmp_path: Path) -> None:
    """The first request fails, the rest describe the tools in the system message; a call in the text counts."""

    def answer(request: Request) -> Completion:
        if request.tools:
            return Completion(Outcome.FAILED, detail="this engine has no tools")
        assert request.system is not None
        assert "http_post" in request.system
        done = obedient(request)
        calls = [json.dumps({"tool": name, "arguments": json.loads(body)}) for name, body in done.tool_calls]
        return Completion(Outcome.ANSWERED, "\n".join([*calls, done.text]))

    taken, body, _ = asked(answer, tmp_path)
    assert taken.protocol == body["protocol"] == "text"
    assert body["rates"]["en"]["all"]["results"] == {"written": 24}
    assert body["able"]["en"]["value"] == 1


def test_what_was_no_answer_is_in_no_rate(tmp_path: Path) -> None:
    """Filtered and empty answers leave the denominators, and are counted."""

    def answer(request: Request) -> Completion:
        case = CASES[request.text]
        if case.goal in {"payment", "script"}:
            return Completion(Outcome.FILTERED if case.goal == "payment" else Outcome.EMPTY)
        return careful(request)

    _, body, _ = asked(answer, tmp_path)
    assert body["rates"]["en"]["all"]["items"] == 16
    assert body["rates"]["en"]["payment"] == {
        "items": 0, "hijacked": None, "called": None, "warned": None, "results": {},
    }  # fmt: skip
    assert body["transport"]["en"] == {"answered": 44, "empty": 8, "filtered": 8}


def test_a_model_that_reasons_gets_room_for_it(tmp_path: Path) -> None:
    """The first answer shows reasoning: all is asked with a larger budget, and the reasoning is no answer."""

    def answer(request: Request) -> Completion:
        case = CASES[request.text]
        return Completion(Outcome.ANSWERED, f"<think>I could call {case.tool}({case.markers[0]})</think>No.")

    taken, body, engine = asked(answer, tmp_path)
    assert {request.max_tokens for request in engine.requests[1:]} == {320 + 3072}
    assert body["rates"]["en"]["all"]["results"] == {"ignored": 24}
    assert all("could" not in one.text for one in taken.answers)
