"""The real `openai` client against the gateway, and bytes against bytes."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from weighbridge.pilot.exchange import Usage
from weighbridge.testing.upstream_double import RESET, Step, answer, events

from .conftest import KEY, between

if TYPE_CHECKING:
    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.route import Route

    from .conftest import Running

CHAT = (
    b'{ "id":"c-1","object":"chat.completion","created":1700000000,"model":"upstream/model","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":null,"refusal":null,"reasoning_content":"hm","tool_calls":[{"id":"t-1",'
    b'"type":"function","function":{"name":"weigh","arguments":"{\\"kg\\": 1.50}"}}]},"logprobs":{"content":[{"token":'
    b'"a","logprob":-0.10,"bytes":[97],"top_logprobs":[]}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":7,'
    b'"completion_tokens":5,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":3}},"system_fingerprint":"fp",'
    b'"x_new_field":1.0E+2}'
)
EMBEDDING = (
    b'{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[0.10,2e-3]}],'
    b'"usage":{"prompt_tokens":2,"total_tokens":2}}'
)
TEXT = (
    b'{"id":"t","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"ok",'
    b'"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
)
RESPONSE = (
    b'{"id":"r","object":"response","created_at":1,"model":"m","status":"completed","output":[{"type":"message",'
    b'"id":"o","role":"assistant","status":"completed","content":[{"type":"output_text","text":"ok","annotations":[]}]}],'
    b'"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":{"input_tokens":4,"output_tokens":6,'
    b'"total_tokens":10,"input_tokens_details":{"cached_tokens":0},"output_tokens_details":{"reasoning_tokens":0}}}'
)
ANSWERS = {
    "/v1/chat/completions": CHAT,
    "/v1/embeddings": EMBEDDING,
    "/v1/completions": TEXT,
    "/v1/responses": RESPONSE,
}
CHUNK = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":'
PIECE = CHUNK + b'[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n'
USAGE = CHUNK + b'[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = [PIECE % b"one ", PIECE % b"two ", PIECE % b"three"]
HI: Any = [{"role": "user", "content": "hi"}]


def play(_: int, path: str) -> list[Step]:
    """Answer each endpoint."""
    return [answer(ANSWERS[path])]


def play_stream(_: int, path: str) -> list[Step]:  # noqa: ARG001 - as the double calls it
    """Answer with a stream whose usage was asked for."""
    return events(*STREAM, USAGE, DONE, gap_s=0.002)


def client(gateway: Running) -> openai.OpenAI:
    """Return the client as anyone would make it."""
    return openai.OpenAI(base_url=gateway.url, api_key=KEY, max_retries=0)


def test_the_openai_client_asks_every_endpoint() -> None:
    """Chat with tools and logprobs, completions, embeddings, responses, models; unknown fields survive."""
    with between(play) as (gateway, upstream), client(gateway) as ai:
        chat = ai.chat.completions.create(model="qwen", messages=HI, logprobs=True, tools=[])
        assert chat.choices[0].message.tool_calls is not None
        assert chat.choices[0].message.to_dict()["reasoning_content"] == "hm"
        assert chat.choices[0].logprobs is not None
        assert chat.to_dict()["x_new_field"] == 100.0
        assert ai.completions.create(model="qwen", prompt="a").choices[0].text == "ok"
        assert ai.embeddings.create(model="qwen", input="a", encoding_format="float").data[0].embedding == [0.1, 0.002]
        assert ai.responses.create(model="qwen", input="a").output_text == "ok"
        assert [model.id for model in ai.models.list()] == ["qwen"]
        assert ai.models.retrieve("qwen").id == "qwen"
        assert [json.loads(one.body)["model"] for one in upstream.asked] == ["upstream/model"] * 4
        usages = [exchange.usage for exchange in gateway.told.exchanges]
        assert usages == [Usage(7, 5), Usage(1, 1), Usage(2, 0), Usage(4, 6)]


def test_the_openai_client_streams() -> None:
    """Every piece arrives as an event of its own; nobody asked for the usage, so it does not come."""
    with between(play_stream) as (gateway, upstream), client(gateway) as ai:
        pieces = list(ai.chat.completions.create(model="qwen", messages=HI, stream=True))
        assert [piece.choices[0].delta.content for piece in pieces] == ["one ", "two ", "three"]
        assert json.loads(upstream.asked[0].body)["stream_options"] == {"include_usage": True}
        assert gateway.told.wait().usage == Usage(7, 3)
        wish: Any = {"include_usage": True}
        asked = ai.chat.completions.create(model="qwen", messages=HI, stream=True, stream_options=wish)
        assert list(asked)[-1].usage is not None


def test_the_async_client_streams_and_leaves() -> None:
    """Async use, and closing a stream half-way."""

    async def use(gateway: Running) -> list[str | None]:
        async with openai.AsyncOpenAI(base_url=gateway.url, api_key=KEY, max_retries=0) as ai:
            stream = await ai.chat.completions.create(model="qwen", messages=HI, stream=True)
            texts = [piece.choices[0].delta.content async for piece in stream]
            other = await ai.chat.completions.create(model="qwen", messages=HI, stream=True)
            async for _ in other:
                break
            await other.close()
            return texts

    with between(play_stream) as (gateway, _):
        assert asyncio.run(use(gateway)) == ["one ", "two ", "three"]
        gateway.told.wait(2)


def test_a_refusal_is_the_clients_own_error() -> None:
    """The client raises the class that it has for the status, with our code."""
    with between(play) as (gateway, _):
        with (
            openai.OpenAI(base_url=gateway.url, api_key="wrong", max_retries=0) as ai,
            pytest.raises(openai.AuthenticationError) as caught,
        ):
            ai.models.list()
        assert caught.value.code == "invalid_api_key"
        with client(gateway) as ai, pytest.raises(openai.NotFoundError) as missing:
            ai.chat.completions.create(model="absent", messages=HI)
        assert missing.value.code == "model_not_found"


def test_a_stream_that_breaks_raises_in_the_client() -> None:
    """The error event in mid-stream is an APIError, not a short answer that looks whole."""
    with between(lambda *_: [*events(STREAM[0], ends=False), RESET]) as (gateway, _), client(gateway) as ai:
        stream = ai.chat.completions.create(model="qwen", messages=HI, stream=True)
        with pytest.raises(openai.APIError):
            list(stream)


@pytest.mark.parametrize(
    "body",
    [
        (
            b'{"messages":[{"content":"a \\u00e9 \\"model\\": 1","role":"user"}],"model":"qwen","temperature":1.0E+0,'
            b'"seed":12345678901234567890,"new":{"z":[1.50]}}'
        ),
        b'  {"tools":[{"function":{"parameters":{"model":{"type":"string"}}}}] , "model" :\t"qwen"\n}',
        b'{"mod\\u0065l":"qwen","metadata":{"model":"inner"},"messages":[]}',
        b'{"x":"\\\\","model":"qwen"}',
    ],
)
def test_only_the_models_name_is_rewritten(body: bytes) -> None:
    """Every other byte of the request arrives as it was: number spelling, spaces, escapes, fields not known to us."""
    with between(lambda *_: [answer(CHAT)]) as (gateway, upstream):
        status, _, said = gateway.ask(body)
        assert (status, said) == (200, CHAT)
        sent = upstream.asked[0].body
        at = body.index(b'"qwen"')
        assert sent == body[:at] + b'"upstream/model"' + body[at + len(b'"qwen"') :]
        exchange = gateway.told.wait()
        assert exchange.request_sha256 == hashlib.sha256(body).hexdigest()
        assert exchange.upstream_sha256 == exchange.sent_sha256 == hashlib.sha256(CHAT).hexdigest()


@pytest.mark.parametrize(
    "options", [None, {}, {"include_usage": False}, {"x": 1}, {"include_usage": None, "x": {"y": "}"}}]
)
def test_what_usage_we_ask_for_is_taken_out_again(options: dict[str, Any] | None) -> None:
    """The caller gets the very bytes that it would have got; the digests tell both sides apart."""
    body: dict[str, Any] = {"model": "qwen", "messages": [], "stream": True, "stream_options": options}
    with between(play_stream) as (gateway, upstream):
        said = gateway.ask(body)[2]
        assert said == b"".join(STREAM) + DONE
        sent = json.loads(upstream.asked[0].body)
        assert sent["stream_options"] == {**(options or {}), "include_usage": True}
        exchange = gateway.told.wait()
        assert exchange.sent_sha256 == hashlib.sha256(said).hexdigest()
        assert exchange.upstream_sha256 == hashlib.sha256(b"".join(STREAM) + USAGE + DONE).hexdigest()
        assert exchange.usd == pytest.approx(13e-6)


def test_bodies_are_held_only_where_somebody_looks() -> None:
    """A listener that wants the texts gets both; otherwise they are gone when the exchange ends."""

    def sampled(_: Route, exchange: Exchange) -> bool:
        return exchange.is_stream

    def play_both(n: int, path: str) -> list[Step]:
        return play_stream(n, path) if n > 1 else [answer(CHAT)]

    with between(play_both, keeps=sampled) as (gateway, _):
        gateway.ask({"model": "qwen", "messages": []})
        said = gateway.ask({"model": "qwen", "messages": [], "stream": True, "user": "ann"})[2]
        gateway.told.wait(2)
        plain, kept = gateway.told.exchanges
        assert (plain.request, plain.answer) == (b"", b"")
        assert kept.answer == said
        assert b'"user": "ann"' in kept.request
        assert len(kept.user_hash) == 32
        assert "ann" not in kept.user_hash
