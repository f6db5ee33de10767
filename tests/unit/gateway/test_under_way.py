"""What is under way: answers that are ended early, and how much room one key may take."""

from __future__ import annotations

import http.client
import json
import socket
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from weighbridge.gateway.request.bounds import Bounds
from weighbridge.pilot.access.protocol import Caller
from weighbridge.pilot.exchange import Usage
from weighbridge.testing.upstream_double import HANG, answer, events
from weighbridge.testing.waiting import wait_for

from .conftest import KEY, between

if TYPE_CHECKING:
    from weighbridge.testing.upstream_double import UpstreamDouble

    from .conftest import Running

ASK = {"model": "qwen", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**ASK, "stream": True}
GOOD = answer(b'{"id":"1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}')
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


def has_asked(upstream: UpstreamDouble, count: int) -> bool:
    """Whether so many requests came to a model."""
    return len(upstream.asked) == count


def end_key(gateway: Running) -> float:
    """End the key, and return when."""
    gateway.keys.ended.add("key-1")
    return time.monotonic()


def test_a_stream_ends_with_its_key() -> None:
    """A key that is revoked in mid-answer: whole events, then one that says why, then the end, within a second."""
    with between(lambda *_: events(*[EVENT] * 400, gap_s=0.01)) as (gateway, upstream):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5)
        connection.request("POST", "/v1/chat/completions", json.dumps(STREAM), AUTHORIZED)
        response = connection.getresponse()
        assert response.read(len(EVENT)) == EVENT
        ended = end_key(gateway)
        told = response.read().split(b"\n\n")
        assert time.monotonic() - ended < 1.0
        assert all(event + b"\n\n" == EVENT for event in told[:-2])
        assert json.loads(told[-2].removeprefix(b"data: "))["error"]["code"] == "invalid_api_key"
        assert told[-1] == b""
        assert upstream.asked[0].is_over.wait(1)
        exchange = gateway.told.wait()
        assert (exchange.status, exchange.error) == (200, "revoked")
        assert gateway.keys.held[0].settled == [(Usage(), None)]  # what it cost is not known: what was held counts
        connection.close()


def test_a_request_whose_key_ends_before_its_answer_is_401() -> None:
    """As if it came now; and its model is let go."""
    with between(lambda *_: [HANG]) as (gateway, upstream):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5)
        connection.request("POST", "/v1/chat/completions", json.dumps(ASK), AUTHORIZED)
        wait_for(lambda: bool(upstream.asked))
        ended = end_key(gateway)
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["error"]["code"]) == (401, "invalid_api_key")
        assert time.monotonic() - ended < 1.0
        assert upstream.asked[0].is_over.wait(1)
        assert gateway.told.wait().status == 401
        connection.close()


def test_a_key_that_ends_takes_nobody_else_with_it() -> None:
    """Another key's answer on the same model goes on to its end."""
    with between(lambda *_: events(*[EVENT] * 60, b"data: [DONE]\n\n", gap_s=0.01)) as (gateway, _):
        gateway.keys.callers[b"Bearer other"] = Caller("key-2", "tenant-1", frozenset({"inference"}))
        end_key(gateway)
        assert gateway.ask(STREAM, key="other")[2].endswith(b"data: [DONE]\n\n")


def test_a_stream_that_takes_too_long_says_so() -> None:
    """`total_s` ends an answer in mid-stream with an error event, not with a cut that looks like a broken network."""
    with between(lambda *_: events(*[EVENT] * 400, gap_s=0.01), total_s=0.3) as (gateway, upstream):
        status, _, body = gateway.ask(STREAM)
        told = body.split(b"\n\n")
        assert (status, told[0] + b"\n\n") == (200, EVENT)
        assert json.loads(told[-2].removeprefix(b"data: "))["error"]["code"] == "upstream_timeout"
        assert upstream.asked[0].is_over.wait(1)
        assert gateway.told.wait().error == "late"


def test_an_answer_that_takes_too_long_is_504() -> None:
    """Before its first byte it is a status."""
    with between(lambda *_: [HANG], total_s=0.2) as (gateway, _):
        status, _, body = gateway.ask(ASK)
        assert (status, json.loads(body)["error"]["code"]) == (504, "upstream_timeout")


def test_a_stream_that_outlives_the_stop_is_told_so() -> None:
    """What the server cancels when its time to end is over (none here) ends with an event, not as a broken network."""
    with between(lambda *_: events(*[EVENT] * 400, gap_s=0.01)) as (gateway, upstream):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5)
        connection.request("POST", "/v1/chat/completions", json.dumps(STREAM), AUTHORIZED)
        response = connection.getresponse()
        assert response.read(len(EVENT)) == EVENT
        gateway.stop()
        told = response.read().split(b"\n\n")
        assert json.loads(told[-2].removeprefix(b"data: "))["error"]["code"] == "gateway_stopping"
        assert upstream.asked[0].is_over.wait(1)
        assert gateway.told.wait().error == "stopped"
        connection.close()


@pytest.mark.parametrize("why", ["late", "revoked"])
def test_who_does_not_read_is_cut_all_the_same(why: str) -> None:
    """The last word waits half a second for a caller that does not take it; then the connection is cut."""
    big = b'data: {"choices":[{"delta":{"content":"' + b"x" * 60_000 + b'"}}]}\n\n'
    with (
        between(lambda *_: events(*[big] * 400, ends=False), total_s=0.5 if why == "late" else 60) as (
            gateway,
            upstream,
        ),
        socket.create_connection(("127.0.0.1", gateway.port), 5) as connection,
    ):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        data = json.dumps(STREAM).encode()
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
        )
        connection.sendall(head % (KEY.encode(), len(data)) + data)
        wait_for(lambda: bool(upstream.asked))
        time.sleep(0.2)
        if why == "revoked":
            end_key(gateway)
        assert gateway.told.wait(seconds=3).error == why
        assert upstream.asked[0].is_over.wait(1)


def test_no_key_takes_the_room_of_all_bodies() -> None:
    """A key may hold what it leaves free: half of it, and a second key half of the rest, whatever the first sends."""
    body = json.dumps({**ASK, "padding": "x" * 19_000}).encode()
    with between(lambda *_: [HANG], Bounds(bodies_bytes=200_000)) as (gateway, upstream), ExitStack() as stack:
        gateway.keys.callers[b"Bearer other"] = Caller("key-2", "tenant-1", frozenset({"inference"}))
        for key, most in ((KEY, 5), ("other", 2)):
            before = len(upstream.asked)
            for count in range(1, most + 2):
                connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5)
                stack.callback(connection.close)
                connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {key}"})
                if count <= most:
                    wait_for(partial(has_asked, upstream, before + count))
            assert json.loads(connection.getresponse().read())["error"]["code"] == "too_many_bodies"


def test_one_body_alone_has_what_room_there_is() -> None:
    """A share is for those who send much at once: a single body is bounded by what all may take."""
    body = json.dumps({**ASK, "padding": "x" * 90_000}).encode()
    with between(lambda *_: [GOOD], Bounds(bodies_bytes=100_000)) as (gateway, _):
        assert [gateway.ask(body)[0] for _ in range(3)] == [200] * 3
