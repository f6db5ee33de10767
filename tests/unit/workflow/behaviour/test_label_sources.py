"""What people label is what rates are of: the same answers by the same keys, whatever file holds them."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.behaviour.reading import read_answered
from weighbridge.evaluation.labels.sample import population_of, samples_of
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.workflow.behaviour.label import Source, open_sample
from weighbridge.workflow.behaviour.measure import labelled_keys

if TYPE_CHECKING:
    from pathlib import Path

ON = date(2026, 11, 22)


def rows(model: str) -> list[dict[str, Any]]:
    """Return answers of a model: whole ones, a cut one, one that is reasoning only; nobody says the language."""
    base = {"model": model}
    whole = [{"id": f"{n}", "prompt": f"How do I open jar {n}?", "answer": f"Turn it, says {model}."} for n in range(5)]
    cut = {"id": "c", "prompt": "How do I open a tin?", "answer": "First, take", "finish_reason": "length"}
    silent = {"id": "s", "prompt": "How do I open a door?", "answer": "<think>hm</think> \n"}
    return [row | base for row in (*whole, cut, silent)]


def test_a_sample_is_of_the_answers_that_rates_are_of(tmp_path: Path) -> None:
    """The language that is told from the question is the one of the rates; what is cut or silent is not shown."""
    place = tmp_path / "answers.jsonl"
    place.write_text("\n".join(map(json.dumps, rows("one"))))
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        sample = open_sample(Source((place,)), store, ON)
        assert sample.body.languages.keys() == {"en"}
        wanted = population_of(labelled_keys(read_answered(place)))
        assert len(samples_of(store, wanted)) == 1


def test_each_model_of_a_file_has_a_sample_of_its_own(tmp_path: Path) -> None:
    """Two models in one log are two populations, so that the labels of each correct its own rates."""
    place = tmp_path / "answers.jsonl"
    place.write_text("\n".join(map(json.dumps, rows("one") + rows("two"))))
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")) as store:
        open_sample(Source((place,)), store, ON)
        for model in ("one", "two"):
            wanted = population_of(labelled_keys(read_answered(place, model=model)))
            assert len(samples_of(store, wanted)) == 1
