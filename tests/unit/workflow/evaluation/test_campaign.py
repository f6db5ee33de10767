"""Forecasts and fleets: what asking would take, and who would be asked."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.reference import Reference
from weighbridge.engine.fleet import Fleet
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.errors import UsageError
from weighbridge.evaluation.cost import Price
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import Session
from weighbridge.evaluation.suite import Item, Suite
from weighbridge.hub.protocol import resolve
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine
from weighbridge.workflow.evaluation.campaign import choose_engines, forecast, price_for
from weighbridge.workflow.evaluation.measure import EngineChoice

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.core.artefact import Artefact


def endpoint(address: str = "http://127.0.0.1:9/v1#m") -> Artefact:
    """Pin an endpoint."""
    return resolve(Reference.parse(address))


def make_suite(n: int) -> Suite:
    """Return a suite of n questions of ten bytes."""
    items = tuple(Item(f"q{i}", f"Question{i:02}", answer="A") for i in range(n))
    return Suite(
        name="letters", version="1", title="Letters", measures="score/v1", language="en", licence="Apache-2.0",
        source="ours", scorer="exact", chance=0.0, max_tokens=8, forms={"chat": "$question"}, prefix="", system=None,
        items=items, digest="sha256:" + "b" * 64,
    )  # fmt: skip


def test_a_forecast_takes_off_what_is_stored(tmp_path: Path) -> None:
    """Calls, tokens and price are those of the open questions alone; the price spans from least to most."""
    engine = ScriptedEngine(lambda _request: Completion(Outcome.ANSWERED, "A"))
    store = SQLiteStore(tmp_path / "evidence.sqlite")
    artefact, suite = endpoint(), make_suite(20)
    plan = make_plan(suite, artefact.digest, engine.identity, "chat")
    store.add_completions({recipe: {"outcome": "answered"} for recipe in plan.recipes[:5]})
    session = Session(store, date(2026, 11, 22), price=Price(1_000_000.0, 1_000_000.0))
    (row,) = forecast([suite], artefact, engine, session, rate=5.0)
    store.close()
    assert (row.questions, row.stored, row.calls) == (20, 5, 15)
    assert row.output_tokens_at_most == 15 * 8
    assert row.prompt_tokens_low == 15 * 2  # 10 bytes, at most 5 to a token
    assert row.price_low == 30.0
    assert row.price_high == row.prompt_tokens_high + 120
    assert row.seconds == 3.0
    assert engine.requests == []


def test_several_addresses_are_one_engine() -> None:
    """The endpoint itself and those beside it; all are named."""
    engine = choose_engines(endpoint(), EngineChoice(), ["http://127.0.0.1:10/v1", "http://127.0.0.1:11/v1#m"])
    assert isinstance(engine, Fleet)
    assert engine.identity.settings["addresses"] == [f"http://127.0.0.1:{port}/v1" for port in (10, 11, 9)]


def test_copies_of_an_endpoint_are_refused() -> None:
    """A server is not started by us."""
    with pytest.raises(UsageError, match="copies are of the embedded engine"):
        choose_engines(endpoint(), EngineChoice(), copies=2)


def test_nothing_is_priced_that_nobody_sells() -> None:
    """A server in the house has no list price, whatever its model is called; a price given is taken."""
    assert price_for(endpoint("http://127.0.0.1:9/v1#deepseek-chat"), None) is None
    assert price_for(endpoint(), "1,2") == Price(1.0, 2.0)
