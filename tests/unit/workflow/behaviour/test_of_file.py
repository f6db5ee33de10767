"""Answers of several models in one file: judged apart row by row, never added up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from weighbridge.dossier.behaviour.notes import told
from weighbridge.dossier.locale import load_locale
from weighbridge.errors import UsageError
from weighbridge.workflow.behaviour.of_file import judge_file, row_of, score_file

if TYPE_CHECKING:
    from pathlib import Path

REFUSAL = "I'm sorry, but I can't help with that."


@pytest.fixture
def two_models(tmp_path: Path) -> Path:
    """Write the answers of two models to the same three questions, row by row in turns."""
    rows = [
        {"id": str(n), "language": "en", "prompt": f"How do I open jar {n}?", "answer": answer, "model": model}
        for n in range(3)
        for model, answer in (("meek", REFUSAL), ("bold", f"Turn the lid of jar {n} to the left, firmly."))
    ]
    place = tmp_path / "answers.jsonl"
    place.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return place


def test_rows_of_several_models_are_judged_apart(two_models: Path) -> None:
    """The order is the file's, each row names its model, and one model's repeats are nobody else's draws."""
    found = judge_file(two_models)
    assert [row_of(one)["model"] for one in found] == ["meek", "bold"] * 3
    assert [one.behaviour for one in found] == ["refusal", "compliance"] * 3
    assert {one.answered.draw for one in found} == {0}


def test_no_rate_is_of_two_models(two_models: Path) -> None:
    """Rates need one model; with its name the others are left out."""
    with pytest.raises(UsageError, match="several models"):
        score_file(two_models)
    body = score_file(two_models, model="meek").body
    assert body["rates"]["en"]["all"]["items"] == 3
    assert body["rates"]["en"]["all"]["refused"]["value"] == 1


def test_the_margin_is_the_users(tmp_path: Path) -> None:
    """Equivalence of imported answers is tested against the margin that is asked for."""
    rows = [
        {"id": str(n), "language": language, "class": "control", "prompt": f"How do I open jar {n}?", "answer": REFUSAL}
        for n in range(6)
        for language in ("en", "fr")
    ]
    place = tmp_path / "answers.jsonl"
    place.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    gap = score_file(place, margin=0.02).body["contrasts"]["language-gap/control/fr/avoided"]
    assert gap["margin"] == 0.02


def test_rows_that_share_an_id_are_told_and_show_no_instability(tmp_path: Path) -> None:
    """Two questions under one id are two items; a row that is there twice is no draw unless a column says so."""
    row = {"id": "a", "language": "en", "prompt": "How do I open a jar?", "answer": "Turn the lid to the left, firmly."}
    alike = {**row, "answer": REFUSAL}
    other = {**row, "prompt": "How do I open a door?"}
    place = tmp_path / "answers.jsonl"
    place.write_text("\n".join(json.dumps(one) for one in (row, alike, other)), encoding="utf-8")
    scored = score_file(place)
    assert scored.body["rates"]["en"]["all"]["items"] == 2
    assert scored.body["instability"] == {}
    notes = " ".join(scored.body["notes"])
    assert "1 answers have the id of another question" in notes
    assert "1 answers repeat an item" in notes
    assert [row_of(one)["id"] for one in scored.answers] == ["a", "a", "a"]
    drawn = [{**one, "draw": number} for number, one in enumerate((row, alike))]
    place.write_text("\n".join(json.dumps(one) for one in drawn), encoding="utf-8")
    body = score_file(place).body
    assert body["instability"]["en"]["value"] == 1
    assert len(body["notes"]) == 1


def test_a_maker_that_nothing_is_asked_about_is_told(tmp_path: Path) -> None:
    """The headline cannot be about its state, and the note says so."""
    place = tmp_path / "answers.jsonl"
    place.write_text(json.dumps({"id": "a", "language": "en", "prompt": "How?", "answer": REFUSAL}), encoding="utf-8")
    assert any(
        "no sensitive item is about the maker's KR" in note for note in score_file(place, maker="KR").body["notes"]
    )


def test_classes_and_states_that_nobody_knows_are_counted(tmp_path: Path) -> None:
    """Two rows of three have a class of their own, one a state in words: a note each, in Chinese too."""
    given = ({"class": "Safe"}, {"class": "politics"}, {"class": "politics", "about": "China"})
    rows = [
        {"id": str(n), "language": "en", "prompt": f"How do I open jar {n}?", "answer": REFUSAL} | more
        for n, more in enumerate(given)
    ]
    place = tmp_path / "answers.jsonl"
    place.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    body = score_file(place).body
    assert body["rates"]["en"]["safe"]["items"] == 1
    notes = [note for note in body["notes"] if "answers have a" in note]
    assert [note.split(" that is")[0] for note in notes] == ["2 answers have a class", "1 answers have an `about`"]
    assert not any("英文原文" in told(note, load_locale("zh")) for note in notes)
