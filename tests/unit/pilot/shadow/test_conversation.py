"""What a judge is shown of a request: enough of a conversation to know what its last message asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from weighbridge.pilot.shadow.asking.conversation import conversation_of

from .conftest import CHAT, ended, shadow_route, upstream
from .nodes import Models, Node

RESPONSES = "/v1/responses"


def said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    """Return a message."""
    return {"role": role, "content": content, **more}


def test_a_judge_sees_what_a_last_message_is_about() -> None:
    """Nobody can judge an answer to `And in French?` alone. Texts that are kept are those of the last message."""
    talk = [said("system", "Be brief."), said("user", "How do I say cheese?"), said("assistant", "Queso."),
            said("user", "And in French?")]  # fmt: skip
    node = Node(shadow_route(judge=upstream("judge")), Models({"new": "Fromage.", "judge": "A"}))
    node.run(*(ended(n, "Kaas.", asks={"messages": talk}) for n in range(20)))
    questions = [json.loads(body)["messages"][1]["content"] for body in node.models.of("judge")]
    assert questions
    shown = (
        "system:\nBe brief.\n\nuser:\nHow do I say cheese?\n\nassistant:\nQueso.\n\nuser:\nAnd in French?\n[end prompt"
    )
    assert all(shown in question for question in questions)


def test_one_message_stands_alone_and_calls_of_tools_are_told() -> None:
    """Chat and responses, whose calls have other forms."""
    assert conversation_of(CHAT, json.dumps({"messages": [said("user", "Hi")]}).encode()) == "Hi"
    called = said("assistant", None, tool_calls=[{"function": {"name": "look", "arguments": '{"at": 1}'}}])
    talk = {"messages": [said("user", "Look"), called, said("tool", "a cat"), said("wizard", "x")]}
    told = 'user:\nLook\n\nassistant:\nlook({"at": 1})\n\ntool:\na cat\n\ntool:\nx'
    assert conversation_of(CHAT, json.dumps(talk).encode()) == told
    items = [said("user", [{"type": "input_text", "text": "Look"}]),
             {"type": "function_call", "name": "look", "arguments": "{}"},
             {"type": "function_call_output", "output": "a cat"}]  # fmt: skip
    told = "system:\nKind.\n\nuser:\nLook\n\ntool:\nlook({})\n\ntool:\na cat"
    assert conversation_of(RESPONSES, json.dumps({"instructions": "Kind.", "input": items}).encode()) == told
    told = "system:\nKind.\n\nuser:\nHi"
    assert conversation_of(RESPONSES, json.dumps({"instructions": "Kind.", "input": "Hi"}).encode()) == told


def test_of_a_long_conversation_the_end_is_shown() -> None:
    """What the system says is cut, early messages are left out, and the last one is there, all within 12,000."""
    talk = [
        said("system", "s" * 9_000),
        *(said("user", f"{n} " + "x" * 900) for n in range(50)),
        said("user", "the end"),
    ]
    shown = conversation_of(CHAT, json.dumps({"messages": talk}).encode())
    assert 10_000 < len(shown) <= 12_000
    assert shown.startswith("system:\nsss")
    assert "(earlier messages are left out)\n\nuser:\n4" in shown
    assert shown.endswith("user:\nthe end")
    alone = conversation_of(CHAT, json.dumps({"messages": [said("system", "s"), said("user", "y" * 50_000)]}).encode())
    assert 11_000 < len(alone) <= 12_000


@pytest.mark.parametrize(
    "body",
    [b"", b"[1]",
     b'{"messages": 5}', b'{"messages": [1, null, {"role": []}]}', b'{"messages": [{"tool_calls": [[1]]}]}',
     b'{"messages": [{"role": "user", "content": {"a": 1}}, {"role": 5, "content": [5]}]}'],
)  # fmt: skip
def test_what_is_no_conversation_raises_nothing(body: bytes) -> None:
    """Callers write it."""
    assert len(conversation_of(CHAT, body)) < 40
    assert conversation_of("/v1/completions", body) == ""
