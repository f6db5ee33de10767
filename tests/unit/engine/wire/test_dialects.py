"""Requests in each server's dialect: the fields are those of the vendors' documentation (dialects.toml names it)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from weighbridge.engine.protocol import Request
from weighbridge.engine.wire.ask import body_of, impossible
from weighbridge.engine.wire.choices import force_choice, gbnf, unwrap
from weighbridge.engine.wire.dialect import dialects, recognise

SCHEMA = '{"type": "object", "properties": {"a": {"type": "integer"}}}'


def body(name: str, request: Request) -> dict[str, Any]:
    """Return the body for a server, which has to be possible."""
    dialect = dialects()[name]
    assert impossible(request, dialect) is None
    return body_of(request, "m", dialect)


@pytest.mark.parametrize(
    ("address", "models", "header", "name"),
    [
        ("https://api.openai.com/v1", None, None, "openai"),
        ("https://mine.openai.azure.com/openai/v1", None, None, "azure"),
        ("https://api.deepseek.com", None, None, "deepseek"),
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", None, None, "dashscope"),
        ("https://api.moonshot.cn/v1", None, None, "moonshot"),
        ("https://open.bigmodel.cn/api/paas/v4", None, None, "zhipu"),
        ("https://api.together.xyz/v1", None, None, "together"),
        ("https://openrouter.ai/api/v1", None, None, "openrouter"),
        ("http://127.0.0.1:8080/v1", None, "llama.cpp", "llama.cpp"),
        ("http://127.0.0.1:8000/v1", {"data": [{"id": "m", "owned_by": "vllm"}]}, "uvicorn", "vllm"),
        ("http://127.0.0.1:30000/v1", {"data": [{"id": "m", "owned_by": "sglang"}]}, "uvicorn", "sglang"),
        ("http://127.0.0.1:11434/v1", {"data": [{"id": "m", "owned_by": "library"}]}, None, "ollama"),
        ("http://127.0.0.1:1234/v1", {"data": [{"id": "m", "owned_by": "organization_owner"}]}, None, "lm-studio"),
        ("https://api.openai.com.evil.example/v1", None, None, "other"),
        ("http://x/v1", {"data": [None, {"owned_by": ["vllm"]}, 7]}, None, "other"),
        ("http://x/v1", [[]], "\0", "other"),
    ],
)
def test_a_server_is_recognised(address: str, models: Any, header: str | None, name: str) -> None:
    """By host, by header, by its list of models; a host that only looks like a vendor's is nobody's."""
    assert recognise(address, models, header).name == name


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("llama.cpp", "grammar", 'root ::= " "? ("A" | "B")'),
        ("vllm", "structured_outputs", {"choice": ["A", " A", "B", " B"]}),
        ("sglang", "regex", " ?(A|B)"),
    ],
)
def test_choices_are_spelled_for_each_server(name: str, field: str, value: Any) -> None:
    """Grammar, list or regular expression, each with room for the space that tokenizers write."""
    assert body(name, Request("completion", "Q", 4, choices=("A", "B")))[field] == value


def test_choices_by_schema_are_taken_apart_again() -> None:
    """Vendors hold an answer to a schema alone: the choice comes in an object, with tokens to spare for it."""
    sent = body("openai", Request("chat", "Q", 4, choices=("A", "B")))
    assert sent["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"] == ["A", "B"]
    assert sent["max_completion_tokens"] > 4
    assert unwrap('{"answer": "B"}', ("A", "B")) == "B"
    assert unwrap(" A\n", ("A", "B")) == "A"
    assert unwrap('{"answer": "C"}', ("A", "B")) is None
    assert unwrap("[" * 100_000, ("A",)) is None


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("vllm", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("dashscope", {"enable_thinking": False}),
        ("deepseek", {"thinking": {"type": "disabled"}}),
        ("zhipu", {"thinking": {"type": "disabled"}}),
        ("openrouter", {"reasoning": {"enabled": False}}),
        ("ollama", {"reasoning_effort": "none"}),
    ],
)
def test_thinking_is_switched_each_servers_way(name: str, sent: dict[str, Any]) -> None:
    """The switch has six spellings."""
    assert sent.items() <= body(name, Request("chat", "Q", 4, thinking=False)).items()


def test_limits_and_logprobs_have_each_servers_names() -> None:
    """OpenAI and Azure take max_completion_tokens in chats; Together takes a number for logprobs."""
    request = Request("chat", "Q", 4, top_logprobs=20)
    assert body("openai", request)["max_completion_tokens"] == 4
    assert "max_tokens" not in body("openai", request)
    assert body("vllm", request)["max_tokens"] == 4
    assert body("together", request)["logprobs"] == 20
    assert (body("vllm", request)["logprobs"], body("vllm", request)["top_logprobs"]) == (True, 20)
    assert body("openai", Request("completion", "Q", 4))["max_tokens"] == 4


def test_a_chat_carries_everything_asked_for() -> None:
    """Turns in their order between system and user, stop, seed, top_p, tools wrapped, the schema."""
    turns = (("user", "a"), ("assistant", "b"))
    tools = '[{"name": "f", "parameters": {}}]'
    request = Request("chat", "c", 4, system="s", turns=turns, stop=("x",), seed=0, top_p=0.5, tools=tools)
    sent = body("vllm", request)
    assert [one["content"] for one in sent["messages"]] == ["s", "a", "b", "c"]
    assert (sent["stop"], sent["seed"], sent["top_p"]) == (["x"], 0, 0.5)
    assert sent["tools"] == [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    held = body("vllm", Request("chat", "c", 4, schema=SCHEMA))
    assert held["response_format"]["json_schema"]["schema"] == json.loads(SCHEMA)
    assert body("llama.cpp", Request("completion", "c", 4, schema=SCHEMA))["json_schema"] == json.loads(SCHEMA)


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("vllm", Request("completion", "x", 4, tools="[]")),
        ("vllm", Request("completion", "x", 4, thinking=True)),
        ("vllm", Request("chat", "x", 4, choices=("A",), schema=SCHEMA)),
        ("vllm", Request("chat", "x", 4, schema="[")),
        ("vllm", Request("chat", "x", 4, tools="{}")),
        ("deepseek", Request("chat", "x", 4, schema=SCHEMA)),
        ("openai", Request("completion", "x", 4, choices=("A",))),
        ("other", Request("completion", "x", 4, schema=SCHEMA)),
    ],
)
def test_what_a_server_cannot_do_is_said_before_it_is_asked(name: str, request_: Request) -> None:
    """One sentence, and no field that is left out in silence."""
    assert impossible(request_, dialects()[name])


def test_a_grammar_quotes_what_would_end_it() -> None:
    """Quotes, backslashes and control characters stay inside the literal."""
    assert gbnf(('a"b', "c\\d", "e\nf")) == 'root ::= " "? ("a\\"b" | "c\\\\d" | "e\\x0af")'


def test_forcing_a_choice_leaves_room_for_every_choice() -> None:
    """A token is never shorter than a byte: so many tokens are always enough."""
    forced = force_choice(Request("completion", "Q", 1, top_logprobs=20), ("A", "甲乙"))
    assert (forced.top_logprobs, forced.choices, forced.max_tokens) == (0, ("A", "甲乙"), 8)
