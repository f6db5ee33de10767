"""Attacks found by reading this gateway's own code: each of them worked once.

Sources: RFC 9112 sections 2.2 and 7.1, RFC 9110 sections 5.3 and 6.5.1 (trailers are not for authentication); vLLM
`entrypoints/openai/protocol.py` (which bound on tokens counts; a batch of prompts generates for each of them; the
answer of `responses` repeats the caller's `tools` and `text.format`).
"""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from typing import Any

import pytest

from weighbridge.gateway.request.bounds import Bounds
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.route import Route
from weighbridge.testing.upstream_double import HANG, RESET, Step, UpstreamDouble, answer, events

from .conftest import KEY, between, leg_to, run_gateway
from .test_security import speak, statuses

ASK = {"model": "qwen", "messages": [{"role": "user", "content": "hi"}]}
GOOD = answer(b'{"id":"1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}')
ROUTES = {"qwen": Route("qwen", leg_to("http://127.0.0.1:9/v1"))}


def ends(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes; raises TimeoutError where it does not."""
    connection.settimeout(3)
    seen = b""
    try:
        while piece := connection.recv(65536):
            seen += piece
    except ConnectionError:
        pass
    return seen


@pytest.mark.parametrize("before", [b"", b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_empty_lines_do_not_hold_a_connection(before: bytes) -> None:
    """Lines that a parser skips before a request (RFC 9112 section 2.2) buy no time, at first nor after an answer."""
    with (
        run_gateway(ROUTES, Bounds(header_s=0.3)) as gateway,
        socket.create_connection(("127.0.0.1", gateway.port)) as connection,
    ):
        if before:
            connection.sendall(before)
            connection.settimeout(3)
            assert statuses(connection.recv(65536)) == [401]
        connection.sendall(b"\r\n")
        assert statuses(ends(connection)) == [408]


def test_a_key_among_the_trailers_is_no_key() -> None:
    """Trailers come after what a proxy has checked, so nothing that counts is taken from them (RFC 9110, 6.5.1)."""
    with run_gateway(ROUTES) as gateway:
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        trailer = b"\r\n2\r\n{}\r\n0\r\nAuthorization: Bearer " + KEY.encode() + b"\r\n\r\n"
        assert statuses(speak(gateway.port, head + trailer)) == [401]


@pytest.mark.parametrize("endless", [b"x: " + b"y" * 1000 + b"\r\n", b"y" * 1000], ids=["many", "long"])
@pytest.mark.parametrize("framing", [b"0\r\nx: y", b"1;x="], ids=["trailers", "extension"])
def test_framing_without_end_is_cut(framing: bytes, endless: bytes) -> None:
    """What surrounds a body is bounded as the body is, also for those without a key."""
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    if framing.startswith(b"1"):
        endless = endless.strip(b"\r\n").replace(b": ", b"")
    with (
        run_gateway(ROUTES, Bounds(header_bytes=4096)) as gateway,
        socket.create_connection(("127.0.0.1", gateway.port)) as connection,
    ):
        connection.settimeout(0.2)
        with pytest.raises(ConnectionError):
            send_on(connection, head + framing, endless)


def send_on(connection: socket.socket, head: bytes, endless: bytes) -> None:
    """Send a head and some megabytes behind it; raises ConnectionError where the other side has had enough."""
    connection.sendall(head)
    for _ in range(40):
        with suppress(TimeoutError):
            connection.recv(65536)
        connection.sendall(endless * 100)


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c", b"x"])
@pytest.mark.parametrize("has_key", [False, True])
def test_the_body_of_an_upgrade_is_no_request(protocol: bytes, has_key: bool) -> None:
    """The parser leaves it unread, as if the protocol had changed: a request hidden there was answered (smuggling)."""
    key = b"Authorization: Bearer " + KEY.encode() + b"\r\n"
    hidden = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n" + key + b"\r\n"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n" + (key if has_key else b"")
    head += b"Connection: Upgrade\r\nUpgrade: %s\r\nContent-Length: %d\r\n\r\n" % (protocol, len(hidden))
    with run_gateway(ROUTES) as gateway, socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(head)
        time.sleep(0.1)
        with suppress(ConnectionError):
            connection.sendall(hidden)
        assert statuses(ends(connection)) == [400 if has_key else 401]


@pytest.mark.parametrize(
    "later", [b"BREW / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"]
)
@pytest.mark.parametrize("is_begun", [False, True])
def test_a_later_request_writes_nothing_into_an_answer(later: bytes, is_begun: bool) -> None:
    """What is wrong with a pipelined request is not told in the middle of the answer before it, nor in its place."""
    steps = [*events(b"data: x\n\n", ends=False), HANG] if is_begun else [HANG]
    with (
        between(lambda *_: steps) as (gateway, _),
        socket.create_connection(("127.0.0.1", gateway.port)) as connection,
    ):
        body = json.dumps({**ASK, "stream": True}).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + KEY.encode()
        connection.sendall(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        seen = connection.recv(65536) if is_begun else b""
        connection.sendall(later)
        assert statuses(seen + ends(connection)) == ([200] if is_begun else [])


def test_a_loop_is_seen_whichever_line_holds_the_mark() -> None:
    """Headers of one name are one list (RFC 9110, 5.3): a proxy that adds a line of its own hides no loop."""
    with run_gateway(ROUTES) as gateway:
        body = json.dumps(ASK).encode()
        mark = f"1.1 weighbridge-{gateway.app.name}".encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + KEY.encode()
        lines = b"\r\nVia: " + mark + b"\r\nVia: 1.1 other\r\nContent-Length: %d\r\n\r\n" % len(body)
        assert statuses(speak(gateway.port, head + lines + body)) == [508]


@pytest.mark.parametrize(
    ("path", "fields", "least"),
    [
        ("/v1/completions", {"prompt": ["a"] * 50, "max_tokens": 1000}, 50_000),
        ("/v1/completions", {"prompt": [[1], [2]], "max_tokens": 1000}, 2_000),
        ("/v1/completions", {"prompt": [1] * 3000, "max_tokens": 0}, 3_000),
        ("/v1/completions", {"prompt": "a", "max_completion_tokens": 1, "max_tokens": 9000}, 9_000),
        ("/v1/chat/completions", {"messages": [], "max_completion_tokens": 0, "max_tokens": 9000}, 9_000),
        ("/v1/chat/completions", {"messages": [], "max_tokens": 1, "n_predict": 9000}, 9_000),
        ("/v1/embeddings", {"input": [[1] * 1500, [1] * 1500]}, 3_000),
    ],
)
def test_all_that_a_request_can_cost_is_held(path: str, fields: dict[str, Any], least: int) -> None:
    """Each prompt of a batch, tokens given as numbers, and the largest of several bounds: whichever server reads it."""
    with between(lambda *_: [GOOD]) as (gateway, _):
        body = json.dumps({"model": "qwen", **fields}, separators=(",", ":")).encode()
        assert gateway.ask(body, path)[0] == 200
        assert gateway.keys.held[0].tokens >= least


ECHO = (
    b'{"type":"response.created","response":{"tools":[{"parameters":{"usage":{"input_tokens":0,"output_tokens":0}}}],'
    b'"usage":null}}'
)


def test_a_usage_that_the_caller_wrote_is_not_the_usage_of_a_stream() -> None:
    """A tool's schema comes back in the first event of `responses`: who leaves then still pays what was held."""
    first = b"event: response.created\ndata: " + ECHO + b"\n\n"
    with between(lambda *_: [*events(first, ends=False), HANG], idle_s=0.5) as (gateway, _):
        assert gateway.ask({"model": "qwen", "input": "hi", "stream": True}, "/v1/responses")[0] == 200
        assert gateway.told.wait().usage == Usage()
        assert gateway.keys.held[0].settled == [(Usage(), None)]


def test_a_usage_that_the_caller_wrote_is_not_that_of_a_long_answer() -> None:
    """Nor where it stands at the end of an answer that is too long to be read whole for its usage alone."""
    said = b'{"output":"' + b"x" * 70_000 + b'","usage":{"input_tokens":3,"output_tokens":9000},'
    said += b'"tools":[{"parameters":{"usage":{"input_tokens":0,"output_tokens":0}}}]}'
    with between(lambda *_: [answer(said)]) as (gateway, _):
        assert gateway.ask({"model": "qwen", "input": "hi"}, "/v1/responses")[2] == said
        assert gateway.keys.held[0].settled[0][0] == Usage(3, 9000)


@pytest.mark.parametrize(
    ("steps", "settled"),
    [
        ([HANG], (Usage(), None)),
        ([RESET], (Usage(), None)),
        ([answer(b"{}", status="504 Gateway Timeout")], (Usage(), None)),
        ([answer(b"{}", status="500 Oops")], (Usage(0, 0), 0.0)),
    ],
)
def test_a_model_that_was_asked_and_did_not_answer_in_time_is_paid_for(steps: list[Step], settled: object) -> None:
    """Who asks for more than a model can say in its time gets 504, and not hours of it for nothing."""
    with between(lambda *_: steps, idle_s=0.3) as (gateway, _):
        assert gateway.ask(ASK)[0] in {502, 504}
        gateway.told.wait()
        assert gateway.keys.held[0].settled == [settled]


def test_what_one_attempt_cost_is_not_forgotten_by_the_next() -> None:
    """The first attempt ran out of time, the fallback refused at once: the first is still paid for."""
    with (
        UpstreamDouble(lambda *_: [HANG]).running() as slow,
        UpstreamDouble(lambda *_: [answer(b"{}", status="500 Oops")]).running() as broken,
    ):
        route = Route("qwen", leg_to(slow.url, idle_s=0.3), fallbacks=(leg_to(broken.url),), retries=0)
        with run_gateway({"qwen": route}) as gateway:
            assert gateway.ask(ASK)[0] == 502
            assert gateway.keys.held[0].settled == [(Usage(), None)]


def test_bodies_that_are_here_at_once_have_a_bound_together() -> None:
    """One key with a thousand large bodies fills no memory; what ends makes room again."""
    body = json.dumps({**ASK, "padding": "x" * 60_000}).encode()
    with between(lambda n, _: [HANG] if n == 1 else [GOOD], Bounds(bodies_bytes=100_000)) as (gateway, upstream):
        with socket.create_connection(("127.0.0.1", gateway.port)) as first:
            head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + KEY.encode()
            first.sendall(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            until = time.monotonic() + 5
            while not upstream.asked and time.monotonic() < until:
                time.sleep(0.01)
            status, headers, said = gateway.ask(body)
            assert (status, json.loads(said)["error"]["code"], headers["retry-after"]) == (503, "too_many_bodies", "1")
        gateway.told.wait(2)
        assert gateway.ask(body)[0] == 200
