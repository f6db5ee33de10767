"""The shadow of a node: what it asks of whom, what it keeps, what it may cost, and what stops it."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.gateway.asker import addressed
from weighbridge.pilot.asker import Reply
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.route import Allowance, JudgeTerms, Price
from weighbridge.pilot.shadow.asking.allotment import Allotment
from weighbridge.pilot.shadow.asking.questions import Bench
from weighbridge.pilot.shadow.pair import Pair
from weighbridge.pilot.shadow.runner import MOST_AT_ONCE, MOST_PER_SECOND, MOST_WAITING, Links, Shadow
from weighbridge.pilot.shadow.texts import TextKeeper
from weighbridge.pilot.state.sqlite import SQLiteState

from .conftest import SECRET, chat, ended, shadow_route, upstream

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.journal.protocol import Entry
    from weighbridge.pilot.route import Route, UpstreamSettings

DAY = 86_400.0


def told(text: str) -> Reply:
    """Return a good reply."""
    return Reply(200, chat(text), first_s=0.01, total_s=0.03, usage=Usage(10, 5))


@dataclass
class Models:
    """An Asker in memory: replies by the model's name, each a text, a Reply, or what makes one of a body."""

    replies: dict[str, str | Reply | Callable[[bytes], Reply]]
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    waits: asyncio.Event | None = None

    async def __call__(self, upstream: UpstreamSettings, path: str, body: bytes) -> Reply:
        """Reply."""
        self.asked.append((upstream.model, path, body))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.waits is not None:
                await self.waits.wait()
            await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        reply = self.replies[upstream.model]
        if isinstance(reply, str):
            return told(reply)
        return reply if isinstance(reply, Reply) else reply(body)

    def of(self, model: str) -> list[bytes]:
        """Return what one model was asked."""
        return [body for name, _, body in self.asked if name == model]


@dataclass
class Node:
    """A shadow on a node, and all that it was joined to; time moves a second with every exchange."""

    route: Route
    models: Models
    bank: Any = None
    is_open: bool = True
    keeper: TextKeeper | None = None
    entries: list[Entry] = field(default_factory=list)
    records: list[tuple[str, Any]] = field(default_factory=list)
    refuses: bool = False
    at: float = 1e9

    def __post_init__(self) -> None:
        """Join it."""
        links = Links(lambda _: self.is_open, addressed, SECRET, self.record, self.keeper, lambda: self.at)
        self.shadow = Shadow(lambda _: self.route, self.models, self.entries.append, self.bank, links=links)

    def record(self, event: str, facts: Any) -> None:
        """Note it, or refuse as a full disk does."""
        if self.refuses:
            raise WeighbridgeError("the disk is full")
        self.records.append((event, facts))

    def run(self, *exchanges: Exchange) -> list[Pair]:
        """Let exchanges end and wait until all is done; return the pairs so far."""

        async def main() -> None:
            for exchange in exchanges:
                self.at += 1
                self.shadow.ended(exchange)
                await self.done()

        asyncio.run(main())
        return self.pairs

    async def done(self) -> None:
        """Wait until nothing is under way."""
        while tasks := self.shadow._tasks:
            await asyncio.wait(tuple(tasks))

    @property
    def pairs(self) -> list[Pair]:
        """The pairs that were put."""
        return [Pair.from_facts(entry.facts) for entry in self.entries if "spent_out" not in entry.facts]

    def count(self, event: str) -> int:
        """Return how often something happened."""
        return self.shadow.counts["qwen", event]


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
    """With a candidate that hangs four calls are under way, a bounded queue waits, and the rest is counted."""

    async def main() -> None:
        models = Models({"new": "x"}, waits=asyncio.Event())
        node = Node(shadow_route(), models)
        for n in range(200):
            node.at += 0.25  # four a second
            node.shadow.ended(ended(n))
        for _ in range(50):
            await asyncio.sleep(0.002)
        assert models.most_at_once == len(models.asked) == MOST_AT_ONCE
        assert node.count("full") == 200 - MOST_WAITING
        assert models.waits is not None
        models.waits.set()
        await node.done()
        assert len(node.pairs) == MOST_WAITING
        assert models.most_at_once == MOST_AT_ONCE

    asyncio.run(main())


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


def test_two_nodes_never_spend_more_than_the_days_calls(tmp_path: Path) -> None:
    """Of forty prompts on two nodes twenty-five are asked, then none until the next day (UTC); it is told once."""
    route = shadow_route(allowance=Allowance(calls_per_day=25))
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    nodes = [Node(route, Models({"new": "x"}), bank) for _ in range(2)]
    for n in range(20):
        for node in nodes:
            node.run(ended(n))
    assert sum(len(node.models.asked) for node in nodes) == 25
    assert sum(node.count("spent") for node in nodes) == 15
    spent_out = [entry.facts for node in nodes for entry in node.entries if "spent_out" in entry.facts]
    assert {facts["spent_out"] for facts in spent_out} == {"candidate"}
    assert len(spent_out) == len({id(node) for node in nodes if node.count("spent")})
    nodes[0].at += DAY
    nodes[0].run(ended(50))
    assert len(nodes[0].models.asked) + len(nodes[1].models.asked) == 26
    bank.close()


def test_money_is_overspent_by_what_is_in_flight_only(tmp_path: Path) -> None:
    """Eight cents a day on two nodes, and calls that cost three times what they seemed to: one a node is too much."""
    route = shadow_route(allowance=Allowance(usd_per_day=0.08))
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    dear = Reply(200, chat("x"), usage=Usage(3000, 0))  # $0.003; 1,000 tokens in and none out were to be $0.001
    nodes = [Node(route, Models({"new": dear}), bank) for _ in range(2)]
    for n in range(40):
        for node in nodes:
            node.run(ended(n, usage=Usage(1000, 0)))
    spent = sum(node.shadow.usd.get("qwen", 0.0) for node in nodes)
    assert 0.07 <= spent <= 0.08 + 2 * 0.003
    for node in nodes:
        node.shadow.close()
    bank.close()


def test_what_is_left_of_a_lease_is_given_back(tmp_path: Path) -> None:
    """A node that ends leaves the rest of the day to the others."""
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    route = shadow_route(allowance=Allowance(calls_per_day=2000))
    first = Node(route, Models({"new": "x"}), bank)
    first.run(ended())
    charged = bank.spending("shadow:qwen:calls", _day(1e9)).day
    assert charged > 1
    first.shadow.close()
    assert bank.spending("shadow:qwen:calls", _day(1e9)).day == 1
    bank.close()


def test_an_allowance_that_cannot_be_kept_stops_it() -> None:
    """Money without a price, and any allowance without a state to lease from: nothing is sent."""
    for route in (
        shadow_route(upstream("new", price=Price()), allowance=Allowance(usd_per_day=5.0)),
        shadow_route(allowance=Allowance(calls_per_day=5)),
    ):
        node = Node(route, Models({"new": "x"}))
        assert node.run(ended()) == []
        assert node.models.asked == []


def test_a_judge_is_asked_once_a_pair_with_its_chance_in_both_orders() -> None:
    """Of 240 pairs that are apart about a quarter are judged; who is shown first is a coin, and the word is turned."""

    def prefers_new(body: bytes) -> Reply:
        text = json.loads(body)["messages"][1]["content"]
        return told("A" if text.index("Because") < text.index("answer is 4") else "B")

    models = Models({"new": "Because two and two make four.", "judge": prefers_new})
    node = Node(shadow_route(judge=upstream("judge")), models)
    pairs = node.run(*(ended(n) for n in range(240)))
    judged = [pair for pair in pairs if pair.judged]
    assert {pair.chance for pair in pairs} == {0.25}
    assert len(judged) == len(models.of("judge"))
    assert 40 <= len(judged) <= 80
    assert {pair.judged for pair in judged} == {"win"}
    orders = [pair.first for pair in judged]
    assert set(orders) == {True, False}
    assert 0.3 < orders.count(True) / len(judged) < 0.7
    assert all(pair.spent.judge_calls == 1 for pair in judged)
    again = Node(node.route, Models(models.replies)).run(*(ended(n) for n in range(240)))
    assert [pair.judged for pair in again] == [pair.judged for pair in pairs]


def test_what_needs_no_judge_is_settled_without() -> None:
    """Equal answers tie, and a form that only one kept decides."""
    wanted = {"response_format": {"type": "json_object"}}
    node = Node(shadow_route(judge=upstream("judge")), Models({"new": "The answer  is 4", "judge": "A"}))
    node.run(*(ended(n) for n in range(30)))
    assert {pair.settled for pair in node.pairs} == {"tie"}
    node = Node(shadow_route(judge=upstream("judge")), Models({"new": "It is four.", "judge": "A"}))
    node.run(*(ended(n, '{"answer": 4}', asks=wanted) for n in range(30)))
    assert {pair.settled for pair in node.pairs} == {"loss"}
    assert node.models.of("judge") == []


@pytest.mark.parametrize("word", ["Answer A is better", "AB", "", "I prefer A. B is bad.", "<think>A</think>"])
def test_a_judge_that_says_more_than_its_word_has_not_judged(word: str) -> None:
    """The chance stays as it was, and the call is paid for."""
    node = Node(shadow_route(judge=upstream("judge")), Models({"new": "Because.", "judge": word}))
    judged = [pair for pair in node.run(*(ended(n) for n in range(30))) if pair.judged]
    assert judged
    assert {(pair.judged, pair.chance) for pair in judged} == {("none", 0.25)}


def test_while_no_judge_can_be_asked_all_pairs_are_gaps(tmp_path: Path) -> None:
    """Once its day is spent, or its server away: equal answers, too, for what comes then must not look like ties."""
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    route = shadow_route(judge=upstream("judge"), judging=Allowance(calls_per_day=3))
    node = Node(route, Models({"new": "Because.", "judge": "A"}), bank)
    node.run(*(ended(n) for n in range(60)))
    assert len(node.models.of("judge")) == 3
    node.models.replies["new"] = "The answer is 4."
    assert node.run(ended(99))[-1].gap
    assert [entry.facts["spent_out"] for entry in node.entries if "spent_out" in entry.facts] == ["judge"]
    bank.close()
    away = Node(shadow_route(judge=upstream("judge")), Models({"new": "Because.", "judge": Reply(0, error="connect")}))
    pairs = away.run(*(ended(n) for n in range(60)))
    assert len(away.models.of("judge")) == 1
    first = next(place for place, pair in enumerate(pairs) if pair.judged)
    assert pairs[first].judged == "none"
    assert all(pair.gap for pair in pairs[first + 1 :])


def test_a_judge_that_is_away_is_tried_less_and_less_and_one_that_refuses_a_question_goes_on() -> None:
    """Each try is a pair that nobody can read: after one minute, two, four, up to an hour; then as ever."""

    async def main() -> None:
        now = 0.0
        bench = Bench(SECRET, lambda: now)
        terms = JudgeTerms(upstream("judge"))
        allotment = Allotment("judge:qwen", terms.allowance, None, lambda: 1e9)
        tries = []

        async def send(*_: Any) -> Reply:
            tries.append(now)
            return reply

        reply = Reply(0, error="connect")
        while now < 6 * 3600:
            if not bench.is_resting(terms):
                seat = await bench.seat(terms, allotment, ended())
                assert seat is not None
                pair = await bench.hear(Pair("x", "t", chance=1.0), ("p", "a", "b"), seat, send)
                assert pair.judged == "none"
            now += 60
        gaps = [after - before for before, after in itertools.pairwise(tries)]
        assert gaps == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
        now += 3600
        for reply in (Reply(400), Reply(200, chat("A"))):  # noqa: B007 - `send` reads it
            seat = await bench.seat(terms, allotment, ended())
            assert seat is not None
            await bench.hear(Pair("x", "t", chance=1.0), ("p", "a", "b"), seat, send)
            assert not bench.is_resting(terms)

    asyncio.run(main())


def test_embeddings_say_how_near_answers_are_and_words_where_they_cannot() -> None:
    """The cosine of two vectors, by hand; a server that answers something else changes nothing."""

    def vectors(body: bytes) -> Reply:
        assert json.loads(body)["input"] == ["The answer is 4.", "Four."]
        rows = [{"index": 1, "embedding": [3.0, 4.0]}, {"index": 0, "embedding": [4.0, 3.0]}]
        return Reply(200, json.dumps({"data": rows}).encode(), usage=Usage(9, 0))

    route = shadow_route(embedding=upstream("embedder"))
    (pair,) = Node(route, Models({"new": "Four.", "embedder": vectors})).run(ended())
    assert pair.agreement == pytest.approx(24 / 25)
    assert pair.measure == "embedding"
    assert pair.spent.embedding_usd == pytest.approx(9e-6)
    for wrong in (Reply(500), told("no vectors"), Reply(200, b'{"data":[{"index":0,"embedding":[1]}]}')):
        (pair,) = Node(route, Models({"new": "Four.", "embedder": wrong})).run(ended())
        assert (pair.agreement, pair.measure) == (0.0, "words")


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


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()
