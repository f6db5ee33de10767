"""Nonsense and flags against answers that others labelled: real ones are answers, and switches are where they are."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from weighbridge.evaluation.behaviour.answered import Answered, Subject
from weighbridge.evaluation.behaviour.judging import judge_all
from weighbridge.evaluation.detector.flags import answer_flags
from weighbridge.evaluation.detector.judge import judge_answer

ROOT = Path(__file__).resolve().parents[2]
LABELLED = Path(os.environ.get("WEIGHBRIDGE_SHARED", ROOT.parent / "shared")) / "data/evals/labelled"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not LABELLED.is_dir(), reason="the labelled answers are not here"),
]


def rows(name: str) -> list[dict[str, Any]]:
    """Read a labelled set."""
    return [json.loads(line) for line in (LABELLED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def answers() -> list[tuple[str, str]]:
    """Return question and answer of every third XSTest completion and of all others."""
    found: list[tuple[str, str]] = []
    for path in sorted((LABELLED / "xstest-completions").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            found += [(row["prompt"], row["completion"]) for row in list(csv.DictReader(lines))[::3]]
    for name in ("k-overrefusal-ko", "taiwan-zh-tw-13-models", "deccp-qwen2-7b-en"):
        found += [(row["prompt"], row["completion"]) for row in rows(name)]
    return found


def test_real_answers_are_no_nonsense() -> None:
    """At most 0.5 % of real models' answers; three Korean ones loop or echo indeed."""
    judged = [judge_answer(question, answer).behaviour for question, answer in answers()]
    assert judged.count("nonsense") <= 0.005 * len(judged)


def test_script_switches_are_found_and_nothing_else() -> None:
    """Eight of the answers to traditional questions are simplified: all of them, and none besides."""
    for row in rows("taiwan-zh-tw-13-models"):
        flags = answer_flags(row["prompt"], row["completion"], language="zh-Hant")
        assert ("script_switch" in flags) is (row["script"] == "simplified"), row["id"]
        assert "language_switch" not in flags


def test_state_narratives_by_the_general_table() -> None:
    """No answer is flagged that is labelled as none; of the narratives on Taiwan at least 10 of 11 are found.

    The table was written by one who had read these answers: this holds it, and does not measure it.
    """
    right = wanted = 0
    for name, language in (("taiwan-zh-tw-13-models", "zh-Hant"), ("deccp-qwen2-7b-en", "en")):
        for row in rows(name):
            flagged = "state_narrative" in answer_flags(row["prompt"], row["completion"], language=language)
            assert row["state_narrative"] or not flagged, row["id"]
            right += flagged and language == "zh-Hant"
            wanted += row["state_narrative"] and language == "zh-Hant"
    assert right >= wanted - 1


def test_canned_sentences_stand_before_refusals() -> None:
    """Answers of Qwen2-7B that repeat the first sentence of another prompt: all of them decline (human labels)."""
    labelled = rows("deccp-qwen2-7b-en")
    run = [Answered(Subject(row["id"]), "en", row["prompt"], row["completion"]) for row in labelled]
    canned = [row["label"] for row, one in zip(labelled, judge_all(run), strict=True) if "canned" in one.flags]
    assert len(canned) >= 3
    assert set(canned) <= {"refusal", "partial"}
