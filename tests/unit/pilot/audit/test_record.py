"""What stands in the record of an exchange, byte for byte; the oracle is Python's own encoder of JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.pilot.audit.record import began_body, exchange_body, stamp
from weighbridge.pilot.exchange import Exchange, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = st.one_of(st.text(max_size=12), st.sampled_from(['%b{0}%%d"', "{", '\\"', "\u2028", "", "qwen"]))
_NAMES = st.fixed_dictionaries(
    dict.fromkeys(("key_id", "tenant", "route", "leg", "decision", "path", "error"), _NAME)
)  # fmt: skip
_MEASURE = st.one_of(
    st.none(), st.floats(), st.floats(0, 1000), st.sampled_from([9_007_199.254740993, 9e9, -1e-10, -6e-7, -0.0])
)
_COUNT = st.one_of(st.none(), st.integers(0, 10**6), st.sampled_from([2**53 - 1, 2**53, -1, 10**400]))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _whole(value: float | None, scale: int) -> int | None:
    """Return a measure in whole small units, where it is one that is not below nothing and that any double holds."""
    if value is None or not abs(value) < 2**60:  # nor is what is not a number
        return None
    number = round(value * scale)
    return number if 0 <= number < 2**53 else None


def _text(eighths: int) -> str:
    moment = _EPOCH + timedelta(microseconds=eighths * 125_000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@given(
    names=_NAMES,
    measures=st.tuples(_MEASURE, _MEASURE.map(lambda value: value or 0.0), _MEASURE),
    counts=st.tuples(_COUNT, _COUNT),
    eighths=st.integers(0, 2**34),
    is_stream=st.booleans(),
)
@settings(max_examples=300, deadline=None, database=None)
def test_a_body_is_canonical_json_of_what_is_known(
    names: dict[str, str],
    measures: tuple[float | None, float, float | None],
    counts: tuple[int | None, int | None],
    eighths: int,
    *,
    is_stream: bool,
) -> None:
    """Whatever the names are, and whichever numbers are missing or make no sense: each stands where it belongs."""
    first_s, total_s, usd = measures
    rest = {"id": "0" * 24, "request_sha256": "a" * 64, "upstream_sha256": "b" * 64, "sent_sha256": "c" * 64}
    sizes = {"request_bytes": 10, "sent_bytes": 20, "status": 200, "upstream_status": 201}
    exchange = Exchange(
        at=eighths / 8, is_stream=is_stream, first_s=first_s, total_s=total_s, usage=Usage(*counts), usd=usd,
        user_hash="e" * 32, **names, **rest, **sizes,  # type: ignore[arg-type]
    )  # fmt: skip
    began = {
        "arrived": _text(eighths), "key": names["key_id"], "request_bytes": 10, "request_sha256": "a" * 64,
        "user": "e" * 32, "id": "0" * 24,
        **{name: names[name] for name in ("tenant", "route", "leg", "decision", "path")},
    }  # fmt: skip
    assert began_body(exchange) == _canonical(began)
    numbers = {
        "first_us": _whole(first_s, 10**6), "total_us": _whole(total_s or first_s, 10**6),
        "nano_usd": _whole(usd, 10**9), "input_tokens": _whole(counts[0], 1), "output_tokens": _whole(counts[1], 1),
    }  # fmt: skip
    whole = {**began, **rest, **sizes, **numbers, "error": names["error"], "stream": is_stream}
    assert exchange_body(exchange) == _canonical(whole)


@given(at=st.floats(0, 4e9))
def test_a_time_is_cut_off_at_the_microsecond(at: float) -> None:
    """Seconds turn with their microseconds: no moment is said to be a second early or late."""
    said = datetime.fromisoformat(stamp(at))
    assert abs((said - _EPOCH) / timedelta(seconds=1) - at) < 2e-6


def test_what_is_shared_is_forgotten(exchange: Callable[..., Exchange]) -> None:
    """However many names come, a record has its own."""
    for number in range(2000):
        name = f"{number}"
        body = json.loads(exchange_body(exchange(key_id=name, route=name)))
        assert (body["key"], body["route"]) == (name, name)
