"""The head of a request: who presents which key, what passes on to the upstream, and the body behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from weighbridge.gateway.errors import BAD_REQUEST, Refused, bad_request
from weighbridge.pilot.access.protocol import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from weighbridge.gateway.hooks import Receive

__all__ = ["Head", "Left", "read_body", "read_head"]

_AUTHORIZATION, _VIA = b"authorization", b"via"
_LONGEST_VIA = 1024
_MOST_HOPS = 16
_TRACED = (b"traceparent", b"tracestate")  # W3C Trace Context: the only headers of a caller that go on
_LONGEST_TRACE = 512
_PASSED = frozenset((_VIA, *_TRACED))
_LOOP = 508
_LONGEST_LENGTH = 20  # digits
_SMALL_BYTES = 16 << 10  # a body that need not be counted: those of 4,096 connections hold 64 MB together


class Left(Exception):
    """The caller left before its request was whole."""


class Head(NamedTuple):
    """The headers of a request: the one Authorization (None where there is none, or several), and all by name."""

    authorization: bytes | None
    fields: Mapping[bytes, bytes]

    def passed_on(self, mark: str) -> dict[str, str]:
        """Return the headers for the upstream: our mark, and the trace; raises Refused where our mark is on it already.

        Keys, cookies, addresses and everything else that a caller sends stay here.
        """
        if _PASSED.isdisjoint(self.fields):
            return {"via": mark}
        via = self.fields.get(_VIA, b"")
        if not via:
            headers = {"via": mark}
        elif mark.encode() in via or len(via) > _LONGEST_VIA or via.count(b",") >= _MOST_HOPS or not _is_plain(via):
            looped = "this request has been here before, or came a long way: routes lead in a circle"
            raise Refused(Refusal(_LOOP, BAD_REQUEST, "loop_detected", looped))
        else:
            headers = {"via": f"{via.decode('ascii')}, {mark}"}
        for trace in _TRACED:
            value = self.fields.get(trace)
            if value and len(value) <= _LONGEST_TRACE and _is_plain(value):
                headers[trace.decode()] = value.decode("ascii")
        return headers


def read_head(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """Read the headers of an ASGI scope, whose names are in lower case."""
    pairs = list(headers)
    fields = dict(pairs)
    key = fields.get(_AUTHORIZATION)
    if len(fields) != len(pairs):
        if sum(name == _AUTHORIZATION for name, _ in pairs) > 1:
            key = None
        if _VIA in fields:
            fields[_VIA] = b", ".join(value for name, value in pairs if name == _VIA)
    return Head(key, fields)


async def read_body(head: Head, receive: Receive, max_bytes: int, take: Callable[[int], None]) -> bytes:
    """Return the whole body; raises Refused for one that is too long or packed, Left where the caller left.

    `take` is told of the bytes that come, except of a small body's, and may raise Refused, too.
    """
    fields = head.fields
    if b"content-encoding" in fields and fields[b"content-encoding"] != b"identity":
        raise bad_request("packed bodies are not taken", "encoding_refused", status=415)
    announced = fields.get(b"content-length", b"0")
    if announced.isdigit() and (len(announced) > _LONGEST_LENGTH or int(announced) > max_bytes):
        raise _too_long(max_bytes)
    parts: list[bytes] = []
    size = counted = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Left
        body: bytes = message.get("body", b"")
        size += len(body)
        if size > max_bytes:
            raise _too_long(max_bytes)
        if size > _SMALL_BYTES:
            take(size - counted)
            counted = size
        if not message.get("more_body", False):
            return b"".join((*parts, body)) if parts else body
        parts.append(body)


def _too_long(max_bytes: int) -> Refused:
    return bad_request(f"the body is longer than {max_bytes} bytes", "body_too_long", status=413)


def _is_plain(value: bytes) -> bool:
    return value.isascii() and value.decode("ascii").isprintable()
