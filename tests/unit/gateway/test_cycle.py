"""Answers on the wire: how many writes they take, how they are framed, and what is never sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from weighbridge.gateway.request.bounds import Bounds
from weighbridge.gateway.wire import bounded_protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Play = Callable[[Any, Any], Awaitable[None]]

ASK = b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"


class Transport(asyncio.Transport):
    """Notes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: Any) -> None:
        """Note it."""
        self.writes.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        """Note it: one call of the kernel."""
        self.writes.append(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        """Tell that all was read."""
        return 0

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.is_closed

    def close(self) -> None:
        """Close."""
        self.is_closed = True

    def abort(self) -> None:
        """Close at once."""
        self.is_closed = True


def answered(play: Play, *pieces: bytes) -> Transport:
    """Return the connection of a caller that sent these bytes, once an application answered as in `play`."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await play(receive, send)

    async def run() -> Transport:
        config = uvicorn.Config(app, http=bounded_protocol(Bounds()), log_config=None, proxy_headers=False)
        config.load()
        loop = asyncio.get_running_loop()
        line = bounded_protocol(Bounds())(config=config, server_state=ServerState(), app_state={}, _loop=loop)
        transport = Transport()
        line.connection_made(transport)
        for piece in pieces:
            line.data_received(piece)
            for _ in range(5):
                await asyncio.sleep(0)
        line.connection_lost(None)
        return transport

    return asyncio.run(run())


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    """Return the beginning of an answer."""
    return {"type": "http.response.start", "status": status, "headers": headers}


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    """Return a part of a body."""
    return {"type": "http.response.body", "body": body, "more_body": more}


async def whole(receive: Any, send: Any) -> None:
    """Read the request and answer `hello`."""
    await receive()
    await send(start((b"content-length", b"5")))
    await send(part(b"hello"))


def test_a_whole_answer_is_one_write() -> None:
    """Head and body leave together, and the connection stays for the next request."""
    got = answered(whole, ASK, ASK)
    assert got.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"] * 2


def test_a_streams_head_goes_with_its_first_part() -> None:
    """Chunks as RFC 9112 (7.1) frames them, each in a write of its own."""

    async def play(receive: Any, send: Any) -> None:
        await receive()
        await send(start())
        await send(part(b"hello world", more=True))
        await send(part(b"!", more=True))
        await send(part(b""))

    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    assert answered(play, ASK).writes == [head + b"b\r\nhello world\r\n", b"1\r\n!\r\n", b"0\r\n\r\n"]


def test_a_stream_for_an_old_client_ends_with_its_connection() -> None:
    """Chunks came with HTTP/1.1 (RFC 9112, 6.1: not sent unless the request is of that version or later)."""

    async def play(receive: Any, send: Any) -> None:
        await receive()
        await send(start())
        await send(part(b"hello", more=True))
        await send(part(b""))

    got = answered(play, ASK.replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert b"".join(got.writes).endswith(b"connection: close\r\n\r\nhello")
    assert got.is_closed


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b=c", b"a\nb", b"a\rb", b"a\0b"])
def test_a_header_of_more_than_one_line_is_never_sent(value: bytes) -> None:
    """Response splitting: not a byte goes out, and the connection ends."""

    async def play(receive: Any, send: Any) -> None:
        await receive()
        await send(start((b"x-note", value), (b"content-length", b"0")))
        await send(part(b""))

    got = answered(play, ASK)
    assert (got.writes, got.is_closed) == ([], True)


@pytest.mark.parametrize("body", [b"hell", b"hello!"])
def test_an_answer_that_is_not_as_long_as_it_said_ends_the_connection(body: bytes) -> None:
    """The next answer on the connection would be taken for the rest of this one."""

    async def play(receive: Any, send: Any) -> None:
        await receive()
        await send(start((b"content-length", b"5")))
        await send(part(body))

    assert answered(play, ASK).is_closed


def test_an_application_that_breaks_off_ends_the_connection() -> None:
    """What has begun must not look whole."""

    async def play(receive: Any, send: Any) -> None:
        await receive()
        await send(start())
        await send(part(b"a", more=True))
        raise ConnectionAbortedError

    got = answered(play, ASK)
    assert not got.writes[-1].endswith(b"0\r\n\r\n")
    assert got.is_closed


def test_head_http_1_0_and_continue() -> None:
    """HEAD gets no body; HTTP/1.0 is closed after its answer; who expects 100 is told to go on before it sends."""
    assert answered(whole, ASK.replace(b"POST", b"HEAD")).writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"]
    old = answered(whole, ASK.replace(b"1.1", b"1.0"))
    assert old.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"]
    assert old.is_closed
    head, body = ASK.split(b"{")
    waiting = answered(whole, head.replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n"), b"{" + body)
    assert waiting.writes[0] == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert waiting.writes[1].endswith(b"hello")
