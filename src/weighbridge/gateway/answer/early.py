"""Refusals of what is no request yet: whole answers as bytes, after which the connection ends."""

from __future__ import annotations

from weighbridge.gateway.errors import BAD_REQUEST, body_of
from weighbridge.pilot.access.protocol import Refusal

__all__ = ["BUSY", "NO_KEY", "TOO_LATE", "TOO_LONG", "UNREADABLE", "UPGRADE", "early_answer"]

NO_KEY = Refusal(401, BAD_REQUEST, "unreadable_request", "no key could be read from this request")
UNREADABLE = Refusal(400, BAD_REQUEST, "unreadable_request", "this is not HTTP as RFC 9112 has it")
TOO_LONG = Refusal(431, BAD_REQUEST, "headers_too_long", "the headers are too long")
UPGRADE = Refusal(400, BAD_REQUEST, "upgrade_refused", "this takes HTTP/1.1, and no upgrade to anything else")
TOO_LATE = Refusal(408, BAD_REQUEST, "request_timeout", "the request did not arrive in time")
BUSY = Refusal(503, "server_error", "too_many_connections", "there are too many connections; try again later", 1.0)
_PHRASES = {
    400: b"Bad Request",
    401: b"Unauthorized",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}
_UNAUTHORISED = 401


def early_answer(refusal: Refusal) -> bytes:
    """Return one of these refusals as it is sent."""
    body = body_of(refusal)
    lines = [
        b"HTTP/1.1 %d %s" % (refusal.status, _PHRASES[refusal.status]),
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        b"connection: close",
    ]
    if refusal.status == _UNAUTHORISED:
        lines.append(b"www-authenticate: Bearer")
    return b"\r\n".join((*lines, b"", body))
