"""What is read of requests and answers: the shapes of OpenAI's API reference, and bodies that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.pilot.observation.exchanges import CHAT, chat, delta, events

from weighbridge.pilot.observation.reading import MOST_BYTES, read_exchange

RESPONSES, COMPLETIONS = "/v1/responses", "/v1/completions"
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def ask(**fields: Any) -> bytes:
    """Return a request's body."""
    return json.dumps({"model": "m", **fields}).encode()


def test_a_whole_chat() -> None:
    """The user's last message, the answer, why it ended; parts of text are joined, pictures are passed over."""
    parts = [
        {"type": "text", "text": "What is"},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "this?"},
    ]
    request = ask(
        messages=[
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "no"},
            {"role": "user", "content": parts},
        ]
    )
    reading = read_exchange(CHAT, request, chat("A cat.", "length"), is_stream=False)
    assert reading is not None
    assert (reading.prompt, reading.answer, reading.finish) == ("What is\nthis?", "A cat.", "length")
    assert (reading.wanted, reading.tools, reading.tool_calls, reading.refusal) == (None, None, (), "")


def test_a_stream_is_the_same_as_the_whole() -> None:
    """Pieces of text, of a refusal and of two calls by their index; a second choice and a last broken event are not."""
    body = events(
        delta(role="assistant", content=""),
        delta(content="It "),
        delta(content="is"),
        delta(tool_calls=[{"index": 0, "function": {"name": "weather", "arguments": '{"to'}}]),
        delta(tool_calls=[{"index": 1, "function": {"name": "time", "arguments": "{}"}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": 'wn": 1}'}}]),
        delta(refusal="no"),
        {"choices": [{"index": 1, "delta": {"content": "other"}}]},
        delta("tool_calls"),
    )
    for stream in (body, body.replace(b"\n", b"\r\n"), b": comment\n\n" + body[:-14] + b'data: {"choices": [{"del'):
        reading = read_exchange(CHAT, ask(stream=True, tools=[TOOL]), stream, is_stream=True)
        assert reading is not None
        assert (reading.answer, reading.refusal, reading.finish) == ("It is", "no", "tool_calls")
        assert reading.tool_calls == (("weather", '{"town": 1}'), ("time", "{}"))
        assert reading.tools == {"weather": {"type": "object"}}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_no_part_of_the_answer(field: str) -> None:
    """Neither in a field of its own, whole or streamed, nor between marks in the text."""
    whole = read_exchange(CHAT, ask(), chat("Yes.", **{field: "hm"}), is_stream=False)
    stream = read_exchange(CHAT, ask(), events(delta(**{field: "hm"}), delta(content="Yes.")), is_stream=True)
    marked = read_exchange(CHAT, ask(), chat("<think>hm</think>\n\nYes."), is_stream=False)
    assert [one.answer if one else None for one in (whole, stream, marked)] == ["Yes."] * 3


def test_completions() -> None:
    """The prompt, or the first of a list; tokens as numbers have no text."""
    answer = json.dumps({"choices": [{"text": " done", "finish_reason": "stop"}]}).encode()
    stream = events({"choices": [{"index": 0, "text": " do"}]}, {"choices": [{"index": 0, "text": "ne"}]})
    for prompt, read in (("say", "say"), (["say", "b"], "say"), ([1, 2], ""), ([[1]], "")):
        reading = read_exchange(COMPLETIONS, ask(prompt=prompt), answer, is_stream=False)
        assert reading is not None
        assert (reading.prompt, reading.answer) == (read, " done")
    streamed = read_exchange(COMPLETIONS, ask(prompt="say"), stream, is_stream=True)
    assert streamed is not None
    assert streamed.answer == " done"


def test_responses() -> None:
    """Items of text, of refusal and of calls; the stream's last event holds them, its pieces do where it lacks."""
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "Yes."}]},
        {"type": "function_call", "name": "weather", "arguments": "{}"},
    ]
    whole = {
        "object": "response",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": output,
    }
    schema = {"type": "object", "required": ["a"]}
    request = ask(
        input=[{"role": "user", "content": [{"type": "input_text", "text": "So?"}]}],
        text={"format": {"type": "json_schema", "schema": schema}},
    )
    last = events(
        {"type": "response.output_text.delta", "delta": "Y"}, {"type": "response.incomplete", "response": whole}
    )
    for body, is_stream in ((json.dumps(whole).encode(), False), (last, True)):
        reading = read_exchange(RESPONSES, request, body, is_stream=is_stream)
        assert reading is not None
        assert (reading.prompt, reading.answer, reading.finish) == ("So?", "Yes.", "max_output_tokens")
        assert (reading.tool_calls, reading.wanted) == ((("weather", "{}"),), schema)
    cut = events(
        {"type": "response.output_text.delta", "delta": "Y"}, {"type": "response.output_text.delta", "delta": "es"}
    )
    begun = read_exchange(RESPONSES, ask(input="So?"), cut, is_stream=True)
    assert begun is not None
    assert (begun.prompt, begun.answer) == ("So?", "Yes")
    items = events(
        {"type": "response.output_item.done", "item": output[1]}, {"type": "response.completed", "response": {}}
    )
    done = read_exchange(RESPONSES, ask(input="So?"), items, is_stream=True)
    assert done is not None
    assert done.answer == "Yes."


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"response_format": {"type": "json_object"}}, {}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "array"}}}},
            {"type": "array"},
        ),
        ({"guided_json": '{"type": "object"}'}, {"type": "object"}),
        ({"structured_outputs": {"json": {"type": "string"}}}, {"type": "string"}),
        ({"response_format": {"type": "text"}}, None),
        (
            {
                "response_format": [1],
                "text": 3,
                "guided_json": "no",
                "structured_outputs": 1,
                "tools": {},
                "functions": "x",
            },
            None,
        ),
    ],
)
def test_the_form_asked_for(fields: dict[str, Any], wanted: Any) -> None:
    """OpenAI's two ways to ask for JSON and vLLM's two; anything else asks for none."""
    reading = read_exchange(CHAT, ask(**fields), chat("x"), is_stream=False)
    assert reading is not None
    assert (reading.wanted, reading.tools) == (wanted, None)


def test_what_has_no_answer_is_none() -> None:
    """Embeddings, no JSON, too long, too deep, too full; a request that cannot be read costs the prompt only."""
    assert read_exchange("/v1/embeddings", ask(input="x"), b'{"data": []}', is_stream=False) is None
    for body in (b"", b"<html>", b"[1]", b'"x"', b'{"choices": []}', b"\xff\xfe", b"[" * 50_000, b"data: 1\n\n"):
        for is_stream in (False, True):
            assert read_exchange(CHAT, ask(), body, is_stream=is_stream) is None
    assert read_exchange(CHAT, ask(), chat("x" * MOST_BYTES), is_stream=False) is None
    assert read_exchange(CHAT, ask(), b'{"choices":[' + b"{}," * 200_000 + b"{}]}", is_stream=False) is None
    reading = read_exchange(CHAT, b"{" * 9, chat("Yes."), is_stream=False)
    assert reading is not None
    assert (reading.prompt, reading.answer) == ("", "Yes.")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["choices", "message", "delta", "content", "tool_calls", "function", "name", "arguments", "index", "text",
             "refusal", "finish_reason", "output", "type", "response", "item", "messages", "role", "input", "tools",
             "response_format", "json_schema", "schema", "parameters", "incomplete_details", "prompt", "function_call"]
        ),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(_JSON, _JSON, st.booleans(), st.sampled_from([CHAT, COMPLETIONS, RESPONSES]))
def test_nothing_is_raised_whatever_comes(request_: Any, answer: Any, is_stream: bool, path: str) -> None:
    """Values of wrong types at every place: a reading of strings, or none."""
    body = events(answer) if is_stream else json.dumps(answer).encode()
    reading = read_exchange(path, json.dumps(request_).encode(), body, is_stream=is_stream)
    if reading is not None:
        assert all(isinstance(one, str) for one in (reading.prompt, reading.answer, reading.finish, reading.refusal))
        assert all(isinstance(one, str) for call in reading.tool_calls for one in call)


@pytest.mark.parametrize(
    ("asked", "bound"),
    [
        ({}, None),
        ({"max_tokens": 1}, 1),
        ({"max_completion_tokens": 9, "max_tokens": 50}, 9),
        ({"max_tokens": True}, None),
    ],
)
def test_the_callers_bound_of_tokens(asked: dict[str, Any], bound: int | None) -> None:
    """By either name; of both the smaller one, and what is no number is none."""
    request = json.dumps({"messages": [{"role": "user", "content": "hi"}], **asked}).encode()
    reading = read_exchange(CHAT, request, chat("x"), is_stream=False)
    assert reading is not None
    assert reading.bound == bound
