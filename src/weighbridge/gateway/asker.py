"""The gateway's client, lent to the rooms of a pilot: they ask models without knowing it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from weighbridge.gateway.answer.events import Events
from weighbridge.gateway.answer.mapping import OK
from weighbridge.gateway.answer.usage import usage_of
from weighbridge.gateway.errors import Refused
from weighbridge.gateway.request.ask import read_ask
from weighbridge.gateway.request.bounds import Bounds
from weighbridge.gateway.request.endpoints import ENDPOINTS
from weighbridge.gateway.request.splice import spliced
from weighbridge.gateway.upstream.protocol import AnswerTooLong, UpstreamFailure
from weighbridge.pilot.asker import Reply
from weighbridge.pilot.exchange import Usage

if TYPE_CHECKING:
    from weighbridge.gateway.upstream.pool import Upstreams
    from weighbridge.pilot.route import UpstreamSettings

    _Found = tuple[int, float | None]

__all__ = ["MOST_ANSWER_BYTES", "UpstreamAsker", "addressed"]

MOST_ANSWER_BYTES = 8 << 20
_BOUNDS = Bounds()


class UpstreamAsker:
    """An Asker over the gateway's upstreams: same addresses, keys and checks, no retries.

    `name` is the gateway's own (`Gateway.name`): with its mark a route that leads back here ends at once (508).
    """

    def __init__(self, upstreams: Upstreams, name: str = "", most_bytes: int = MOST_ANSWER_BYTES) -> None:
        self._upstreams = upstreams
        self._headers = {"via": f"1.1 weighbridge-{name}"} if name else {}
        self._most = most_bytes

    async def __call__(self, upstream: UpstreamSettings, path: str, body: bytes) -> Reply:
        """Ask once; see the protocol."""
        asked = time.monotonic()
        found: _Found = (0, None)
        error = ""
        came: list[bytes] = []
        try:
            async with asyncio.timeout(upstream.total_s):
                found = await self._ask(upstream, path, body, came)
        except UpstreamFailure as failure:
            error = failure.kind
        except TimeoutError:
            error = "timeout"
        except AnswerTooLong:
            error = "too_long"
        ended = time.monotonic()
        (status, first), answer = found, b"".join(came)
        total_s = ended - asked
        if error:
            return Reply(0, b"", error, None, total_s, part=answer)
        first_s = None if first is None else first - asked
        return Reply(status, answer, "", first_s, total_s, _usage(path, answer) if status == OK else Usage())

    async def _ask(self, upstream: UpstreamSettings, path: str, body: bytes, came: list[bytes]) -> _Found:
        """Return status, and when the first piece of what `came` did so; raises UpstreamFailure, AnswerTooLong."""
        answer = await self._upstreams.at(upstream).post(path, body, self._headers)
        try:
            first: float | None = None
            left = self._most
            while (piece := await answer.piece()) is not None:
                first = first or time.monotonic()
                came.append(piece)
                left -= len(piece)
                if left < 0:
                    raise AnswerTooLong
            return answer.status, first
        finally:
            answer.close()


def _usage(path: str, answer: bytes) -> Usage:
    """Return the tokens that an answer says it took, whole or in the last event of a stream."""
    if answer.lstrip()[:1] == b"{":
        return usage_of(answer, echoes=any(one.echoes and one.upstream == path for one in ENDPOINTS.values()))
    events = Events(strips_usage=False, max_event_bytes=len(answer))
    events.feed(answer)
    events.rest()
    return events.usage


def addressed(path: str, body: bytes, model: str) -> tuple[str, bytes] | None:
    """Return the path of an upstream, and a caller's body with the model named as there; None for what is neither.

    As on the way of the caller's own request: every other byte stays, and a stream is asked to end with its usage.
    """
    endpoint = ENDPOINTS.get(path)
    if endpoint is None:
        return None
    try:
        ask = read_ask(endpoint, body, _BOUNDS)
    except Refused:
        return None
    adds_usage = ask.is_stream and endpoint.has_options and not ask.wants_usage
    return endpoint.upstream, spliced(ask, model, adds_usage=adds_usage)
