"""The observer: what is looked at, what is put into the journal, and what never is."""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.pilot.observation.exchanges import ENOUGH, chat, events, exchange

from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.observation.observe import observe, tells
from weighbridge.pilot.observation.observer import Observer
from weighbridge.pilot.observation.place import Place
from weighbridge.pilot.observation.sampling import RouteSample, drawn
from weighbridge.pilot.route import ObserveTerms

if TYPE_CHECKING:
    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.journal.protocol import Entry

ALL = ObserveTerms(1.0, 1_000_000)


def look(*exchanges: Exchange, **settings: Any) -> list[Entry]:
    """Return what an observer of all exchanges puts into the journal."""
    put: list[Entry] = []
    observer = Observer(lambda _: ALL, put.append, **settings)
    observer.start()
    for one in exchanges:
        assert observer.keeps(one, ALL)
        observer.ended(one)
    observer.close()
    return put


def test_what_an_exchange_tells_is_kept_and_its_texts_are_not() -> None:
    """An entry of kind `seen` that reads back as the observation, without a word of prompt or answer."""
    (entry,) = look(exchange(user_hash="u1"))
    seen = Observation.from_facts(json.loads(json.dumps(entry.facts)))
    assert (entry.route, entry.kind, entry.at) == ("qwen", "seen", 1000.0)
    assert (seen.leg, seen.decision, seen.user, seen.failed, seen.chance) == ("primary", "sha256:d", "u1", False, 1.0)
    assert (seen.refused, seen.same_language, seen.language, seen.chars) == (False, True, "en", len(ENOUGH))
    assert (seen.total_s, seen.first_s, seen.output_tokens, seen.is_cut) == (1.5, 0.2, 20, False)
    written = json.dumps(entry.facts)
    assert "river" not in written
    assert "town" not in written


@pytest.mark.parametrize(
    ("facts", "told", "failed", "left"),
    [
        ({"status": 502, "error": "upstream_reset"}, True, True, None),
        ({"status": 200, "error": "upstream_reset", "is_stream": True}, True, True, None),
        ({"status": 200, "error": "late", "is_stream": True}, True, True, None),
        ({"status": 502, "error": "answer_too_long"}, True, True, None),
        ({"status": 429, "error": "upstream_busy"}, True, True, None),
        ({"status": 499, "error": "left"}, True, False, True),
        ({"status": 200, "error": "stalled", "is_stream": True}, True, False, True),
        ({"status": 400}, False, False, None),
        ({"status": 429, "error": "requests_per_minute"}, False, False, None),
        ({"status": 503, "error": "audit_unavailable"}, False, False, None),
        ({"status": 500, "error": "internal"}, False, False, None),
        ({"status": 503, "error": "route_closed", "leg": ""}, False, False, None),
    ],
)
def test_whose_failure_it_is(facts: dict[str, Any], told: bool, failed: bool, left: bool | None) -> None:
    """The server's failures are the model's; a caller's mistake, its leaving, our limits and our mistakes are not."""
    one = replace(exchange(), **facts)
    assert tells(one) is told
    seen = observe(one, 1.0)
    assert (seen.failed, seen.is_left) == (failed, left)
    assert len(look(one)) == told
    if failed or left:
        assert (seen.refused, seen.chars) == (None, None)


def test_a_leg_that_was_rescued_has_failed() -> None:
    """Its failure is told under its own name; the answer that came late through no fault of its own is not."""
    one = replace(exchange(), rescued=(("canary", "sha256:c", "upstream_timeout"),))
    (entry,) = look(one)
    seen = Observation.from_facts(entry.facts)
    assert (seen.leg, seen.decision, seen.failed, seen.refused) == ("canary", "sha256:c", True, None)


def test_an_answer_held_in_part_is_not_judged() -> None:
    """The gateway holds the first megabyte: beyond it neither length nor form is known."""
    seen = observe(exchange(chat(ENOUGH), sent_bytes=1 << 21), 1.0)
    assert (seen.chars, seen.in_form, seen.refused, seen.failed) == (None, None, None, False)


def test_the_sample_is_drawn_by_hash_before_the_answer() -> None:
    """The same ids are chosen whenever asked, by another key others; one in five of 4,000 at a share of 0.2."""
    ids = [f"node{number:012x}" for number in range(4000)]
    chosen = {one for one in ids if drawn(b"key", one) < 0.2}
    assert chosen == {one for one in ids if drawn(b"key", one) < 0.2}
    assert abs(len(chosen) - 800) < 4 * (4000 * 0.2 * 0.8) ** 0.5
    other = {one for one in ids if drawn(b"other", one) < 0.2}
    assert abs(len(chosen & other) - 160) < 4 * (4000 * 0.04 * 0.96) ** 0.5


def test_only_what_was_chosen_is_looked_at() -> None:
    """Nothing at a share of 0, nothing on a route that is gone, nothing that was not kept."""
    put: list[Entry] = []
    for terms in ({}, {"qwen": ObserveTerms(0.0)}):
        observer = Observer(terms.get, put.append)
        observer.start()
        assert not observer.keeps(exchange(), ObserveTerms(0.0))
        observer.ended(exchange())
        observer.close()
    assert put == []


def test_a_minute_has_a_bound_for_each_leg() -> None:
    """The primary's crowd does not take the canary's room; a tenth of the minute has a tenth of the room."""
    sample = RouteSample()
    took = Counter(leg for leg in ("primary",) * 9 + ("canary",) * 2 if sample.has_room(leg, 60.0, 30))
    assert took == {"primary": 3, "canary": 2}
    assert sample.has_room("primary", 66.0, 30)
    rare = RouteSample()
    assert [at for at in (60.0, 61.0, 79.0, 80.0, 99.0, 100.0) if rare.has_room("primary", at, 3)] == [
        60.0,
        80.0,
        100.0,
    ]


def test_a_small_canary_is_looked_at_more_often() -> None:
    """Both legs give about as many observations, and the chance is told."""
    sample = RouteSample()
    for number in range(20_000):
        sample.note("canary" if number % 50 == 0 else "primary")
    assert sample.canary_share == pytest.approx(0.02, rel=0.1)
    assert sample.chance("primary", 0.01) == 0.01
    assert sample.chance("canary", 0.01) == pytest.approx(0.49, rel=0.1)
    assert sample.most(0.05) <= 1.0
    for _ in range(20_000):
        sample.note("primary")
    assert sample.chance("canary", 0.01) == 0.01


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    """The queue is bounded in number and in bytes, so that a slow thread costs observations and no memory."""
    observer = Observer(lambda _: ALL, lambda _: None)  # not started: nothing is taken
    for number in range(600):
        one = replace(exchange(), id=f"a{number}")
        observer.keeps(one, ALL)
        observer.ended(one)
    assert observer.dropped == 600 - 512
    large = Observer(lambda _: ALL, lambda _: None)
    for number in range(4):
        one = replace(exchange(), id=f"a{number}", request=bytes(20 << 20))
        large.keeps(one, ALL)
        large.ended(one)
    assert large.dropped == 1


def test_one_that_cannot_be_observed_does_not_end_the_looking(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the request and no text; the next one is observed."""

    def place(_route: str, _decision: str, prompt: str) -> Place:
        if "secret" in prompt:
            raise RuntimeError(prompt)
        return Place(3, 0.5)

    with caplog.at_level(logging.ERROR):
        (entry,) = look(exchange(prompt="my secret"), replace(exchange(), id="a2"), place=place)
    assert (entry.facts["id"], entry.facts["cluster"], entry.facts["distance"]) == ("a2", 3, 0.5)
    assert "a1" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("piece", ["a", "<think>", "I cannot ", "\u201c", "{", "\u6f22", "data: {}\n\n", "\u200b"])
def test_hostile_answers_are_observed_like_others(piece: str) -> None:
    """A quarter of a megabyte of one sign, of brackets, of marks, whole and streamed: an observation, and no more."""
    text = (piece * (1 << 18))[: 1 << 18]
    for body in (chat(text), events({"choices": [{"index": 0, "delta": {"content": text}}]}), text.encode()):
        seen = observe(exchange(body, prompt=text[: 1 << 16], is_stream=body[:1] != b"{"), 1.0)
        assert len(json.dumps(seen.to_facts())) < 500


def test_a_request_that_every_model_fails_says_so() -> None:
    """Where the primary failed after the canary, or both before a fallback, each failure is marked as shared."""
    canary, primary = ("canary", "sha256:c", "upstream_status"), ("primary", "sha256:p", "upstream_status")
    both = (
        replace(exchange(status=502, error="upstream_status"), rescued=(canary,)),
        replace(exchange(), leg="fallback-1", rescued=(canary, primary)),
    )
    for one in both:
        facts = [entry.facts for entry in look(one)]
        assert [(fact["leg"], fact["is_shared"]) for fact in facts] == [("canary", True), ("primary", True)]
    (alone,) = look(replace(exchange(), rescued=(canary,)))
    assert "is_shared" not in alone.facts
