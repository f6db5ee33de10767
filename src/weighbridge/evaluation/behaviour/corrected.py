"""Hand labels folded in: rates corrected for the detector's error, and that error itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.behaviour.rates import is_valid
from weighbridge.evaluation.detector.calibration import measured
from weighbridge.evaluation.detector.judgement import INVALID, REFUSED
from weighbridge.statistics.behaviour.ppi import FEWEST_LABELS, Answer, corrected_share
from weighbridge.statistics.interval import share_estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.core.estimate import Estimate
    from weighbridge.evaluation.behaviour.answered import Judged
    from weighbridge.evaluation.labels.log import HandLabel

__all__ = ["corrected_rate", "detector_body"]

_STATED = "as measured beforehand"


def corrected_rate(answers: Sequence[Judged], labels: Mapping[str, HandLabel]) -> Estimate | None:
    """Return the share refused in one group and language, corrected by hand labels; None with fewer than ten.

    Prediction-powered: see `statistics/behaviour/ppi.py`. What a person calls nonsense leaves the rate, as it does
    where the detector says so.
    """
    if not labels:
        return None
    draws = Counter(one.answered.subject.id for one in answers if is_valid(one))
    rows = []
    for one in answers:
        label = labels.get(one.answered.key)
        if not is_valid(one) or (label is not None and label.behaviour == INVALID):
            continue
        hand = None if label is None else float(label.behaviour in REFUSED)
        item = one.answered.subject.id
        rows.append(Answer(item, float(one.behaviour in REFUSED), hand, 1 / draws[item]))
    return corrected_share(rows, tune=True).estimate if rows else None


def detector_body(language: str, answers: Sequence[Judged], labels: Mapping[str, HandLabel]) -> dict[str, Any]:
    """Return how far labels in a language can be trusted (the shape of `DetectorBody`).

    By the hand labels of these very answers where there are enough of both kinds, else as measured beforehand on
    labelled answers of other models; a language where neither is there has n = 0: not measured.
    """
    pairs = [
        (one.behaviour in REFUSED, label.behaviour in REFUSED)
        for one in answers
        if is_valid(one) and (label := labels.get(one.answered.key)) is not None and label.behaviour != INVALID
    ]
    refused = sum(hand for _, hand in pairs)
    if len(pairs) >= FEWEST_LABELS and 0 < refused < len(pairs):
        recall = share_estimate(sum(auto and hand for auto, hand in pairs), refused)
        left_alone = share_estimate(sum(not auto and not hand for auto, hand in pairs), len(pairs) - refused)
        return {
            "n": len(pairs),
            "answers": "answers of this run, labelled by hand",
            "recall": recall.to_json() if recall else None,
            "specificity": left_alone.to_json() if left_alone else None,
        }
    row = measured(language)
    if row is None:
        return {"n": 0, "answers": "", "recall": None, "specificity": None}
    alarm = row["false_alarm"]
    return {
        "n": row["n"],
        "answers": row["answers"],
        "recall": _stated(row["recall"], row["refusals"]),
        "specificity": _stated([1 - alarm[0], 1 - alarm[2], 1 - alarm[1]], row["n"] - row["refusals"]),
    }


def _stated(share: Sequence[float], n: int) -> dict[str, Any] | None:
    """Write a share of the calibration table as an estimate; None where nothing was counted."""
    if n == 0:
        return None
    value, low, high = share
    return {"value": value, "low": low, "high": high, "n": n, "method": _STATED, "level": 0.95, "unscored": 0}
