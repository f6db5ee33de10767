"""What a shadow may cost: on all nodes together, by day, and never more than by what is in flight."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from weighbridge.pilot.asker import Reply
from weighbridge.pilot.exchange import Usage
from weighbridge.pilot.route import Allowance, Price
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


def test_a_server_that_claims_absurd_tokens_costs_what_was_held(tmp_path: Path) -> None:
    """A number beyond reason ends neither the day nor the sums."""
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    absurd = Reply(200, chat("x"), usage=Usage(1 << 40, 1 << 40))
    node = Node(shadow_route(allowance=Allowance(usd_per_day=1.0)), Models({"new": absurd}), bank)
    pairs = node.run(ended(), ended(1))
    assert [pair.spent.usd for pair in pairs] == [pytest.approx(3e-5)] * 2  # 10 tokens in, twice 5 out
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


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()
