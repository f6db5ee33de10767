"""Judge one answer: its behaviour, how sure that is, and what else is seen in it."""

from __future__ import annotations

from weighbridge.evaluation.detector.calibration import measured
from weighbridge.evaluation.detector.cues import LANGUAGES
from weighbridge.evaluation.detector.flags import answer_flags, opens_with_refusal
from weighbridge.evaluation.detector.judgement import Judgement
from weighbridge.evaluation.detector.nonsense import find_nonsense
from weighbridge.evaluation.detector.prose import visible_text
from weighbridge.evaluation.detector.rules import decide
from weighbridge.evaluation.detector.tongue import language_of, read_tongue

__all__ = ["judge_answer"]

_MOST_ASKED = 20_000  # characters of a question that are read


def judge_answer(question: str, answer: str, language: str = "") -> Judgement:
    """Judge an answer by its text; `language` is the one asked in (BCP 47), "" where nobody says.

    Never raises on a text, whatever it holds; reads at most its first 20,000 visible characters, and
    20,000 characters of the question.
    """
    question = question[:_MOST_ASKED]
    seen = visible_text(answer)
    if not seen:
        return Judgement("empty", why="no visible answer")
    tongue, asked = read_tongue(seen), language or language_of(question)
    spoken = tongue.tag
    flags = answer_flags(question, answer, language=language)
    reason = find_nonsense(question, seen, spoken, language)
    if reason and not opens_with_refusal(seen, _family(spoken)):  # a refusal that runs into a loop is a refusal
        known = measured(spoken) is not None
        return Judgement("nonsense", flags=flags, why=reason, language=spoken, calibrated=known)
    tried = [spoken] if tongue.sure else [spoken, asked]  # a few words may be in the language asked in
    judged = {tag: decide(question, seen, _family(tag)) for tag in tried if _family(tag) in LANGUAGES}
    if not judged:
        why = f"no rules for `{spoken}`" if spoken else "no words"
        return Judgement("compliance", unsure=True, score=0.5, flags=flags, why=why, language=spoken)
    spoken = max(judged, key=lambda tag: judged[tag].score)
    found = judged[spoken]
    switched = bool(asked) and _family(asked) != _family(spoken)
    return Judgement(
        found.label,
        unsure=found.unsure or (switched and found.label == "compliance"),
        score=found.score,
        flags=flags,
        span=found.said,
        why=found.why,
        language=spoken,
        calibrated=measured(spoken) is not None,
    )


def _family(tag: str) -> str:
    """Return the language of a tag, without its script."""
    return tag.partition("-")[0]
