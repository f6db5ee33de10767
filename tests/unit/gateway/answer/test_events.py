"""Events, cut anywhere: what goes on is whole, and the usage is read wherever it stands."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.gateway.answer.events import Events, EventTooLong
from weighbridge.gateway.answer.usage import cost_usd, usage_of
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.route import Price

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1}}


def event(**fields: object) -> bytes:
    """Write an event."""
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


PIECES = [
    event(choices=[{"delta": {"content": 'say "usage": {"prompt_tokens": 99}'}}], usage=None),
    b": ping\n\n",
    event(choices=[{"delta": {"content": "\n\n"}}]),
    event(choices=[], error="x"),
]
ALONE = event(choices=[], usage=USAGE)
DONE = b"data: [DONE]\n\n"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 900), max_size=12), st.booleans(), st.booleans())
def test_cuts_anywhere_change_nothing(cuts: list[int], strips: bool, breaks: bool) -> None:
    """However the bytes are cut on the wire, what goes on is the same, in whole events."""
    whole = b"".join(PIECES) + ALONE + DONE
    if breaks:
        whole = whole.replace(b"\n\n", b"\r\n\r\n")
    places = sorted({0, len(whole), *(cut % len(whole) for cut in cuts)})
    events = Events(strips_usage=strips, max_event_bytes=4096)
    sent = b""
    for start, end in pairwise(places):
        passed = events.feed(whole[start:end])
        assert not passed or passed.endswith(b"\r\n\r\n" if breaks else b"\n\n")
        sent += passed
    sent += events.rest()
    gone = ALONE.replace(b"\n\n", b"\r\n\r\n") if breaks else ALONE
    assert sent == (whole.replace(gone, b"") if strips else whole)
    assert events.usage == Usage(3, 2)


def test_usage_beside_a_choice_stays() -> None:
    """An upstream that says its usage with the last piece keeps its piece."""
    last = event(choices=[{"delta": {}, "finish_reason": "stop"}], usage=USAGE)
    events = Events(strips_usage=True, max_event_bytes=4096)
    assert events.feed(last + DONE) == last + DONE
    assert events.usage == Usage(3, 2)


def test_an_event_without_an_end_is_not_held_for_ever() -> None:
    """Memory is bounded by the longest event."""
    events = Events(strips_usage=False, max_event_bytes=100)
    assert events.feed(b"data: " + b"x" * 90) == b""
    with pytest.raises(EventTooLong):
        events.feed(b"x" * 10)


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (b'{"usage":{"prompt_tokens":3,"completion_tokens":2}}', Usage(3, 2)),
        (b'{"usage":{"input_tokens":3,"output_tokens":2}}', Usage(3, 2)),
        (b'{"usage":{"prompt_tokens":3,"total_tokens":3}}', Usage(3, None)),
        (b'{"usage":null}', Usage()),
        (b'{"usage":{"prompt_tokens":-1,"completion_tokens":true}}', Usage()),
        (b'{"usage":{"prompt_tokens":1e3}}', Usage()),
        (b'{"usage":[1]}', Usage()),
        (b"[]", Usage()),
        (b"not JSON", Usage()),
        (b'{"data":[' + b"0.1," * 40_000 + b'0],"usage":{"prompt_tokens":3,"total_tokens":3}}', Usage(3, None)),
        (b'{"text":"' + b'\\"usage\\":{\\"prompt_tokens\\":9}' * 4000 + b'"}', Usage()),
    ],
)
def test_usage_is_what_the_upstream_counts_or_unknown(body: bytes, usage: Usage) -> None:
    """Both namings, long answers by their end alone; what is no count is not known, never zero."""
    assert usage_of(body) == usage


def test_generated_text_never_passes_for_usage() -> None:
    """A model that writes a usage object into its answer changes no bill."""
    text = event(choices=[{"delta": {"content": json.dumps({"usage": {"prompt_tokens": 0, "completion_tokens": 0}})}}])
    events = Events(strips_usage=True, max_event_bytes=10_000)
    assert events.feed(text) == text
    assert events.usage == Usage()


def test_an_event_in_crumbs_is_whole_again() -> None:
    """Byte by byte, whatever ends the lines, the same is sent and the same counted (WHATWG, server-sent events)."""
    for end in (b"\n", b"\r\n", b"\r"):
        said = event(choices=[{"delta": {"content": "a"}}]).replace(b"\n", end)
        counted = event(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2}).replace(b"\n", end)
        events = Events(strips_usage=True, max_event_bytes=10_000)
        sent = [events.feed(bytes([byte])) for byte in said + counted + said]
        assert b"".join(sent) == said * 2
        assert events.usage == Usage(3, 2)


def test_cost_is_unknown_where_price_or_tokens_are() -> None:
    """A price nobody stated is not a price of nothing."""
    assert cost_usd(Usage(1_000_000, 500_000), Price(1.0, 2.0)) == pytest.approx(2.0)
    assert cost_usd(Usage(5, 5), Price(source="own hardware")) == 0.0
    assert cost_usd(Usage(5, 5), Price()) is None
    assert cost_usd(Usage(), Price(1.0, 2.0)) is None
    assert cost_usd(Usage(1_000_000), Price(1.0, 2.0)) is None


def test_embeddings_write_no_tokens_and_an_answer_that_does_must_say_how_many() -> None:
    """A count that is no whole number is none: what was held is charged, not nothing."""
    read_only = b'{"data":[],"usage":{"prompt_tokens":8,"total_tokens":8}}'
    assert usage_of(read_only, generates=False) == Usage(8, 0)
    assert usage_of(b'{"data":[]}', generates=False) == Usage()
    assert usage_of(read_only) == Usage(8, None)
    for count in (b"5000.0", b"-1", b'"5000"', b"1e30", b"null"):
        odd = b'{"usage":{"prompt_tokens":8,"completion_tokens":' + count + b"}}"
        assert cost_usd(usage_of(odd), Price(1.0, 2.0)) is None
