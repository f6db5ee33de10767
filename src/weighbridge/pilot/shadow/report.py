"""A comparison that was concluded, as the body of a `shadow/v1`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.pilot.shadow.standing import read_standing, stamp
from weighbridge.pilot.shadow.verdict import ALPHA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.core.estimate import Estimate
    from weighbridge.pilot.shadow.standing import Ratio

__all__ = ["report_of"]

_NAMES = {"refused": "refused", "malformed": "malformed", "language": "language_changed"}


def report_of(body: Mapping[str, Any], instruction: str) -> dict[str, Any]:
    """Return the evidence of a document with a verdict, or whose verdict was withdrawn: "not looked at".

    `instruction` is the digest of what judges are told. Raises ValueError where nothing was concluded.
    """
    now, about = read_standing(body), body["about"]
    if now.concluded_at is None:
        raise ValueError("nothing is concluded yet")
    rates = {
        f"{name}_by_{who}": _estimate(rates.get(key))
        for key, name in _NAMES.items()
        for who, rates in (("candidate", now.only_candidate), ("baseline", now.only_primary))
    }
    return rates | {
        "route": about["route"],
        "baseline": about["primary"],
        "baseline_model": now.primary,
        "candidate": about["candidate"],
        "candidate_model": now.candidate,
        "judge": now.judge,
        "instruction": instruction,
        "scoring": about["scoring"],
        "verdict": now.verdict,
        "margin": now.margin,
        "error": ALPHA,
        "preference": _estimate(now.preference),
        "since": stamp(now.since),
        "until": stamp(now.concluded_at),
        "shadowed": now.pairs,
        "counted": now.counted,
        "gaps": now.gaps,
        "unavailable": now.unavailable,
        "judged": now.judged,
        "unread": now.unread,
        "failed": _estimate(now.failed),
        "shown_first": _estimate(now.shown_first),
        "length_ratio": _ratio(now.length),
        "total_time_ratio": _ratio(now.total_time),
        "first_token_ratio": _ratio(now.first_token),
        "usd": sum(value for name, value in now.cost.items() if name.endswith("usd")),
    }


def _estimate(one: Estimate | None) -> dict[str, Any] | None:
    return None if one is None else one.to_json()


def _ratio(one: Ratio | None) -> dict[str, Any] | None:
    """Return a ratio as the kind has it."""
    if one is None:
        return None
    (median_low, median, median_high), (p90_low, p90, p90_high) = one.median, one.p90
    return {
        "median": median, "median_low": median_low, "median_high": median_high,
        "p90": p90, "p90_low": p90_low, "p90_high": p90_high, "n": one.n,
    }  # fmt: skip
