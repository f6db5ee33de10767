"""What judges and embeddings are asked, when, and what becomes of those that cannot be."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.pilot.asker import Reply
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.route import Allowance, JudgeTerms
from weighbridge.pilot.shadow.asking.allotment import Allotment
from weighbridge.pilot.shadow.asking.questions import Bench
from weighbridge.pilot.shadow.pair import Pair
from weighbridge.pilot.state.sqlite import SQLiteState

from .conftest import SECRET, chat, ended, shadow_route, upstream
from .nodes import Models, Node, told

if TYPE_CHECKING:
    from pathlib import Path


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
    assert not any("spent_out" in entry.facts for entry in away.entries)


def test_long_prompts_are_judged_too(tmp_path: Path) -> None:
    """What a judge may cost is reckoned from what it is sent at the most: else it would judge short prompts only."""
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    route = shadow_route(judge=upstream("judge"), judging=Allowance(usd_per_day=1.0))  # $1 a million tokens in
    node = Node(route, Models({"new": "Because.", "judge": "A"}), bank)
    long = "word " * 100_000  # 500 kB: $0.17 by its bytes, more than a twentieth of the day; $0.004 as it is sent
    pairs = node.run(*(ended(n, prompt=long) for n in range(40)))
    assert not any(pair.gap for pair in pairs)
    assert len(node.models.of("judge")) > 3
    bank.close()


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
