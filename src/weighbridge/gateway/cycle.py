"""One request on a connection, and its answer: what ASGI's `receive` and `send` do.

A whole answer goes out in one write, head and body together, and a stream's head with its first bytes: a write wakes
the caller, and costs as much as all else that is done here. In the place of uvicorn's RequestResponseCycle.
"""

from __future__ import annotations

import logging
import math
import traceback
from typing import TYPE_CHECKING, Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection, MutableMapping

    from uvicorn.protocols.http.flow_control import FlowControl

    from weighbridge.gateway.hooks import App, Scope

__all__ = ["Cycle", "Line"]

_log = logging.getLogger("weighbridge.gateway")
_HIGH_BYTES = 64 << 10  # of a body that nobody has taken yet; beyond it reading pauses
_BODILESS = frozenset({204, 304})
_LENGTH, _CONNECTION = b"content-length", b"connection"


class Line(Protocol):
    """A connection, as its requests see it."""

    flow: FlowControl
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    def finish(self) -> None:
        """Close once what was sent has been read."""
        ...

    async def drain(self, *, is_begun: bool) -> None:
        """Wait until the caller has read enough; `is_begun` says whether its answer is under way."""
        ...

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        ...


class Cycle:
    """One request of a connection (`line`). The names of an answer's headers come in lower case, as ASGI has it."""

    __slots__ = (
        "_body",
        "_has_news",
        "_head",
        "_held",
        "_is_awaited",
        "_is_chunked",
        "_is_whole",
        "_left",
        "_line",
        "_waiter",
        "disconnected",
        "keep_alive",
        "response_complete",
        "response_started",
        "scope",
    )

    def __init__(self, line: Line, scope: Scope, *, keep_alive: bool, is_awaited: bool) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.disconnected = self.response_started = self.response_complete = False
        self._line = line
        self._is_awaited = is_awaited  # the caller sends the body when it is told to continue
        self._body: list[bytes] = []
        self._held, self._left = 0, 0.0  # bytes
        self._is_whole = self._has_news = self._is_chunked = False
        self._head = b""  # waits for the first bytes of the body
        self._waiter: asyncio.Future[None] | None = None

    async def run(self, app: App) -> None:
        """Have the request answered; where that ends early the connection ends, too: it must not look whole."""
        try:
            await app(self.scope, self.receive, self.send)
        except ConnectionAbortedError:
            pass  # the application has said why
        except Exception as error:  # noqa: BLE001 - a mistake of ours; its text may quote what the caller sent
            place = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("an answer broke off: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
        finally:
            if not self.response_complete and not self.disconnected:
                self._line.finish()

    def take(self, body: bytes) -> None:
        """Keep a part of the request's body until it is asked for."""
        self._body.append(body)
        self._held += len(body)
        if self._held > _HIGH_BYTES:
            self._line.flow.pause_reading()
        self.tell()

    def end(self) -> None:
        """Note that the request is whole."""
        self._is_whole = True
        self.tell()

    def leave(self) -> None:
        """Note that the caller left."""
        self.disconnected = True
        self.tell()

    def tell(self) -> None:
        """Have `receive` look."""
        self._has_news = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> MutableMapping[str, Any]:
        """Return what has come of the body, or that the caller left, once there is news."""
        if self._is_awaited and not self._line.transport.is_closing():
            self._line.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._is_awaited = False
        if not self._has_news:
            self._line.flow.resume_reading()
            self._waiter = self._line.loop.create_future()
            await self._waiter
        self._has_news = False
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self._body, self._held = self._body, [], 0
        whole = body[0] if len(body) == 1 else b"".join(body)
        return {"type": "http.request", "body": whole, "more_body": not self._is_whole}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take a part of the answer; raises RuntimeError for one that is not as its head announced it."""
        if self._line.flow.write_paused and not self.disconnected:
            await self._line.drain(is_begun=self.response_started)
        if self.disconnected or self.response_complete:
            return
        if self.response_started:
            self._write(message.get("body", b""), is_last=not message.get("more_body", False))
        else:
            self._begin(message["status"], message["headers"])

    def _begin(self, status: int, headers: Collection[tuple[bytes, bytes]]) -> None:
        """Make the head, which says how the body is framed."""
        self.response_started, self._is_awaited = True, False
        lines = [STATUS_LINE[status][:-2], *map(b": ".join, headers)]
        fields = dict(headers)
        if _LENGTH in fields:
            self._left = int(fields[_LENGTH])
        elif self.scope["http_version"] == "1.0":
            self._left = math.inf  # it ends with the connection: chunks came with HTTP/1.1
        elif status not in _BODILESS:
            self._is_chunked = True
            lines.append(b"transfer-encoding: chunked")
        if fields.get(_CONNECTION) == b"close":
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close")
        head = b"\r\n".join((*lines, b"", b""))
        if not head.count(b"\n") == head.count(b"\r") == len(lines) + 1 or b"\0" in head:
            raise RuntimeError("a header of the answer holds more than one line")
        self._head = head

    def _write(self, body: bytes, *, is_last: bool) -> None:
        """Write a part of the body, and the head before it where that has not gone yet."""
        if self.scope["method"] == "HEAD":
            body = b""
        elif self._is_chunked:
            framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body = framed + b"0\r\n\r\n" if is_last else framed
        else:
            self._left -= len(body)
            if self._left < 0 or (is_last and 0 < self._left < math.inf):
                raise RuntimeError("the answer is not as long as its head says")
        transport = self._line.transport
        if self._head:
            transport.writelines((self._head, body))
            self._head = b""
        elif body:
            transport.write(body)
        if is_last:
            self.response_complete = True
            self.tell()
            if not self.keep_alive:
                self._line.finish()
            self._line.on_response_complete()
