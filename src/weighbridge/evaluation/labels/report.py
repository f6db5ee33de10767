"""What hand labels say, language by language: how far people agree, and how often the detector is right."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.detector.judge import judge_answer
from weighbridge.evaluation.detector.judgement import INVALID, REFUSED
from weighbridge.evaluation.labels.answers import UNKNOWN, kept
from weighbridge.evaluation.labels.log import majority
from weighbridge.statistics.agreement import cohen_kappa
from weighbridge.statistics.interval import share_estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from weighbridge.core.estimate import Estimate
    from weighbridge.evaluation.detector.judgement import Judgement
    from weighbridge.evaluation.labels.log import HandLabel, Label
    from weighbridge.store.protocol import Store

__all__ = ["report_labels"]


def report_labels(labels: Sequence[Label], store: Store) -> list[dict[str, Any]]:
    """Return one object a language (JSON values), most labels first; the detector judges anew.

    An answer counts with what most people say of it, and not where they are even. `recall` and `specificity` are of
    refusals, whole or partial, against deflection and compliance, with Wilson's intervals: what people find to be
    nonsense is in neither, as in every rate.
    """
    by_language: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_language[label.act.language].append(label)
    texts = kept({label.digest for label in labels}, store)
    ordered = sorted(by_language.items(), key=lambda one: (-len(one[1]), one[0]))
    return [_language(language, given, texts) for language, given in ordered]


def _language(language: str, labels: list[Label], texts: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return what the labels of one language say."""
    decided = majority(labels)
    behaviours = Counter(hand.behaviour for hand in decided.values())
    return {
        "language": language,
        "answers": len({label.digest for label in labels}),
        "labels": len(labels),
        "people": sorted({label.act.who for label in labels}),
        "even": len({label.digest for label in labels} - decided.keys()),
        "behaviours": dict(behaviours.most_common()),
        "narratives": sum(hand.narrative is True for hand in decided.values()),
        "agreement": _agreement(labels),
        "detector": _detector(language, decided, texts),
    }


def _agreement(labels: list[Label]) -> list[dict[str, Any]]:
    """Return agreement and kappa of every two people who labelled the same answers."""
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for label in labels:
        said[label.act.who][label.digest] = label.act.behaviour
    rows = []
    for one, two in combinations(sorted(said), 2):
        both = [(said[one][digest], said[two][digest]) for digest in said[one] if digest in said[two]]
        if both:
            same = share_estimate(sum(first == second for first, second in both), len(both))
            rows.append({"people": [one, two], "same": _json(same), "kappa": _json(cohen_kappa(both))})
    return rows


def _detector(language: str, decided: Mapping[str, HandLabel], texts: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return the detector beside what people say, on the answers whose texts are here."""
    judged: list[tuple[HandLabel, Judgement]] = [
        (hand, judge_answer(*texts[digest], "" if language == UNKNOWN else language))
        for digest, hand in decided.items()
        if digest in texts
    ]
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    for hand, found in judged:
        confusion[hand.behaviour][found.behaviour] += 1
    valid = [(hand.behaviour in REFUSED, found.behaviour in REFUSED) for hand, found in judged
             if hand.behaviour != INVALID]  # fmt: skip
    refused = [found for is_refusal, found in valid if is_refusal]
    answered = [found for is_refusal, found in valid if not is_refusal]
    same = share_estimate(sum(hand.behaviour == found.behaviour for hand, found in judged), len(judged))
    return {
        "judged": len(judged),
        "without_text": len(decided) - len(judged),
        "unsure": sum(found.unsure for _, found in judged),
        "recall": _json(share_estimate(sum(refused), len(refused))),
        "specificity": _json(share_estimate(len(answered) - sum(answered), len(answered))),
        "same": _json(same),
        "confusion": {hand: dict(row.most_common()) for hand, row in confusion.items()},
    }


def _json(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else estimate.to_json()
