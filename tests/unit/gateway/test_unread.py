"""Callers that read nothing, late or at odd times: none keeps a place, memory or the process for ever."""

from __future__ import annotations

import json
import socket
import time

import pytest

from weighbridge.gateway.request.bounds import Bounds
from weighbridge.pilot.route import Route
from weighbridge.testing.upstream_double import Step, answer

from .conftest import KEY, Running, between, leg_to, run_gateway
from .test_security import statuses

ASK = {"model": "qwen", "messages": [{"role": "user", "content": "hi"}]}
GOOD = answer(b'{"id":"1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}')
LARGE = answer(json.dumps({"id": "1", "choices": ["x" * (8 << 20)]}).encode())


def connect(gateway: Running) -> socket.socket:
    """Return a connection whose other side soon cannot send any more."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(5)
    connection.connect(("127.0.0.1", gateway.port))
    return connection


def asking(headers: str = "", ask: object = ASK) -> bytes:
    """Return a request as bytes."""
    body = json.dumps(ask).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n{headers}"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def rest_of(connection: socket.socket, pause_s: float = 0.0) -> int:
    """Return how many bytes come until the other side closes, read with pauses."""
    seen = 0
    try:
        while piece := connection.recv(1 << 18):
            seen += len(piece)
            time.sleep(pause_s)
    except ConnectionError:
        pass
    return seen


def fill(connection: socket.socket, requests: bytes) -> None:
    """Send until the other side takes no more."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        connection.send(requests)
        time.sleep(0.002)


def test_an_answer_that_nobody_reads_gives_its_place_up() -> None:
    """There is one place, and an answer of 8 MB waits in it to be read before the connection closes."""

    def play(n: int, _: str) -> list[Step]:
        return [LARGE if n == 1 else GOOD]

    with between(play, Bounds(connections=1)) as (gateway, _), connect(gateway) as first:
        first.sendall(asking("Connection: close\r\n"))
        gateway.told.wait()
        assert gateway.ask(ASK)[0] == 200
        assert rest_of(first) < 8 << 20


@pytest.mark.parametrize("headers", ["", "Connection: close\r\n"])
def test_an_answer_that_nobody_reads_is_cut_off(headers: str) -> None:
    """After `stall_s` its memory is free again, whether the connection was to stay or to close."""
    with between(lambda *_: [LARGE], Bounds(stall_s=0.3)) as (gateway, _), connect(gateway) as caller:
        caller.sendall(asking(headers))
        gateway.told.wait()
        time.sleep(1.0)
        assert rest_of(caller) < 8 << 20


def test_who_reads_slowly_gets_all() -> None:
    """It takes several times `stall_s`, and never so long that nothing is read."""
    with between(lambda *_: [LARGE], Bounds(stall_s=0.3)) as (gateway, _), connect(gateway) as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        caller.sendall(asking("Connection: close\r\n"))
        assert rest_of(caller, pause_s=0.01) > 8 << 20


def test_small_answers_that_nobody_reads_hold_no_place() -> None:
    """They outgrow what the system keeps for a connection, and then the next answer waits: outside of any flight."""
    routes = {f"{number:0256}": Route(f"{number:0256}", leg_to("http://127.0.0.1:9/v1")) for number in range(400)}
    models = f"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()
    with run_gateway(routes, Bounds(connections=1)) as gateway, connect(gateway) as first:
        first.setblocking(False)
        with pytest.raises((BlockingIOError, ConnectionError)):
            fill(first, models * 4)
        assert gateway.call("GET", "/v1/models", None, {"Authorization": f"Bearer {KEY}"})[0] == 200


def test_a_body_may_wait_behind_a_long_answer() -> None:
    """While it is not read for lack of its turn, its time does not run."""

    def play(n: int, _: str) -> list[Step]:
        return [1.0, GOOD] if n == 1 else [GOOD]

    with between(play, Bounds(body_s=0.3)) as (gateway, _), connect(gateway) as caller:
        request = asking(ask={**ASK, "padding": "x" * 200_000})
        caller.sendall(asking() + request[:1000])
        time.sleep(0.1)
        caller.sendall(request[1000:2000])
        time.sleep(0.6)  # longer than a body may take, and its turn has not come
        caller.sendall(request[2000:])
        seen = b""
        while seen.count(b"HTTP/1.1 200") < 2:
            seen += caller.recv(65536)


def test_a_large_body_that_stops_coming_ends() -> None:
    """Also where so much of it came at once that reading paused."""
    request = asking(ask={**ASK, "padding": "x" * 400_000})
    with between(lambda *_: [GOOD], Bounds(body_s=0.3)) as (gateway, _), connect(gateway) as caller:
        caller.sendall(request[:200_000])
        assert statuses(caller.recv(65536)) == [408]


def test_a_body_that_comes_after_its_answer_leaves_the_connection_at_rest() -> None:
    """No 408 follows for a request that nobody has begun, and the next one is answered."""
    refused = f"POST /nothing HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 10\r\n\r\n".encode()
    with between(lambda *_: [GOOD], Bounds(header_s=0.3, body_s=0.3)) as (gateway, _), connect(gateway) as caller:
        caller.sendall(refused)
        assert statuses(caller.recv(65536)) == [404]
        caller.sendall(b"x" * 10)
        time.sleep(0.8)
        caller.sendall(asking())
        assert statuses(caller.recv(65536)) == [200]


def test_a_length_of_many_digits_is_too_long() -> None:
    """Python refuses to read 5,000 digits: that is no mistake of ours to tell."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n".encode()
    with between(lambda *_: [GOOD]) as (gateway, _), connect(gateway) as caller:
        caller.sendall(head + b"Content-Length: " + b"0" * 5000 + b"2\r\n\r\n{}")
        assert statuses(caller.recv(65536)) in ([413], [400])
