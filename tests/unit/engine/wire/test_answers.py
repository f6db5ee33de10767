"""Answers of servers, in the shapes that each of them sends."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.engine.wire.answer import parse_answer
from weighbridge.engine.wire.logprobs import first_distribution
from weighbridge.engine.wire.messages import MessageStream, message_body, parse_message
from weighbridge.engine.wire.stream import Stream, Timing

CHAT = Request("chat", "Q", 8)


def read(message: dict[str, Any], request: Request = CHAT, **more: Any) -> Completion:
    """Read a chat answer."""
    choice = {"message": message, "finish_reason": more.pop("finish", "stop")}
    return parse_answer(json.dumps({"choices": [choice], **more}).encode(), request)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_thinking_is_kept_apart(name: str) -> None:
    """DeepSeek's name, vLLM's and OpenRouter's, Ollama's."""
    completion = read({"content": "4", name: "two and two"})
    assert (completion.text, completion.thinking) == ("4", "two and two")


def test_parts_of_a_message_are_joined() -> None:
    """Mistral's chunks: thinking and text in a list."""
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    completion = read({"content": [thought, {"type": "text", "text": "4"}]})
    assert (completion.text, completion.thinking) == ("4", "hm")


def test_an_answer_cut_while_thinking_is_truncated() -> None:
    """No text, a limit reached: never wrong, never empty."""
    assert read({"content": None, "reasoning_content": "hm"}, finish="length").outcome is Outcome.TRUNCATED


def test_tool_calls_are_read_in_both_forms() -> None:
    """Arguments as text, as OpenAI sends them, or as the object itself, as some servers do."""
    calls = [
        {"function": {"name": "f", "arguments": '{"a": 1}'}},
        {"function": {"name": "g", "arguments": {"b": 2}}},
        {"function": None},
        7,
    ]
    completion = read({"content": None, "tool_calls": calls}, finish="tool_calls", model="served")
    assert completion.tool_calls == (("f", '{"a": 1}'), ("g", '{"b": 2}'))
    assert (completion.outcome, completion.served_model) == (Outcome.ANSWERED, "served")


def test_a_refusal_that_stands_in_place_of_the_text_is_the_text() -> None:
    """OpenAI's `refusal` field: the model did say it."""
    assert read({"content": None, "refusal": "I cannot help"}).text == "I cannot help"


@pytest.mark.parametrize(
    "usage",
    [{"prompt_tokens_details": {"cached_tokens": 5}}, {"prompt_cache_hit_tokens": 5}, {"cached_tokens": 5}],
)
def test_cached_tokens_are_read_under_each_name(usage: dict[str, Any]) -> None:
    """OpenAI, DeepSeek, Moonshot."""
    assert read({"content": "x"}, usage=usage).cached_tokens == 5


@pytest.mark.parametrize(
    ("request_", "said", "outcome"),
    [
        (Request("chat", "Q", 8, choices=("A", "B")), " A", Outcome.ANSWERED),
        (Request("chat", "Q", 8, choices=("A", "B")), "Surely A", Outcome.FAILED),
        (Request("chat", "Q", 8, schema="{}"), '{"a": 1}', Outcome.ANSWERED),
        (Request("chat", "Q", 8, schema="{}"), "Here you are: {}", Outcome.FAILED),
    ],
)
def test_a_constraint_that_was_ignored_makes_no_answer(request_: Request, said: str, outcome: Outcome) -> None:
    """A server that takes no notice of a field would be measured in place of the model."""
    completion = read({"content": said}, request_)
    assert completion.outcome is outcome
    assert outcome is not Outcome.FAILED or "did not hold" in completion.detail


def test_thinking_that_could_not_be_switched_off_is_said() -> None:
    """The answer of a mode that nobody asked for is no answer."""
    request = Request("chat", "Q", 8, thinking=False)
    assert read({"content": "4", "reasoning": "hm"}, request).outcome is Outcome.FAILED
    assert read({"content": "4"}, request).outcome is Outcome.ANSWERED


def test_llama_cpps_native_answer_is_read() -> None:
    """`content`, `stop_type` and `completion_probabilities` of `/completion`, today's and that before December 2024."""
    top = [{"token": " A", "bytes": [32, 65], "logprob": -0.5}]
    native = {"content": " A", "stop_type": "limit", "completion_probabilities": [{"top_logprobs": top}]}
    request = Request("completion", "Q", 1, top_logprobs=5)
    completion = parse_answer(json.dumps(native).encode(), request)
    assert (completion.text, completion.finish_reason, completion.top_logprobs) == (" A", "length", ((" A", -0.5),))
    assert first_distribution([{"probs": [{"tok_str": " A", "prob": 0.5}]}]) == ((" A", math.log(0.5)),)


def test_tokens_that_show_alike_are_told_apart() -> None:
    """llama.cpp shows ` ` and ` ` plus half a character both as ` `; their bytes differ."""
    rows = [
        {"token": " ", "bytes": [32], "logprob": -0.1},
        {"token": " ", "bytes": [32, 229], "logprob": -6.0},
        {"token": "é", "bytes": [195, 169], "logprob": -7.0},
        {"token": "x", "bytes": [1, "y"], "logprob": -8.0},
    ]
    names = [token for token, _ in first_distribution({"content": [{"top_logprobs": rows}]})]
    assert names == [" ", r"bytes:\x20\xe5", "é", "x"]


@pytest.mark.parametrize(
    "value",
    [
        {"content": [{"top_logprobs": [{"token": "A", "logprob": -0.1}, {"token": "B", "logprob": -0.1}]}]},
        {"top_logprobs": [{"A": True, "B": "x", "C": float("nan"), "D": 3.0}]},
        {"content": [{"top_logprobs": 5}]}, {"content": {}}, [[]], "x", None, [{"probs": [{"prob": -1}]}],
    ],
)  # fmt: skip
def test_what_is_no_distribution_is_not_read_as_one(value: Any) -> None:
    """Probabilities above 1 in sum, or no numbers at all."""
    assert first_distribution(value) == ()


def events(*values: dict[str, Any]) -> bytes:
    """Write server-sent events."""
    return b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)


def test_a_stream_of_thinking_text_and_calls_is_joined() -> None:
    """Deltas of each kind, cut anywhere; calls are told apart by their index."""
    deltas = [
        {"reasoning_content": "h"}, {"reasoning_content": "m"}, {"content": "4"},
        {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}, {"index": 1, "function": {"name": "g"}}]},
        {"tool_calls": [{"index": 10**9, "function": {"name": "h"}}, None]},
    ]  # fmt: skip
    wire = events(*({"model": "m", "choices": [{"delta": delta}]} for delta in deltas)) + b"data: [DONE]\n\n"
    stream = Stream()
    for at in range(0, len(wire), 7):
        stream.feed(wire[at : at + 7])
    completion = stream.completion(Timing(0.1, 0.5, 0.2), CHAT)
    assert (completion.text, completion.thinking) == ("4", "hm")
    assert completion.tool_calls == (("f", '{"a": 1}'), ("g", ""))
    assert (completion.longest_gap_s, completion.served_model) == (0.2, "m")


def test_a_stream_that_ends_in_an_error_is_no_answer() -> None:
    """Both vLLM and llama.cpp send errors inside the stream, after HTTP 200."""
    stream = Stream()
    stream.feed(events({"choices": [{"delta": {"content": "4"}}]}, {"error": {"message": "out of memory"}}))
    completion = stream.completion(Timing(0.1, 0.5), CHAT)
    assert completion.outcome is Outcome.FAILED
    assert "out of memory" in completion.detail


def test_a_message_is_read() -> None:
    """Blocks, stop reason and usage as https://docs.anthropic.com/en/api/messages gives them."""
    answer = {
        "type": "message", "model": "claude", "stop_reason": "tool_use",
        "content": [
            {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"},
            {"type": "tool_use", "name": "f", "input": {"a": 1}}, {"type": "new"}, 5,
        ],
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 9},
    }  # fmt: skip
    completion = parse_message(json.dumps(answer).encode(), CHAT)
    assert (completion.text, completion.thinking, completion.tool_calls) == ("so", "hm", (("f", '{"a": 1}'),))
    assert (completion.prompt_tokens, completion.cached_tokens, completion.completion_tokens) == (7, 4, 9)


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [("max_tokens", Outcome.TRUNCATED), ("refusal", Outcome.FILTERED), ("end_turn", Outcome.ANSWERED)],
)
def test_stop_reasons_of_messages_are_brought_into_common_terms(reason: str, outcome: Outcome) -> None:
    """What cut an answer is told apart from what ended it."""
    answer = {"content": [{"type": "text", "text": "so"}], "stop_reason": reason}
    assert parse_message(json.dumps(answer).encode(), CHAT).outcome is outcome


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b'{"content": 5}', b'{"type": "error", "content": []}', b"<html>", b"[" * 99_999]
)
def test_what_is_no_message_fails_quietly(data: bytes) -> None:
    """Whatever comes becomes an outcome."""
    assert parse_message(data, CHAT).outcome is Outcome.FAILED


def test_a_message_stream_is_joined() -> None:
    """Blocks start, grow and stop; usage is cumulative."""
    stream = MessageStream()
    usage = {"input_tokens": 5, "output_tokens": 1}
    stream.feed(events(
        {"type": "message_start", "message": {"model": "claude", "usage": usage}}, {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Pa"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ris"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "f"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ))  # fmt: skip
    completion = stream.completion(Timing(0.1, 0.5), CHAT)
    assert (completion.text, completion.tool_calls, completion.completion_tokens) == ("Paris", (("f", "{}"),), 2)
    assert completion.served_model == "claude"


def test_a_request_is_put_as_a_message() -> None:
    """System apart, tools with `input_schema`, stop as `stop_sequences`."""
    tools = '[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]'
    body = message_body(Request("chat", "Q", 8, system="s", stop=("x",), tools=tools), "claude")
    assert (body["system"], body["stop_sequences"]) == ("s", ["x"])
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
    assert body["messages"] == [{"role": "user", "content": "Q"}]
