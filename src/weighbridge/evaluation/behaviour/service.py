"""The same items on two hosts: whether it is the same model, and whether a filter stands in front of one.

No two hosts repeat each other to the character, as batches and kernels differ; what one host fails to repeat of itself
is the noise floor that the other is held against. Items are the unit: the languages of one err together. A side that
is silent where the other answers is never "alike": an empty answer or an error is how a filter without a name looks.
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
    """Answers kept from the user by one side that the other side gives, each counted in one place.

    `filtered` by its own word, `silent` without one (empty, failed, timed out, or reasoning that never ended), `canned`
    by a refusal in one sentence. `items` had any of these, `mute` no answer at all.
    """

    filtered: int
    silent: int
    canned: int
    items: frozenset[str]
    mute: frozenset[str]


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
    if filter_p <= _LEVEL:
        verdict, reason = "filter in front", _filter_reason(ours, theirs, filter_p)
    else:
        verdict, reason = _verdict(agreeing, steady, _avoided(pairs, margin))
        unheard = _unheard(ours, theirs, len({one.place for one in here} ^ {one.place for one in there}))
        if unheard and verdict != "different behaviour":
            verdict = "not shown"
        reason += unheard
    return {
        "items": len(both),
        "identical": identical.to_json() if identical else None,
        "agreeing": agreeing.to_json() if agreeing else None,
        "noise": noise.to_json() if noise else None,
        "steady": steady.to_json() if steady else None,
        "filtered_here": ours.filtered,
        "filtered_there": theirs.filtered,
        "silent_here": ours.silent,
        "silent_there": theirs.silent,
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
    counts = {"filtered": 0, "silent": 0, "canned": 0}
    items: set[str] = set()
    mute: set[str] = set()
    for one, other in pairs:
        how = _keeps_back(one, other)
        if how:
            counts[how] += 1
            items.add(one.answered.subject.id)
        if how in {"filtered", "silent"}:
            mute.add(one.answered.subject.id)
    return _Kept(**counts, items=frozenset(items), mute=frozenset(mute))


def _keeps_back(one: Judged, other: Judged) -> str:
    """Say how the first keeps back what the second gives; "" where it does not."""
    if not is_given(one):
        filtered = one.answered.outcome == Outcome.FILTERED.value
        return ("filtered" if filtered else "silent") if is_given(other) else ""
    return "canned" if _is_canned(one) and is_valid(other) and not has_outcome(other, "avoided") else ""


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
    said = (
        f"{_mute(kept, side)}; the {side} host filters {kept.filtered} questions, says nothing to {kept.silent} and "
        f"gives a canned refusal to {kept.canned} that the other answers, against "
        f"{other.filtered + other.silent + other.canned} the other way (p {p:.2g} over items)"
    )
    return said + ("; a host that fails by itself looks the same: look at the errors" if kept.silent else "")


def _mute(kept: _Kept, side: str) -> str:
    """Say how many items one side is silent on, of those that the other answers; `side` is the silent one."""
    return f"{len(kept.mute)} items answered by one host and silent at the other (the {side})"


def _unheard(ours: _Kept, theirs: _Kept, apart: int) -> str:
    """Say what was heard of one host only, which no verdict of sameness covers; "" for nothing."""
    said = [_mute(kept, side) for kept, side in ((ours, "first"), (theirs, "second")) if kept.mute]
    if apart:
        said.append(f"{apart} questions put to one host only")
    return "".join(f"; {one}" for one in said)


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
