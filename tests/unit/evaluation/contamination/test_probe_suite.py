"""A model that knows the suite by heart, one that does not, and one that only likes a letter."""

from __future__ import annotations

import asyncio
import hashlib
import math
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.engine.protocol import Completion, Outcome, Request
from weighbridge.errors import UsageError
from weighbridge.evaluation.contamination.cutting import half, last_option
from weighbridge.evaluation.contamination.measure import probe_suite
from weighbridge.evaluation.item import LETTERS, Item
from weighbridge.evaluation.run import Session
from weighbridge.evaluation.suite import Suite, find_suite
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.scripted import ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SUITE = find_suite("knowledge-en")
SUBJECT = "sha256:" + "a" * 64


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Give an empty store."""
    store = SQLiteStore(tmp_path / "store.db")
    yield Session(store, date(2026, 11, 22))
    store.close()


def chance(text: str) -> float:
    """Return a number in [0, 1) that a text decides."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def letter(said: str) -> Completion:
    """Answer one letter of four for sure."""
    pairs = tuple((f" {one}", math.log(0.97 if one == said else 0.01)) for one in "ABCD")
    return Completion(Outcome.ANSWERED, f" {said}", top_logprobs=pairs)


def item_of(request: Request, suite: Suite) -> Item:
    """Find the question that a request ends with."""
    return max(suite.items, key=lambda item: request.text.rfind(item.question))


def innocent(request: Request) -> Completion:
    """Answer by skill, on the texts of the options in whatever order, with a liking for A; continue in own words."""
    if not request.top_logprobs:
        return Completion(Outcome.ANSWERED, " something else that nobody has written in these words so far, I think")
    item = item_of(request, SUITE)
    shown = request.text[request.text.rfind(item.question) + len(item.question) :].strip().splitlines()
    if chance(request.text) < 0.2:
        return letter("A")
    if chance(item.id) < 0.5:
        right = item.choices[LETTERS.index(item.answer)]
        return letter(next((line[0] for line in shown if line[3:] == right), "A"))
    return letter("ABCD"[int(4 * chance("guess" + request.text))])


def by_heart(request: Request) -> Completion:
    """Know how the suite's texts go on, and the published letters, whatever order is shown."""
    if request.top_logprobs:
        return letter(item_of(request, SUITE).answer)
    cuts = [cut for item in SUITE.items for cut in (half(item), last_option(item)) if cut and cut.given == request.text]
    return Completion(Outcome.ANSWERED, " " + cuts[0].follows) if cuts else innocent(request)


def probed(session: Session, answer: Callable[[Request], Completion], **given: Any) -> dict[str, Any]:
    """Probe the suite, and return the body with the probes by name."""
    suite = given.pop("suite", SUITE)
    evidence = asyncio.run(probe_suite(suite, SUBJECT, ScriptedEngine(answer), session, **given))
    assert list(session.store.select(kind="contamination/v1")) == [evidence]
    return {**evidence.body, "by_name": {one["probe"]: one for one in evidence.body["probes"]}}


def test_a_suite_known_by_heart_is_flagged_by_every_probe(session: Session) -> None:
    """All hits, none of the control, with examples to look at."""
    body = probed(session, by_heart)
    assert body["hinting"] == ["verbatim", "missing-option", "order"]
    assert body["by_name"]["verbatim"]["found"]["value"] == 1
    assert body["by_name"]["verbatim"]["control"]["value"] == 0
    assert body["by_name"]["missing-option"]["found"]["value"] == 1
    assert body["by_name"]["order"]["difference"]["value"] > 0.7
    assert len(body["by_name"]["verbatim"]["examples"]) == 3
    assert set(body["not_done"]) == {"paraphrase"}
    assert "Not that it knows the answers" in body["by_name"]["verbatim"]["shows"]


def test_a_model_that_has_not_seen_the_suite_is_not_flagged(session: Session) -> None:
    """Half of the answers known by skill, and a liking for A: no hint, with every p-value in sight."""
    body = probed(session, innocent)
    assert body["hinting"] == []
    assert all(one["adjusted"] > 0.05 for one in body["probes"])
    assert body["by_name"]["order"]["found"]["value"] > 0.4


def test_one_probe_in_twenty_is_the_most_that_hints_at_an_innocent(session: Session) -> None:
    """Twenty innocent models of different skill: P(any hint) <= 5% each; four or more of 20 has a chance of 1.6%."""
    hints = 0
    for salt in range(20):

        def salted(request: Request, salt: int = salt) -> Completion:
            if not request.top_logprobs or chance(f"{salt}{request.text}") < 0.7:
                return innocent(request)
            return letter("ABCD"[int(4 * chance(f"{salt}+{request.text}"))])

        engine = ScriptedEngine(salted, name=f"innocent-{salt}")
        hints += bool(asyncio.run(probe_suite(SUITE, SUBJECT, engine, session, most=30)).body["hinting"])
    assert hints <= 3


def variants(n: int) -> Suite:
    """Return a suite whose questions have a variant each."""
    items = []
    for item in SUITE.items[:n]:
        other = replace(
            item, id=f"{item.id}-v", question=f"In other words: {item.question}", data={"variant_of": item.id}
        )
        items += [item, other]
    return replace(SUITE, items=tuple(items), digest="sha256:" + "d" * 64)


def test_better_on_the_published_wording_is_a_hint(session: Session) -> None:
    """Right on every published question, wrong on every variant; variants are no questions of their own."""

    def worded(request: Request) -> Completion:
        if not request.top_logprobs:
            return innocent(request)
        item = item_of(request, SUITE)
        shown = request.text[request.text.rfind(item.question) + len(item.question) :].strip().splitlines()
        right = next((line[0] for line in shown if line[3:] == item.choices[LETTERS.index(item.answer)]), "A")
        reworded = "In other words: " + item.question in request.text
        return letter("ABCD"[("ABCD".index(right) + 1) % 4] if reworded else right)

    body = probed(session, worded, suite=variants(24))
    assert body["hinting"] == ["paraphrase"]
    found = body["by_name"]["paraphrase"]
    assert (found["found"]["value"], found["found"]["n"]) == (1.0, 24)
    assert found["p_value"] <= 0.001


def test_a_language_without_control_says_so(session: Session) -> None:
    """The probes that need one are not made; the order needs none."""
    body = probed(session, innocent, suite=replace(SUITE, language="sw"))
    assert set(body["not_done"]) == {"verbatim", "missing-option", "paraphrase"}
    assert body["control_name"] == "none"


def test_a_suite_that_no_probe_fits_is_refused(session: Session) -> None:
    """Sums have no options and are too short to be cut."""
    items = tuple(Item(f"q{number}", f"{number}+1=", answer=str(number + 1)) for number in range(30))
    with pytest.raises(UsageError, match="no probe fits"):
        probed(session, innocent, suite=replace(SUITE, items=items, max_tokens=8, scorer="exact"))
