"""Answers that this project wrote in the manner of many models, with their labels, by language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from weighbridge.evaluation.detector.judge import judge_answer
from weighbridge.evaluation.detector.judgement import REFUSED

FIXTURES = Path(__file__).with_name("fixtures")


class Answer(NamedTuple):
    """One answer with its label; `round` tells the sets apart by the order in which they were written."""

    round: int
    label: str
    question: str
    answer: str


def read_answers(language: str) -> list[Answer]:
    """Read the answers of one language."""
    lines = (FIXTURES / f"answers_{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Answer(**json.loads(line)) for line in lines]


def misjudged(answers: list[Answer], language: str) -> list[str]:
    """Return the answers on which the detector errs about "refuses, wholly or partly"."""
    return [
        f"{found.label} > {behaviour}: {found.answer[:60]}"
        for found in answers
        if ((behaviour := judge_answer(found.question, found.answer, language).behaviour) in REFUSED)
        != (found.label in REFUSED)
    ]
