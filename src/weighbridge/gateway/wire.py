"""HTTP on the wire: uvicorn's protocol (llhttp) with bounds on heads, time, pipelines and connections.

uvicorn bounds none of these itself: a connection that never ends its headers would be held for ever. Where all places
are taken, the connection that has asked nothing for the longest time gives its own up: whoever has no key can hold none
against those who have one. Requests run in cycles of ours, those of a connection in one task.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from weighbridge.gateway.answer import early
from weighbridge.gateway.cycle import Cycle
from weighbridge.gateway.deadline import Deadline
from weighbridge.gateway.desk import ABORT
from weighbridge.gateway.request.bounds import Bounds
from weighbridge.gateway.request.target import read_target
from weighbridge.gateway.unread import Unread

if TYPE_CHECKING:
    import asyncio

    from weighbridge.gateway.hooks import Scope
    from weighbridge.pilot.access.protocol import Refusal

__all__ = ["bounded_protocol"]

_ASGI = {"version": "3.0", "spec_version": "2.3"}
_VERSIONS = ("1.1", "1.0")
_FRAME_BYTES = 6  # around each byte of a body, where each is a chunk of its own


def bounded_protocol(bounds: Bounds) -> type[HttpToolsProtocol]:
    """Return a protocol for uvicorn with these bounds."""
    return type("BoundedProtocol", (_BoundedProtocol,), {"bounds": bounds, "spare": OrderedDict()})


class _BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    bounds = Bounds()
    spare: OrderedDict[_BoundedProtocol, None]  # connections without a request under way, the oldest first
    cycle: Cycle | None  # type: ignore[assignment] # the newest request, whose body comes

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_whole = True  # whether the last request that began has arrived whole
        self._has_head = True
        self._is_idle = False  # between two requests
        self._head_bytes = 0
        self._body_bytes = 0
        self._came_bytes = 0  # behind the head, with chunk sizes and trailers
        self._deadline = Deadline(self.loop, self._late)
        self._running: Cycle | None = None  # whose answer goes
        self._waiting: deque[Cycle] = deque()
        self._has_worker = self._is_lost = False
        self._rest: asyncio.Future[None] | None = None  # of the worker, between two requests

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, which has to say something soon; refuse one too many where all others are busy."""
        super().connection_made(transport)
        self._extensions = {ABORT: transport.abort}
        self._unread = Unread(self.loop, transport, self.bounds.stall_s)
        if len(self.connections) > self.bounds.connections:
            if not self.spare:
                self._end(early.BUSY)
                return
            self.spare.popitem(last=False)[0].transport.abort()
        self.spare[self] = None
        self._deadline.set(self.bounds.header_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every request of this connection, not only the newest, that its caller left."""
        self._deadline.close()
        self._unread.close()
        self.spare.pop(self, None)
        for cycle in (self._running, *self._waiting):
            if cycle is not None and not cycle.response_complete:
                cycle.leave()
        self.cycle = None
        self._is_lost = True
        self._wake()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within the bounds."""
        if self.transport.is_closing():
            return
        if self._is_idle:
            self._is_idle = False
            self._deadline.clear()
        if not self._has_head or self._is_whole:
            self._head_bytes += len(data)
        else:
            self._came_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse_unreadable()
        except httptools.HttpParserUpgrade:  # refused with its head
            return
        if self.transport.is_closing():
            return
        if not self._has_head and self._head_bytes > self.bounds.header_bytes:
            self._end(early.TOO_LONG if self._has_key() else early.NO_KEY)
        elif self._came_bytes > self.bounds.header_bytes + _FRAME_BYTES * self._body_bytes:
            self.transport.abort()
        elif not self._deadline.is_set and not self._has_come() and not self._waiting:
            is_in_body = self._has_head and not self._is_whole
            self._deadline.set(self.bounds.body_s if is_in_body else self.bounds.header_s)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.url, self.headers = b"", []
        self._is_whole = self._has_head = False
        self._body_bytes = 0
        if self._is_idle:  # it came with the end of the one before
            self._is_idle = False
            self._deadline.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """See the end of a head; refuse the one that was too long though it came at once, and the long pipeline.

        One that asks for another protocol is refused, too: the parser skips its body, which would be read as a request.
        """
        version = self.parser.get_http_version()
        if self.parser.should_upgrade() or version not in _VERSIONS:
            self._end(early.UPGRADE if self._has_key() else early.NO_KEY)
            return
        self._has_head = True
        self._came_bytes = 0
        if self._is_head_long() or len(self._waiting) >= self.bounds.pipelined:
            self.transport.abort()
            return
        self._head_bytes = 0
        self._deadline.clear()
        before = self.cycle
        keeps_alive = version != "1.0" and self.parser.should_keep_alive()
        is_awaited = dict(self.headers).get(b"expect", b"").lower() == b"100-continue"
        self.cycle = Cycle(self, self._scope(version), keep_alive=keeps_alive, is_awaited=is_awaited)
        self.headers = []  # trailers are none of the head's, which a proxy has checked without them
        if before is None or before.response_complete:
            self._run(self.cycle)
        else:
            self.flow.pause_reading()
            self._waiting.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, and count it also where the request was answered before it came."""
        self._body_bytes += len(body)
        if self.cycle is None:
            return
        if not self.cycle.response_complete:
            self.cycle.take(body)
        elif self._body_bytes > self.bounds.body_bytes:
            self.transport.abort()

    def on_message_complete(self) -> None:
        """See the end of a request."""
        self._is_whole = True
        self._deadline.clear()
        if self.cycle is None:
            return
        self.cycle.end()
        if self.cycle.response_complete:
            self._rest_now()

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one."""
        self.server_state.total_requests += 1
        self._unread.watch()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._waiting:
            self._run(self._waiting.popleft())
            if not self._is_whole:
                self._deadline.set(self.bounds.body_s)
            return
        self.spare[self] = None
        if self._is_whole:
            self._rest_now()

    def _rest_now(self) -> None:
        """Wait for another request, for as long as connections are kept."""
        self._is_idle = True
        self._deadline.set(self.timeout_keep_alive)

    def finish(self) -> None:
        """Close, and until what was sent has been read give the place up to whoever needs it."""
        if not self._is_lost:
            self.transport.close()
            self._unread.watch()
            self.spare[self] = None

    async def drain(self, *, is_begun: bool) -> None:
        """Wait until the caller has read; before its answer has begun nobody else sees to it that it does."""
        if not is_begun:
            self._unread.watch()
            self.spare[self] = None
        try:
            await self.flow.drain()
        finally:
            if not is_begun:
                self.spare.pop(self, None)

    def shutdown(self) -> None:
        """Close, or let the answer under way be the last."""
        if self._running is None or self._running.response_complete:
            self.finish()
        else:
            self._running.keep_alive = False

    def _scope(self, version: str) -> Scope:
        """Return the scope of a request whose head has come."""
        path, raw, query = read_target(self.url)
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "method": self.parser.get_method().decode("ascii"),
            "scheme": self.scheme,
            "path": path,
            "raw_path": raw,
            "query_string": query,
            "root_path": "",
            "headers": self.headers,
            "client": self.client,
            "server": self.server,
            "state": {},
            "extensions": self._extensions,
        }

    def _run(self, cycle: Cycle) -> None:
        """Have a request answered, once the worker is done with the one before."""
        self._running = cycle
        self.spare.pop(self, None)
        self._unread.clear()
        if self._has_worker:
            self._wake()
            return
        self._has_worker = True
        worker = self.loop.create_task(self._work())
        self.tasks.add(worker)
        worker.add_done_callback(self.tasks.discard)

    async def _work(self) -> None:
        """Answer the requests of this connection, one after the other: a task for each would cost more than a rest."""
        try:
            while not self._is_lost:
                cycle = self._running
                if cycle is not None:
                    await cycle.run(self.app)
                if self._running is cycle and not self._is_lost:
                    self._rest = self.loop.create_future()
                    await self._rest
        finally:
            self.finish()

    def _wake(self) -> None:
        """End the worker's rest."""
        if self._rest is not None and not self._rest.done():
            self._rest.set_result(None)

    def _refuse_unreadable(self) -> None:
        """Refuse what cannot be parsed; a header value may have been that of the key."""
        is_value = "header value" in str(sys.exception()).lower()
        self._end(early.NO_KEY if is_value and not self._has_key() else early.UNREADABLE)

    def _has_come(self) -> bool:
        """Whether a whole request is here and not answered yet; empty lines before one are nothing."""
        return self._is_whole and self._running is not None and not self._running.response_complete

    def _has_key(self) -> bool:
        """Whether an Authorization was among the headers that were read."""
        return b"authorization" in dict(self.headers or ())

    def _is_head_long(self) -> bool:
        """Whether a head that came at once is too long; most come with a body, so it is measured only in doubt."""
        most = self.bounds.header_bytes
        return self._head_bytes > most and sum(len(n) + len(v) for n, v in self.headers) + len(self.url) > most

    def _late(self) -> None:
        """End a request that takes too long to arrive."""
        running = self._running
        if self._is_idle:
            self.finish()
        elif running is not None and running.response_started and not running.response_complete:
            self.transport.abort()
        else:
            self._end(early.TOO_LATE)

    def _end(self, refusal: Refusal) -> None:
        """Say why, and close; only close where an answer is under way that is not that of the request at fault."""
        running = self._running
        if running is not None and not running.response_complete:
            is_another = not self._has_head or self.cycle is not running
            if running.response_started or is_another:
                self.transport.abort()
                return
        self._deadline.clear()
        self.transport.write(early.early_answer(refusal))
        self.finish()
