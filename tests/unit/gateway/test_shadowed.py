"""A gateway with a shadow: whatever the candidate does, callers and their keys never notice."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.gateway.asker import UpstreamAsker, addressed
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.route import Leg, Route, ShadowSettings, ShadowTerms, UpstreamSettings
from weighbridge.pilot.shadow.pair import Pair
from weighbridge.pilot.shadow.runner import Links, Shadow
from weighbridge.testing.upstream_double import HANG, RESET, Step, UpstreamDouble, answer, events

from .conftest import leg_to, run_gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.pilot.asker import Reply
    from weighbridge.pilot.journal.protocol import Entry

    from .conftest import Running

ASK = {"model": "qwen", "messages": [{"role": "user", "content": "hi"}]}
SAID = (
    b'{"id":"1", "choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":2}}'
)
EVENTS = (
    b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n',
    b"data: [DONE]\n\n",
)


@contextmanager
def shadowed(
    candidate: Callable[[int, str], list[Step]], primary: Callable[[int, str], list[Step]] | None = None
) -> Iterator[tuple[Running, UpstreamDouble, list[Entry], Shadow]]:
    """Run a gateway whose route `qwen` has a candidate for all prompts."""
    entries: list[Entry] = []
    plays = primary or (lambda *_: [answer(SAID)])
    with UpstreamDouble(plays).running() as ours, UpstreamDouble(candidate).running() as theirs:
        there = UpstreamSettings(theirs.url, "new", idle_s=0.5)
        shadow_of = ShadowSettings(Leg(there, "decision-2"), ShadowTerms(1.0))
        route = Route("qwen", leg_to(ours.url), retries=0, shadow=shadow_of)
        links = Links(lambda _: True, addressed, b"secret")
        running: list[Running] = []

        async def ask(upstream: UpstreamSettings, path: str, body: bytes) -> Reply:
            return await UpstreamAsker(running[0].app._upstreams, "gate")(upstream, path, body)

        shadow = Shadow(lambda _: route, ask, entries.append, links=links)
        with run_gateway({"qwen": route}, keeps=lambda _, one: shadow.keeps(one), listeners=(shadow,)) as gateway:
            running.append(gateway)
            yield gateway, theirs, entries, shadow
        shadow.close()


def pairs(entries: list[Entry], count: int) -> list[Pair]:
    """Return the pairs once there are so many."""
    until = time.monotonic() + 5
    while len(entries) < count and time.monotonic() < until:
        time.sleep(0.01)
    return [Pair.from_facts(entry.facts) for entry in entries]


@pytest.mark.parametrize(
    ("steps", "failed"),
    [
        ([HANG], "timeout"),
        ([RESET], "reset"),
        ([b"garbage\r\n\r\n", RESET], "reset"),
        ([answer(b"<html>", kind="text/html")], "garbled"),
        ([answer(b'{"choices":[')], "garbled"),
        ([answer(b"{}", status="500 Oops")], "http_500"),
        ([answer(SAID)], ""),
    ],
)
def test_a_caller_gets_the_primarys_answer_and_pays_for_it_alone(steps: list[Step], failed: str) -> None:
    """Bytes, reservation and audit are those of one request to one model."""
    with shadowed(lambda *_: steps) as (gateway, _, entries, _):
        assert gateway.ask(ASK)[::2] == (200, SAID)
        (pair,) = pairs(entries, 1)
        assert (pair.failed, pair.same) == (failed, not failed)
        ((usage, usd),) = gateway.keys.held[0].settled
        assert (len(gateway.keys.held), usage) == (1, Usage(3, 2))
        assert usd == pytest.approx(7e-6)
        assert [exchange.leg for exchange in gateway.told.exchanges] == ["primary"]


def test_a_candidate_that_hangs_delays_nobody_and_ends_with_the_gateway() -> None:
    """Thirty callers are answered while four of their prompts hang at the candidate; its connections are cut then."""
    began = threading.Event()

    def hang(*_: Any) -> list[Step]:
        began.set()
        return [HANG]

    with shadowed(hang) as (gateway, theirs, _, shadow):
        assert [gateway.ask(ASK)[0] for _ in range(30)] == [200] * 30
        assert began.wait(5)
        assert 0 < len(theirs.asked) <= 8
        assert shadow.waiting <= 64
    assert all(asked.is_over.wait(5) for asked in theirs.asked)


def test_streams_are_shadowed_as_streams() -> None:
    """The candidate is asked for a stream, too; what both said is put together and held against each other."""
    steps = events(*EVENTS)
    with shadowed(lambda *_: steps, lambda *_: steps) as (gateway, theirs, entries, _):
        _, _, body = gateway.ask({**ASK, "stream": True})
        (pair,) = pairs(entries, 1)
        assert body == b"".join((*EVENTS[:2], EVENTS[3]))  # the usage was asked for by us
        asked = json.loads(theirs.asked[0].body)
        assert (asked["model"], asked["stream"]) == ("new", True)
        assert pair.same
        assert pair.spent.calls == 1
        assert None not in (*pair.first_s, *pair.total_s)


def test_the_candidate_never_sees_the_callers_key() -> None:
    """Only our own headers go there, with the mark that ends circles."""
    with shadowed(lambda *_: [answer(SAID)]) as (gateway, theirs, entries, _):
        gateway.ask(ASK, cookie="a=b", traceparent="00-1-1-01")
        pairs(entries, 1)
        head = theirs.asked[0].head.lower()
        assert b"via: 1.1 weighbridge-gate" in head
        assert not any(word in head for word in (b"authorization", b"wb_test", b"cookie", b"traceparent"))
