"""When a comparison is over, and what it then says: of the preference and of every sign, at any time.

"Not worse" says six things at once: the preference is above 0.5 - margin, and each sign of harm is on at most `margin`
more of the prompts than with the primary. And it rests on no judge that goes by place. All these tests must reject,
each at ALPHA, so that it is wrong with a chance of at most ALPHA (intersection-union, Berger 1982). "Worse" says that
one of the six does not hold: a mean of e-values is an e-value (Vovk and Wang, Annals of Statistics 49, 2021), and half
of it is the preference's. It asks nothing of places: the order is drawn, so going by them hides harm and makes none.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from weighbridge.core.estimate import Estimate
from weighbridge.pilot.shadow.scoring import UNAVAILABLE
from weighbridge.pilot.shadow.tally import is_judged, preference_of
from weighbridge.statistics.stream_mean import StreamMean

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ALPHA", "BAD", "PREFERENCE_PART", "Verdict", "excess_of", "goes_by_place", "verdict_kept", "verdict_now"]

ALPHA = 0.05
"""Of each of the two verdicts, only one of which can be wrong: as `statistics.sequential` plans a comparison."""

PREFERENCE_PART = 0.5
"""Of the evidence that a candidate is worse; the signs share the rest."""

BAD = (
    ("refused", "refused", True),
    ("malformed", "in_form", False),
    ("language", "same_language", False),
    ("cut", "cut", True),
)
"""Name, flag, and what of it is bad. A candidate that failed is a sign of its own, `failed`."""

_BY_PLACE = 0.75  # of decisive verdicts for one place: where more than half say nothing of the answers, it is more
_SURE = 0.01

Verdict: TypeAlias = Literal["not worse", "worse", "not yet", "not looked at"]


def _is_looked_at(body: Mapping[str, Any]) -> bool:
    """Whether anybody says which answers are better: a judge is named, and has said so of one pair at the least.

    Where all answers are the same there is nothing to ask a judge about. A judge that goes by place looks at nothing.
    """
    return bool(body["about"]["judge"]) and is_judged(body["cells"]) and not goes_by_place(body["judge"])


def goes_by_place(judge: Mapping[str, int]) -> bool:
    """Whether a judge mostly names the answer that it was shown `first` (or `second`), whichever it is.

    The order is drawn for every pair with a chance of one half, so liking one place is nobody's gain; but that draws
    the preference towards one half, where any candidate is "not worse". Wrong with a chance of 2% at most, at any time.
    """
    first, second = judge.get("first", 0), judge.get("second", 0)
    places = StreamMean(counts={1.0: first, 0.0: second})
    evidence = max(places.log_above(_BY_PLACE), places.log_below(1 - _BY_PLACE)) if first + second else 0.0
    return evidence >= -math.log(_SURE)


def verdict_now(body: Mapping[str, Any]) -> Verdict:
    """Return what the pairs so far show; the greatest chance of a wrong verdict, at any time, is ALPHA for each.

    Without a judge's word it is "not looked at": pairs that need none tie, or are lost, by definition, and tell nothing
    of the others.
    """
    cells = body["cells"]
    if not _is_looked_at(body):
        return "not looked at"
    if not cells:
        return "not yet"
    needed, margin = -math.log(ALPHA), body["about"]["margin"]
    tau, most = 0.5 - margin, (1 + margin) / 2
    signs = _signs(body).values()
    is_liked = preference_of(cells, "loss").log_above(tau) >= needed
    if is_liked and all(one.log_below(most) >= needed for one in signs) and _is_told_by_answers(body, tau):
        return "not worse"
    each = math.log((1 - PREFERENCE_PART) / len(signs))
    against = [math.log(PREFERENCE_PART) + preference_of(cells, "win").log_below(tau)]
    against += [each + one.log_above(most) for one in signs]
    highest = max(against)
    is_worse = highest + math.log(math.fsum(math.exp(one - highest) for one in against)) >= needed
    return "worse" if is_worse else "not yet"


def verdict_kept(body: Mapping[str, Any]) -> Verdict:
    """Return what a document says: a verdict that was reached stays, unless its judge is shown to go by place later.

    "Worse" stays even so: places cannot have brought it about.
    """
    concluded = body["concluded"]
    if concluded is None or not body["about"]["judge"]:
        return "not yet" if _is_looked_at(body) else "not looked at"
    verdict: Verdict = concluded["verdict"]
    return "not looked at" if verdict == "not worse" and goes_by_place(body["judge"]) else verdict


def _is_told_by_answers(body: Mapping[str, Any], tau: float) -> bool:
    """Whether a preference above `tau` is not the work of places.

    Either the judge is shown to name neither place on three quarters of its decisive verdicts, or these are so few that
    the preference would be above `tau` if all of them were losses.
    """
    needed, judge = -math.log(ALPHA), body["judge"]
    first, second = judge.get("first", 0), judge.get("second", 0)
    places = StreamMean(counts={1.0: first, 0.0: second})
    if first and second and min(places.log_below(_BY_PLACE), places.log_above(1 - _BY_PLACE)) >= needed:
        return True
    lost: dict[str, int] = {}
    for cell, count in body["cells"].items():
        worst = f"{cell.removesuffix(' win')} loss" if cell.endswith(" win") else cell
        lost[worst] = lost.get(worst, 0) + count
    return preference_of(lost, "loss").log_above(tau) >= needed


def excess_of(body: Mapping[str, Any]) -> dict[str, Estimate]:
    """Return by how much more of all prompts the candidate shows a sign of harm than the primary; below 0: less.

    At level 1 - 2 ALPHA, as the verdict needs it. Empty before the first prompt.
    """
    found = {}
    for name, one in _signs(body).items():
        half = one.estimate(ALPHA)
        if half is not None:
            low, value, high = (2 * x - 1 for x in (half.low, half.value, half.high))
            found[name] = Estimate(value, low, high, half.n, half.method, half.level)
    return found


def _signs(body: Mapping[str, Any]) -> dict[str, StreamMean]:
    """Return each sign as a stream of prompts: 1 where the candidate alone shows it, 0 where the primary alone does.

    The others are 0.5, also where a sign cannot be told (nobody asked for a form, say): shares are of what callers get.
    """
    unavailable = body["failed"].get(UNAVAILABLE, 0)
    asked = body["pairs"] - unavailable
    ways = {"failed": (sum(body["failed"].values()) - unavailable, 0)}
    for name, flag, is_bad in BAD:
        theirs, ours = body[flag].get("theirs", 0), body[flag].get("ours", 0)
        ways[name] = (theirs, ours) if is_bad else (ours, theirs)
    return {
        name: StreamMean(counts={1.0: more, 0.0: less, 0.5: max(0, asked - more - less)})
        for name, (more, less) in ways.items()
    }
