"""HTTP on the wire: uvicorn's protocol (llhttp) with bounds on heads, time, pipelines and connections.

uvicorn bounds none of these itself: a connection that never ends its headers would be held for ever.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from weighbridge.gateway.desk import ABORT
from weighbridge.gateway.errors import BAD_REQUEST, body_of
from weighbridge.gateway.request.bounds import Bounds
from weighbridge.pilot.access.protocol import Refusal

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

__all__ = ["bounded_protocol"]

_UNAUTHORISED = 401
_FRAME_BYTES = 6  # around each byte of a body, where each is a chunk of its own
_NO_KEY = Refusal(401, BAD_REQUEST, "unreadable_request", "no key could be read from this request")
_UNREADABLE = Refusal(400, BAD_REQUEST, "unreadable_request", "this is not HTTP as RFC 9112 has it")
_TOO_LONG = Refusal(431, BAD_REQUEST, "headers_too_long", "the headers are too long")
_TOO_LATE = Refusal(408, BAD_REQUEST, "request_timeout", "the request did not arrive in time")
_BUSY = Refusal(503, "server_error", "too_many_connections", "there are too many connections; try again later", 1.0)
_PHRASES = {400: b"Bad Request", 401: b"Unauthorized", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}
_PHRASES[503] = b"Service Unavailable"


def bounded_protocol(bounds: Bounds) -> type[HttpToolsProtocol]:
    """Return a protocol for uvicorn with these bounds."""
    return type("BoundedProtocol", (_BoundedProtocol,), {"bounds": bounds})


class _BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    bounds = Bounds()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_whole = True  # whether the last request that began has arrived whole
        self._has_head = True
        self._head_bytes = 0
        self._body_bytes = 0
        self._came_bytes = 0  # behind the head, with chunk sizes and trailers
        self._deadline: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, which has to say something soon; refuse one too many."""
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections:
            self._end(_BUSY)
            return
        self._deadline = self.loop.call_later(self.bounds.header_s, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every request of this connection, not only the newest, that its caller left."""
        self._disarm()
        for cycle in (self._running, *(cycle for cycle, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within the bounds."""
        if self.transport.is_closing():
            return
        if not self._has_head or self._is_whole:
            self._head_bytes += len(data)
        else:
            self._came_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._has_head and self._head_bytes > self.bounds.header_bytes:
            self._end(_TOO_LONG if self._has_key() else _NO_KEY)
        elif self._came_bytes > self.bounds.header_bytes + _FRAME_BYTES * self._body_bytes:
            self.transport.abort()
        elif self._deadline is None and not self._has_come():
            is_in_body = self._has_head and not self._is_whole
            self._deadline = self.loop.call_later(
                self.bounds.body_s if is_in_body else self.bounds.header_s, self._late
            )

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_whole = self._has_head = False
        self._body_bytes = 0
        self.scope["extensions"] = {ABORT: {"cut": self.transport.abort}}

    def on_headers_complete(self) -> None:
        """See the end of a head; refuse the one that was too long though it came at once, and the long pipeline."""
        self._has_head = True
        self._came_bytes = 0
        if self._is_head_long() or len(self.pipeline) >= self.bounds.pipelined:
            self.transport.abort()
            return
        self._head_bytes = 0
        self._disarm()
        super().on_headers_complete()
        self.headers = []  # for trailers: uvicorn would add them to the head, which a proxy has checked without them

    def on_body(self, body: bytes) -> None:
        """Count the body, also of a request that was answered before it came."""
        self._body_bytes += len(body)
        if self._body_bytes > self.bounds.body_bytes and self.cycle.response_complete:
            self.transport.abort()
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See the end of a request."""
        self._is_whole = True
        self._disarm()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Refuse what cannot be parsed; a header value may have been that of the key."""
        is_value = "header value" in str(sys.exception()).lower()
        self._end(_NO_KEY if is_value and not self._has_key() else _UNREADABLE)

    def _has_come(self) -> bool:
        """Whether a whole request is here and not answered yet; empty lines before one are nothing."""
        return self._is_whole and self._running is not None and not self._running.response_complete

    def _has_key(self) -> bool:
        """Whether an Authorization was among the headers that were read."""
        return any(name == b"authorization" for name, _ in self.headers or ())

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _is_head_long(self) -> bool:
        """Whether a head that came at once is too long; most come with a body, so it is measured only in doubt."""
        most = self.bounds.header_bytes
        return self._head_bytes > most and sum(len(n) + len(v) for n, v in self.headers) + len(self.url) > most

    def _late(self) -> None:
        """End a request that takes too long to arrive."""
        self._deadline = None
        running = self._running
        if running is not None and running.response_started and not running.response_complete:
            self.transport.abort()
        else:
            self._end(_TOO_LATE)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self, refusal: Refusal) -> None:
        """Say why, and close."""
        self._disarm()
        body = body_of(refusal)
        lines = [
            b"HTTP/1.1 %d %s" % (refusal.status, _PHRASES[refusal.status]),
            b"content-type: application/json",
            b"content-length: %d" % len(body),
            b"connection: close",
        ]
        if refusal.status == _UNAUTHORISED:
            lines.append(b"www-authenticate: Bearer")
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        self.transport.close()
