"""The page Dossier and the files that a decision leaves are one document."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.evidence import Evidence
from weighbridge.decision.shipped import load_policy
from weighbridge.errors import UsageError
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.workflow.judge import dossier_of, judge, write_dossier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def judged(tmp_path: Path, weighed: Any) -> Iterator[SimpleNamespace]:
    """Return a store with candidate, baseline and comparison, and the decision made from it."""
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        for one in weighed.evidence():
            store.add(one)
        _, statement = judge(load_policy("starter"), weighed.SUBJECT, store=store, on=weighed.DAY)
        yield SimpleNamespace(store=store, statement=statement, folder=tmp_path / "written")


def test_flips_show_both_answers(judged: SimpleNamespace, weighed: Any) -> None:
    """The baseline's score is no input of the decision; the comparison brings it, and it is listed."""
    theirs = weighed.score("knowledge-en", "en", 58, 150, weighed.BASELINE)
    assert theirs.id not in judged.statement.inputs
    write_dossier(dossier_of(judged.statement, judged.store), judged.folder, ["json"], "en")
    document = json.loads((judged.folder / "dossier.json").read_text())
    (flips,) = document["flips"].values()
    ours = weighed.score("knowledge-en", "en", 46, 150)
    said = [{item["id"]: item["said"] for item in score.body["items"]} for score in (ours, theirs)]
    assert len(flips) == 32
    for flip in flips:
        both = [flip[side]["said"] for side in ("candidate", "baseline")]
        assert both == [side[flip["id"]] for side in said]
    assert theirs.id in {one["id"] for one in document["evidence"]}
    assert document["not_at_hand"] == []


def test_the_page_is_the_very_document_that_is_signed(judged: SimpleNamespace, weighed: Any, serve_over: Any) -> None:
    """Byte for byte, in both languages and as JSON, whatever is added later on the same day."""
    written = {}
    for language in ("en", "zh"):
        files = write_dossier(dossier_of(judged.statement, judged.store), judged.folder, ["html", "json"], language)
        written[language] = [file.read_text() for file in files]
    judged.store.add(weighed.card(licence="added-later"))
    judged.store.add(weighed.score("knowledge-en", "en", 150, 150))
    judged.store.add(weighed.score("knowledge-en", "en", 1, 150, weighed.BASELINE))
    with serve_over(judged.store) as served:
        path = f"/dossier/{judged.statement.id}"
        for language in ("en", "zh"):
            assert served.ask(f"{path}?language={language}").text == written[language][0]
        assert served.ask(f"{path}.json").text == written["en"][1] == written["zh"][1]
        assert "added-later" not in written["en"][1]


def test_a_pair_that_is_not_in_the_store_leaves_dashes(judged: SimpleNamespace, weighed: Any) -> None:
    """Inputs that are unknown, or no digests at all, cost the answers and not the dossier."""
    own = weighed.comparison()
    lost = Evidence(own.subject, own.kind, own.body, ("nothing", "sha256:" + "0" * 64), own.producer, own.made_on)
    judged.store.add(lost)
    _, statement = judge(load_policy("starter"), weighed.SUBJECT, store=judged.store, on=weighed.DAY)
    flips = dossier_of(statement, judged.store).flips[lost.id]
    assert [(flip.candidate, flip.baseline) for flip in flips] == [(None, None)] * 32


def test_a_statement_that_is_no_decision_is_refused(judged: SimpleNamespace, weighed: Any) -> None:
    """One sentence, whatever the statement holds."""
    with pytest.raises(UsageError, match="the decision cannot be read"):
        dossier_of(weighed.card(), judged.store)


def test_the_model_page_shows_what_counts(judged: SimpleNamespace, weighed: Any, serve_over: Any) -> None:
    """What `newest` sets aside is in the list of statements and nowhere above it."""
    earlier = weighed.DAY - timedelta(days=9)
    judged.store.add(weighed.stated("files/v1", weighed.files().body | {"name": "earlier"}, made_on=earlier))
    again = weighed.score("knowledge-en", "en", 60, 150)
    judged.store.add(again)
    with serve_over(judged.store) as served:
        twin = served.json(f"/model/{weighed.SUBJECT}.json")
        assert twin["name"] == "SmolLM2-135M-Instruct"
        shown = [
            one["id"] for one in twin["measured"] if one["title"] == "knowledge-en" and one["measure"] == "accuracy"
        ]
        assert shown == [again.id]
        assert len(twin["statements"]) == 12
        assert {one["name"] for one in served.json("/.json")["days"][0]["statements"]} >= {"SmolLM2-135M-Instruct"}
