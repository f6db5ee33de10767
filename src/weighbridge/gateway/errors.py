"""Errors as callers see them: the shape of OpenAI's API, one plain sentence, never what is inside."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from weighbridge.pilot.access.protocol import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any

    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

__all__ = ["BAD_REQUEST", "UPSTREAM", "Refused", "bad_request", "body_of", "refuse", "upstream_failed"]

BAD_REQUEST = "invalid_request_error"
UPSTREAM = "upstream_error"
_JSON = (b"content-type", b"application/json")
_UNAUTHORISED = 401


class Refused(Exception):
    """A request that is not passed on, or whose upstream failed before the first byte."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def bad_request(message: str, code: str, *, status: int = 400) -> Refused:
    """Return the error for a request that cannot be understood or is not allowed."""
    return Refused(Refusal(status, BAD_REQUEST, code, message))


def upstream_failed(status: int, message: str, code: str, retry_after_s: float | None = None) -> Refused:
    """Return the error for an upstream that did not do its part; `status` is what the caller gets."""
    return Refused(Refusal(status, UPSTREAM, code, message, retry_after_s))


def body_of(refusal: Refusal) -> bytes:
    """Write a refusal as OpenAI's error object."""
    error = {"message": refusal.message, "type": refusal.kind, "param": None, "code": refusal.code}
    return json.dumps({"error": error}, separators=(",", ":")).encode()


async def refuse(send: Send, refusal: Refusal, request_id: str) -> bytes:
    """Send a refusal as a whole answer, and return its body."""
    body = body_of(refusal)
    sent = [_JSON, (b"content-length", b"%d" % len(body)), (b"x-request-id", request_id.encode())]
    sent += refusal.headers
    if refusal.retry_after_s is not None:
        sent.append((b"retry-after", b"%d" % max(0, math.ceil(refusal.retry_after_s))))
    if refusal.status == _UNAUTHORISED:
        sent.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": sent})
    await send({"type": "http.response.body", "body": body})
    return body
