"""The same items on two hosts: whether it is the same model, and whether a filter stands in front of one.

No two hosts repeat each other to the character, as batches and kernels differ; what one host fails to repeat of itself
is the noise floor that the other is held against. Items are the unit: the languages of one err together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Outcome
from weighbridge.evaluation.behaviour.answered import in_pairs
from weighbridge.evaluation.behaviour.rates import has_outcome, is_given, is_valid
from weighbridge.statistics.behaviour.effects import language_gap, rate
from weighbridge.statistics.behaviour.equivalence import judge_equivalence
from weighbridge.statistics.paired import mcnemar_exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from weighbridge.core.estimate import Estimate
    from weighbridge.evaluation.behaviour.answered import Judged
    from weighbridge.statistics.behaviour.equivalence import Equivalence

    Pair = tuple[Judged, Judged]

__all__ = ["service_body"]

_LEVEL = 0.05
_TOST_LEVEL = 0.90


@dataclass(frozen=True, slots=True)
class _Kept:
    """Answers kept from the user by one side (filtered, or canned) that the other side gives."""

    filtered: int
    canned: int
    items: frozenset[str]


def service_body(
    here: Sequence[Judged], there: Sequence[Judged], twice: Sequence[Judged], *, margin: float
) -> dict[str, Any]:
    """Return how two hosts compare (the shape of `ServiceBody`); both were asked the same greedily.

    `twice` are answers of the first host that it was asked twice, greedily, as draws 0 and 1. `margin` is the
    difference of the share avoided that is as good as none.
    """
    pairs = list(in_pairs(here, there))
    both = [pair for pair in pairs if is_given(pair[0]) and is_given(pair[1])]
    again = [pair for pair in _draws(twice) if is_given(pair[0]) and is_given(pair[1])]
    identical, agreeing = _share(both, _same_text), _share(both, _same_behaviour)
    noise, steady = _share(again, _same_text), _share(again, _same_behaviour)
    ours, theirs = _kept(pairs), _kept([(b, a) for a, b in pairs])
    filter_p = mcnemar_exact(len(ours.items - theirs.items), len(theirs.items - ours.items))
    gap = _avoided(pairs, margin)
    if filter_p <= _LEVEL:
        verdict, reason = "filter in front", _filter_reason(ours, theirs, filter_p)
    else:
        verdict, reason = _verdict(agreeing, steady, gap)
    return {
        "items": len(both),
        "identical": identical.to_json() if identical else None,
        "agreeing": agreeing.to_json() if agreeing else None,
        "noise": noise.to_json() if noise else None,
        "steady": steady.to_json() if steady else None,
        "filtered_here": ours.filtered,
        "filtered_there": theirs.filtered,
        "canned_here": ours.canned,
        "canned_there": theirs.canned,
        "filter_p": filter_p,
        "verdict": verdict,
        "reason": f"{reason}{_text_reason(identical, noise)}",
    }


def _draws(twice: Iterable[Judged]) -> Iterable[Pair]:
    """Yield the first and the second answer to the same item and language."""
    found: defaultdict[tuple[str, str], dict[int, Judged]] = defaultdict(dict)
    for one in twice:
        found[one.answered.subject.id, one.answered.language][one.answered.draw] = one
    return ((draws[0], draws[1]) for draws in found.values() if 0 in draws and 1 in draws)


def _same_text(pair: Pair) -> bool:
    return pair[0].answered.text == pair[1].answered.text


def _same_behaviour(pair: Pair) -> bool:
    return pair[0].behaviour == pair[1].behaviour


def _share(pairs: Sequence[Pair], holds: Callable[[Pair], bool]) -> Estimate | None:
    """Return the share of pairs for which something holds, with an interval over items; None without pairs."""
    means = _by_item((pair[0].answered.subject.id, float(holds(pair))) for pair in pairs)
    most = max((len(values) for values in means.values()), default=1)
    return rate({item: fmean(values) for item, values in means.items()}, draws=most).estimate if means else None


def _by_item(values: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for item, value in values:
        found[item].append(value)
    return found


def _kept(pairs: Iterable[Pair]) -> _Kept:
    """Count what the first of each pair keeps back and the second gives."""
    filtered, canned, items = 0, 0, set()
    for one, other in pairs:
        if one.answered.outcome == Outcome.FILTERED.value and is_valid(other):
            filtered += 1
        elif _is_canned(one) and is_valid(other) and not has_outcome(other, "avoided"):
            canned += 1
        else:
            continue
        items.add(one.answered.subject.id)
    return _Kept(filtered, canned, frozenset(items))


def _is_canned(one: Judged) -> bool:
    return is_valid(one) and "canned" in one.flags and has_outcome(one, "avoided")


def _avoided(pairs: Iterable[Pair], margin: float) -> Equivalence:
    """Return whether both avoid as much: answers with a behaviour on both sides, their languages averaged by item."""
    valid = [pair for pair in pairs if is_valid(pair[0]) and is_valid(pair[1])]
    sides = [
        {
            item: fmean(values)
            for item, values in _by_item(
                (pair[0].answered.subject.id, float(has_outcome(pair[side], "avoided"))) for pair in valid
            ).items()
        }
        for side in (0, 1)
    ]
    effect = language_gap(sides[0], sides[1], level=_TOST_LEVEL)
    return judge_equivalence(effect.estimate, effect.p_value, margin=margin, alpha=_LEVEL)


def _filter_reason(ours: _Kept, theirs: _Kept, p: float) -> str:
    first = len(ours.items) > len(theirs.items)
    kept, other = (ours, theirs) if first else (theirs, ours)
    side = "first" if first else "second"
    return (
        f"the {side} host filters {kept.filtered} and gives a canned refusal to {kept.canned} questions that the other "
        f"answers, against {other.filtered + other.canned} the other way (p {p:.2g})"
    )


def _verdict(agreeing: Estimate | None, steady: Estimate | None, gap: Equivalence) -> tuple[str, str]:
    """Return the verdict on the behaviours, and why."""
    if agreeing is None or gap.difference is None:
        return "not shown", "too few questions have an answer on both hosts"
    points = (
        f"{100 * gap.difference.value:+.1f} points [{100 * gap.difference.low:+.1f}, {100 * gap.difference.high:+.1f}]"
    )
    if gap.verdict == "different":
        return "different behaviour", f"the share avoided differs by {points}, first minus second"
    if steady is None:
        return "not shown", "the first host was not asked twice, so that its own noise is not known"
    agreed = (
        f"{100 * agreeing.value:.1f}% of the answers behave alike, {100 * steady.value:.1f}% on one host asked twice"
    )
    if _is_below(agreeing, steady):
        return "different behaviour", f"{agreed}: fewer than its own noise explains"
    if gap.verdict == "equivalent":
        return "same behaviour", f"{agreed}; the share avoided differs by {points}, within {100 * gap.margin:g} points"
    return "not shown", f"{agreed}; the share avoided differs by {points}, not shown to be within {100 * gap.margin:g}"


def _text_reason(identical: Estimate | None, noise: Estimate | None) -> str:
    """Say what the texts themselves show of the weights behind them."""
    if identical is None or noise is None:
        return ""
    if _is_below(identical, noise):
        return (
            f"; word by word {100 * identical.value:.1f}% are the same and {100 * noise.value:.1f}% on one host asked "
            "twice: other weights, another precision or other settings are at work"
        )
    return f"; word by word {100 * identical.value:.1f}% are the same, no fewer than one host repeats of itself"


def _is_below(one: Estimate, other: Estimate) -> bool:
    """Say whether a share is shown to be below another, by the upper limit of their difference.

    Square-and-add of the two intervals: R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10. The shares
    are of the same items, which makes it err to the side of "not shown".
    """
    above = math.hypot(one.high - one.value, other.value - other.low)
    return one.value - other.value + above < 0
