"""One connection to an upstream: a request goes out whole, its answer comes in pieces, and it can be cut at any time.

Our own, over llhttp: of the clients measured, those in Python cost more than the rest of the gateway together, and
pyreqwest 0.15 lets a cancelled request run on until its answer's head has come (it drops a `JoinHandle`, which does
not abort), so that a model would generate for callers who left.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from weighbridge.gateway.deadline import Deadline
from weighbridge.gateway.upstream.protocol import AnswerTooLong, UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.gateway.upstream.protocol import Kind

__all__ = ["Connection"]

_HIGH_BYTES = 64 << 10  # beyond it reading pauses: with what one read brings, a slow caller holds some 0.5 MB
_HEAD_BYTES = 128 << 10
_INFORMATION = 200


class Connection(asyncio.Protocol):
    """A connection that serves one request after the other; HTTP/1.1 only, no redirects, no decoding.

    Between `ask` and `close` it is an `Answer`; `give_back` takes it where it can serve another request.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, idle_s: float, give_back: Callable[[Connection], None]) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.is_open = True
        self.idle_since = 0.0
        self._loop = loop
        self._idle_s = idle_s
        self._give_back = give_back
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._is_asked = False
        self._has_head = False
        self._has_come = False
        self._is_whole = False
        self._is_reusable = False
        self._head_bytes = 0
        self._mute_bytes = 0  # that came since the last piece of a body
        self._pieces: list[bytes] = []
        self._held = 0
        self._failure: UpstreamFailure | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._silence = Deadline(loop, self._look)

    @property
    def is_untouched(self) -> bool:
        """Whether nothing of an answer has come."""
        return not self._has_come

    async def ask(self, head: bytes, body: bytes) -> None:
        """Send a request and wait for the head of its answer; raises UpstreamFailure."""
        transport = self._transport
        if transport is None or not self.is_open:
            raise UpstreamFailure("reset")
        self.status, self.headers = 0, {}
        self._has_head = self._has_come = self._is_whole = self._is_reusable = False
        self._head_bytes = self._mute_bytes = 0
        self._is_asked = True
        self._silence.set(self._idle_s)
        transport.writelines((head, body))
        while not self._has_head:
            await self._wait()

    def header(self, name: str) -> str | None:
        """Return a header's first value, None where there is none or it is no text."""
        value = self.headers.get(name.encode())
        return value.decode("ascii") if value is not None and value.isascii() else None

    def close(self) -> None:
        """Let go of it: for the next request, or, in mid-answer, for good; whoever had it asks it nothing more."""
        if self.finish():
            self._give_back(self)

    async def whole(self, max_bytes: int) -> bytes:
        """Return the whole body; raises UpstreamFailure, AnswerTooLong."""
        if self._is_whole and self._held <= min(_HIGH_BYTES, max_bytes):  # most answers come in one piece
            pieces, self._pieces, self._held = self._pieces, [], 0
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        parts: list[bytes] = []
        size = 0
        while (piece := await self.piece()) is not None:
            parts.append(piece)
            size += len(piece)
            if size > max_bytes:
                raise AnswerTooLong
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def piece(self) -> bytes | None:
        """Return all that has come since the last piece, None at a proper end; raises UpstreamFailure."""
        while not self._pieces:
            if self._is_whole:
                return None
            await self._wait()
        pieces, self._pieces = self._pieces, []
        if self._held > _HIGH_BYTES and self._transport is not None and self.is_open:
            self._transport.resume_reading()
            self._silence.set(self._idle_s)
        self._held = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def finish(self) -> bool:
        """End the exchange and return whether the connection can serve another; one in mid-answer is cut."""
        self._is_asked = False
        self._waiter = None
        self._silence.clear()
        if self._is_whole and self._is_reusable and self.is_open and not self._pieces:
            return True
        self.cut()
        return False

    def cut(self) -> None:
        """Close at once."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    async def _wait(self) -> None:
        """Wait until something happens; raises UpstreamFailure."""
        if self._failure is not None:
            raise self._failure
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, kind: Kind, detail: str) -> None:
        """Note why no more will come."""
        if self._failure is None:
            self._failure = UpstreamFailure(kind, detail)
        self.cut()
        self._wake()

    def _look(self) -> None:
        """End it where nothing came for too long."""
        if self._held > _HIGH_BYTES:  # reading is paused by our caller, who has a time of its own
            self._silence.set(self._idle_s)
        else:
            self._fail("timeout", "idle")

    def _expect_more(self) -> None:
        """Wait for what comes next, where something has to."""
        if self._is_whole:
            self._silence.clear()
        else:
            self._silence.set(self._idle_s)

    # asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came; bytes that nobody asked for end the connection."""
        if not self._is_asked or self._is_whole:
            self._fail("reset", "unasked")
            return
        self._has_come = True
        if not self._has_head:
            self._head_bytes += len(data)
        held = self._held
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("reset", "no HTTP")
            return
        self._mute_bytes = 0 if self._held > held else self._mute_bytes + len(data)
        if not self._has_head and self._head_bytes > _HEAD_BYTES:
            self._fail("reset", "endless head")
        elif self._mute_bytes > _HEAD_BYTES and not self._is_whole:
            self._fail("reset", "endless framing")
        elif self._held > _HIGH_BYTES and self._transport is not None:
            self._transport.pause_reading()
        self._expect_more()
        self._wake()

    def eof_received(self) -> bool:
        """Let the transport close."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way; a body without a length ends so by its nature."""
        self._silence.close()
        self.is_open = False
        if self._is_asked and not self._is_whole:
            if self._has_head and exc is None and self._ends_with_connection():
                self._is_whole = True
            else:
                self._fail("reset", type(exc).__name__ if exc else "closed")
        self._wake()

    def _ends_with_connection(self) -> bool:
        return b"content-length" not in self.headers and b"transfer-encoding" not in self.headers

    # the parser's calls

    def on_message_begin(self) -> None:
        """Refuse a second answer to one request."""
        if self._is_whole:
            raise ValueError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; the first of a name counts, and a trailer does not."""
        if self._has_head:
            return
        self.headers.setdefault(name.lower(), value)

    def on_headers_complete(self) -> None:
        """Take the status; what is only information (1xx) is not the answer yet."""
        self.status = self._parser.get_status_code()
        if self.status < _INFORMATION:
            self.headers = {}
            return
        if self.headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise ValueError  # packed: its bytes would not be what they are said to be
        self._has_head = True
        self._is_reusable = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Keep a piece until it is asked for."""
        self._pieces.append(body)
        self._held += len(body)

    def on_message_complete(self) -> None:
        """Note the end."""
        if self._has_head:
            self._is_whole = True
