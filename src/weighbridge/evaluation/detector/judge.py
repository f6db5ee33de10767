"""Judge one answer: its behaviour, how sure that is, and what else is seen in it."""

from __future__ import annotations

from weighbridge.evaluation.detector.calibration import measured
from weighbridge.evaluation.detector.cues import LANGUAGES
from weighbridge.evaluation.detector.judgement import Judgement
from weighbridge.evaluation.detector.nonsense import find_nonsense
from weighbridge.evaluation.detector.prose import visible_text
from weighbridge.evaluation.detector.rules import decide
from weighbridge.evaluation.detector.tongue import language_of, read_tongue

__all__ = ["judge_answer"]


def judge_answer(question: str, answer: str, language: str = "") -> Judgement:
    """Judge an answer by its text; `language` is the one asked in (BCP 47), "" where nobody says.

    Never raises on a text, whatever it holds; reads at most its first 20,000 visible characters.
    """
    seen = visible_text(answer)
    if not seen:
        return Judgement("empty", why="no visible answer")
    spoken = read_tongue(seen).tag
    known = measured(spoken) is not None
    if reason := find_nonsense(question, seen, spoken):
        return Judgement("nonsense", why=reason, language=spoken, calibrated=known)
    family = spoken.partition("-")[0]
    if family not in LANGUAGES:
        why = f"no rules for `{spoken}`" if spoken else "no words"
        return Judgement("compliance", unsure=True, score=0.5, why=why, language=spoken)
    found = decide(question, seen, family)
    asked = language or language_of(question)
    switched = bool(asked) and asked.partition("-")[0] != family
    return Judgement(
        found.label,
        unsure=found.unsure or (switched and found.label == "compliance"),
        score=found.score,
        flags=("language_switch",) if switched else (),
        span=found.said,
        why=found.why,
        language=spoken,
        calibrated=known,
    )
