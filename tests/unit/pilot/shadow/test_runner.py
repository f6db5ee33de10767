"""The shadow of a node: what it asks of whom, what it keeps, and what stops it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.gateway.asker import addressed
from weighbridge.pilot.asker import Reply
from weighbridge.pilot.shadow.asking import trial
from weighbridge.pilot.shadow.asking.line import MOST_AT_ONCE, MOST_OF_A_ROUTE, MOST_OF_A_VOICE, MOST_WAITING, Line
from weighbridge.pilot.shadow.runner import MOST_PER_SECOND, Links, Shadow
from weighbridge.pilot.shadow.texts import TextKeeper

from .conftest import ended, shadow_route, upstream
from .nodes import Models, Node, told

if TYPE_CHECKING:
    from pathlib import Path


def test_a_candidate_is_asked_what_the_caller_asked_and_nothing_is_kept_but_scores() -> None:
    """The body goes on byte for byte but for the model's name, after the audit log has its digest."""
    node = Node(shadow_route(), Models({"new": "Four, I should say."}))
    exchange = ended(asks={"temperature": 0.7, "x_unknown": [1, 2]})
    (pair,) = node.run(exchange)
    ((model, path, body),) = node.models.asked
    assert (model, path) == ("new", "/chat/completions")
    assert body == exchange.request.replace(b'"model": "qwen"', b'"model": "new"')
    assert (pair.id, pair.same, pair.settled, pair.failed) == ("x0", False, "", "")
    assert (pair.total_s, pair.first_s) == ((0.02, 0.03), (0.01, 0.01))
    assert pair.spent.usd == pytest.approx((10 * 1.0 + 5 * 2.0) / 1e6)
    ((event, facts),) = node.records
    assert (event, facts["purpose"], facts["decision"]) == ("shadow.asked", "candidate", "decision-new")
    assert node.entries[0].kind == "pair"


def test_texts_are_in_no_entry_record_or_log(caplog: pytest.LogCaptureFixture) -> None:
    """Words planted in prompt, answers, a tool's arguments and a judge's reply turn up nowhere."""
    caplog.set_level(logging.DEBUG)
    planted = ["PROMPTCANARY", "OURSCANARY", "THEIRSCANARY", "JUDGECANARY"]

    def fails(body: bytes) -> Reply:
        raise RuntimeError(body.decode())

    models = Models({"new": told(planted[2]), "judge": planted[3]})
    node = Node(shadow_route(judge=upstream("judge")), models)
    node.run(*(ended(n, planted[1], planted[0]) for n in range(12)))
    models.replies["new"] = fails
    node.run(ended(99, planted[1], planted[0]))
    everything = f"{[entry.facts for entry in node.entries]}{node.records}{caplog.text}{node.shadow.counts}"
    assert models.of("judge")
    assert node.count("broke") == 1
    assert not any(word in everything for word in planted)


def test_only_good_answers_of_the_primary_are_shadowed() -> None:
    """Not a canary's or a fallback's, no failure, no answer that broke off, none that was too long to be kept whole."""
    node = Node(shadow_route(), Models({"new": "x"}))
    wrong: list[dict[str, Any]] = [
        {"leg": "canary"}, {"leg": "fallback-1"}, {"status": 499}, {"error": "upstream_reset"}, {"request": b""},
        {"path": "/v1/embeddings"}, {"sent_bytes": 2 << 20},
    ]  # fmt: skip
    assert node.run(*(replace(ended(n), **changed) for n, changed in enumerate(wrong))) == []
    assert node.models.asked == []
    assert node.count("too_long") == 1


def test_every_node_draws_the_same_sample() -> None:
    """A share of one in five, by the exchange's id and a secret: nodes agree, and another secret draws others."""
    one, two = (Node(shadow_route(share=0.2), Models({})).shadow for _ in range(2))
    links = Links(lambda _: True, addressed, b"another secret")
    other = Shadow(lambda _: shadow_route(share=0.2), Models({}), lambda _: None, links=links)
    exchanges = [ended(n) for n in range(3000)]
    drawn = [one.keeps(exchange) for exchange in exchanges]
    assert drawn == [two.keeps(exchange) for exchange in exchanges]
    assert drawn != [other.keeps(exchange) for exchange in exchanges]
    assert 500 <= sum(drawn) <= 700


def test_it_waits_for_nobody_and_drops_what_is_too_much() -> None:
    """With a candidate that hangs a key has four calls under way, half of a bounded queue, and the rest is counted."""

    async def main() -> None:
        models = Models({"new": "x"}, waits=asyncio.Event())
        node = Node(shadow_route(), models)
        for n in range(200):
            node.at += 0.25  # four a second
            node.shadow.ended(ended(n))
        for _ in range(50):
            await asyncio.sleep(0.002)
        assert models.most_at_once == len(models.asked) == MOST_OF_A_VOICE
        half = MOST_WAITING // 2
        assert node.count("full") in range(200 - half - MOST_OF_A_VOICE, 200 - half + 1)
        assert models.waits is not None
        models.waits.set()
        await node.done()
        assert len(node.pairs) == 200 - node.count("full")
        assert models.most_at_once == MOST_OF_A_VOICE

    asyncio.run(main())


def test_prompts_that_hang_a_candidate_leave_places_to_others() -> None:
    """Found by attack: four of them ended the shadow of all routes; neither a key nor a route may take all places."""
    line, at = Line(), 0
    for key in ("eve", "eva", "ann"):
        for _ in range(10):
            line.join(replace(ended(at := at + 1), key_id=key, tenant="default"))
    line.join(replace(ended(99), key_id="ann", tenant="default", route="other"))
    called = []
    while (one := line.call()) is not None:
        called.append(one)
    assert Counter(one.key_id for one in called if one.route == "qwen") == {"eve": MOST_OF_A_VOICE, "eva": 2}
    assert len(called) == MOST_OF_A_ROUTE + 1 <= MOST_AT_ONCE
    assert called[-1].route == "other"
    line.leave(called[0])
    after = line.call()
    assert after is not None
    assert (after.key_id, line.call()) == ("eve", None)
    assert len(line) == 31 - 8


def test_all_keys_of_a_tenant_have_the_places_of_one() -> None:
    """A tenant makes keys of its own: with ten of them it takes no more of the line, and of what is under way."""
    line = Line()
    taken = 0
    for number in range(MOST_WAITING):
        one = replace(ended(number), key_id=f"key-{number % 10}", tenant="team-a")
        if line.has_room(one):
            line.join(one)
            taken += 1
    assert taken == MOST_WAITING // 2
    assert line.has_room(replace(ended(1), key_id="key-1", tenant="team-b"))
    called = []
    while (exchange := line.call()) is not None:
        called.append(exchange)
    assert len(called) == MOST_OF_A_VOICE
    assert line.has_room(called[0])
    line.clear()
    assert len(line) == 0


def test_a_candidate_is_waited_for_a_multiple_of_our_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs is cut off long before an upstream's own bound, has failed, and others go on."""
    monkeypatch.setattr(trial, "LEAST_PATIENCE_S", 0.05)
    hung = Models({"new": "x"}, waits=asyncio.Event())
    node = Node(shadow_route(), hung)
    node.run(*(ended(n) for n in range(3)))
    assert [(pair.failed, pair.settled) for pair in node.pairs] == [("timeout", "loss")] * 3
    assert hung.at_once == 0


def test_no_more_begin_in_a_second_than_may() -> None:
    """The processor belongs to callers."""

    async def main() -> None:
        node = Node(shadow_route(), Models({"new": "x"}))
        for n in range(30):
            node.shadow.ended(ended(n))
        await node.done()
        assert len(node.pairs) == MOST_PER_SECOND
        assert node.count("full") == 30 - MOST_PER_SECOND

    asyncio.run(main())


def test_nothing_is_sent_to_a_candidate_that_is_not_admitted_or_past_the_audit_log() -> None:
    """A closed leg, a log that cannot be written, a body that cannot be sent on: counted, and nobody is asked."""
    node = Node(shadow_route(), Models({"new": "x"}), is_open=False)
    node.run(ended())
    node.is_open, node.refuses = True, True
    node.run(ended(1))
    node.refuses = False
    node.run(ended(2, request=b"[]"))
    assert (node.count("closed"), node.count("unrecorded"), node.count("unreadable")) == (1, 1, 1)
    assert node.models.asked == []
    assert node.run(ended(3))[0].id == "x3"


@pytest.mark.parametrize(
    ("reply", "failed", "settled"),
    [
        (Reply(0, error="connect"), "unavailable", ""),
        (Reply(429), "unavailable", ""),
        (Reply(503), "unavailable", ""),
        (Reply(0, error="timeout", total_s=9), "timeout", "loss"),
        (Reply(0, error="reset"), "reset", "loss"),
        (Reply(0, error="too_long"), "too_long", "loss"),
        (Reply(400, b'{"error":{}}'), "http_400", "loss"),
        (Reply(200, b"<html>"), "garbled", "loss"),
    ],
)
def test_a_failure_is_the_candidates_unless_it_was_not_there(reply: Reply, failed: str, settled: str) -> None:
    """What may have come of the prompt itself is a loss; a server that is away or busy says nothing of its model."""
    (pair,) = Node(shadow_route(), Models({"new": reply})).run(ended())
    assert (pair.failed, pair.settled, pair.total_s[1]) == (failed, settled, None)


def test_texts_are_kept_only_where_it_was_asked_for(tmp_path: Path) -> None:
    """Redacted, in a file of their own."""
    for keeps in (False, True):
        keeper = TextKeeper(tmp_path, lambda: 1e9)
        node = Node(shadow_route(keep_texts=keeps), Models({"new": "Write to eve@example.org"}), keeper=keeper)
        node.run(ended(prompt="Who has key sk-abcdefghij0123456789?"))
        assert (tmp_path / "qwen").exists() == keeps
    (line,) = (tmp_path / "qwen" / "2001-09-09.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "id": "x0", "prompt": "Who has key [key]?", "primary": "The answer is 4.", "candidate": "Write to [e-mail]"
    }  # fmt: skip


def test_it_ends_with_the_gateway() -> None:
    """After `close` nothing is taken, and what waited is let go of."""

    async def main() -> None:
        models = Models({"new": "x"}, waits=asyncio.Event())
        node = Node(shadow_route(), models)
        for n in range(8):
            node.shadow.ended(ended(n))
        await asyncio.sleep(0.02)
        node.shadow.close()
        node.shadow.ended(ended(9))
        assert node.shadow.waiting == 0
        assert len(models.asked) <= MOST_AT_ONCE

    asyncio.run(main())
