r"""Records of the audit log: one line of JSON each, canonical (RFC 8785) by construction.

    {"entry":{"body":{...},"event":"exchange","previous":"<hash>","sequence":7,"time":"2026-11-22T12:00:00.000000Z"},
     "hash":"<SHA-256 of the entry's bytes as they stand in the line>"}\n

`previous` is the hash of the record before (64 zeros for the first), so that a hash fixes all that came before it.
Numbers in the records of exchanges are whole: microseconds, nano-dollars (10^-9 USD), bytes, tokens. Nothing need be
formatted again to check a hash: it is taken over bytes 9 to -76 of the line with its end.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import PydanticSerializationError, from_json, to_json

from weighbridge.core.digest import canonical
from weighbridge.errors import WeighbridgeError
from weighbridge.formats.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from weighbridge.pilot.exchange import Exchange

__all__ = [
    "FIRST",
    "MAX_LINE_BYTES",
    "Entry",
    "began_body",
    "event_name",
    "exchange_body",
    "facts_body",
    "read_body",
    "read_line",
    "stamp",
    "write_line",
]

FIRST = "0" * 64
MAX_LINE_BYTES = 64 << 10
_MAX_BODY_BYTES = 32 << 10
_MAX_NAME = 256
_MOST_NESTED = 64
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
_ENTRY = b'{"body":%b,"event":"%b","previous":"%b","sequence":%d,"time":"%b"}'
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


def began_body(exchange: Exchange) -> bytes:
    """Return what is known of an exchange when its answer begins."""
    return _ordered(
        {
            "arrived": stamp(exchange.at),
            "decision": exchange.decision,
            "id": exchange.id,
            "key": exchange.key_id,
            "leg": exchange.leg,
            "path": exchange.path,
            "request_bytes": exchange.request_bytes,
            "request_sha256": exchange.request_sha256,
            "route": exchange.route,
            "tenant": exchange.tenant,
            "user": exchange.user_hash,
        }
    )


def exchange_body(exchange: Exchange) -> bytes:
    """Return all that is recorded of an exchange: who, which route and decision, digests, sizes; no text of it."""
    usage = exchange.usage
    return _ordered(
        {
            "arrived": stamp(exchange.at),
            "decision": exchange.decision,
            "error": exchange.error,
            "first_us": _scaled(exchange.first_s, _MICRO),
            "id": exchange.id,
            "input_tokens": _count(usage.input_tokens),
            "key": exchange.key_id,
            "leg": exchange.leg,
            "nano_usd": _scaled(exchange.usd, _NANO),
            "output_tokens": _count(usage.output_tokens),
            "path": exchange.path,
            "request_bytes": exchange.request_bytes,
            "request_sha256": exchange.request_sha256,
            "route": exchange.route,
            "sent_bytes": exchange.sent_bytes,
            "sent_sha256": exchange.sent_sha256,
            "status": exchange.status,
            "stream": exchange.is_stream,
            "tenant": exchange.tenant,
            "total_us": _scaled(exchange.total_s or exchange.first_s, _MICRO),
            "upstream_sha256": exchange.upstream_sha256,
            "upstream_status": exchange.upstream_status,
            "user": exchange.user_hash,
        }
    )


def event_name(event: str) -> str:
    """Return an event's name; raises WeighbridgeError where it is none: a noun, or a noun, a dot and a verb."""
    if not _EVENT.fullmatch(event):
        raise WeighbridgeError(f"`{event[:64]}` is no name of an event")
    return event


def facts_body(facts: Mapping[str, object]) -> bytes:
    """Return an event's facts as canonical JSON; raises WeighbridgeError for what is no JSON, or over 32 KiB."""
    try:
        text = canonical(dict(facts))
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise WeighbridgeError(f"facts for the audit log are not JSON: {type(error).__name__}") from error
    if len(text) > _MAX_BODY_BYTES:
        raise WeighbridgeError(f"facts for the audit log are longer than {_MAX_BODY_BYTES} bytes")
    return text


def write_line(sequence: int, previous: str, event: str, body: bytes, now: float) -> tuple[bytes, str, str]:
    """Return a record's line, its hash and its time as it is written; `now` in seconds since the epoch."""
    said = stamp(now)
    entry = _ENTRY % (body, event.encode(), previous.encode(), sequence, said.encode())
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


def read_body(body: bytes, place: Path | str) -> dict[str, Any]:
    """Return a record's body; raises DamagedFile where it is no JSON, or more than one reading.

    What is written again byte by byte had one reading: a key that stands twice would have come back once.
    """
    try:
        found = from_json(body, allow_inf_nan=False, cache_strings="keys")
        if type(found) is dict and body.count(b"{") + body.count(b"[") < _MOST_NESTED and to_json(found) == body:
            return found
    except (ValueError, PydanticSerializationError):
        pass
    strict: dict[str, Any] = parse_json(body, place, max_bytes=MAX_LINE_BYTES)
    return strict


def _ordered(fields: dict[str, Any]) -> bytes:
    """Return fields that stand in the order of RFC 8785 (by name), texts and whole numbers only, as canonical JSON."""
    try:
        text = to_json(fields)
    except PydanticSerializationError:  # half a surrogate pair
        text = b""
    return text if 0 < len(text) <= _MAX_BODY_BYTES else to_json({name: _tamed(one) for name, one in fields.items()})


def _tamed(value: Any) -> Any:
    """Return a text cut at 256 characters, with a question mark for half a surrogate pair."""
    return value[:_MAX_NAME].encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _count(value: int | None) -> int | None:
    """Return a count; one that is no double exactly, which some upstream made up, is not known."""
    return value if value is not None and 0 <= value <= _MOST else None


def _scaled(value: float | None, scale: int) -> int | None:
    """Return a measure as a whole number of small units, None where it is none."""
    if value is None or not 0 <= value <= _MOST / scale:  # what is not a number compares as false
        return None
    return round(value * scale)
