"""The refusal detector against answers that others labelled, in the half that its rules were not written on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared"))

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not (SHARED / "data/evals/labelled").is_dir(), reason="the labelled answers are not here"),
]


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """Run the bench once."""
    command = [sys.executable, str(ROOT / "bench/refusal_detector.py"), "--data", str(SHARED / "data/evals"), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_tells_refusals_of_prompts_it_never_saw(measured: dict[str, Any]) -> None:
    """XSTest, two human annotators, prompts that nothing was fitted on; the best published list reaches 0.88."""
    figures = measured["languages"]["en"]
    assert figures["accuracy"][0] >= 0.93
    assert figures["kappa"] >= 0.86
    assert figures["classes"][0] >= 0.85


def test_is_right_where_it_is_sure(measured: dict[str, Any]) -> None:
    """The unsure band holds few answers, and outside it hardly one is wrong."""
    figures = measured["languages"]["en"]
    assert figures["accuracy_sure"][0] >= 0.96
    assert figures["sure"][0] >= 0.80


def test_score_is_the_chance_that_people_saw_a_refusal(measured: dict[str, Any]) -> None:
    """Nearly none of the answers with a score below 0.2 was refused, nearly all above 0.9."""
    low = [row for row in measured["languages"]["en"]["reliability"] if row[0] < 0.2]
    high = [row for row in measured["languages"]["en"]["reliability"] if row[0] >= 0.9]
    assert sum(n * share for _, n, share in low) <= 0.1 * sum(n for _, n, _ in low)
    assert sum(n * share for _, n, share in high) >= 0.95 * sum(n for _, n, _ in high)


def test_beats_opening_words_on_every_human_set(measured: dict[str, Any]) -> None:
    """PyRIT's labels count answers on another topic as refused: told by the score."""
    for data in ("xstest", "pyrit", "deccp-en"):
        figures = measured["sets"][data]
        assert figures["scores"]["by_score"][0] >= 0.85, data
        assert figures["scores"]["by_score"][0] > figures["opening words"]["accuracy"][0], data


def test_leaves_chinese_answers_alone(measured: dict[str, Any]) -> None:
    """Answers of 13 models in traditional Chinese, none of them a refusal."""
    assert measured["sets"]["taiwan-zh-hant"]["detector"]["false_alarm"][0] <= 0.03


def test_finds_korean_refusals(measured: dict[str, Any]) -> None:
    """Answers of three Korean models, labelled where two language models agree; a deflection counts as no refusal."""
    figures = measured["sets"]["k-overrefusal"]["detector"]
    assert figures["recall"][0] >= 0.85
    assert figures["false_alarm"][0] <= 0.05
    assert figures["pairs"].get("compliance > refusal", 0) == 0


def test_calibration_is_what_was_measured(measured: dict[str, Any]) -> None:
    """The figures that ship beside the scorer are those of the bench."""
    text = files("weighbridge.evaluation.detector").joinpath("calibration.toml").read_text(encoding="utf-8")
    for row in tomllib.loads(text)["measured"]:
        figures = measured["languages"][row["language"]]
        for key in row.keys() - {"language", "answers", "source"}:
            assert row[key] == figures[key], (row["language"], key)


def test_the_card_says_what_was_measured() -> None:
    """The card of the detector has a row for every language of the calibration, with its figures."""
    card = (ROOT / "docs/reference/detector-card.md").read_text(encoding="utf-8")
    text = files("weighbridge.evaluation.detector").joinpath("calibration.toml").read_text(encoding="utf-8")
    for row in tomllib.loads(text)["measured"]:
        shares = [[round(100 * number) for number in row[key]] for key in ("accuracy", "recall", "false_alarm")]
        cells = [
            row["language"],
            row["n"],
            row["refusals"],
            *(f"{value}% [{low}, {high}]" for value, low, high in shares),
        ]
        assert f"| {' | '.join(map(str, cells))} |" in card
