"""Asking by a live order: what is drawn, what is heard, and when it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.engine.limits import Limits
from weighbridge.engine.pace import Pace
from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import Session, ask
from weighbridge.evaluation.suite import Item, Suite
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine
from weighbridge.testing.virtual_time import run_in_virtual_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from weighbridge.evaluation.plan import Plan
    from weighbridge.evaluation.run import Run

DAY = date(2026, 11, 22)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Open a session over a fresh store."""
    store = SQLiteStore(tmp_path / "evidence.sqlite")
    yield Session(store, DAY)
    store.close()


def make_plan_of(n: int, engine: ScriptedEngine) -> Plan:
    """Plan n questions, question i asking for i."""
    items = tuple(Item(f"q{i}", str(i)) for i in range(n))
    suite = Suite(
        name="echo", version="1", title="Echo", measures="score/v1", language="en", licence="Apache-2.0",
        source="ours", scorer="exact", chance=0.0, max_tokens=8, forms={"chat": "$question"}, prefix="", system=None,
        items=items, digest="sha256:" + "b" * 64,
    )  # fmt: skip
    return make_plan(suite, "sha256:" + "a" * 64, engine.identity, "chat")


def echo(request: Request) -> Completion:
    """Answer with the question."""
    return Completion(Outcome.ANSWERED, request.text)


class _Away(ScriptedEngine):
    """An engine whose one answer takes a minute; its pace says so."""

    def __init__(self) -> None:
        super().__init__(echo, lanes=1)
        self.pace = Pace(Limits(in_flight=1))

    async def complete(self, request: Request) -> Completion:
        """Answer after a minute."""
        await asyncio.sleep(60)
        self.pace.give_back()
        return echo(request)


def test_the_progress_is_told_that_nothing_comes(session: Session) -> None:
    """Whoever watches may look once a second what is waited for; nothing is counted by it, and it ends with the run."""
    told: list[int] = []
    engine = _Away()
    run = run_in_virtual_time(ask(make_plan_of(1, engine), engine, session, told.append))
    assert run.completions[0].text == "0"
    assert sum(told) == 1
    assert 55 <= told.count(0) <= 60


def ask_by(
    order: Iterator[int] | AsyncIterator[int], engine: ScriptedEngine, session: Session, n: int = 20
) -> tuple[Run, list[int]]:
    """Ask by an order; return the run and what was heard."""
    heard: list[int] = []
    plan = make_plan_of(n, engine)
    run = asyncio.run(
        ask(plan, engine, session, lambda _n: None, order=order, heard=lambda index, _completion: heard.append(index))
    )
    return run, heard


def test_a_drawn_index_is_asked_and_heard_and_no_other(session: Session) -> None:
    """The order decides what is asked; the rest was never asked, and is no failure of the model."""
    engine = ScriptedEngine(echo, lanes=1)
    run, heard = ask_by(iter([7, 3, 11]), engine, session)
    assert heard == [7, 3, 11]
    assert [request.text for request in engine.requests] == ["7", "3", "11"]
    assert {run.completions[i].text for i in heard} == {"7", "3", "11"}
    assert sum(completion.outcome is Outcome.NOT_ASKED for completion in run.completions) == 17
    assert run.calls == 3


def test_the_next_draw_knows_what_was_heard(session: Session) -> None:
    """A sampler with one lane sees every answer before it draws again."""
    engine = ScriptedEngine(echo, lanes=1)
    plan = make_plan_of(20, engine)
    heard: list[int] = []

    def doubling() -> Iterator[int]:
        yield 1
        while heard[-1] * 2 < 20:
            yield heard[-1] * 2

    asyncio.run(
        ask(plan, engine, session, lambda _n: None, order=doubling(), heard=lambda _i, c: heard.append(int(c.text)))
    )
    assert heard == [1, 2, 4, 8, 16]


def test_a_stored_answer_is_heard_without_a_call(session: Session) -> None:
    """Items asked before are heard at once, and reuse is counted for those drawn alone."""
    ask_by(iter(range(5)), ScriptedEngine(echo), session)
    engine = ScriptedEngine(echo)
    run, heard = ask_by(iter([4, 9, 0]), engine, session)
    assert sorted(heard) == [0, 4, 9]
    assert [request.text for request in engine.requests] == ["9"]
    assert (run.calls, run.reused) == (1, 2)


def test_when_the_order_ends_the_requests_in_flight_are_heard(session: Session) -> None:
    """A stop after five answers hears the few that were under way, and draws no more."""
    engine = ScriptedEngine(echo, lanes=4)
    plan = make_plan_of(100, engine)
    heard: list[int] = []

    def until_five() -> Iterator[int]:
        for index in range(100):
            if len(heard) >= 5:
                return
            yield index

    asyncio.run(ask(plan, engine, session, lambda _n: None, order=until_five(), heard=lambda i, _c: heard.append(i)))
    assert 5 <= len(heard) <= 5 + 4
    assert sorted(heard) == list(range(len(engine.requests)))


def test_lanes_wait_with_an_asynchronous_order(session: Session) -> None:
    """A sampler that must hear each block of two before it draws the next gets what it waits for."""
    engine = ScriptedEngine(echo, lanes=4)
    plan = make_plan_of(10, engine)
    heard: list[int] = []
    news = asyncio.Event()

    def hear(index: int, _completion: Completion) -> None:
        heard.append(index)
        news.set()

    async def blocks() -> AsyncIterator[int]:
        for block in range(5):
            while len(heard) < 2 * block:
                news.clear()
                await news.wait()
            yield 2 * block
            yield 2 * block + 1

    asyncio.run(ask(plan, engine, session, lambda _n: None, order=blocks(), heard=hear))
    assert [sorted(heard[i : i + 2]) for i in range(0, 10, 2)] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert engine.peak == 2


def test_an_index_is_drawn_once(session: Session) -> None:
    """Drawing an item twice is a mistake of the sampler, and is said."""
    with pytest.raises(ValueError, match="drew item 3 twice"):
        ask_by(iter([3, 4, 3]), ScriptedEngine(echo), session)


def test_the_first_of_each_prefix_is_asked_a_round_ahead(session: Session) -> None:
    """With four lanes the head of the second prefix goes out four places before its turn; all are asked once."""
    engine = ScriptedEngine(echo, lanes=4)
    plan = replace(make_plan_of(20, engine), prefixes=(0,) * 10 + (1,) * 10)
    asyncio.run(ask(plan, engine, session, lambda _n: None))
    asked = [int(request.text) for request in engine.requests]
    assert sorted(asked) == list(range(20))
    assert asked[0] == 0
    assert asked.index(10) < asked.index(8)
    alone = ScriptedEngine(echo, lanes=1)
    other = replace(session, draw=1)
    asyncio.run(ask(replace(plan, recipes=tuple(f"{r}x" for r in plan.recipes)), alone, other, lambda _n: None))
    assert [int(request.text) for request in alone.requests] == list(range(20))
