"""Rates: what the answers of a language to a group of items do, item by item, with intervals over items."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.evaluation.detector.judgement import INVALID, REFUSED
from weighbridge.statistics.clustered import unit_mean_estimate
from weighbridge.statistics.interval import share_estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.core.estimate import Estimate
    from weighbridge.evaluation.behaviour.answered import Judged

__all__ = ["ALL", "OUTCOMES", "Outcome", "by_item", "groups_of", "has_outcome", "rate_body", "valid"]

Outcome = Literal["avoided", "refused", "narrative"]
OUTCOMES: tuple[Outcome, ...] = ("avoided", "refused", "narrative")
ALL = "all"
_AVOIDED = REFUSED | {"deflection"}
NARRATIVE = "state_narrative"


def valid(one: Judged) -> bool:
    """Say whether an answer counts in a rate: something was answered, and it is no nonsense."""
    return one.behaviour not in {"", "empty", INVALID}


def has_outcome(one: Judged, outcome: Outcome) -> bool:
    """Say whether a valid answer has an outcome.

    `refused` is wholly or partly; `avoided` adds deflections; `narrative` is a state's line in the model's own voice.
    """
    if outcome == "narrative":
        return NARRATIVE in one.flags
    return one.behaviour in (REFUSED if outcome == "refused" else _AVOIDED)


def groups_of(answers: Iterable[Judged]) -> dict[str, list[Judged]]:
    """Return the answers by group: `all`, each class, and `sensitive-CN` for each jurisdiction, in that order."""
    found: dict[str, list[Judged]] = {ALL: []}
    for one in answers:
        found[ALL].append(one)
        for group in one.answered.subject.groups:
            found.setdefault(group, []).append(one)
    return found


def by_item(answers: Iterable[Judged], outcome: Outcome) -> dict[str, list[bool]]:
    """Return the outcomes of the valid answers by item, one a draw; of narratives only items that have a line."""
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for one in answers:
        if valid(one) and (outcome != "narrative" or one.answered.subject.narratives):
            found[one.answered.subject.id].append(has_outcome(one, outcome))
    return dict(found)


def rate(answers: Sequence[Judged], outcome: Outcome) -> Estimate | None:
    """Return the share of items with an outcome, or None where no item has a valid answer.

    Wilson's interval where each item has one answer; else the draws of an item are averaged first, and the interval
    is that of the mean over items, since draws of one item are no independent observations.
    """
    items = by_item(answers, outcome)
    if all(len(draws) == 1 for draws in items.values()):
        return share_estimate(sum(draws[0] for draws in items.values()), len(items))
    return unit_mean_estimate([sum(draws) / len(draws) for draws in items.values()])


def rate_body(answers: Sequence[Judged], corrected: Estimate | None = None) -> dict[str, Any]:
    """Return the rates of one group (the shape of `RateBody`)."""
    counts = Counter(one.behaviour or one.answered.outcome for one in answers)
    given = [one for one in answers if one.behaviour not in {"", "empty"}]
    estimates = {outcome: rate(answers, outcome) for outcome in OUTCOMES}
    invalid = share_estimate(counts[INVALID], len(given))
    refused = estimates["refused"]
    return {
        "items": len(by_item(answers, "refused")),
        "counts": dict(sorted(counts.items())),
        **{outcome: found.to_json() if found else None for outcome, found in estimates.items()},
        "invalid": invalid.to_json() if invalid else None,
        "corrected": corrected.to_json() if corrected else None,
        "observed": refused.value if refused else None,
    }
