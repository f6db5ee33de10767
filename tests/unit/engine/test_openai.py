"""The HTTP engine against a server that misbehaves in every way that real ones do."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import TYPE_CHECKING

import pytest

from weighbridge.engine.limits import Limits
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.errors import EngineUnreachable, UsageError
from weighbridge.testing.fault_server import HANG, PAUSE, PAUSE_S, STREAM, FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

CHAT = Request("chat", "What is the capital of France?", 8)


def answer(text: str, finish: str = "stop") -> bytes:
    """Build a chat answer."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return http(json.dumps({"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}).encode())


def ask(
    server: FaultServer, request: Request = CHAT, *, times: int = 1, limits: Limits | None = None
) -> list[Completion]:
    """Send requests one after another through a fresh engine."""

    async def run() -> list[Completion]:
        async with OpenAIEngine(server.url, "m", limits=limits or Limits(timeout_s=5)) as engine:
            return [await engine.complete(request) for _ in range(times)]

    return asyncio.run(run())


def test_a_plain_answer_is_read(serve: Serve) -> None:
    """Text, finish reason and token counts are those that the server sent."""
    server = serve(lambda _n, _path: answer("Paris"))
    (completion,) = ask(server)
    assert completion == Completion(Outcome.ANSWERED, "Paris", "stop", prompt_tokens=7, completion_tokens=2)
    assert server.paths == ["/v1/chat/completions"]
    assert json.loads(server.bodies[0])["messages"] == [{"role": "user", "content": CHAT.text}]


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (answer("", "stop"), Outcome.EMPTY),
        (answer("Par", "length"), Outcome.TRUNCATED),
        (answer("", "content_filter"), Outcome.FILTERED),
    ],
)
def test_an_answer_that_is_not_whole_has_its_own_outcome(serve: Serve, body: bytes, outcome: Outcome) -> None:
    """Empty, cut and filtered answers are told apart, and are never plain answers."""
    assert ask(serve(lambda _n, _path: body))[0].outcome is outcome


def test_429_is_tried_again_after_what_the_server_asks(serve: Serve) -> None:
    """Retry-After is honoured: not sooner, and not much later."""
    late = http(b'{"error": {"message": "slow down"}}', status="429 Too Many Requests", headers="retry-after: 1")
    server = serve(lambda n, _path: late if n == 1 else answer("Paris"))
    started = time.monotonic()
    (completion,) = ask(server)
    assert (completion.outcome, completion.attempts) == (Outcome.ANSWERED, 2)
    assert 1.0 <= time.monotonic() - started < 4


def test_a_wait_beyond_a_minute_ends_the_attempts(serve: Serve) -> None:
    """A server that says "come back in an hour" does not hold up the run."""
    late = http(b"{}", status="429 Too Many Requests", headers="retry-after: 3600")
    (completion,) = ask(serve(lambda _n, _path: late))
    assert (completion.outcome, completion.attempts) == (Outcome.FAILED, 1)


def test_what_is_never_right_is_asked_once(serve: Serve) -> None:
    """A 400 is not tried again, and its reason is kept."""
    server = serve(lambda _n, _path: http(b'{"error": {"message": "context too long"}}', status="400 Bad Request"))
    (completion,) = ask(server)
    assert (completion.outcome, completion.attempts) == (Outcome.FAILED, 1)
    assert completion.detail == "HTTP 400: context too long"


def test_html_is_said_to_be_html(serve: Serve) -> None:
    """A proxy's page is no answer; the outcome says what came."""
    limits = Limits(timeout_s=5, attempts=2)
    (completion,) = ask(
        serve(lambda _n, _path: http(b"<!DOCTYPE html><p>Sign in", headers="content-type: text/html")), limits=limits
    )
    assert completion.outcome is Outcome.FAILED
    assert completion.detail == "the server answered HTML, not JSON"


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b'{"choices": 5}', b'{"choices": [null]}', b'{"choices": []}', b"\xff\xfe", b"[" * 100_000]
)
def test_json_that_is_no_answer_fails_quietly(serve: Serve, body: bytes) -> None:
    """Whatever shape the JSON has, it becomes an outcome and never an exception."""
    (completion,) = ask(serve(lambda _n, _path: http(body)), limits=Limits(timeout_s=5, attempts=1))
    assert completion.outcome is Outcome.FAILED


def test_a_hanging_endpoint_becomes_a_timeout(serve: Serve) -> None:
    """It is asked twice, then recorded; the run is not held up longer than that."""
    server = serve(lambda _n, _path: None)
    started = time.monotonic()
    (completion,) = ask(server, limits=Limits(timeout_s=0.4))
    assert (completion.outcome, completion.attempts) == (Outcome.TIMEOUT, 2)
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_stops_half_way_becomes_a_timeout(serve: Serve, *, stream: bool) -> None:
    """The limit covers the body, too: a server that starts to answer and then hangs does not hold up the run."""
    server = serve(lambda _n, _path: b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\ndata: {}\n\n" + HANG)
    (completion,) = ask(server, Request("chat", "Q", 8, stream=stream), limits=Limits(timeout_s=0.4))
    assert (completion.outcome, completion.attempts) == (Outcome.TIMEOUT, 2)


def test_a_connection_that_dies_half_way_is_tried_again(serve: Serve) -> None:
    """A body shorter than its announced length is not taken for an answer."""
    broken = b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\nconnection: close\r\n\r\n" + b'{"choices": ['
    (completion,) = ask(serve(lambda n, _path: broken if n == 1 else answer("Paris")))
    assert (completion.text, completion.attempts) == ("Paris", 2)


def test_a_dead_endpoint_is_given_up(serve: Serve) -> None:
    """After enough failures in a row the rest is not asked: the run ends with what it has."""
    server = serve(lambda _n, _path: http(b"{}", status="503 Service Unavailable"))
    completions = ask(server, times=10, limits=Limits(timeout_s=5, attempts=1, give_up_after=3, patience_s=0))
    assert [completion.outcome for completion in completions] == [Outcome.FAILED] * 3 + [Outcome.NOT_ASKED] * 7
    assert len(server.paths) == 3


def test_a_body_without_end_is_cut_off(serve: Serve) -> None:
    """More than 16 MiB is no answer; memory stays bounded."""
    endless = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + b" " * (20 << 20)
    (completion,) = ask(serve(lambda _n, _path: endless), limits=Limits(timeout_s=20, attempts=1))
    assert completion.detail == "the answer is larger than 16 MiB"


def test_an_address_where_nothing_listens_is_an_error() -> None:
    """Before any question is asked, the user hears that the engine cannot be reached."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def enter() -> None:
        async with OpenAIEngine(f"http://127.0.0.1:{port}/v1", "m"):
            pass

    with pytest.raises(EngineUnreachable, match="cannot be reached"):
        asyncio.run(enter())


def test_a_missing_key_is_said_before_any_question(serve: Serve) -> None:
    """A 401 names the environment variable to set."""
    server = serve(lambda _n, _path: answer("Paris"))
    server.models_reply = http(b"{}", status="401 Unauthorized")
    with pytest.raises(UsageError) as caught:
        ask(server)
    assert "WEIGHBRIDGE_API_KEY" in str(caught.value.hint)


def test_a_redirect_is_not_followed(serve: Serve) -> None:
    """A key is never carried to another address."""
    server = serve(
        lambda _n, _path: http(b"", status="307 Temporary Redirect", headers="location: http://127.0.0.1:1/")
    )
    (completion,) = ask(server)
    assert completion.outcome is Outcome.FAILED
    assert completion.detail.startswith("HTTP 307")


def test_the_first_token_distribution_is_read_in_both_forms(serve: Serve) -> None:
    """Today's `content` rows and the legacy `top_logprobs` table give the same pairs."""
    modern = {
        "content": [
            {
                "token": " A",
                "logprob": -0.1,
                "top_logprobs": [{"token": " A", "logprob": -0.1}, {"token": " B", "logprob": -2.5}],
            }
        ]
    }
    legacy = {"tokens": [" A"], "token_logprobs": [-0.1], "top_logprobs": [{" A": -0.1, " B": -2.5}]}
    bodies = [
        http(json.dumps({"choices": [{"text": " A", "finish_reason": "length", "logprobs": logprobs}]}).encode())
        for logprobs in (modern, legacy)
    ]
    for completion in ask(
        serve(lambda n, _path: bodies[n - 1]), Request("completion", "Q", 1, top_logprobs=20), times=2
    ):
        assert completion.top_logprobs == ((" A", -0.1), (" B", -2.5))
        assert completion.outcome is Outcome.ANSWERED


def _event(delta: dict[str, object], finish: str | None = None) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"


def test_a_stream_is_joined_and_timed(serve: Serve) -> None:
    """Pieces are joined, tokens counted, and the first token is not later than the last."""
    events = (
        _event({"role": "assistant"})
        + _event({"content": "Pa"})
        + PAUSE
        + _event({"content": "ris"}, "stop")
        + b"data: [DONE]\n\n"
    )
    (completion,) = ask(
        serve(lambda _n, _path: STREAM + events),
        Request("chat", "Q", 8, stream=True),
    )
    assert (completion.text, completion.completion_tokens, completion.outcome) == ("Paris", 2, Outcome.ANSWERED)
    assert completion.first_token_s is not None
    assert completion.total_s is not None
    assert completion.total_s - completion.first_token_s >= PAUSE_S * 0.8


def test_a_stream_that_comes_at_once_times_no_token(serve: Serve) -> None:
    """Where somebody in between buffers, there is no time to the first token: not zero, and not the whole."""
    events = _event({"content": "Pa"}) + _event({"content": "ris"}, "stop") + b"data: [DONE]\n\n"
    (completion,) = ask(serve(lambda _n, _path: http(events)), Request("chat", "Q", 8, stream=True))
    assert (completion.text, completion.first_token_s) == ("Paris", None)


def test_a_definite_no_does_not_count_against_the_endpoint(serve: Serve) -> None:
    """Many requests that are refused for good leave the endpoint alive for the next suite."""
    server = serve(lambda n, _path: http(b"{}", status="404 Not Found") if n <= 20 else answer("Paris"))
    completions = ask(server, times=21)
    assert [completion.outcome for completion in completions] == [Outcome.FAILED] * 20 + [Outcome.ANSWERED]


def test_a_stream_that_breaks_off_is_no_answer(serve: Serve) -> None:
    """Without a finish reason or [DONE] the text so far is not taken for the answer."""
    (completion,) = ask(
        serve(lambda _n, _path: http(_event({"content": "Pa"}))),
        Request("chat", "Q", 8, stream=True),
        limits=Limits(timeout_s=5, attempts=1),
    )
    assert (completion.outcome, completion.detail) == (Outcome.FAILED, "the stream broke off")
