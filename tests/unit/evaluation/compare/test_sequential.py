"""Comparisons that stop early: the verdict, what it cost, resuming, and endpoints that fail."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.errors import Interrupted, UsageError
from weighbridge.evaluation.compare.journal import FileJournal, MemoryJournal
from weighbridge.evaluation.compare.sequential import compare_until_clear, prepare
from weighbridge.evaluation.compare.sides import Side
from weighbridge.evaluation.compare.terms import Terms
from weighbridge.evaluation.evaluate import evaluate
from weighbridge.evaluation.run import Session
from weighbridge.evaluation.suite import Suite, load_suite
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from weighbridge.core.evidence import Evidence
    from weighbridge.evaluation.compare.journal import Journal

DAY = date(2026, 11, 22)
CANDIDATE, BASELINE = "sha256:" + "c" * 64, "sha256:" + "b" * 64


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    """Open a fresh store."""
    opened = SQLiteStore(tmp_path / "evidence.sqlite")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """Load 600 sums; half of them are marked as hard in the question."""
    folder = tmp_path_factory.mktemp("sums")
    folder.joinpath("suite.toml").write_text(
        '[suite]\nname = "sums"\nversion = "1"\ntitle = "Sums"\nmeasures = "score/v1"\nlanguage = "en"\n'
        'licence = "Apache-2.0"\nsource = "ours"\nscorer = "exact"\nmax_tokens = 8\n[prompt]\nchat = "$question"\n'
    )
    rows = [{"id": f"q{i}", "question": f"{i}+1=", "answer": str(i + 1)} for i in range(600)]
    folder.joinpath("items.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return load_suite(folder)


def knows(number: int, share: float, salt: str) -> bool:
    """Say by hash whether a model of this accuracy knows a sum: the truth is known beforehand."""
    digest = hashlib.sha256(f"{salt}/{number}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32 < share


def model(share: float, salt: str = "m") -> Callable[[Request], Completion]:
    """Return a model that is right on a fixed share of the sums; models of one salt know the same sums first."""

    def answer(request: Request) -> Completion:
        number = int(request.text.partition("+")[0])
        return Completion(Outcome.ANSWERED, str(number + 1) if knows(number, share, salt) else "no idea")

    return answer


def truth(suite: Suite, share: float, salt: str = "m") -> float:
    """Return the exact accuracy of such a model on the whole suite."""
    return sum(knows(i, share, salt) for i in range(len(suite.items))) / len(suite.items)


def compared(
    store: SQLiteStore,
    suite: Suite,
    candidate: ScriptedEngine | None,
    baseline: ScriptedEngine | None,
    terms: Terms | None = None,
    journal: Journal | None = None,
) -> Evidence:
    """Compare two scripted models."""

    async def run() -> Evidence:
        session = Session(store, DAY)
        sides = Side(CANDIDATE, "new", candidate), Side(BASELINE, "old", baseline)
        prepared = await prepare(suite, *sides, terms or Terms(), session)
        return await compare_until_clear(prepared, session, journal or MemoryJournal())

    return asyncio.run(run())


def ask_all(store: SQLiteStore, suite: Suite, subject: str, engine: ScriptedEngine) -> None:
    """Put a whole run into the store."""
    asyncio.run(evaluate(suite, subject, engine, Session(store, DAY)))


def test_a_much_worse_candidate_is_told_with_few_calls(store: SQLiteStore, sums: Suite) -> None:
    """With the baseline's run stored, the candidate alone is asked, and far from all of it."""
    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.8)))
    engine = ScriptedEngine(model(0.5))
    body = compared(store, sums, engine, None).body
    assert body["sequential"]["verdict"] == "inferior"
    assert body["sequential"]["baseline_stored"] is True
    assert len(engine.requests) < 150
    finite = body["sequential"]["finite"]
    assert finite["low"] <= truth(sums, 0.5) - truth(sums, 0.8) <= finite["high"] < -0.03
    assert body["sequential"]["calls"] == body["sequential"]["drawn"] == len(body["drawn"])


@pytest.mark.parametrize(("lanes", "others"), [(4, 4), (1, 1), (1, 16), (16, 1)])
def test_an_equal_candidate_is_noninferior_and_both_are_asked_where_nothing_is_stored(
    store: SQLiteStore, sums: Suite, lanes: int, others: int
) -> None:
    """Both engines get the same items, and one answer each, whatever either has in flight."""
    candidate, baseline = ScriptedEngine(model(0.8), lanes=lanes), ScriptedEngine(model(0.8), lanes=others)
    body = compared(store, sums, candidate, baseline, Terms(margin=0.05)).body
    assert body["sequential"]["verdict"] == "noninferior"
    assert sorted(r.text for r in candidate.requests) == sorted(r.text for r in baseline.requests)
    assert len(candidate.requests) < len(sums.items)
    assert body["sequential"]["finite"]["low"] > -0.05
    assert body["flips"] == []


def test_the_plan_stands_in_the_store_before_the_first_call(store: SQLiteStore, sums: Suite) -> None:
    """An engine that looks at the store when it is first asked finds the frozen plan there."""
    seen: list[int] = []

    def nosy(request: Request) -> Completion:
        seen.append(sum(1 for _ in store.select(kind="plan/v1")))
        return model(0.5)(request)

    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.8)))
    evidence = compared(store, sums, ScriptedEngine(nosy), None)
    assert set(seen) == {1}
    planned = next(iter(store.select(kind="plan/v1")))
    assert planned.id in evidence.inputs
    assert planned.made_on == DAY
    assert store.verify() > 0


def test_a_killed_comparison_goes_on_as_the_same_one(store: SQLiteStore, sums: Suite, tmp_path: Path) -> None:
    """What was answered is not asked again, and the draws are those of the journal."""
    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.8)))
    journal = tmp_path / "journal.jsonl"
    asked: list[str] = []

    def dies(request: Request) -> Completion:
        if len(asked) == 40:
            raise RuntimeError("killed")
        asked.append(request.text)
        return model(0.8)(request)

    with FileJournal(journal) as held, pytest.raises(ExceptionGroup):
        compared(store, sums, ScriptedEngine(dies), None, journal=held)
    before = [json.loads(line) for line in journal.read_text().splitlines()]
    journal.write_text(journal.read_text() + '{"event":"dr')  # the kill cut a line short
    engine = ScriptedEngine(model(0.8))
    with FileJournal(journal) as held:
        body = compared(store, sums, engine, None, journal=held).body
    assert body["sequential"]["verdict"] == "noninferior"
    assert not {r.text for r in engine.requests} & set(asked)
    drawn = [item for entry in before if entry["event"] == "draw" for item in entry["ids"]]
    assert [row["id"] for row in body["drawn"]][: len(drawn)] == [f"q{i}" for i in drawn][: len(body["drawn"])]
    first = next(iter(store.select(kind="plan/v1")))
    assert [one.id for one in store.select(kind="plan/v1")] == [first.id]


def test_an_endpoint_that_goes_down_decides_nothing(store: SQLiteStore, sums: Suite) -> None:
    """Transport failures are never held against the model: the comparison stops without a verdict."""
    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.8)))
    engine = ScriptedEngine(lambda _request: Completion(Outcome.FAILED, detail="HTTP 503: gone"))
    with pytest.raises(Interrupted, match="HTTP 503"):
        compared(store, sums, engine, None)
    assert not list(store.select(kind="comparison/v1"))


def test_a_baseline_that_dies_ends_the_comparison_and_is_not_taken_for_right(store: SQLiteStore, sums: Suite) -> None:
    """Nothing is scored against an endpoint that is gone, the candidate is not asked on, and what was found is told."""
    sent: list[Request] = []

    def dies(request: Request) -> Completion:
        sent.append(request)
        return model(0.8)(request) if len(sent) <= 100 else Completion(Outcome.NOT_ASKED, detail="failed too often")

    candidate, journal = ScriptedEngine(model(0.8)), MemoryJournal()
    with pytest.raises(Interrupted, match=r"got no answer, the first: failed too often; after 100 questions \+0\.0 "):
        compared(store, sums, candidate, ScriptedEngine(dies), Terms(margin=0.002), journal=journal)
    assert len(candidate.requests) <= 150
    assert sum(entry["event"] == "score" for entry in journal.read()) == 100


def test_a_baseline_that_fails_once_is_asked_again(store: SQLiteStore, sums: Suite) -> None:
    """What the candidate said stays, and is held against the baseline's own answer: nothing is missing."""
    failed: set[str] = set()

    def shaky(request: Request) -> Completion:
        if request.text not in failed and len(failed) < 20:
            failed.add(request.text)
            return Completion(Outcome.FAILED, detail="HTTP 503: gone")
        return model(0.8)(request)

    journal = MemoryJournal()
    body = compared(
        store, sums, ScriptedEngine(model(0.8)), ScriptedEngine(shaky), Terms(margin=0.05), journal=journal
    ).body
    assert body["sequential"]["verdict"] == "noninferior"
    scores = [entry for entry in journal.read() if entry["event"] == "score"]
    assert [entry["candidate"] for entry in scores] == [entry["baseline"] for entry in scores]


def test_a_comparison_that_is_stopped_says_how_it_stands(store: SQLiteStore, sums: Suite) -> None:
    """Ctrl-C lets go of both sides, tells the difference so far with its interval, and loses no answer."""
    candidate = ScriptedEngine(model(0.8))

    def interrupted(request: Request) -> Completion:
        if len(candidate.requests) == 60:
            signal.raise_signal(signal.SIGINT)
        return model(0.8)(request)

    candidate = ScriptedEngine(interrupted)
    journal = MemoryJournal()
    with pytest.raises(
        Interrupted, match=r"was stopped; after \d+ questions [+-]\d.* points \[-.*\], without"
    ) as stopped:
        compared(store, sums, candidate, ScriptedEngine(model(0.8)), journal=journal)
    assert "run the same command again" in str(stopped.value.hint)
    asked = {request.text for request in candidate.requests[:56]}  # four lanes may still have been at it
    again = ScriptedEngine(model(0.8))
    assert compared(store, sums, again, ScriptedEngine(model(0.8)), journal=journal).body["sequential"]["verdict"]
    assert not asked & {request.text for request in again.requests}


def test_a_failure_that_passes_is_asked_again(store: SQLiteStore, sums: Suite) -> None:
    """An item whose first request failed is asked in the next round, and nothing is missing."""
    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.8)))
    failed: set[str] = set()

    def shaky(request: Request) -> Completion:
        if request.text not in failed and len(failed) < 20:
            failed.add(request.text)
            return Completion(Outcome.TIMEOUT, detail="no answer in 1 s")
        return model(0.5)(request)

    body = compared(store, sums, ScriptedEngine(shaky), None).body
    assert body["sequential"]["verdict"] == "inferior"
    assert body["sequential"]["missing"] == 0


def test_missing_answers_never_make_a_candidate_inferior(store: SQLiteStore, sums: Suite) -> None:
    """Half of the answers are cut by the token limit: had they been right, it would be as good."""
    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.8)))

    def cut(request: Request) -> Completion:
        number = int(request.text.partition("+")[0])
        return Completion(Outcome.TRUNCATED, "I think") if number % 2 else model(0.8)(request)

    body = compared(store, sums, ScriptedEngine(cut), None).body
    assert body["sequential"]["verdict"] is None
    assert body["sequential"]["missing"] > 0


def test_missing_answers_of_the_baseline_never_help_the_candidate(store: SQLiteStore, sums: Suite) -> None:
    """A baseline of which nothing can be marked says nothing: no verdict, stored or asked, for either question."""

    def cut(_request: Request) -> Completion:
        return Completion(Outcome.TRUNCATED, "I think")

    for question in (Terms(margin=0.05), Terms("better")):
        body = compared(store, sums, ScriptedEngine(model(0.5)), ScriptedEngine(cut), question).body
        assert body["sequential"]["verdict"] is None
        assert body["sequential"]["missing"] == body["sequential"]["drawn"] > 0
        assert body["difference"]["low"] < 0 < body["difference"]["high"]


def test_equal_answers_still_leave_doubt_about_other_questions(store: SQLiteStore, sums: Suite) -> None:
    """Without a single flip the interval for questions like these is not of width zero."""
    body = compared(store, sums, ScriptedEngine(model(0.8)), ScriptedEngine(model(0.8)), Terms(margin=0.05)).body
    assert body["flips"] == []
    assert body["difference"]["low"] < 0 < body["difference"]["high"]


def test_what_the_store_learns_since_is_no_new_throw_of_the_dice(
    store: SQLiteStore, sums: Suite, tmp_path: Path
) -> None:
    """The same comparison keeps its plan, its draws and its verdict; a larger budget goes on with them."""
    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.8, "other")))
    place = tmp_path / "journal.jsonl"
    with FileJournal(place) as held:
        first = compared(store, sums, ScriptedEngine(model(0.79)), None, Terms(budget=30), held).body
    for k in range(4):
        ask_all(store, sums, "sha256:" + f"{k:x}" * 64, ScriptedEngine(model(0.5 + 0.1 * k)))
    with FileJournal(place) as held:
        more = compared(store, sums, ScriptedEngine(model(0.79)), None, Terms(budget=60), held).body
    assert [row["id"] for row in more["drawn"]][:30] == [row["id"] for row in first["drawn"]]
    assert more["sequential"]["drawn"] == 60
    assert more["sequential"]["history"] == first["sequential"]["history"]


def test_a_journal_that_was_changed_is_refused_with_its_name(store: SQLiteStore, sums: Suite, tmp_path: Path) -> None:
    """Scores that the stored answers contradict, lines that are no entries, and a second process."""
    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.8)))
    place = tmp_path / "journal.jsonl"
    with FileJournal(place) as holder:
        compared(store, sums, ScriptedEngine(model(0.8)), None, journal=holder)
        with FileJournal(place) as other, pytest.raises(UsageError, match="another process"):
            compared(store, sums, ScriptedEngine(model(0.8)), None, journal=other)
    for number, content in enumerate((place.read_text().replace('"candidate":1.0', '"candidate":0.0'), "[]\n", "{}\n")):
        changed = tmp_path / f"changed-{number}.jsonl"
        changed.write_text(content)
        with FileJournal(changed) as held, pytest.raises((UsageError, ExceptionGroup)) as refused:
            compared(store, sums, ScriptedEngine(model(0.8)), None, journal=held)
        error: BaseException = refused.value
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        assert str(changed) in str(error)


@pytest.mark.parametrize("shaky", ["candidate", "baseline"])
def test_an_answer_that_comes_later_is_no_damage(store: SQLiteStore, sums: Suite, tmp_path: Path, shaky: str) -> None:
    """One request failed for good and counted as missing; the comparison goes on when the endpoint answers again."""
    asked: list[str] = []

    def fails_once(request: Request) -> Completion:
        asked.append(request.text)
        if request.text == asked[0]:
            return Completion(Outcome.FAILED, detail="HTTP 500: gone")
        return model(0.5)(request)

    for budget, answer in ((30, fails_once), (60, model(0.5))):
        sides = {"candidate": model(0.5), "baseline": model(0.5)} | {shaky: answer}
        mine, theirs = ScriptedEngine(sides["candidate"]), ScriptedEngine(sides["baseline"])
        with FileJournal(tmp_path / "journal.jsonl") as held:
            body = compared(store, sums, mine, theirs, Terms(margin=0.0, budget=budget), held).body
        assert body["sequential"]["drawn"] == budget


def test_a_margin_that_any_model_meets_is_refused(store: SQLiteStore, sums: Suite) -> None:
    """Nobody can be three points worse than a baseline that is never right: that is no verdict on the candidate."""
    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.0)))
    with pytest.raises(UsageError, match="any model would be noninferior"):
        compared(store, sums, ScriptedEngine(model(0.5)), None)


def test_earlier_models_are_used_and_outcomes_are_left(store: SQLiteStore, sums: Suite) -> None:
    """Eight earlier models with the same hard items predict the candidate; no verdict changes.

    That they save calls holds on average, not in each comparison: tests/shared/test_sequential_outcomes.py.
    """
    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.8)))
    alone = compared(store, sums, ScriptedEngine(model(0.78)), None).body["sequential"]
    for k in range(8):
        earlier = "sha256:" + f"{k:x}" * 64
        ask_all(store, sums, earlier, ScriptedEngine(model(0.6 + 0.05 * k)))
    other = "sha256:" + "d" * 64

    async def run() -> Evidence:
        session = Session(store, DAY)
        sides = Side(other, "new", ScriptedEngine(model(0.78))), Side(BASELINE, "old", None)
        return await compare_until_clear(await prepare(sums, *sides, Terms(), session), session, MemoryJournal())

    helped = asyncio.run(run()).body["sequential"]
    assert helped["history"] == 10  # the eight, the baseline, and the first candidate's drawn items
    assert helped["verdict"] == alone["verdict"] == "noninferior"
    assert helped["calls"] < len(sums.items)


def test_a_budget_ends_it_undecided_with_an_interval(store: SQLiteStore, sums: Suite) -> None:
    """Thirty items say little: the verdict is undecided and the interval holds the truth."""
    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.8, "other")))
    body = compared(store, sums, ScriptedEngine(model(0.79)), None, Terms(budget=30)).body
    assert body["sequential"]["verdict"] is None
    assert body["sequential"]["drawn"] == 30
    gap = truth(sums, 0.79) - truth(sums, 0.8, "other")
    finite, beyond = body["sequential"]["finite"], body["difference"]
    assert beyond["low"] < finite["low"] <= gap <= finite["high"] < beyond["high"]


def test_better_is_another_question(store: SQLiteStore, sums: Suite) -> None:
    """`better` has no margin and says which of the two is better."""
    ask_all(store, sums, BASELINE, ScriptedEngine(model(0.5)))
    body = compared(store, sums, ScriptedEngine(model(0.9)), None, Terms("better")).body
    assert body["sequential"]["verdict"] == "better"
    assert body["sequential"]["margin"] is None
    assert set(body["flips"]) <= {row["id"] for row in body["drawn"]}
    flip = next(row for row in body["drawn"] if row["id"] in body["flips"])
    assert flip["baseline_said"] == "no idea"


def test_a_model_that_nothing_answers_for_is_refused(store: SQLiteStore, sums: Suite) -> None:
    """Without a stored run and without an engine there is nothing to compare with."""
    with pytest.raises(UsageError, match="nothing answers for `old`"):
        compared(store, sums, ScriptedEngine(model(0.5)), None)
