"""Bring an answer to its caller: whole, or event by event as it comes."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import TYPE_CHECKING, NamedTuple

from weighbridge.gateway.answer import mapping
from weighbridge.gateway.answer.events import Events, EventTooLong
from weighbridge.gateway.answer.usage import cost_usd, usage_of
from weighbridge.gateway.errors import Refused, body_of, upstream_failed
from weighbridge.gateway.upstream.protocol import AnswerTooLong, UpstreamFailure
from weighbridge.pilot.exchange import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.gateway.hooks import Send
    from weighbridge.gateway.patrol import Flight
    from weighbridge.gateway.request.ask import Ask
    from weighbridge.gateway.request.bounds import Bounds
    from weighbridge.gateway.upstream.protocol import Answer
    from weighbridge.pilot.audit.protocol import Witness
    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.route import Price

__all__ = ["Again", "Call", "pass_stream", "pass_whole"]

_KEPT_BYTES = 1 << 20
_DONE = b"[DONE]"
_SPACE = b" \t\r\n\xef\xbb\xbf"  # and a byte order mark
_LAST = 64
_FAREWELL_S = 0.5  # for a caller to take the last event, where its answer is ended early
_NO_BUFFERING = (b"x-accel-buffering", b"no")  # nginx in front would hold events back


class Call(NamedTuple):
    """One request on its way: what is asked, what is noted of it, and where its answer goes.

    `headers` are those for the upstream, `arrived` a monotonic time; with `keeps` the bodies are kept for listeners,
    `limits` are the headers that say what the key has left; with `priced_only` legs without a price are passed over.
    """

    ask: Ask
    exchange: Exchange
    flight: Flight
    send: Send
    headers: Mapping[str, str]
    arrived: float
    witness: Witness
    limits: tuple[tuple[bytes, bytes], ...] = ()
    keeps: bool = False
    priced_only: bool = False

    def testify(self) -> None:
        """Have the answer written down before it is sent; raises Refused where that fails."""
        refusal = self.witness.answering(self.exchange)
        if refusal is not None:
            raise Refused(refusal)

    def note_first_byte(self) -> None:
        """Note when the first byte of the answer came."""
        if self.exchange.first_s is None:
            self.exchange.first_s = time.monotonic() - self.arrived


class Again(Exception):
    """An attempt that failed before the first byte was sent; `elsewhere` where the same leg need not be asked again."""

    def __init__(self, refused: Refused, *, elsewhere: bool) -> None:
        super().__init__(refused.refusal.code)
        self.refused = refused
        self.elsewhere = elsewhere


async def pass_whole(call: Call, answer: Answer, price: Price, bounds: Bounds) -> None:
    """Read an answer to its end and send it as it is; raises Again."""
    try:
        body = await answer.whole(bounds.answer_bytes)
    except UpstreamFailure as failure:
        raise Again(mapping.failed(failure), elsewhere=failure.kind == "timeout") from failure
    except AnswerTooLong as error:
        too_long = upstream_failed(502, f"the answer is longer than {bounds.answer_bytes} bytes", "answer_too_long")
        raise Again(too_long, elsewhere=True) from error
    if answer.status == mapping.OK and not body.lstrip(_SPACE).startswith((b"{", b"[")):
        raise Again(mapping.judge(answer), elsewhere=True)
    call.note_first_byte()
    exchange, size = call.exchange, len(body)
    exchange.status = status = answer.status
    endpoint, usage = call.ask.endpoint, Usage(0, 0)
    if status == mapping.OK:
        usage = usage_of(body, echoes=endpoint.echoes, generates=endpoint.generates)
    exchange.usage = usage
    exchange.usd = cost_usd(usage, price)
    exchange.upstream_sha256 = exchange.sent_sha256 = hashlib.sha256(body).hexdigest()
    exchange.sent_bytes = size
    if call.keeps:
        exchange.answer = body[:_KEPT_BYTES]
    call.testify()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % size),
        (b"x-request-id", exchange.id.encode()),
        *call.limits,
    ]
    await call.send({"type": "http.response.start", "status": status, "headers": headers})
    await _send(call, body, more=False)


async def pass_stream(call: Call, answer: Answer, price: Price, bounds: Bounds, *, strips_usage: bool) -> None:
    """Send events as they come; raises Again as long as nothing was sent.

    Once something was sent, a failure is said in a last event, and the answer ends.
    """
    stream = _Stream(call, answer, bounds, strips_usage=strips_usage)
    try:
        await stream.run()
    finally:
        exchange = call.exchange
        exchange.usage = stream.events.usage
        exchange.usd = cost_usd(exchange.usage, price)
        exchange.upstream_sha256 = stream.came.hexdigest()
        exchange.sent_sha256 = stream.went.hexdigest()


class _Stream:
    """One stream on its way."""

    def __init__(self, call: Call, answer: Answer, bounds: Bounds, *, strips_usage: bool) -> None:
        self.events = Events(strips_usage=strips_usage, max_event_bytes=bounds.event_bytes)
        self.came = hashlib.sha256()
        self.went = hashlib.sha256()
        self._call = call
        self._answer = answer
        self._most = bounds.answer_bytes
        self._seen = 0
        self._last = b""
        self._kept: list[bytes] = []

    async def run(self) -> None:
        """Pass everything on."""
        try:
            while (data := await self._answer.piece()) is not None:
                await self._pass(self._take(data))
            self._expect_done()
            await self._pass(self.events.rest())
        except UpstreamFailure as failure:
            await self._fail(mapping.failed(failure))
        except (EventTooLong, AnswerTooLong):
            await self._fail(upstream_failed(502, "the answer is longer than it may be", "answer_too_long"))
        except asyncio.CancelledError:
            if not await self._is_told():
                raise
        else:
            await _send(self._call, b"", more=False)
        finally:
            self._call.exchange.answer = b"".join(self._kept)

    def _expect_done(self) -> None:
        """Take a stream for cut off that ends without saying so: a connection without chunks just closes."""
        if self._call.ask.endpoint.has_options and _DONE not in self._last:
            raise UpstreamFailure("reset", "no [DONE]")

    def _take(self, data: bytes) -> bytes:
        """Note what came, and return what may go."""
        self.came.update(data)
        self._seen += len(data)
        self._last = data[-_LAST:] if len(data) >= _LAST else (self._last + data)[-_LAST:]
        if self._seen > self._most:
            raise AnswerTooLong
        return self.events.feed(data)

    async def _pass(self, data: bytes) -> None:
        """Send what may go; the first piece brings the head with it."""
        if not data:
            return
        call = self._call
        if not call.exchange.status:
            await self._begin()
        await _send(call, data, more=True)  # the server waits before it writes: what was interrupted was not sent
        self.went.update(data)
        call.exchange.sent_bytes += len(data)
        if call.keeps and call.exchange.sent_bytes <= _KEPT_BYTES:
            self._kept.append(data)

    async def _begin(self) -> None:
        """Send the head."""
        call = self._call
        call.note_first_byte()
        call.exchange.status = self._answer.status
        call.testify()
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            _NO_BUFFERING,
            (b"x-request-id", call.exchange.id.encode()),
            *call.limits,
        ]
        await call.send({"type": "http.response.start", "status": self._answer.status, "headers": headers})

    async def _fail(self, refused: Refused) -> None:
        """Say in a last event that the answer broke off; before the first byte another attempt may still answer."""
        if not self._call.exchange.status:
            raise Again(refused, elsewhere=refused.refusal.code != "upstream_reset") from None
        self._call.exchange.error = refused.refusal.code
        await self._pass(b"data: " + body_of(refused.refusal) + b"\n\n")
        await _send(self._call, b"", more=False)

    async def _is_told(self) -> bool:
        """Whether a caller whose answer was ended early could be told why, in a last event."""
        flight, exchange = self._call.flight, self._call.exchange
        if flight.refusal is None or not exchange.sent_bytes:
            return False
        flight.resume()
        try:
            async with asyncio.timeout(_FAREWELL_S):
                await self._fail(Refused(flight.refusal))
        except TimeoutError:
            return False
        exchange.error = flight.reason or "stopped"
        return True


async def _send(call: Call, data: bytes, *, more: bool) -> None:
    """Send a part of the body; the patrol sees how long its caller takes."""
    flight = call.flight
    flight.sending_since = time.monotonic()
    await call.send({"type": "http.response.body", "body": data, "more_body": more})
    flight.sending_since = 0.0
