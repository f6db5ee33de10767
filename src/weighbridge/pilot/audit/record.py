r"""Records of the audit log: one line of JSON each, canonical (RFC 8785) by construction.

    {"entry":{"body":{...},"event":"exchange","previous":"<hash>","sequence":7,"time":"2026-11-22T12:00:00.000000Z"},
     "hash":"<SHA-256 of the entry's bytes as they stand in the line>"}\n

`previous` is the hash of the record before (64 zeros for the first), so that a hash fixes all that came before it.
Numbers in the records of exchanges are whole: microseconds, nano-dollars (10^-9 USD), bytes, tokens. Nothing need be
formatted again to check a hash: it is taken over bytes 9 to -76 of the line.
"""

from __future__ import annotations

import hashlib
import re
import time
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, NamedTuple

from weighbridge.core.digest import canonical
from weighbridge.errors import WeighbridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.exchange import Exchange

__all__ = [
    "FIRST",
    "MAX_LINE_BYTES",
    "Entry",
    "began_body",
    "event_name",
    "exchange_body",
    "facts_body",
    "read_line",
    "stamp",
    "write_line",
]

FIRST = "0" * 64
MAX_LINE_BYTES = 64 << 10
_MAX_FACTS_BYTES = 32 << 10
_MAX_NAME = 256
_MICRO, _NANO = 1_000_000, 1_000_000_000
_MOST = (1 << 53) - 1
_HEAD, _JOINT, _END = b'{"entry":', b',"hash":"', b'"}\n'
_FOOT_BYTES = len(_JOINT) + 64 + len(_END)
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,31}(\.[a-z][a-z0-9_]{0,31})?")
_TAIL = re.compile(
    rb'\},"event":"([a-z0-9_.]{1,65})","previous":"([0-9a-f]{64})","sequence":([1-9][0-9]{0,15}),'
    rb'"time":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)"\}'
)
_TAIL_BYTES = 300
_HEX = re.compile(rb"[0-9a-f]{64}")
# fields in the order of RFC 8785: by name
_BEGAN = (
    '{"arrived":"%s","decision":%s,"id":%s,"key":%s,"leg":%s,"path":%s,"request_bytes":%d,"request_sha256":%s,'
    '"route":%s,"tenant":%s,"user":%s}'
)
_ENDED = (
    '{"arrived":"%s","decision":%s,"error":%s,"first_us":%s,"id":%s,"input_tokens":%s,"key":%s,"leg":%s,'
    '"nano_usd":%s,"output_tokens":%s,"path":%s,"request_bytes":%d,"request_sha256":%s,"route":%s,"sent_bytes":%d,'
    '"sent_sha256":%s,"status":%d,"stream":%s,"tenant":%s,"total_us":%d,"upstream_sha256":%s,"upstream_status":%d,'
    '"user":%s}'
)
_ENTRY = '{"body":%s,"event":"%s","previous":"%s","sequence":%d,"time":"%s"}'
_second = (0, "")  # the second that was written last, and its text: formatting it is a tenth of a record's cost


class Entry(NamedTuple):
    """One record as it stands in a file; `body` is JSON."""

    sequence: int
    time: str
    event: str
    previous: str
    hash: str
    body: bytes


def stamp(at: float) -> str:
    """Return seconds since the epoch as RFC 3339 in UTC, with microseconds."""
    global _second  # noqa: PLW0603 - one tuple, swapped whole
    micros = int(at * _MICRO)
    seconds, rest = divmod(micros, _MICRO)
    known, text = _second
    if known != seconds:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        _second = (seconds, text)
    return f"{text}.{rest:06d}Z"


def began_body(exchange: Exchange) -> str:
    """Return what is known of an exchange when its answer begins."""
    return _BEGAN % (
        stamp(exchange.at), _text(exchange.decision), _text(exchange.id), _text(exchange.key_id), _text(exchange.leg),
        _text(exchange.path), exchange.request_bytes, _text(exchange.request_sha256), _text(exchange.route),
        _text(exchange.tenant), _text(exchange.user_hash),
    )  # fmt: skip


def exchange_body(exchange: Exchange) -> str:
    """Return all that is recorded of an exchange: who, which route and decision, digests, sizes; no text of it."""
    usage = exchange.usage
    total = exchange.total_s or exchange.first_s or 0.0
    return _ENDED % (
        stamp(exchange.at), _text(exchange.decision), _text(exchange.error), _scaled(exchange.first_s, _MICRO),
        _text(exchange.id), _count(usage.input_tokens), _text(exchange.key_id), _text(exchange.leg),
        _scaled(exchange.usd, _NANO), _count(usage.output_tokens), _text(exchange.path), exchange.request_bytes,
        _text(exchange.request_sha256), _text(exchange.route), exchange.sent_bytes, _text(exchange.sent_sha256),
        exchange.status, "true" if exchange.is_stream else "false", _text(exchange.tenant), int(total * _MICRO),
        _text(exchange.upstream_sha256), exchange.upstream_status, _text(exchange.user_hash),
    )  # fmt: skip


def event_name(event: str) -> str:
    """Return an event's name; raises WeighbridgeError where it is none: a noun, or a noun, a dot and a verb."""
    if not _EVENT.fullmatch(event):
        raise WeighbridgeError(f"`{event[:64]}` is no name of an event")
    return event


def facts_body(facts: Mapping[str, object]) -> str:
    """Return an event's facts as canonical JSON; raises WeighbridgeError for what is no JSON, or over 32 KiB."""
    try:
        text = canonical(dict(facts)).decode()
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise WeighbridgeError(f"facts for the audit log are not JSON: {type(error).__name__}") from error
    if len(text) > _MAX_FACTS_BYTES:
        raise WeighbridgeError(f"facts for the audit log are longer than {_MAX_FACTS_BYTES} bytes")
    return text


def write_line(sequence: int, previous: str, event: str, body: str, now: float) -> tuple[bytes, str, str]:
    """Return a record's line, its hash and its time as it is written; `now` in seconds since the epoch."""
    said = stamp(now)
    text = _ENTRY % (body, event, previous, sequence, said)
    entry = text.encode("utf-8", "replace")  # half a surrogate pair is no Unicode: a question mark stands for it
    digest = hashlib.sha256(entry).hexdigest()
    return b"".join((_HEAD, entry, _JOINT, digest.encode(), _END)), digest, said


def read_line(line: bytes) -> Entry | str:
    """Return the record of a line whose hash holds, or what is wrong with it: bytes of strangers, nothing is raised."""
    if not line.endswith(b"\n"):
        return "is cut off"
    entry, foot = line[len(_HEAD) : -_FOOT_BYTES], line[-_FOOT_BYTES:]
    digest = foot[len(_JOINT) : -len(_END)]
    if not (line.startswith(_HEAD) and foot.startswith(_JOINT) and foot.endswith(_END) and _HEX.fullmatch(digest)):
        return "is not a record"
    if hashlib.sha256(entry).hexdigest().encode() != digest:
        return "was altered: its hash does not fit its bytes"
    start = entry.rfind(b'},"event":"', max(0, len(entry) - _TAIL_BYTES))  # what follows the last one cannot hold it
    tail = _TAIL.fullmatch(entry, start) if start >= 0 else None
    if tail is None or not entry.startswith(b'{"body":{'):
        return "is not a record of this form"
    event, previous, sequence, when = (part.decode("ascii") for part in tail.groups())
    return Entry(int(sequence), when, event, previous, digest.decode("ascii"), entry[len(b'{"body":') : start + 1])


def _text(value: str) -> str:
    """Return a string as JSON, cut at 256 characters."""
    return encode_basestring(value[:_MAX_NAME])


def _count(value: int | None) -> str:
    """Return a count as JSON; one that is no double exactly, which some upstream made up, is not known."""
    return "null" if value is None or not 0 <= value <= _MOST else str(int(value))


def _scaled(value: float | None, scale: int) -> str:
    """Return a measure as a whole number of small units, null where it is none."""
    if value is None or not 0 <= value <= _MOST / scale:  # what is not a number compares as false
        return "null"
    return str(round(value * scale))
