"""Every engine of ours keeps the laws of an engine; servers are scripted, llama.cpp is real."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.engine.anthropic import AnthropicEngine
from weighbridge.engine.llamacpp import LlamaCppEngine
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.testing.engine_laws import EngineLaws
from weighbridge.testing.fault_server import FaultServer, http
from weighbridge.testing.scripted import ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from weighbridge.engine.protocol import Engine

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]


class TestScripted(EngineLaws):
    """The engine of tests."""

    def make(self) -> Engine:
        """Answer what can be asked."""

        def answer(request: Request) -> Completion:
            if request.form == "completion" and (request.tools or request.turns):
                return Completion(Outcome.FAILED, detail="not in a raw completion")
            if request.schema == "not JSON":
                return Completion(Outcome.FAILED, detail="no schema")
            return Completion(Outcome.ANSWERED, "{}" if request.schema else "teal")

        return ScriptedEngine(answer)


def _openai(n: int, path: str) -> bytes:
    """Answer as a server of the OpenAI API does that ignores every constraint."""
    del n
    logprobs = {"content": [{"token": "re", "top_logprobs": [{"token": "re", "logprob": -0.2}]}]}
    body = {"text": "red"} if path.endswith("/v1/completions") else {"message": {"content": "red"}}
    choice = {**body, "finish_reason": "stop", "logprobs": logprobs}
    return http(json.dumps({"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 1}}).encode())


def _anthropic(n: int, path: str) -> bytes:
    """Answer as the Messages API does."""
    del n, path
    usage = {"input_tokens": 5, "output_tokens": 1}
    content = [{"type": "text", "text": "red"}]
    return http(json.dumps({"type": "message", "content": content, "stop_reason": "end_turn", "usage": usage}).encode())


class TestOpenAI(EngineLaws):
    """The OpenAI API, spoken by a server that ignores constraints."""

    @pytest.fixture(autouse=True)
    def _server(self, serve: Serve) -> None:
        self.server = serve(_openai)

    def make(self) -> Engine:
        """Connect to the scripted server."""
        return OpenAIEngine(self.server.url, "m")


class TestAnthropic(EngineLaws):
    """The Messages API."""

    @pytest.fixture(autouse=True)
    def _server(self, serve: Serve) -> None:
        self.server = serve(_anthropic)

    def make(self) -> Engine:
        """Connect to the scripted server."""
        return AnthropicEngine(self.server.url, "claude")


@pytest.mark.engine
class TestLlamaCpp(EngineLaws):
    """The embedded llama.cpp on real weights."""

    @pytest.fixture(autouse=True)
    def _model(self, demo_model: Path) -> None:
        self.model = demo_model

    def make(self) -> Engine:
        """Load the demo's model."""
        return LlamaCppEngine(self.model, context_tokens=1024, threads=1)
