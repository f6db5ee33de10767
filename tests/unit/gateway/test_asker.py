"""The gateway's client as the rooms of a pilot use it: whatever an upstream does, there is a Reply."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.gateway.asker import UpstreamAsker, addressed
from weighbridge.gateway.upstream.pool import Upstreams
from weighbridge.pilot.route import UpstreamSettings
from weighbridge.testing.upstream_double import HANG, RESET, Step, UpstreamDouble, answer, events

if TYPE_CHECKING:
    from weighbridge.pilot.asker import Reply

ASK = b'{"model": "m", "messages": []}'
GOOD = b'{"choices":[]}'


def no_key(name: str) -> str | None:  # noqa: ARG001 - as Upstreams asks
    """Know no secret."""
    return None


async def reply_of(where: UpstreamSettings) -> Reply:
    """Ask once and let go of everything."""
    upstreams = Upstreams(no_key)
    try:
        return await UpstreamAsker(upstreams, "gate", most_bytes=1000)(where, "/chat/completions", ASK)
    finally:
        upstreams.close()
        await asyncio.sleep(0.01)  # transports close in the loop's next turns


def asked(steps: list[Step], idle_s: float = 5.0, total_s: float = 5.0) -> tuple[Reply, UpstreamDouble]:
    """Ask an upstream that plays these steps."""
    with UpstreamDouble(lambda *_: steps).running() as upstream:
        where = UpstreamSettings(upstream.url, "m", idle_s=idle_s, total_s=total_s)
        return asyncio.run(reply_of(where)), upstream


def test_an_answer_comes_back_whole_with_its_times() -> None:
    """Body and status are the upstream's; the request carries the gateway's mark, so that a circle ends."""
    reply, upstream = asked([0.05, answer(GOOD)])
    assert (reply.status, reply.body, reply.error) == (200, GOOD, "")
    assert reply.first_s is not None
    assert 0.05 <= reply.first_s <= reply.total_s
    assert upstream.asked[0].body == ASK
    assert b"via: 1.1 weighbridge-gate" in upstream.asked[0].head


def test_a_stream_comes_back_as_its_bytes() -> None:
    """The first piece's time is that of the first event, not that of the head or of the end."""
    reply, _ = asked(events(b"data: 1\n\n", b"data: 2\n\n", gap_s=0.05))
    assert reply.body == b"data: 1\n\ndata: 2\n\n"
    assert reply.first_s is not None
    assert 0.05 <= reply.first_s < reply.total_s
    assert reply.total_s >= 0.1


@pytest.mark.parametrize(
    ("steps", "error", "part"),
    [
        ([RESET], "reset", 0),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", 0.05, RESET], "reset", 1),
        ([b"no HTTP\r\n\r\n"], "reset", 0),
        ([HANG], "timeout", 0),
        ([answer(b"x" * 1001)], "too_long", 1001),
    ],
)
def test_a_failure_is_named_and_brings_no_body(steps: list[Step], error: str, part: int) -> None:
    """Nothing is raised, and half an answer is none; what had come is told apart, for it is paid for."""
    reply, _ = asked(steps, idle_s=0.2)
    assert (reply.status, reply.body, reply.error, len(reply.part)) == (0, b"", error, part)


def test_a_drip_of_bytes_ends_at_the_total_time() -> None:
    """An upstream that always sends a little is cut off all the same."""
    reply, upstream = asked(events(*[b"data: 1\n\n"] * 100, gap_s=0.05), total_s=0.3)
    assert (reply.status, reply.error) == (0, "timeout")
    assert upstream.asked[0].is_over.wait(2)


def test_an_address_that_may_not_be_asked_is_not() -> None:
    """Link-local addresses stay blocked for whoever asks."""
    reply = asyncio.run(reply_of(UpstreamSettings("http://169.254.169.254/v1", "m")))
    assert (reply.status, reply.error) == (0, "blocked")


def test_a_body_is_addressed_by_its_models_name_alone() -> None:
    """Every byte but the name stays, spelling of numbers included; a stream is asked for its usage."""
    body = b'{ "temperature":1.0e0, "model" : "qwen", "x_unknown":[1], "messages":[]}'
    path, sent = addressed("/v1/chat/completions", body, "up/stream") or ("", b"")
    assert path == "/chat/completions"
    assert sent == body.replace(b'"qwen"', b'"up/stream"')
    _, streamed = addressed("/v1/chat/completions", b'{"stream":true,"model":"qwen","messages":[]}', "m") or ("", b"")
    assert json.loads(streamed)["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(("path", "body"), [("/v1/files", ASK), ("/v1/chat/completions", b"[]")])
def test_what_is_no_request_is_not_addressed(path: str, body: bytes) -> None:
    """Unknown endpoints and bodies that cannot be read are told by None."""
    assert addressed(path, body, "m") is None
