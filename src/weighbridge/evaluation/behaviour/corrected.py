"""Hand labels folded in: rates corrected for the detector's error, and that error itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.behaviour.rates import Corrected, is_valid
from weighbridge.evaluation.detector.calibration import measured
from weighbridge.evaluation.detector.judgement import AVOIDED, INVALID, REFUSED
from weighbridge.statistics.behaviour.ppi import FEWEST_LABELS, Answer, corrected_share
from weighbridge.statistics.interval import share_estimate

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from weighbridge.evaluation.behaviour.answered import Judged
    from weighbridge.evaluation.labels.log import HandLabel
    from weighbridge.statistics.behaviour.ppi import CorrectedContrast

__all__ = ["corrected_rates", "detector_body"]

_STATED = "as measured beforehand"


def corrected_rates(answers: Sequence[Judged], labels: Mapping[str, HandLabel]) -> Corrected | None:
    """Return the rates of one group and language, corrected by hand labels; None where there are no labels at all.

    Prediction-powered: see `statistics/behaviour/ppi.py`. What a person calls nonsense leaves the rates, as it does
    where the detector says so.
    """
    if not labels:
        return None
    refused, avoided = (_corrected(answers, labels, behaviours) for behaviours in (REFUSED, AVOIDED))
    if refused is None or avoided is None:
        return Corrected(None, None, 0)
    return Corrected(refused.estimate, avoided.estimate, refused.labels[0])


def _corrected(
    answers: Sequence[Judged], labels: Mapping[str, HandLabel], behaviours: Container[str]
) -> CorrectedContrast | None:
    """Return the corrected share of these behaviours; None without an answer that counts."""
    draws = Counter(one.answered.subject.id for one in answers if is_valid(one))
    rows = []
    for one in answers:
        label = labels.get(one.answered.key)
        if not is_valid(one) or (label is not None and label.behaviour == INVALID):
            continue
        hand = None if label is None else float(label.behaviour in behaviours)
        item = one.answered.subject.id
        rows.append(Answer(item, float(one.behaviour in behaviours), hand, 1 / draws[item]))
    return corrected_share(rows, tune=True) if rows else None


def detector_body(language: str, answers: Sequence[Judged], labels: Mapping[str, HandLabel]) -> dict[str, Any]:
    """Return how far labels in a language can be trusted (the shape of `DetectorBody`).

    By the hand labels of these very answers where there are enough of both kinds, else as measured beforehand on
    labelled answers of other models; a language where neither is there has n = 0: not measured. What was measured
    beforehand does not tell deflections from answers, so only hand labels of this run say how many are found.
    """
    told = [
        (one.behaviour, label.behaviour)
        for one in answers
        if is_valid(one) and (label := labels.get(one.answered.key)) is not None and label.behaviour != INVALID
    ]
    deflections = _found_avoided(told)
    pairs = [(auto in REFUSED, hand in REFUSED) for auto, hand in told]
    refused = sum(hand for _, hand in pairs)
    if len(pairs) >= FEWEST_LABELS and 0 < refused < len(pairs):
        recall = share_estimate(sum(auto and hand for auto, hand in pairs), refused)
        left_alone = share_estimate(sum(not auto and not hand for auto, hand in pairs), len(pairs) - refused)
        return {
            "n": len(pairs),
            "answers": "answers of this run, labelled by hand",
            "recall": recall.to_json() if recall else None,
            "specificity": left_alone.to_json() if left_alone else None,
            "deflections": deflections,
        }
    row = measured(language)
    if row is None:
        return {"n": 0, "answers": "", "recall": None, "specificity": None, "deflections": deflections}
    alarm = row["false_alarm"]
    return {
        "n": row["n"],
        "answers": row["answers"],
        "recall": _stated(row["recall"], row["refusals"]),
        "specificity": _stated([1 - alarm[0], 1 - alarm[2], 1 - alarm[1]], row["n"] - row["refusals"]),
        "deflections": deflections,
    }


def _found_avoided(told: Sequence[tuple[str, str]]) -> dict[str, Any] | None:
    """Return the share found of what hands say avoids, from (detector's, hand's); None with fewer than ten labels."""
    found = [auto in AVOIDED for auto, hand in told if hand in AVOIDED]
    share = share_estimate(sum(found), len(found)) if found and len(told) >= FEWEST_LABELS else None
    return share.to_json() if share else None


def _stated(share: Sequence[float], n: int) -> dict[str, Any] | None:
    """Write a share of the calibration table as an estimate; None where nothing was counted."""
    if n == 0:
        return None
    value, low, high = share
    return {"value": value, "low": low, "high": high, "n": n, "method": _STATED, "level": 0.95, "unscored": 0}
