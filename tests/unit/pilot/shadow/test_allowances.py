"""What a shadow may cost: on all nodes together, by day, and never more than by what is in flight."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from weighbridge.pilot.asker import Reply
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.route import Allowance, Price
from weighbridge.pilot.shadow.asking.allotment import Allotment
from weighbridge.pilot.shadow.asking.costs import tokens_in
from weighbridge.pilot.state.protocol import NANO
from weighbridge.pilot.state.sqlite import SQLiteState

from .conftest import chat, ended, shadow_route, upstream
from .nodes import Models, Node

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path


DAY = 86_400.0


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


def test_no_route_pays_for_another_whatever_its_name(tmp_path: Path) -> None:
    """Names may hold colons: what `qwen:calls` may spend is not what `qwen` may call."""
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    calls = Allotment("shadow:qwen", Allowance(calls_per_day=20), bank, lambda: 1e9)
    money = Allotment("shadow:qwen:calls", Allowance(usd_per_day=5e-8), bank, lambda: 1e9)

    async def held() -> int:
        """Hold all calls of the one, and all money of the other: 25 times two nano-dollars."""
        found = [await calls.hold(0.0) for _ in range(20)] + [await money.hold(2e-9) for _ in range(25)]
        return sum(one is not None for one in found)

    assert asyncio.run(held()) == 45
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


def test_a_database_that_is_gone_is_not_called_a_spent_budget(tmp_path: Path) -> None:
    """Nothing is sent that cannot be leased, nobody is told that money is spent, and it goes on afterwards."""
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    node = Node(shadow_route(allowance=Allowance(calls_per_day=50)), Models({"new": "x"}), bank)
    (tmp_path / "pilot.sqlite").rename(tmp_path / "away")
    node.run(ended())
    assert (node.models.asked, node.entries, node.count("unleased")) == ([], [], 1)
    (tmp_path / "away").rename(tmp_path / "pilot.sqlite")
    assert len(node.run(ended(1))) == 1
    bank.close()


def test_a_server_that_claims_absurd_tokens_costs_what_its_bytes_do(tmp_path: Path) -> None:
    """A number beyond reason ends neither the day nor the sums."""
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    absurd = Reply(200, chat("x"), usage=Usage(1 << 40, 1 << 40))
    node = Node(shadow_route(allowance=Allowance(usd_per_day=1.0)), Models({"new": absurd}), bank)
    pairs = node.run(ended(), ended(1))
    sent, came = len(node.models.of("new")[0]), len(chat("x"))
    assert [pair.spent.usd for pair in pairs] == [pytest.approx((sent / 3 + 2 * came / 3) / 1e6)] * 2
    bank.close()


@pytest.mark.parametrize(
    ("reply", "usd"),
    [
        (Reply(0, error="too_long", part=b"{" + b"x" * 3_000_000), 2.0),  # a million tokens out, at 2 USD a million
        (Reply(0, error="reset", part=b'data: {"c":"x"}\n\n' * 100_000), 0.2),  # as many tokens as events
        (Reply(0, error="timeout", total_s=2000.0), 1.0),  # 100,000 times as long as we took for 5 tokens
        (Reply(200, chat("x" * 3_000_000)), 2.0),  # an answer that says nothing of tokens
        (Reply(200, chat("x" * 3_000_000), usage=Usage(10, None)), 2.0),  # one that says nothing of those it wrote
        (Reply(503), 0.0),
        (Reply(0, error="connect", total_s=5.0), 0.0),
    ],
)
def test_a_candidate_that_runs_on_is_charged_for_what_it_wrote(tmp_path: Path, reply: Reply, usd: float) -> None:
    """Found by attack: 100 answers of 8 MB were booked at 0.02 USD, as if each had been as short as ours."""
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    node = Node(shadow_route(allowance=Allowance(usd_per_day=0.05)), Models({"new": reply}), bank)
    pairs = node.run(*(ended(n) for n in range(3)))
    assert len(node.models.asked) == (1 if usd else 3)
    assert pairs[0].spent.usd == pytest.approx(usd, rel=0.01)
    bank.close()


def test_embeddings_and_judges_that_say_no_tokens_are_not_free(tmp_path: Path) -> None:
    """They cost what was sent; a judge that was cut off may have written all that it might."""
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    vectors = Reply(200, b'{"data":[{"index":0,"embedding":[1,0]},{"index":1,"embedding":[1,1]}]}')
    dear = Price(250.0, 0.0)
    models = Models({"new": "Because.", "embedder": vectors, "judge": Reply(0, error="timeout")})
    route = shadow_route(
        judge=upstream("judge"), embedding=upstream("embedder", price=dear), allowance=Allowance(usd_per_day=0.6)
    )
    pairs = Node(route, models, bank).run(*(ended(n) for n in range(90)))
    assert pairs[0].spent.embedding_usd == pytest.approx(len(models.of("embedder")[0]) / 3 * 250e-6)
    assert 0.56 <= sum(pair.spent.embedding_usd for pair in pairs) <= 0.6
    assert len(pairs) < 90
    judged = next(pair for pair in pairs if pair.judged)
    assert judged.spent.judge_usd == pytest.approx((len(models.of("judge")[0]) / 3 + 2 * 1024) / 1e6)
    bank.close()


def test_tokens_are_reckoned_alike_in_streams_and_whole_answers() -> None:
    """Two hundred words of three letters in events of one word, of ten words, and in one answer: some 200 to 300."""

    def event(text: str) -> bytes:
        return b'data: {"id":"chatcmpl-0","choices":[{"delta":{"content":"%s"}}]}\n\n' % text.encode()

    single = event("") + event("abc ") * 200 + b"data: [DONE]\n\n"
    tens = event("") + event("abc " * 10) * 20
    for answer in (single, tens, chat("abc " * 200), event("abc " * 200)[:-10]):
        assert 200 <= tokens_in(answer) <= 500, answer[:80]


def test_what_is_left_of_a_lease_is_given_back(tmp_path: Path) -> None:
    """A node that ends leaves the rest of the day to the others."""
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    route = shadow_route(allowance=Allowance(calls_per_day=2000))
    first = Node(route, Models({"new": "x"}), bank)
    first.run(ended())
    charged = bank.spending("calls:shadow:qwen", _day(1e9)).day
    assert charged > 1
    first.shadow.close()
    assert bank.spending("calls:shadow:qwen", _day(1e9)).day == 1
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


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def test_what_is_asked_does_not_depend_on_what_it_costs(tmp_path: Path) -> None:
    """Found by measuring: once money ran out short prompts still passed, and verdicts were about them.

    Half of the calls cost twenty times the others. Among those that are held half are dear, to the day's end; and one
    that would take a twentieth of the day is never made, whatever is left.
    """
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    allotment = Allotment("judge:qwen", Allowance(usd_per_day=0.1), bank, lambda: 1e9)
    coin = random.Random(7)  # noqa: S311 - a simulation
    held = []

    async def main() -> None:
        assert await allotment.hold(0.0051) is None
        assert not allotment.is_spent
        for _ in range(2000):
            usd = coin.choice([0.0002, 0.004])
            one = await allotment.hold(usd)
            if one is not None:
                allotment.settle(one, usd if coin.random() < 0.25 else 0.0)
                held.append(usd)

    asyncio.run(main())
    dear = sum(usd > 0.001 for usd in held)
    assert allotment.is_spent
    assert abs(dear - len(held) / 2) < 3 * (len(held) / 4) ** 0.5
    assert bank.spending("judge:qwen", _day(1e9)).day <= NANO // 10
    bank.close()
