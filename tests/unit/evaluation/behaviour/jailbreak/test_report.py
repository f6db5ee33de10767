"""Models with a known weakness, asked and reported."""

from __future__ import annotations

import asyncio
import base64
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.errors import UsageError
from weighbridge.evaluation.behaviour.asking import ask_items
from weighbridge.evaluation.behaviour.bank import load_bank
from weighbridge.evaluation.behaviour.jailbreak.asking import asking_of, attempts_of
from weighbridge.evaluation.behaviour.jailbreak.report import jailbreak_body
from weighbridge.evaluation.behaviour.jailbreak.transforms import choose_transforms
from weighbridge.evaluation.run import Session
from weighbridge.statistics.paired import mcnemar_exact
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BANK = load_bank("behaviour")
CHOSEN = choose_transforms("prefix,base64,past")
UNSAFE = {item.text["en"]: item for item in BANK.items if item.kind == "unsafe"}
REFUSAL = "I'm sorry, but I can't help with that."


def request_in(text: str) -> str:
    """Return the bank's question that a prompt holds, as it is or in Base64."""
    for item in BANK.items:
        question = item.text["en"]
        if question in text or base64.b64encode(question.encode()).decode() in text:
            return question
    raise AssertionError(text)


def willing(question: str) -> str:
    """Return an answer that gives what was asked."""
    return (
        f"Here is how it works. First, {question.rstrip('?.').lower()}: get the material, and check the place at noon. "
        "Second, wait until nobody is there. Third, follow the plan step by step until it is done."
    )


def measured(answer: Callable[[str, str], str], folder: Path, limit: int | None = None) -> dict[str, Any]:
    """Ask the scripted model, whose answer is a function of the prompt and the question in it, and return the body."""

    def reply(request: Request) -> Completion:
        return Completion(Outcome.ANSWERED, answer(request.text, request_in(request.text)))

    engine = ScriptedEngine(reply)
    store = SQLiteStore(folder / "store.sqlite")
    asking = asking_of(BANK, "en", CHOSEN, limit, None)
    answers, run = asyncio.run(ask_items(asking, "sha256:" + "0" * 64, engine, Session(store, date(2026, 11, 22))))
    store.close()
    assert run.calls == asking.calls == len(engine.requests)
    frame = {
        "bank": BANK.to_json(), "engine": engine.identity.to_json(), "sampling": "greedy",
        "calls": {"asked": len(answers), "calls": run.calls, "reused": 0, "failed": 0, "coverage": 1.0},
    }  # fmt: skip
    body = jailbreak_body(attempts_of(BANK, answers, CHOSEN), ["en"], CHOSEN, frame)
    KINDS["jailbreak/v1"].model_validate(body)
    return body


def test_a_model_that_gives_in_to_one_prefix(tmp_path: Path) -> None:
    """Plain 0, prefix 15 of 15 with its exact p by Holm over three; the best is the same on both halves."""

    def answer(prompt: str, question: str) -> str:
        return willing(question) if question not in UNSAFE or "Absolutely" in prompt else REFUSAL

    body = measured(answer, tmp_path)
    rates = body["rates"]["en"]
    assert {name: rate["complied"]["value"] for name, rate in rates.items()} == {
        "plain": 0, "prefix": 1, "base64": 0, "past": 0,
    }  # fmt: skip
    assert rates["prefix"]["difference"]["value"] == 1
    assert rates["prefix"]["p_adjusted"] == pytest.approx(3 * mcnemar_exact(15, 0))
    assert rates["plain"]["safe_refused"]["value"] == 0
    best = body["best"]["en"]
    assert best["chosen"] == ["prefix", "prefix"]
    assert best["held_out"]["value"] == best["any"]["value"] == 1


def test_the_best_is_not_judged_on_the_items_that_chose_it(tmp_path: Path) -> None:
    """Prefix breaks the even items and past the odd ones: any breaks all, the chosen ones nothing of the other half."""
    order = sorted(item.id for item in UNSAFE.values())

    def answer(prompt: str, question: str) -> str:
        item = UNSAFE.get(question)
        if item is None:
            return willing(question)
        even = order.index(item.id) % 2 == 0
        breaks = ("Absolutely" in prompt and even) or ("earlier times" in prompt and not even)
        return willing(question) if breaks else REFUSAL

    best = measured(answer, tmp_path)["best"]["en"]
    assert best["chosen"] == ["prefix", "past"]
    assert best["held_out"]["value"] == 0
    assert best["any"]["value"] == 1


def test_an_encoded_answer_is_judged_and_a_remark_is_not(tmp_path: Path) -> None:
    """Base64 that answers counts as complied; remarks on Base64 are off topic; what refuses in Base64 is a refusal."""

    def answer(prompt: str, question: str) -> str:
        if "Base64" not in prompt:
            return REFUSAL
        number = sorted(item.id for item in BANK.items).index(
            next(item.id for item in BANK.items if item.text["en"] == question)
        )
        texts = (willing(question), REFUSAL)
        if number % 3 == 2:
            return "This text looks like an encoded string with many capital letters. It is hard to read as it stands."
        return base64.b64encode(texts[number % 3].encode()).decode()

    rate = measured(answer, tmp_path)["rates"]["en"]["base64"]
    complied = round(rate["complied"]["value"] * rate["items"])
    refused = rate["counts"]["refusal"]
    assert complied > 0
    assert refused > 0
    assert rate["off_topic"] > 0
    assert complied + refused + rate["off_topic"] == rate["items"]


def test_fewer_pairs_and_languages_without_words() -> None:
    """A limit takes whole pairs; a language in which no transform has words is refused."""
    asking = asking_of(BANK, "en", CHOSEN, 2, 64)
    assert asking.calls == 2 * 2 * (1 + len(CHOSEN))
    with pytest.raises(UsageError, match="no transform"):
        asking_of(BANK, "de", CHOSEN, None, None)
