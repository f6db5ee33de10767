"""What servers refuse is learnt once, where it does not change the measurement; their words are quoted."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.engine.limits import Limits
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.engine.wire.habits import Habits
from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

CHAT = Request("chat", "Q", 8)
OPENAI_SAYS = {
    "error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        "type": "invalid_request_error",
        "param": "max_tokens",
        "code": "unsupported_parameter",
    }
}
FASTAPI_SAYS = {
    "detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs are not"}]
}
VLLM_SAYS = {
    "message": "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is "
    "4096 tokens and your request has 100 input tokens",
    "param": "max_tokens",
}
CAPPED = {"error": {"message": "Requested sample logprobs of 20, which is greater than max allowed: 5"}}


def refused(body: Any) -> bytes:
    """Build a refusal."""
    return http(json.dumps(body).encode(), status="400 Bad Request")


def answered(text: str = "Paris") -> bytes:
    """Build an answer."""
    return http(json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}).encode())


def ask(server: FaultServer, *requests: Request) -> list[Completion]:
    """Ask one after another."""

    async def run() -> list[Completion]:
        async with OpenAIEngine(server.url, "m", limits=Limits(timeout_s=5)) as engine:
            return [await engine.complete(request) for request in requests]

    return asyncio.run(run())


def test_a_renamed_limit_is_learnt_once(serve: Serve) -> None:
    """OpenAI's newer models: one refusal, then every request has the new name, and no wait in between."""
    server = serve(lambda n, _path: refused(OPENAI_SAYS) if n == 1 else answered())
    first, second = ask(server, CHAT, CHAT)
    assert (first.outcome, first.attempts, second.attempts) == (Outcome.ANSWERED, 2, 1)
    sent = [json.loads(body) for body in server.bodies]
    assert ["max_tokens" in one for one in sent] == [True, False, False]
    assert sent[2]["max_completion_tokens"] == 8


def test_a_prompt_that_is_too_long_teaches_nothing(serve: Serve) -> None:
    """The message names both fields: renaming the limit would leave servers that ignore unknown fields without one."""
    server = serve(lambda _n, _path: refused(VLLM_SAYS))
    (completion,) = ask(server, CHAT)
    assert (completion.outcome, completion.attempts) == (Outcome.FAILED, 1)


@pytest.mark.parametrize(
    ("sent", "said", "learnt"),
    [
        ({"stream_options": {}}, FASTAPI_SAYS, {"dropped": {"stream_options"}}),
        ({"max_tokens": 8}, OPENAI_SAYS, {"renamed": {"max_tokens": "max_completion_tokens"}}),
        ({"logprobs": 20}, CAPPED, {"top_logprobs": 5}),
        ({"logprobs": True, "top_logprobs": 20}, CAPPED, {"top_logprobs": 5}),
        ({"temperature": 0}, {"error": {"message": "temperature does not support 0", "param": "temperature"}}, {}),
        ({"stop": ["x"]}, {"error": {"message": "Unsupported parameter: 'stop'", "param": "stop"}}, {}),
        ({"max_tokens": 8}, VLLM_SAYS, {}),
        ({"max_tokens": 8}, "[" * 10_000, {}),
    ],
)
def test_only_what_leaves_the_measurement_as_it_is_is_learnt(
    sent: dict[str, Any], said: Any, learnt: dict[str, Any]
) -> None:
    """A temperature or a stop that is refused is the end of the request."""
    habits = Habits()
    assert habits.learn(sent, json.dumps(said).encode()) is bool(learnt)
    for name, value in learnt.items():
        assert getattr(habits, name) == value
    assert habits.plain is not bool(learnt)


def test_a_server_that_takes_neither_name_ends_the_request(serve: Serve) -> None:
    """No loop between two names."""
    both = {"error": {"message": "unknown field", "param": "max_completion_tokens"}}
    server = serve(lambda n, _path: refused(OPENAI_SAYS if n == 1 else both))
    (completion,) = ask(server, CHAT)
    assert completion.outcome is Outcome.FAILED
    assert len(server.bodies) == 2


def test_an_older_vllm_gets_its_own_name_for_choices(serve: Serve) -> None:
    """It takes no notice of `structured_outputs`; the answer shows it, and `guided_choice` is tried once."""
    server = serve(lambda n, _path: answered("I think A" if n == 1 else "A"))
    server.models_reply = http(b'{"data": [{"id": "m", "owned_by": "vllm"}]}')
    (completion,) = ask(server, Request("chat", "Q", 8, choices=("A", "B")))
    assert (completion.outcome, completion.text) == (Outcome.ANSWERED, "A")
    assert json.loads(server.bodies[1])["guided_choice"] == ["A", " A", "B", " B"]


def test_a_server_that_holds_no_choices_is_asked_once_or_twice(serve: Serve) -> None:
    """The run goes on with a failure that says why, and without retries: the answer would be the same."""
    server = serve(lambda _n, _path: answered("I think A"))
    (completion,) = ask(server, Request("chat", "Q", 8, choices=("A", "B")))
    assert completion.outcome is Outcome.FAILED
    assert "did not hold" in completion.detail
    assert len(server.bodies) == 1
