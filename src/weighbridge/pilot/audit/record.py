r"""Records of the audit log: one line of JSON each, canonical (RFC 8785) by construction.

    {"entry":{"body":{...},"event":"exchange","previous":"<hash>","sequence":7,"time":"2026-11-22T12:00:00.000000Z"},
     "hash":"<SHA-256 of the entry's bytes as they stand in the line>"}\n

`previous` is the hash of the record before (64 zeros for the first), so that a hash fixes all that came before it.
Numbers in the records of exchanges are whole: microseconds, nano-dollars (10^-9 USD), bytes, tokens. Nothing need be
formatted again to check a hash: it is taken over bytes 9 to -76 of the line with its end.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from hashlib import sha256
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
_BITS = 53
_MOST = (1 << _BITS) - 1
_HEAD, _JOINT, _END = b'{"entry":', b',"hash":"', b'"}\n'
_LINE = _HEAD + b"%b" + _JOINT + b"%b" + _END
_FOOT_BYTES = len(_JOINT) + 64 + len(_END)
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,31}(\.[a-z][a-z0-9_]{0,31})?")
_TAIL = re.compile(
    rb'\},"event":"([a-z0-9_.]{1,65})","previous":"([0-9a-f]{64})","sequence":([1-9][0-9]{0,15}),'
    rb'"time":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)"\}'
)
_TAIL_BYTES = 300
_HEX = re.compile(rb"[0-9a-f]{64}")
_ENTRY = b'{"body":%b,"event":"%b","previous":"%b","sequence":%d,"time":"%b.%06dZ"}'

# Fields by name, as RFC 8785 orders them. What is in braces is escaped once and kept (`_frame`); digests and ids are
# our own hexadecimal, and have nothing to escape.
_BEGAN = (
    '{{"arrived":"%b.%06dZ","decision":{0},"id":"%b","key":{1},"leg":{2},"path":{3},"request_bytes":%d,'
    '"request_sha256":"%b","route":{4},"tenant":{5},"user":"%b"}}'
)
_EXCHANGE = (
    '{{"arrived":"%b.%06dZ","decision":{0},"error":{6},"first_us":%d,"id":"%b","input_tokens":%d,"key":{1},"leg":{2},'
    '"nano_usd":%d,"output_tokens":%d,"path":{3},"request_bytes":%d,"request_sha256":"%b","route":{4},'
    '"sent_bytes":%d,"sent_sha256":"%b","status":%d,"stream":{7},"tenant":{5},"total_us":%d,'
    '"upstream_sha256":"%b","upstream_status":%d,"user":"%b"}}'
)
_MAY_LACK = ("first_us", "input_tokens", "nano_usd", "output_tokens", "total_us")
_EXCHANGE_IN_PART = re.sub(rf'("({"|".join(_MAY_LACK)})":)%d', r"\1%b", _EXCHANGE)


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
    return (b"%b.%06dZ" % _moment(at)).decode()


def began_body(exchange: Exchange) -> bytes:
    """Return what is known of an exchange when its answer begins."""
    return _frame(
        _BEGAN,
        exchange.decision,
        exchange.key_id,
        exchange.leg,
        exchange.path,
        exchange.route,
        exchange.tenant,
    ) % (
        *_moment(exchange.at),
        exchange.id.encode(),
        exchange.request_bytes,
        exchange.request_sha256.encode(),
        exchange.user_hash.encode(),
    )


def exchange_body(exchange: Exchange) -> bytes:
    """Return all that is recorded of an exchange: who, which route and decision, digests, sizes; no text of it."""
    form, (first_us, asked, nano_usd, said, total_us) = _known(exchange) or _partly_known(exchange)
    second, micros = _moment(exchange.at)
    return _frame(
        form,
        exchange.decision,
        exchange.key_id,
        exchange.leg,
        exchange.path,
        exchange.route,
        exchange.tenant,
        exchange.error,
        exchange.is_stream,
    ) % (
        second,
        micros,
        first_us,
        exchange.id.encode(),
        asked,
        nano_usd,
        said,
        exchange.request_bytes,
        exchange.request_sha256.encode(),
        exchange.sent_bytes,
        exchange.sent_sha256.encode(),
        exchange.status,
        total_us,
        exchange.upstream_sha256.encode(),
        exchange.upstream_status,
        exchange.user_hash.encode(),
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


def write_line(sequence: int, previous: bytes, event: str, body: bytes, now: float) -> tuple[bytes, bytes]:
    """Return a record's line and its hash; `now` in seconds since the epoch."""
    entry = _ENTRY % (body, event.encode(), previous, sequence, *_moment(now))
    digest = sha256(entry).hexdigest().encode()
    return _LINE % (entry, digest), digest


def read_line(line: bytes) -> Entry | str:
    """Return the record of a line whose hash holds, or what is wrong with it: bytes of strangers, nothing is raised."""
    if not line.endswith(b"\n"):
        return "is cut off"
    entry, foot = line[len(_HEAD) : -_FOOT_BYTES], line[-_FOOT_BYTES:]
    digest = foot[len(_JOINT) : -len(_END)]
    if not (line.startswith(_HEAD) and foot.startswith(_JOINT) and foot.endswith(_END) and _HEX.fullmatch(digest)):
        return "is not a record"
    if sha256(entry).hexdigest().encode() != digest:
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


def _moment(at: float) -> tuple[bytes, int]:
    """Return a time's second as text, and the microseconds in it."""
    micros = int(at * _MICRO)
    return _second(micros // _MICRO), micros % _MICRO


@lru_cache(maxsize=8)
def _second(seconds: int) -> bytes:
    """Return seconds since the epoch as RFC 3339 without its end: formatting them is a tenth of a record's cost."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode()


@lru_cache(maxsize=512)
def _frame(form: str, *names: str | bool) -> bytes:
    """Return a form with what many exchanges share written into it, escaped; the rest of it is %d and %b.

    Names that cannot be written, or are too long together, are tamed.
    """
    try:
        texts = [to_json(name) for name in names]
    except PydanticSerializationError:  # half a surrogate pair
        texts = []
    if not texts or sum(map(len, texts)) > _MAX_BODY_BYTES:
        texts = [to_json(_tamed(name)) for name in names]
    return form.format(*(text.decode().replace("%", "%%") for text in texts)).encode()


def _tamed(name: str | bool) -> str | bool:
    """Return a text cut at 256 characters, with a question mark for half a surrogate pair."""
    return name[:_MAX_NAME].encode("utf-8", "replace").decode() if isinstance(name, str) else name


def _known(exchange: Exchange) -> tuple[str, tuple[int, int, int, int, int]] | None:
    """Return the form of an exchange of which every number is known and makes sense, and these; else None."""
    usage, first_s, usd = exchange.usage, exchange.first_s, exchange.usd
    asked, said = usage.input_tokens, usage.output_tokens
    if first_s is None or usd is None or asked is None or said is None:
        return None
    total_s = exchange.total_s or first_s
    try:
        first_us, nano_usd, total_us = round(first_s * _MICRO), round(usd * _NANO), round(total_s * _MICRO)
    except (ValueError, OverflowError):  # not a number, or infinite
        return None
    if (first_us | asked | nano_usd | said | total_us) >> _BITS:  # too large for a double, or below nothing
        return None
    return _EXCHANGE, (first_us, asked, nano_usd, said, total_us)


def _partly_known(exchange: Exchange) -> tuple[str, tuple[bytes, ...]]:
    """Return the form of an exchange of which some number is not known, and the numbers as they are written."""
    usage = exchange.usage
    numbers = (
        _scaled(exchange.first_s, _MICRO),
        _scaled(usage.input_tokens, 1),
        _scaled(exchange.usd, _NANO),
        _scaled(usage.output_tokens, 1),
        _scaled(exchange.total_s or exchange.first_s, _MICRO),
    )
    return _EXCHANGE_IN_PART, tuple(b"null" if number is None else b"%d" % number for number in numbers)


def _scaled(value: float | None, scale: int) -> int | None:
    """Return a measure as a whole number of small units; None where it is none, or no double would hold it."""
    if value is None or not -1 < value * scale < 2 * _MOST:  # what is not a number compares as false
        return None
    number = round(value * scale)
    return number if 0 <= number <= _MOST else None
