"""Whether the condition of a clause holds for a use: yes, no, or None where what was said does not tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from weighbridge.inspection.licence.answer.use import EU

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from weighbridge.core.kinds.licence import ThresholdBody, WhenBody
    from weighbridge.inspection.licence.answer.use import IntendedUse

__all__ = ["holds", "not_said"]

_ANYTHING = (0.0, math.inf)


def holds(when: WhenBody, use: IntendedUse, *, multimodal: bool | None) -> bool | None:
    """Tell whether everything in a condition is true of the use; an empty condition always is."""
    parts = [met for _, met in _parts(when, use, multimodal=multimodal)]
    return False if False in parts else None if None in parts else True


def not_said(when: WhenBody, use: IntendedUse, *, multimodal: bool | None) -> tuple[str, ...]:
    """Name the inputs without which the condition stays open."""
    return tuple(name for name, met in _parts(when, use, multimodal=multimodal) if met is None)


def _parts(when: WhenBody, use: IntendedUse, *, multimodal: bool | None) -> Iterator[tuple[str, bool | None]]:
    """Yield every part of a condition: the input that it asks for, and whether it is met."""
    for name, wanted, said in (
        ("commercial", when.commercial, use.is_commercial),
        ("offer", when.business, use.is_business),
        ("offer", when.to_others, use.reaches_others),
        ("distributes", when.distributes, use.hands_over),
        ("fine_tune", when.fine_tunes, use.fine_tunes),
        ("distil, trains_other_models_on_outputs", when.trains_models, use.trains_models),
        ("whether the model is multimodal", when.multimodal, multimodal),
    ):
        if wanted is not None:
            yield name, None if said is None else said == wanted
    if when.offer:
        yield "offer", None if use.offer is None else use.offer in when.offer
    if when.seat:
        yield "seat", _among([use.seat] if use.seat else None, when.seat)
    if when.users:
        yield "countries", _among(use.users or None, when.users)
    if when.fields:
        yield "fields", None if use.fields is None else not set(use.fields).isdisjoint(when.fields)
    if when.above:
        met = [_is_above(threshold, use) for threshold in when.above]
        open_ = [one for one, above in zip(when.above, met, strict=True) if above is None]
        names = " or ".join(dict.fromkeys(_input(threshold) for threshold in open_ or when.above))
        yield names, True if True in met else None if None in met else False


def _among(said: Iterable[str] | None, places: list[str]) -> bool | None:
    """Tell whether one of the countries lies in one of the places; `EU` stands for its members."""
    if said is None:
        return None
    wanted = set(places).union(EU if "EU" in places else ())
    return not wanted.isdisjoint(said)


def _is_above(threshold: ThresholdBody, use: IntendedUse) -> bool | None:
    """Tell whether a figure is above a threshold; None where its bounds lie on both sides."""
    low, high = _bounds(threshold, use)
    return True if low > threshold.amount else False if high <= threshold.amount else None


def _bounds(threshold: ThresholdBody, use: IntendedUse) -> tuple[float, float]:
    """Return the lowest and highest that a figure can be."""
    is_group = threshold.subject == "group"
    if threshold.unit == "users":
        return _users(use, is_group=is_group, is_month=threshold.measure == "monthly users")
    if not is_group:
        return _product_revenue(use, is_month=threshold.measure == "monthly revenue")
    return use.group_revenue if threshold.measure == "annual revenue" else _ANYTHING


def _users(use: IntendedUse, *, is_group: bool, is_month: bool) -> tuple[float, float]:
    """Return the bounds of users: a product has at most its group's, a day at most a month's."""
    most = math.inf if use.group_monthly_users is None else use.group_monthly_users
    if not is_month:
        return (0.0, most) if use.daily_users is None else (use.daily_users, use.daily_users)
    if not is_group:
        return (0.0, most) if use.monthly_users is None else (use.monthly_users, use.monthly_users)
    return (use.monthly_users or 0.0, most) if use.group_monthly_users is None else (most, most)


def _product_revenue(use: IntendedUse, *, is_month: bool) -> tuple[float, float]:
    """Return the bounds of a product's revenue in a year or in its best month."""
    year = use.annual_revenue_usd
    if is_month:
        if use.monthly_revenue_usd is not None:
            return use.monthly_revenue_usd, use.monthly_revenue_usd
        if year is not None:
            return year / 12, year
    elif year is not None:
        return year, year
    return 0.0, use.group_revenue[1]


def _input(threshold: ThresholdBody) -> str:
    """Name the input that a threshold asks for."""
    group = threshold.subject == "group"
    return {
        "monthly users": "group_monthly_active_users" if group else "monthly_active_users",
        "daily users": "daily_active_users",
        "monthly revenue": "monthly_revenue_usd",
        "annual revenue": "group_revenue_usd" if group else "annual_revenue_usd",
    }[threshold.measure]
