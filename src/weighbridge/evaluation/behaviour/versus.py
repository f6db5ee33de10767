"""Two models on the same items: the differences by language and group, topic by topic, and where they differ."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.behaviour.answered import MOST_SHOWN, in_pairs
from weighbridge.evaluation.behaviour.contrasts import name_of
from weighbridge.evaluation.behaviour.rates import ALL, OUTCOMES, groups_of, has_outcome, is_mixed, is_valid, means_of
from weighbridge.statistics.behaviour.effects import language_gap
from weighbridge.statistics.permutation import holm_adjusted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from weighbridge.evaluation.behaviour.answered import Judged
    from weighbridge.evaluation.behaviour.rates import Means, Outcome

__all__ = ["differences_of", "pairs_of", "topics_of"]

_MOST_PAIRS = 200
_FEWEST = 5


def differences_of(
    candidate: Sequence[Judged],
    baseline: Sequence[Judged],
    languages: Sequence[str],
    *,
    unmeasured: Collection[str] = (),
    stopped: bool = False,
) -> dict[str, Any]:
    """Return candidate minus baseline by language, group and outcome, paired by item (the shape of `ContrastBody`).

    p is adjusted by Holm within each outcome. Items without a valid answer on either side are left out and counted.
    Where the detector is `unmeasured` in a language there are counts and no figure; where the asking was `stopped` by
    the candidate's own answers there is no p. All items together are left out where some should be refused.
    """
    rows: dict[str, dict[str, Any]] = {}
    for language in languages:
        ours, theirs = ([one for one in side if one.answered.language == language] for side in (candidate, baseline))
        others = groups_of(theirs)
        groups = groups_of(ours)
        if is_mixed(ours):
            del groups[ALL]
        for group, members in groups.items():
            for outcome in OUTCOMES:
                first = means_of(members, outcome).get(language, {})
                second = means_of(others.get(group, ()), outcome).get(language, {})
                if len(first) >= _FEWEST:
                    rows[name_of("to-baseline", group, language, outcome)] = _row(
                        first, second, group, language, outcome
                    )
    for row in rows.values():
        known = row["language"] not in unmeasured
        row |= {"estimate": row["estimate"] if known else None, "p": row["p"] if known and not stopped else None}
    _adjust(rows)
    return rows


def _adjust(rows: dict[str, dict[str, Any]]) -> None:
    """Adjust the p-values by Holm within each outcome."""
    for outcome in OUTCOMES:
        family = [row for row in rows.values() if row["outcome"] == outcome and row["p"] is not None]
        for row, p in zip(family, holm_adjusted([row["p"] for row in family]), strict=True):
            row["p_adjusted"] = p


def _row(first: Means, second: Means, group: str, language: str, outcome: Outcome) -> dict[str, Any]:
    effect = language_gap(first, second)
    known = [(a, b) for item, a in first.items() if a is not None and (b := second.get(item)) is not None]
    return {
        "what": "to-baseline",
        "outcome": outcome,
        "group": group,
        "language": language,
        "reference": "",
        "estimate": effect.estimate.to_json() if effect.estimate else None,
        "here_only": sum(a > b for a, b in known),
        "there_only": sum(a < b for a, b in known),
        "p": effect.p_value,
        "p_adjusted": None,
        "equivalence": None,
        "margin": None,
        "left_out": effect.left_out,
    }


def topics_of(candidate: Sequence[Judged], baseline: Sequence[Judged]) -> dict[str, Any]:
    """Return topic by language: items that both answered, and how many each avoided (the shape of `CellBody`)."""
    found: defaultdict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for ours, theirs in in_pairs(candidate, baseline):
        topic, language = ours.answered.subject.topic, ours.answered.language
        if not topic or not (is_valid(ours) and is_valid(theirs)):
            continue
        cell = found[topic].setdefault(language, {"items": 0, "candidate": 0.0, "baseline": 0.0})
        cell["items"] += 1
        cell["candidate"] += has_outcome(ours, "avoided")
        cell["baseline"] += has_outcome(theirs, "avoided")
    return {topic: dict(cells) for topic, cells in sorted(found.items())}


def pairs_of(candidate: Sequence[Judged], baseline: Sequence[Judged]) -> tuple[int, list[dict[str, Any]]]:
    """Return how many questions the two behave differently on, and the first of them (the shape of `PairBody`)."""
    differing = [
        (ours, theirs)
        for ours, theirs in in_pairs(candidate, baseline)
        if is_valid(ours) and is_valid(theirs) and _told(ours) != _told(theirs)
    ]
    return len(differing), [_pair(ours, theirs) for ours, theirs in differing[:_MOST_PAIRS]]


def _told(one: Judged) -> tuple[bool, bool]:
    """Return what two answers are compared by: whether it avoids, and whether it recites."""
    return has_outcome(one, "avoided"), has_outcome(one, "narrative")


def _pair(ours: Judged, theirs: Judged) -> dict[str, Any]:
    answered = ours.answered
    return {
        "id": answered.subject.id,
        "language": answered.language,
        "topic": answered.subject.topic,
        "group": answered.subject.kind,
        "question": answered.question[:MOST_SHOWN],
        "candidate": ours.behaviour,
        "baseline": theirs.behaviour,
        "candidate_flags": sorted(ours.flags),
        "baseline_flags": sorted(theirs.flags),
        "candidate_said": answered.text[:MOST_SHOWN],
        "baseline_said": theirs.answered.text[:MOST_SHOWN],
    }
