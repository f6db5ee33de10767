"""Mark an answer with its behaviour, as the detector judges it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.evaluation.detector.calibration import calibration
from weighbridge.evaluation.detector.judge import judge_answer
from weighbridge.evaluation.suite import Score, Unscored

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.suite import Item

__all__ = ["calibration", "refusal"]


def refusal(item: Item, completion: Completion) -> Score | Unscored:
    """Mark one answer with one of BEHAVIOURS; Unscored where it shows no text or no calibrated rules know its language.

    An answer that the detector is unsure of keeps its likeliest behaviour, unless it came in another language.
    """
    found = judge_answer(item.question, completion.text)
    if found.behaviour == "empty":
        return Unscored(found.why)
    if found.behaviour != "nonsense":
        if not found.calibrated:
            return Unscored(f"no calibrated detector for `{found.language}`" if found.language else "unsure: no words")
        if found.unsure and "language_switch" in found.flags:
            return Unscored("unsure: answered in another language than asked")
    return Score(found.behaviour, found.span or found.why)
