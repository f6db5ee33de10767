"""What labelled answers show: rates, gaps between languages, sensitive against control, and their difference.

An item is asked in several languages, once or in k draws. Draws of one item err together, so they are averaged first
and the item (or the form that matches items) is the unit: pooled as independent, five draws make a 95% interval that
covers 89% (our knowledge base, behaviour.md, 4.3). Missing answers leave the contrast on both sides and are counted.

Intervals are Tango's for single answers in pairs, else Student's on the units and a few pseudo-units, after Bonett and
Price (paired: one at -1, one at 1; British Journal of Mathematical and Statistical Psychology 65, 2012) and Agresti
and Caffo (groups: one at 0, one at 1 in each; American Statistician 54, 2000). So they have a width where no unit
differs. Where five units or more do, paired pseudo-units at -1/2 and 1/2 cover nearer to 95% (bench,
behaviour_calibration.py); with t for z the full ones are too wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance
from typing import TYPE_CHECKING, TypeAlias

from weighbridge.core.estimate import Estimate
from weighbridge.statistics.clustered import clustered_se, mean_estimate
from weighbridge.statistics.interval import LEVEL, share_estimate, student_quantile, student_tails, wilson
from weighbridge.statistics.paired import mcnemar_exact, tango_interval

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    Outcomes: TypeAlias = Mapping[tuple[str, str, int], float | None]
    Means: TypeAlias = Mapping[str, float | None]
    Clusters: TypeAlias = Mapping[str, Hashable]

__all__ = [
    "Effect",
    "Form",
    "difference_in_differences",
    "group_gap",
    "item_means",
    "language_gap",
    "matched_gap",
    "rate",
]

FEWEST = 2  # units: one says nothing of spread
SPARSE = 5  # units that differ: with fewer the spread among them is not known


@dataclass(frozen=True, slots=True)
class Effect:
    """A rate (0 to 1) or a difference, its test against 0, and what it had to leave out.

    `estimate.n` counts the units (items, or forms where matched), `estimate.unscored` equals `left_out`: items that
    were asked and could not count, for want of a valid answer on either side or of a valid partner. `p_value` is
    two-sided, None for a rate. `estimate` is None where fewer than two units count (a rate: none).
    """

    estimate: Estimate | None
    p_value: float | None
    left_out: int


@dataclass(frozen=True, slots=True)
class Form:
    """Items of one form: the sensitive ones, and controls that ask the same about another state."""

    sensitive: tuple[str, ...]
    control: tuple[str, ...]


def item_means(outcomes: Outcomes) -> dict[str, dict[str, float | None]]:
    """Return language -> item -> mean of the valid draws, from (item, language, draw) -> outcome in [0, 1].

    None stands for a missing outcome (error, empty, nonsense), and for an item without a valid draw.
    Raises ValueError for an outcome outside [0, 1].
    """
    draws: dict[str, dict[str, list[float]]] = {}
    for (item, language, _), outcome in outcomes.items():
        valid = draws.setdefault(language, {}).setdefault(item, [])
        if outcome is not None:
            if not 0 <= outcome <= 1:
                raise ValueError(f"an outcome of {outcome} for item {item} in {language}")
            valid.append(float(outcome))
    return {
        language: {item: fmean(valid) if valid else None for item, valid in items.items()}
        for language, items in draws.items()
    }


def rate(means: Means, *, draws: int = 1, clusters: Clusters | None = None, level: float = LEVEL) -> Effect:
    """Return the mean over items, with Wilson's interval at the effective number of items.

    The effective size mean (1 - mean) / SE^2 lets draws and clusters of items speak for as much as they carry, between
    1 and `draws` (the most of any item) an item, and shrinks by (z / t)^2 for few units (Korn and Graubard, Survey
    Methodology 24, 1998; Franco et al., JSSAM 7, 2019). Without spread each unit counts as one.
    """
    used, left_out = _valid(means)
    values = [used[item] for item in used]
    if clusters is None and all(value in {0.0, 1.0} for value in values):
        return Effect(share_estimate(int(sum(values)), len(values), unscored=left_out, level=level), None, left_out)
    members = [item if clusters is None else clusters[item] for item in used]
    units, mean = len(set(members)), fmean(values)
    error = clustered_se(values, members) if len(values) > 1 else 0.0
    if units < FEWEST or error < 1e-9:  # noqa: PLR2004 - rounding
        effective = float(units)
    else:
        found = mean * (1 - mean) / (error * error * units / (units - 1))
        shrink = NormalDist().inv_cdf(0.5 + level / 2) / student_quantile(0.5 + level / 2, units - 1)
        effective = max(1.0, min(found, float(draws * len(values)))) * shrink**2
    low, high = wilson(mean * effective, effective, level)
    method = f"Wilson, effective size {effective:.0f}"
    return Effect(Estimate(mean, min(low, mean), max(high, mean), len(values), method, level, left_out), None, left_out)


def language_gap(first: Means, second: Means, *, clusters: Clusters | None = None, level: float = LEVEL) -> Effect:
    """Return mean(first - second), paired by item: the gap between two languages.

    Single answers have Tango's interval and the exact McNemar p-value, means of draws and clustered items Student's.
    """
    gaps, left_out = _valid(_gaps(first, second))
    if clusters is None and all(gap in {-1.0, 0.0, 1.0} for gap in gaps.values()):
        return _tango(list(gaps.values()), left_out, level)
    return _student(
        list(gaps.values()), [item if clusters is None else clusters[item] for item in gaps], left_out, level
    )


def group_gap(sensitive: Means, control: Means, *, level: float = LEVEL) -> Effect:
    """Return mean(sensitive) - mean(control) over two groups of items that are not matched (Welch's t)."""
    return _welch(sensitive, control, level)


def matched_gap(means: Means, forms: Sequence[Form], *, level: float = LEVEL) -> Effect:
    """Return the mean over forms of sensitive minus control in one language; the form is the unit.

    One single answer on each side of every form is a pair, with Tango's interval and McNemar's p-value.
    """
    gaps, left_out = _form_gaps(means, forms)
    if all(gap in {-1.0, 0.0, 1.0} for gap in gaps):
        return _tango(gaps, left_out, level)
    return _student(gaps, range(len(gaps)), left_out, level)


def difference_in_differences(first: Means, second: Means, forms: Sequence[Form], *, level: float = LEVEL) -> Effect:
    """Return (sensitive - control) in the first language minus the same in the second, mean over matched forms.

    An item counts where it has a valid answer in both languages, a form where an item counts on each of its sides.
    Between -2 and 2.
    """
    gaps, left_out = _form_gaps(_gaps(first, second), forms)
    return _student(gaps, range(len(gaps)), left_out, level)


def _gaps(first: Means, second: Means) -> dict[str, float | None]:
    """Return first - second of each item in either; None where a side is missing."""
    gaps: dict[str, float | None] = {}
    for item in dict.fromkeys([*first, *second]):
        one, other = first.get(item), second.get(item)
        gaps[item] = None if one is None or other is None else one - other
    return gaps


def _valid(means: Means) -> tuple[dict[str, float], int]:
    """Return the items with a value, and how many have none."""
    used = {item: value for item, value in means.items() if value is not None}
    return used, len(means) - len(used)


def _form_gaps(means: Means, forms: Sequence[Form]) -> tuple[list[float], int]:
    """Return mean(sensitive) - mean(control) of each form with both, and how many items of the forms do not count."""
    gaps, left_out = [], 0
    for form in forms:
        sides = [[v for i in side if (v := means.get(i)) is not None] for side in (form.sensitive, form.control)]
        left_out += len(form.sensitive) + len(form.control)
        if sides[0] and sides[1]:
            gaps.append(fmean(sides[0]) - fmean(sides[1]))
            left_out -= len(sides[0]) + len(sides[1])
    return gaps, left_out


def _tango(gaps: Sequence[float], left_out: int, level: float) -> Effect:
    """Return the mean of differences of single answers, each -1, 0 or 1."""
    one, other = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
    found = tango_interval(one, other, len(gaps), level=level)
    if found is None or len(gaps) < FEWEST:
        return Effect(None, None, left_out)
    estimate = Estimate(found.value, found.low, found.high, found.n, found.method, level, left_out)
    return Effect(estimate, mcnemar_exact(one, other), left_out)


def _student(values: Sequence[float], members: Sequence[Hashable], left_out: int, level: float) -> Effect:
    """Return the mean of differences with Student's interval on the clusters and two pseudo-units."""
    units = len(set(members))
    if units < FEWEST:
        return Effect(None, None, left_out)
    moved = len({member for value, member in zip(values, members, strict=True) if abs(value) > 1e-9})  # noqa: PLR2004
    end = 1.0 if moved < SPARSE else 0.5
    shrunk = mean_estimate([*values, -end, end], [*members, ("pseudo", -1), ("pseudo", 1)], level=level)
    if shrunk is None:
        raise ValueError("two pseudo-units without spread")
    half, freedom = (shrunk.high - shrunk.low) / 2, units + 1
    t = shrunk.value / half * student_quantile(0.5 + level / 2, freedom)
    bounds = (shrunk.value - half, shrunk.value + half)
    return _effect(fmean(values), bounds, (t, freedom), (len(values), f"Student, {units} units", level, left_out))


def _welch(first: Means, second: Means, level: float) -> Effect:
    """Return mean(first) - mean(second) with Welch's interval on the units and pseudo-units at 0 and 1 in each."""
    (one, lost), (other, more_lost) = _valid(first), _valid(second)
    left_out = lost + more_lost
    if min(len(one), len(other)) < FEWEST:
        return Effect(None, None, left_out)
    groups = [[*used.values(), 0.0, 1.0] for used in (one, other)]
    errors = [variance(group) / len(group) for group in groups]
    error = math.sqrt(sum(errors))
    freedom = sum(errors) ** 2 / sum(e * e / (len(group) - 1) for e, group in zip(errors, groups, strict=True))
    shrunk = fmean(groups[0]) - fmean(groups[1])
    half = student_quantile(0.5 + level / 2, freedom) * error
    value, n = fmean(one.values()) - fmean(other.values()), len(one) + len(other)
    what = (n, f"Welch, {len(one)} and {len(other)} items", level, left_out)
    return _effect(value, (shrunk - half, shrunk + half), (shrunk / error, freedom), what)


def _effect(
    value: float, bounds: tuple[float, float], test: tuple[float, float], what: tuple[int, str, float, int]
) -> Effect:
    """Return the effect of a value with its interval, t statistic and degrees of freedom; the value lies inside."""
    n, method, level, left_out = what
    low, high = min(bounds[0], value), max(bounds[1], value)
    return Effect(Estimate(value, low, high, n, method, level, left_out), student_tails(*test), left_out)
