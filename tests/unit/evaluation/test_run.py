"""The runner: order, resume, reuse, forms, and what a failure leaves behind."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import TYPE_CHECKING, Self

import pytest

from weighbridge.engine.late import LateEngine
from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.errors import EngineUnreachable
from weighbridge.evaluation.compare.full import compare
from weighbridge.evaluation.evaluate import evaluate
from weighbridge.evaluation.plan import make_plan
from weighbridge.evaluation.run import Session
from weighbridge.evaluation.suite import Suite, load_suite
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from weighbridge.core.evidence import Evidence

SUBJECT = "sha256:" + "a" * 64
DAY = date(2026, 11, 21)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    """Open a fresh store."""
    opened = SQLiteStore(tmp_path / "evidence.sqlite")
    yield opened
    opened.close()


def make_suite(
    folder: Path, n: int = 20, *, prefix: str = "", scorer: str = "exact", both_forms: bool = False
) -> Suite:
    """Write and load a suite of sums whose answers are known."""
    folder.mkdir(exist_ok=True)
    forms = 'chat = "$question"\n' + ('completion = "$question\\n$choices\\nAnswer:"\n' if both_forms else "")
    tokens = 1 if scorer == "choice" else 8
    folder.joinpath("suite.toml").write_text(
        f'[suite]\nname = "sums"\nversion = "1"\ntitle = "Sums"\nmeasures = "score/v1"\nlanguage = "en"\n'
        f'licence = "Apache-2.0"\nsource = "ours"\nscorer = "{scorer}"\nmax_tokens = {tokens}\n'
        f'[prompt]\nprefix = "{prefix}"\n{forms}'
    )
    choices = {"choices": ["yes", "no"]} if scorer == "choice" else {}
    rows = [
        {"id": f"q{i}", "question": f"{i}+1=", "answer": "A" if choices else str(i + 1), **choices} for i in range(n)
    ]
    folder.joinpath("items.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return load_suite(folder)


def add_up(request: Request) -> Completion:
    """Answer every sum rightly."""
    return Completion(Outcome.ANSWERED, str(int(request.text.rsplit("\n", 1)[-1].removesuffix("+1=")) + 1))


def run(suite: Suite, engine: ScriptedEngine, store: SQLiteStore) -> Evidence:
    """Evaluate and return the evidence."""
    return asyncio.run(evaluate(suite, SUBJECT, engine, Session(store, DAY)))


def test_every_item_is_asked_once_and_stands_in_order(tmp_path: Path, store: SQLiteStore) -> None:
    """Answers land beside their questions whatever order they come in, with bounded concurrency."""
    engine = ScriptedEngine(add_up, lanes=3)
    evidence = run(make_suite(tmp_path / "s"), engine, store)
    assert [row["id"] for row in evidence.body["items"]] == [f"q{i}" for i in range(20)]
    assert [row["said"] for row in evidence.body["items"]] == [str(i + 1) for i in range(20)]
    assert evidence.body["accuracy"]["value"] == 1.0
    assert (len(engine.requests), engine.peak) == (20, 3)


def test_a_second_run_calls_no_model(tmp_path: Path, store: SQLiteStore) -> None:
    """The same recipe is the same work: the evidence is returned as it is."""
    suite = make_suite(tmp_path / "s")
    first = run(suite, ScriptedEngine(add_up), store)
    again = ScriptedEngine(add_up)
    assert run(suite, again, store).id == first.id
    assert again.requests == []


def test_a_killed_run_asks_only_what_is_missing(tmp_path: Path, store: SQLiteStore) -> None:
    """What was answered before the kill is kept, and is not asked again."""
    suite = make_suite(tmp_path / "s")

    def dies(request: Request) -> Completion:
        if request.text == "12+1=":
            raise KeyboardInterrupt
        return add_up(request)

    with pytest.raises(KeyboardInterrupt):
        run(suite, ScriptedEngine(dies, lanes=1), store)
    engine = ScriptedEngine(add_up, lanes=1)
    evidence = run(suite, engine, store)
    assert [request.text for request in engine.requests] == [f"{i}+1=" for i in range(12, 20)]
    calls = {key: evidence.body["calls"][key] for key in ("asked", "calls", "reused", "failed", "coverage")}
    assert calls == {"asked": 20, "calls": 8, "reused": 12, "failed": 0, "coverage": 1.0}


def test_what_failed_is_missing_not_wrong_and_is_asked_again(tmp_path: Path, store: SQLiteStore) -> None:
    """Failures leave the denominator and are counted; the next run asks for them alone."""
    suite = make_suite(tmp_path / "s")

    def flaky(request: Request) -> Completion:
        if request.text.startswith("1"):  # 1 and 10 to 19
            return Completion(Outcome.FAILED, attempts=5, detail="HTTP 503: busy")
        return add_up(request)

    body = run(suite, ScriptedEngine(flaky), store).body
    assert (body["accuracy"]["value"], body["accuracy"]["n"], body["accuracy"]["unscored"]) == (1.0, 9, 11)
    assert body["unscored"] == {"failed": 11}
    assert body["calls"]["coverage"] == pytest.approx(9 / 20)
    engine = ScriptedEngine(add_up)
    assert run(suite, engine, store).body["calls"]["coverage"] == 1.0
    assert len(engine.requests) == 11


def test_what_was_never_asked_is_not_unscored(tmp_path: Path, store: SQLiteStore) -> None:
    """Questions behind a stop have no answer that could not be marked: coverage says that they are missing."""

    def stopped(request: Request) -> Completion:
        if request.text.startswith("1"):  # 1 and 10 to 19
            return Completion(Outcome.NOT_ASKED, attempts=0)
        return add_up(request)

    body = run(make_suite(tmp_path / "s"), ScriptedEngine(stopped), store).body
    assert (body["accuracy"]["n"], body["accuracy"]["unscored"]) == (9, 0)
    assert body["unscored"] == {"not-asked": 11}
    assert body["calls"]["coverage"] == pytest.approx(9 / 20)


def test_a_shared_prefix_is_sent_once_before_the_rest(tmp_path: Path, store: SQLiteStore) -> None:
    """The first request goes alone, so that a server has the prefix in its cache for the others."""
    peaks: list[int] = []

    def watched(request: Request) -> Completion:
        peaks.append(engine.peak)
        return add_up(request)

    engine = ScriptedEngine(watched, lanes=4)
    run(make_suite(tmp_path / "s", prefix="Add up.\\n"), engine, store)
    assert peaks[0] == 1
    assert engine.peak == 4


def choosing(offered: str) -> Callable[[Request], Completion]:
    """Return an engine that gives a distribution in one form only, as chat-only vendors do."""

    def answer(request: Request) -> Completion:
        if request.form != offered:
            return Completion(Outcome.FAILED, detail="HTTP 404: no such route")
        return Completion(Outcome.ANSWERED, " A", top_logprobs=((" A", -0.2), (" B", -1.8)))

    return answer


@pytest.mark.parametrize(("offered", "calls"), [("completion", 12), ("chat", 13)])
def test_the_form_is_the_first_one_the_engine_answers(
    tmp_path: Path, store: SQLiteStore, offered: str, calls: int
) -> None:
    """Completion where there is one, else chat; finding out costs at most one call, and the form is named."""
    engine = ScriptedEngine(choosing(offered))
    body = run(make_suite(tmp_path / "s", 12, scorer="choice", both_forms=True), engine, store).body
    assert (body["form"], body["accuracy"]["value"], len(engine.requests)) == (offered, 1.0, calls)


def test_a_limit_spreads_over_the_whole_suite(tmp_path: Path) -> None:
    """A limited run asks every part of the suite."""
    plan = make_plan(make_suite(tmp_path / "s", 100), SUBJECT, ScriptedEngine(add_up).identity, "chat", limit=5)
    assert [item.id for item in plan.items] == ["q0", "q20", "q40", "q60", "q80"]


def test_another_engine_is_another_recipe(tmp_path: Path) -> None:
    """Answers of one engine are never taken for those of another."""
    suite = make_suite(tmp_path / "s", 3)
    one, other = (make_plan(suite, SUBJECT, ScriptedEngine(add_up, name=name).identity, "chat") for name in "ab")
    assert not set(one.recipes) & set(other.recipes)


def test_a_comparison_is_paired(tmp_path: Path) -> None:
    """Counts of the fourfold table, difference and flips are those that were built in."""
    suite = make_suite(tmp_path / "s", 30)

    def knowing(known: range) -> Callable[[Request], Completion]:
        return lambda request: (
            add_up(request) if int(request.text.removesuffix("+1=")) in known else Completion(Outcome.ANSWERED, "?")
        )

    scores = []
    for name, known in (("candidate", range(25)), ("baseline", range(5, 28))):
        store = SQLiteStore(tmp_path / f"{name}.sqlite")
        scores.append(run(suite, ScriptedEngine(knowing(known), name=name), store))
        store.close()
    result = compare(scores[0], scores[1], "today's")
    assert not isinstance(result, str)
    body = result.body
    assert [body[key] for key in ("both", "candidate_only", "baseline_only", "neither")] == [20, 5, 3, 2]
    assert body["difference"]["value"] == pytest.approx(2 / 30)
    assert body["flips"] == sorted([*(f"q{i}" for i in range(5)), *(f"q{i}" for i in range(25, 28))])
    assert result.inputs == (scores[0].id, scores[1].id)


def test_different_forms_are_not_compared(tmp_path: Path, store: SQLiteStore) -> None:
    """Scores of different prompt forms stay apart, and the reason is said."""
    suite = make_suite(tmp_path / "s", 6, scorer="choice", both_forms=True)
    one, other = (run(suite, ScriptedEngine(choosing(form), name=form), store) for form in ("completion", "chat"))
    assert compare(one, other, "b") == "the prompt forms differ: `completion` and `chat`"


def test_evidence_is_dated_by_its_oldest_answer(tmp_path: Path, store: SQLiteStore) -> None:
    """A run that was killed on Monday and ended on Friday is Monday's evidence: it goes stale in time."""
    suite = make_suite(tmp_path / "s")
    monday, friday = date(2026, 11, 16), date(2026, 11, 20)

    def dies(request: Request) -> Completion:
        if request.text == "12+1=":
            raise KeyboardInterrupt
        return add_up(request)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(evaluate(suite, SUBJECT, ScriptedEngine(dies, lanes=1), Session(store, monday)))
    evidence = asyncio.run(evaluate(suite, SUBJECT, ScriptedEngine(add_up), Session(store, friday)))
    assert evidence.made_on == monday


def test_asking_again_counts_from_then_on(tmp_path: Path, store: SQLiteStore) -> None:
    """After a new draw, the newest whole evidence is what a plain run returns."""
    suite = make_suite(tmp_path / "s")
    asyncio.run(evaluate(suite, SUBJECT, ScriptedEngine(add_up), Session(store, DAY)))
    later = date(2026, 12, 24)
    again = asyncio.run(evaluate(suite, SUBJECT, ScriptedEngine(add_up), Session(store, later, draw=1)))
    engine = ScriptedEngine(add_up)
    assert asyncio.run(evaluate(suite, SUBJECT, engine, Session(store, later))).id == again.id
    assert engine.requests == []


def test_an_overloaded_server_does_not_change_the_form(tmp_path: Path, store: SQLiteStore) -> None:
    """A 429 says "later", not "never": the suite stays in the form it would have had."""
    suite = make_suite(tmp_path / "s", 6, scorer="choice", both_forms=True)
    busy = ScriptedEngine(lambda _request: Completion(Outcome.FAILED, detail="HTTP 429: slow down"))
    assert run(suite, busy, store).body["form"] == "completion"


def test_calls_are_counted_whole(tmp_path: Path, store: SQLiteStore) -> None:
    """Finding out the form is counted, and its answer is not called reused."""
    suite = make_suite(tmp_path / "s", 12, scorer="choice", both_forms=True)
    assert run(suite, ScriptedEngine(choosing("completion")), store).body["calls"]["calls"] == 12
    chat = run(suite, ScriptedEngine(choosing("chat"), name="other"), store).body["calls"]
    assert (chat["calls"], chat["reused"]) == (13, 0)


def test_an_engine_is_started_only_when_something_is_open(tmp_path: Path, store: SQLiteStore) -> None:
    """With everything in the store, an engine that cannot start is never missed."""

    class Dead(ScriptedEngine):
        async def __aenter__(self) -> Self:
            raise EngineUnreachable("the engine is gone")

    suite = make_suite(tmp_path / "s")
    session = Session(store, DAY)
    with pytest.raises(EngineUnreachable, match="gone"):
        asyncio.run(evaluate(suite, SUBJECT, LateEngine(Dead(add_up)), session))
    asyncio.run(evaluate(suite, SUBJECT, LateEngine(ScriptedEngine(add_up)), session))
    assert asyncio.run(evaluate(suite, SUBJECT, LateEngine(Dead(add_up)), session)).body["calls"]["failed"] == 0
