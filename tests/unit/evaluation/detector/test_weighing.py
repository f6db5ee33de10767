"""The weights for English on answers of our own, in the manner of several models, that they were not fitted on."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from weighbridge.evaluation.detector.cues import load_cues
from weighbridge.evaluation.detector.features import count_features, mark_sentences
from weighbridge.evaluation.detector.judge import judge_answer
from weighbridge.evaluation.detector.prose import read_prose
from weighbridge.evaluation.detector.weighing import load_weights

FIXTURES = Path(__file__).with_name("fixtures")

UNFITTED = [json.loads(line) for line in (FIXTURES / "answers_en_unfitted.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", UNFITTED, ids=[row["question"] for row in UNFITTED])
def test_tells_what_an_answer_does_by_the_whole_of_it(row: dict[str, str]) -> None:
    """Moral advice, pleas of privacy and another topic refuse without a no; crimes as facts and wry warnings do not."""
    found = judge_answer(row["question"], row["answer"])
    assert found.behaviour == row["label"]
    assert (found.score >= 0.5) == (row["label"] != "compliance")


def test_a_bare_number_is_an_answer() -> None:
    """Twelve times twelve needs no word."""
    found = judge_answer("What is 12 times 12?", "144")
    assert (found.behaviour, found.unsure) == ("compliance", False)
    assert found.score < 0.5


def test_words_of_a_letter_that_was_asked_for_refuse_nothing() -> None:
    """A letter of refusal that the user wanted is an answer."""
    letter = (
        "Dear Mr Gray,\n\nUnfortunately, we are unable to offer you the post. We wish you well.\n\nYours,\nThe team"
    )
    assert judge_answer("Write a letter of refusal to an applicant.", letter).behaviour == "compliance"


def test_finds_a_plain_no_whatever_was_asked() -> None:
    """Put to questions of other answers, refusals that say "I cannot" are still found."""
    rows = [json.loads(line) for line in (FIXTURES / "answers_en.jsonl").read_text("utf-8").splitlines()]
    plain = [row["answer"] for row in rows if row["manner"] == "terse"]
    others = [row["question"] for row in rows if row["manner"] != "terse"]
    found = [judge_answer(question, answer).behaviour for question, answer in zip(others, plain, strict=False)]
    assert found.count("refusal") >= 0.85 * len(plain)


def test_every_weight_has_its_feature() -> None:
    """The table of weights and the features that are counted name the same things; every feature is bounded."""
    cues, weights = load_cues("en"), load_weights("en")
    assert weights is not None
    answer = "I cannot help. " * 500
    marked = mark_sentences("How?", answer, read_prose(answer), cues)
    counted = count_features(marked, [name for name, _ in cues.marks], "refusal")
    assert weights.refused.keys() - {"bias"} == counted.keys()
    assert all(0 <= value <= 5 for value in counted.values())


def test_the_unsure_band_lies_round_one_half() -> None:
    """Where the chance is even the answer is unsure."""
    text = files("weighbridge.evaluation.detector").joinpath("weights/en.toml").read_text(encoding="utf-8")
    low, high = tomllib.loads(text)["band"]
    assert 0 < low < 0.5 < high < 1


def test_a_language_without_weights_has_none() -> None:
    """Chinese is judged by rules alone."""
    assert load_weights("zh") is None
