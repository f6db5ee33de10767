"""Anthropic's engine: headers, retries of an overload, and a key that goes nowhere else."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.engine.anthropic import AnthropicEngine
from weighbridge.engine.limits import Limits
from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.testing.fault_server import PAUSE, STREAM, FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

ANSWER = http(b'{"type": "message", "content": [{"type": "text", "text": "Paris"}], "stop_reason": "end_turn"}')
BUSY = b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'


def ask(server: FaultServer, request: Request) -> Completion:
    """Ask once."""

    async def run() -> Completion:
        async with AnthropicEngine(server.url, "claude", key="k", limits=Limits(timeout_s=5)) as engine:
            return await engine.complete(request)

    return asyncio.run(run())


def test_a_request_carries_version_and_key(serve: Serve) -> None:
    """`x-api-key` and `anthropic-version`, no bearer token: https://docs.anthropic.com/en/api/overview."""
    server = serve(lambda _n, _path: ANSWER)
    assert ask(server, Request("chat", "Capital of France?", 8)).text == "Paris"
    head = server.heads[-1].lower()
    assert server.paths == ["/v1/messages"]
    assert b"x-api-key: k" in head
    assert b"anthropic-version: 2023-06-01" in head
    assert b"authorization" not in head


def test_an_overload_is_tried_again(serve: Serve) -> None:
    """529 is "later", with the wait that the server asks for."""
    busy = http(BUSY, status="529 Overloaded", headers="retry-after: 0")
    completion = ask(serve(lambda n, _path: busy if n == 1 else ANSWER), Request("chat", "Q", 8))
    assert (completion.outcome, completion.attempts) == (Outcome.ANSWERED, 2)


def test_a_stream_is_timed(serve: Serve) -> None:
    """First piece, last piece, and the longest wait between."""

    def event(text: str) -> bytes:
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        return b"event: x\ndata: " + json.dumps(delta).encode() + b"\n\n"

    start = b'data: {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}}\n\n'
    wire = STREAM + start + event("Pa") + PAUSE + event("ris") + b'data: {"type": "message_stop"}\n\n'
    completion = ask(serve(lambda _n, _path: wire), Request("chat", "Q", 8, stream=True))
    assert completion.text == "Paris"
    assert completion.longest_gap_s is not None
    assert completion.longest_gap_s > 0.05


@pytest.mark.parametrize(
    "request_",
    [Request("completion", "Q", 8), Request("chat", "Q", 1, top_logprobs=5), Request("chat", "Q", 8, seed=1)],
)
def test_what_the_api_lacks_is_said_without_a_call(serve: Serve, request_: Request) -> None:
    """No raw completions, no log-probabilities, no seed."""
    server = serve(lambda _n, _path: ANSWER)
    completion = ask(server, request_)
    assert (completion.outcome, completion.attempts) == (Outcome.FAILED, 0)
    assert server.paths == []


def test_anthropics_own_key_goes_to_anthropic_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another server that speaks the API gets the key given, not the one of the environment."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    assert AnthropicEngine(model="claude")._headers()["x-api-key"] == "secret"
    assert "x-api-key" not in AnthropicEngine("https://api.deepseek.com/anthropic/v1", "d")._headers()
    assert "secret" not in str(AnthropicEngine("https://api.anthropic.com.evil.example/v1", "c", key="k")._headers())
