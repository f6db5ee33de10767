"""Plans: order by prefix, samples, sampling fields, and recipes that stay what they were."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.digest import digest_of
from weighbridge.engine.protocol import Completion, EngineIdentity, Outcome, Request
from weighbridge.errors import SuiteError
from weighbridge.evaluation.evaluate import evaluate
from weighbridge.evaluation.plan import Asked, Plan, forms_of, make_plan
from weighbridge.evaluation.run import Session
from weighbridge.evaluation.suite import load_suite, shipped_suites
from weighbridge.evaluation.suite.file import Generation
from weighbridge.statistics.interval import wilson
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.engine.protocol import Form
    from weighbridge.evaluation.suite import Suite

ENGINE = EngineIdentity("e", "m")


def plan_of(suite: Suite, form: Form = "completion", **how: object) -> Plan:
    """Plan as `Asked` says."""
    return make_plan(suite, "sha256:x", ENGINE, form, asked=replace(Asked(), **how))  # type: ignore[arg-type]


def grouped(folder: Path, extra: str = "") -> Suite:
    """Load a suite of eight questions whose two groups alternate, with one example each."""
    for name, count in (("rows", 8), ("dev", 2)):
        rows = [{"q": f"{name} {n}?", "a": str(n), "g": "xy"[n % 2]} for n in range(count)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "suite.toml").write_text(
        '[suite]\nname = "mine"\nscorer = "exact"\n[prompt]\nchat = "$question"\ncompletion = "Q: $question\\nA:"\n'
        '[data]\nfiles = "rows.jsonl"\nsplits.dev = "dev.jsonl"\n'
        'item = { question = "q", answer = "a", group = "g" }\n'
        '[shots]\nk = 1\nsplit = "dev"\nby_group = true\n' + extra
    )
    return load_suite(folder)


def test_what_shares_a_prefix_is_asked_together(tmp_path: Path) -> None:
    """Groups stand together in the order of first appearance; the first of each may fill the server's cache."""
    plan = plan_of(grouped(tmp_path))
    assert [item.group for item in plan.items] == list("xxxxyyyy")
    assert (plan.prefixes, plan.heads) == ((0, 0, 0, 0, 1, 1, 1, 1), (0, 4))
    first = plan.requests[0].text.removesuffix("rows 0?\nA:")
    assert all(request.text.startswith(first) for request in plan.requests[:4])
    assert not any(request.text.startswith(first) for request in plan.requests[4:])


def test_a_limit_keeps_both_groups(tmp_path: Path) -> None:
    """It spreads over the suite before requests are put in order."""
    plan = plan_of(grouped(tmp_path), limit=4)
    assert len(plan.items) == 4
    assert {request.text.count("dev") for request in plan.requests} == {1}


def test_examples_of_a_chat_are_turns(tmp_path: Path) -> None:
    """The request carries them as messages; the text is the question alone."""
    request = plan_of(grouped(tmp_path), "chat").requests[0]
    assert (request.turns, request.text) == ((("user", "dev 0?"), ("assistant", "0")), "rows 0?")


def test_samples_are_decided_beforehand(tmp_path: Path) -> None:
    """Each question k times under k recipes; seeds and draws tell them apart, and never meet another day's."""
    suite = grouped(tmp_path, "[generation]\nsamples = 3\ntemperature = 0.8\ntop_p = 0.95\nseed = 5\n")
    plan = plan_of(suite)
    assert (len(plan.items), plan.samples[:4]) == (24, (0, 1, 2, 0))
    assert len({item.id for item in plan.items}) == 8
    assert len(set(plan.recipes)) == 24
    assert [(r.seed, r.temperature, r.top_p) for r in plan.requests[:3]] == [(5 + n, 0.8, 0.95) for n in range(3)]
    today, tomorrow = (plan_of(suite, draw=day) for day in (740_000, 740_001))
    assert plan.requests[0].draw == 0
    assert today.requests[0].draw == 740_000
    assert not {r.draw for r in today.requests} & {r.draw for r in tomorrow.requests}


def test_a_reasoning_model_gets_its_budget(tmp_path: Path) -> None:
    """`thinking_tokens` come on top where the model reasons and is not told not to."""
    suite = grouped(tmp_path, "[generation]\nthinking_tokens = 1000\n")
    assert plan_of(suite, "chat").requests[0].max_tokens == suite.max_tokens
    assert plan_of(suite, "chat", reasons=True).requests[0].max_tokens == suite.max_tokens + 1000
    still = replace(suite, generation=Generation(thinking_tokens=1000, thinking=False))
    request = plan_of(still, "chat", reasons=True).requests[0]
    assert (request.max_tokens, request.thinking) == (suite.max_tokens, False)
    knowledge = load_suite(shipped_suites()["knowledge-en"])
    request = plan_of(knowledge, "chat", reasons=True, limit=1).requests[0]
    assert (request.max_tokens, request.thinking, request.top_logprobs) == (1, False, 20)


def test_a_choice_can_be_read_in_three_ways() -> None:
    """One distribution; else an answer forced into a letter; else one that is written. Recipes differ."""
    suite = load_suite(shipped_suites()["knowledge-en"])
    read, forced, written = (
        plan_of(suite, reading=reading, limit=1) for reading in ("distribution", "constrained", "generated")
    )
    assert (read.requests[0].top_logprobs, read.requests[0].choices, read.generates) == (20, (), False)
    assert (forced.requests[0].top_logprobs, forced.requests[0].choices) == (0, ("A", "B", "C", "D"))
    assert (written.requests[0].choices, written.requests[0].max_tokens > 1, written.generates) == ((), True, True)
    assert len({read.recipes[0], forced.recipes[0], written.recipes[0]}) == 3


def test_tools_and_schemas_travel_with_their_items() -> None:
    """A chat offers the item's tools; a completion cannot, and says so; a schema is forced where the suite asks."""
    tools = load_suite(shipped_suites()["tool-calling"])
    plan = plan_of(tools, "chat")
    assert json.loads(plan.requests[0].tools) == tools.items[0].data["tools"]
    with pytest.raises(SuiteError, match="only a chat can call"):
        plan_of(replace(tools, forms={"completion": "$question"}), "completion")
    structured = load_suite(shipped_suites()["structured-output"])
    assert plan_of(structured, "chat").requests[0].schema == ""
    forced = replace(structured, generation=Generation(constrain="schema"))
    assert json.loads(plan_of(forced, "chat").requests[0].schema) == structured.items[0].data["schema"]


def test_the_preferred_form_comes_first() -> None:
    """The raw completion for choices, the chat where the suite says so."""
    found = {name: forms_of(load_suite(shipped_suites()[name])) for name in ("knowledge-en", "structured-output")}
    assert found == {"knowledge-en": ("completion", "chat"), "structured-output": ("chat", "completion")}


def test_recipes_of_suites_from_before_stay() -> None:
    """The recipe is that of the request as it was written before examples, samples and tools came."""
    suite = load_suite(shipped_suites()["knowledge-en"])
    item = suite.items[0]
    text = suite.prefix + f"{item.question}\n" + "\n".join(
        f"{letter}. {choice}" for letter, choice in zip("ABCD", item.choices, strict=True)
    ) + "\nAnswer:"  # fmt: skip
    request = Request("completion", text, 1, system=None, top_logprobs=20)
    expected = digest_of({"subject": "sha256:x", "engine": ENGINE.digest, "request": request.to_json()})
    assert make_plan(suite, "sha256:x", ENGINE, "completion").recipes[0] == expected
    assert set(request.to_json()) == {
        "form", "text", "max_tokens", "system", "temperature", "top_logprobs", "stream", "draw",
    }  # fmt: skip


def test_samples_of_one_question_are_one_cluster(tmp_path: Path) -> None:
    """The share is over all answers, n and the interval over questions: 8 questions asked 3 times are no 24."""
    suite = grouped(tmp_path, "[generation]\nsamples = 3\ntemperature = 0.8\n")

    def reply(request: Request) -> Completion:
        number = int(request.turns[-1][1]) if request.draw and request.turns else -1
        asked = int(request.text.split()[1].rstrip("?"))
        return Completion(Outcome.ANSWERED, str(asked if number != 1 else asked + 1), finish_reason="stop")

    store = SQLiteStore(tmp_path / "evidence.sqlite")
    session = Session(store, date(2026, 11, 22))
    evidence = asyncio.run(evaluate(suite, "sha256:" + "a" * 64, ScriptedEngine(reply), session, form="chat"))
    store.close()
    accuracy = evidence.body["accuracy"]
    # half of the questions are right in one sample of three: (4 * 3 + 4 * 1) / 24
    assert accuracy["value"] == pytest.approx(2 / 3)
    assert (accuracy["n"], len(evidence.body["items"])) == (8, 24)
    low, high = wilson(16, 24)
    assert accuracy["high"] - accuracy["low"] > high - low
