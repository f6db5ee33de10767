"""Upstreams that fail, and callers that leave: what the caller is told, and what is never done twice."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import TYPE_CHECKING

import pytest

from weighbridge.gateway.request.bounds import Bounds
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.route import Route
from weighbridge.testing.upstream_double import HANG, RESET, Step, UpstreamDouble, answer, events
from weighbridge.testing.waiting import wait_for

from .conftest import KEY, between, leg_to, run_gateway

if TYPE_CHECKING:
    from collections.abc import Mapping

ASK = {"model": "qwen", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**ASK, "stream": True}
GOOD = answer(b'{"id":"1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}')
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
DONE = b"data: [DONE]\n\n"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
WHOLE = answer(b"<html>x</html>", kind="text/html")


def code_of(body: bytes) -> str:
    """Return the code of an error."""
    return str(json.loads(body)["error"]["code"])


@pytest.mark.parametrize(
    ("steps", "status", "code"),
    [
        ([answer(b"{}", status="401 Unauthorized")], 502, "upstream_refused_key"),
        ([answer(b"{}", status="403 Forbidden")], 502, "upstream_refused_key"),
        ([answer(b"{}", status="404 Not Found")], 502, "upstream_not_found"),
        ([answer(b"{}", status="500 Oops")], 502, "upstream_failed"),
        ([answer(b"{}", status="503 Not Ready", headers="retry-after: 7\r\n")], 503, "upstream_unavailable"),
        ([answer(b"{}", status="429 Slow", headers="retry-after: 7\r\n")], 429, "upstream_busy"),
        ([answer(b"{}", status="302 Found", headers="location: http://169.254.169.254/\r\n")], 502, "upstream_failed"),
        ([WHOLE], 502, "upstream_garbled"),
        ([answer(b"")], 502, "upstream_garbled"),
        ([answer(b"\xef\xbb\xbf true")], 502, "upstream_garbled"),
        ([answer(b"<html>busy</html>")], 502, "upstream_garbled"),
        ([answer(b"{}", status="501 Not Implemented")], 404, "endpoint_not_offered"),
        ([answer(b"\x1f\x8b", headers="content-encoding: gzip\r\n")], 502, "upstream_garbled"),
        ([RESET], 502, "upstream_reset"),
        (
            [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{", RESET],
            502,
            "upstream_reset",
        ),
        ([b"HELLO\r\n\r\n", RESET], 502, "upstream_reset"),
        ([HANG], 504, "upstream_timeout"),
    ],
)
def test_what_an_upstream_does_wrong_is_told_as_such(steps: list[Step], status: int, code: str) -> None:
    """No failure of the upstream looks like the caller's own; Retry-After passes, redirects are not followed."""
    with between(lambda *_: steps, idle_s=0.5) as (gateway, upstream):
        got, headers, body = gateway.ask(ASK)
        assert (got, code_of(body)) == (status, code)
        assert headers.get("retry-after") == ("7" if status in {429, 503} else None)
        assert len(upstream.asked) == 1
        exchange = gateway.told.wait()
        assert (exchange.status, exchange.error) == (status, code)
        assert len(gateway.keys.held[0].settled) == 1


def test_a_callers_own_mistake_passes_unchanged() -> None:
    """What the upstream says of a request it cannot serve goes to the caller byte for byte, and costs nothing."""
    said = b'{ "error": {"message":"context length is 4096"},  "extra": 1.0e2}'
    with between(lambda *_: [answer(said, status="400 Bad Request")]) as (gateway, _):
        assert gateway.ask(ASK)[::2] == (400, said)
        assert gateway.keys.held[0].settled == [(Usage(0, 0), 0.0)]


def test_an_upstream_that_is_not_there_costs_nothing() -> None:
    """Nothing was asked, so everything that was held is given back."""
    with run_gateway({"qwen": Route("qwen", leg_to("http://127.0.0.1:9/v1"))}) as gateway:
        status, _, body = gateway.ask(ASK)
        assert (status, code_of(body)) == (502, "upstream_unreachable")
        assert gateway.keys.held[0].settled == [(Usage(0, 0), 0.0)]


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([*events(EVENT, EVENT[:20], ends=False), RESET], "upstream_reset"),
        ([*events(EVENT, EVENT[:20], ends=False), HANG], "upstream_timeout"),
        (events(EVENT, EVENT[:20]), "upstream_reset"),
        ([*events(EVENT, b"x" * 5000, gap_s=0.1, ends=False), HANG], "answer_too_long"),
        ([*events(EVENT, EVENT * 400, gap_s=0.1, ends=False), HANG], "answer_too_long"),
    ],
)
def test_a_stream_that_breaks_ends_with_an_error_and_is_never_begun_again(steps: list[Step], code: str) -> None:
    """The caller sees whole events and then an error event; the upstream is not asked twice."""
    bounds = Bounds(event_bytes=4000, answer_bytes=10_000)
    with UpstreamDouble(lambda *_: steps).running() as upstream:
        leg = leg_to(upstream.url, idle_s=0.5)
        with run_gateway({"qwen": Route("qwen", leg, fallbacks=(leg,), retries=2)}, bounds) as gateway:
            status, _, body = gateway.ask(STREAM)
            told = body.split(b"\n\n")
            assert status == 200
            assert told[0] + b"\n\n" == EVENT
            assert all(event + b"\n\n" == EVENT for event in told[:-2])
            assert code_of(told[-2].removeprefix(b"data: ")) == code
            assert DONE not in body
            assert len(upstream.asked) == 1
            assert gateway.told.wait().error == code


def test_retries_and_fallbacks_before_the_first_byte() -> None:
    """Two resets and a 503 are tried again, then the fallback answers; it is billed once, at the fallback's end."""
    with (
        UpstreamDouble(lambda n, _: [RESET if n % 2 else answer(b"{}", status="503 x")]).running() as bad,
        UpstreamDouble(lambda *_: [GOOD]).running() as good,
    ):
        route = Route("qwen", leg_to(bad.url), fallbacks=(leg_to(good.url, "second"),), retries=2)
        with run_gateway({"qwen": route}) as gateway:
            status, _, body = gateway.ask(ASK)
            assert (status, json.loads(body)["id"]) == (200, "1")
            assert (len(bad.asked), len(good.asked)) == (3, 1)
            assert json.loads(good.asked[0].body)["model"] == "second"
            exchange = gateway.told.wait()
            assert (exchange.leg, exchange.usage) == ("fallback-1", Usage(3, 2))
            assert [leg for leg, _, _ in exchange.rescued] == ["primary"]
            assert len(gateway.keys.held) == 1
            assert gateway.keys.held[0].settled == [(Usage(3, 2), 7e-6)]


def test_a_stream_that_resets_before_its_first_event_is_tried_again() -> None:
    """The head of an answer is nothing that a caller has seen."""
    plays: list[list[Step]] = [[*events(ends=False), RESET], events(EVENT, DONE)]
    with between(lambda n, _: plays[n - 1], retries=1) as (gateway, upstream):
        assert gateway.ask(STREAM)[::2] == (200, EVENT + DONE)
        assert len(upstream.asked) == 2


def test_legs_that_are_not_admitted_are_not_asked() -> None:
    """A closed primary leaves the fallback; nothing open is 503 with the reason."""
    with UpstreamDouble(lambda *_: [GOOD]).running() as upstream:
        route = Route("qwen", leg_to(upstream.url, "first"), fallbacks=(leg_to(upstream.url, "second"),))
        with run_gateway({"qwen": route}) as gateway:
            gateway.table.closed["first"] = "the decision has expired"
            assert gateway.ask(ASK)[0] == 200
            assert json.loads(upstream.asked[0].body)["model"] == "second"
            gateway.table.closed["second"] = "stale"
            status, _, body = gateway.ask(ASK)
            assert (status, code_of(body)) == (503, "route_closed")
            assert b"the decision has expired" in body
            assert len(upstream.asked) == 1


def raw(body: Mapping[str, object]) -> bytes:
    """Write a request as it goes over the wire."""
    data = json.dumps(body).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n"
    return head.format(KEY, len(data)).encode() + data


def leave(port: int, upstream: UpstreamDouble, body: Mapping[str, object], until: bytes) -> None:
    """Ask, wait until the upstream is asked and some bytes have come, and leave."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(raw(body))
        wait_for(lambda: upstream.asked)
        seen = b""
        while until not in seen:
            seen += connection.recv(65536)


@pytest.mark.parametrize(
    ("body", "steps", "until"),
    [
        (ASK, [HANG], b""),
        (STREAM, [HANG], b""),
        (STREAM, [*events(ends=False), HANG], b""),
        (STREAM, events(*[EVENT] * 500, gap_s=0.01), b"data:"),
        (STREAM, [*events(EVENT, ends=False), HANG], b"data:"),
    ],
)
def test_the_upstream_stops_within_a_second_after_the_caller_leaves(
    body: dict[str, object], steps: list[Step], until: bytes
) -> None:
    """Before the first byte as in the middle of a stream; what was held is settled, and the exchange says `left`."""
    with between(lambda *_: steps) as (gateway, upstream):
        leave(gateway.port, upstream, body, until)
        left = time.monotonic()
        assert upstream.asked[0].is_over.wait(2)
        assert time.monotonic() - left < 1.0
        assert upstream.asked[0].left_s is not None
        exchange = gateway.told.wait()
        assert exchange.error == "left"
        assert len(gateway.keys.held[0].settled) == 1


def test_a_caller_that_never_reads_is_cut_off() -> None:
    """The upstream is let go, too: nobody holds a place by not reading."""
    big = b'data: {"choices":[{"delta":{"content":"' + b"x" * 60_000 + b'"}}]}\n\n'
    with (
        between(lambda *_: events(*[big] * 1000, ends=False), Bounds(stall_s=0.5)) as (gateway, upstream),
        socket.create_connection(("127.0.0.1", gateway.port), 5) as connection,
    ):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(raw(STREAM))
        assert gateway.told.wait(seconds=10).error == "stalled"
        assert upstream.asked[0].is_over.wait(2)


def test_an_upstream_that_restarts_is_found_again() -> None:
    """A connection that was closed while idle costs the next request nothing."""
    with between(lambda *_: [GOOD], closes=True) as (gateway, _):
        assert [gateway.ask(ASK)[0] for _ in range(5)] == [200] * 5


def test_a_pipelined_request_does_not_hide_that_the_caller_left() -> None:
    """Two requests on one connection, the first under way: leaving stops its upstream, too."""
    with between(lambda *_: [HANG]) as (gateway, upstream):
        with socket.create_connection(("127.0.0.1", gateway.port), 5) as connection:
            connection.sendall(raw(ASK) * 2)
            wait_for(lambda: upstream.asked)
        assert upstream.asked[0].is_over.wait(1)


def test_many_slow_requests_starve_nobody() -> None:
    """With 300 requests waiting for a slow upstream, another route answers at once."""
    with (
        UpstreamDouble(lambda *_: [HANG]).running() as slow,
        UpstreamDouble(lambda *_: [GOOD]).running() as quick,
    ):
        routes = {"slow": Route("slow", leg_to(slow.url), retries=0), "qwen": Route("qwen", leg_to(quick.url))}
        with run_gateway(routes) as gateway:
            waiting = []
            for _ in range(300):
                one = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
                one.request("POST", "/v1/chat/completions", json.dumps({**ASK, "model": "slow"}), AUTHORIZED)
                waiting.append(one)
            until = time.monotonic() + 5
            while len(slow.asked) < 300 and time.monotonic() < until:
                time.sleep(0.02)
            assert len(slow.asked) == 300
            started = time.monotonic()
            assert gateway.ask(ASK)[0] == 200
            assert time.monotonic() - started < 2.0
            for one in waiting:
                one.close()
