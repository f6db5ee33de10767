"""How a canary reads on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from weighbridge.cli.layout import line, padded, wrapped
from weighbridge.pilot.canary.jury import OTHERS
from weighbridge.pilot.canary.quality import QUALITY
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.estimate import Estimate
    from weighbridge.dossier.locale import Locale
    from weighbridge.pilot.canary.standing import Row, Standing

__all__ = ["canary_lines", "sign_lines"]

_MINUTE_S = 60


def canary_lines(route: str, standing: Standing, t: Locale) -> Iterator[str]:
    """Yield the state, why, and what is still needed."""
    steps = t("told_part.between").join(_percent(share) for share in standing.steps)
    state, since = t.label("pilot_canary", standing.state), _time(standing.since, t)
    served = t("told_canary.served", route=route, share=_percent(standing.share))
    yield line(state, t("told_part.between").join((served, t("told_canary.start", number=standing.trial))))
    if standing.state == "stepping":
        place = {"step": standing.step + 1, "count": len(standing.steps)}
        yield from wrapped(t("told_canary.at_step", steps=steps, since=since, **place))
    else:
        yield from wrapped(t("told_canary.in_state", steps=steps, state=state, since=since))
    why = told(standing.code, standing.facts, standing.why, t.language)
    if why:
        by = f" ({standing.by})" if standing.by else ""
        yield from wrapped(t("told_canary.why", why=f"{why}{by}"))
    yield from wrapped(_needed(standing, t))
    if standing.rests_on:
        yield from wrapped(t("told_canary.rests_on", keys=_named((standing.rests_on,), t)))
    if standing.apart:
        yield from wrapped(t("told_canary.apart", keys=_named(standing.apart, t)))
    if standing.speaks_for_all:
        yield from wrapped(t("told_part.steerable", keys=_named(standing.speaks_for_all, t)))
    if standing.quality == "not looked at":
        yield from wrapped(t("told_canary.unjudged"))


def sign_lines(standing: Standing, t: Locale) -> Iterator[str]:
    """Yield a row for each sign, once something was counted."""
    if not any(row.candidate for row in standing.rows):
        return
    heads = [padded(t(f"told_canary.{name}"), 24) for name in ("primary", "candidate")]
    ways = [t(f"told_canary.{name}") for name in ("worse", "safe")]
    yield ""
    yield f"{'':21}{' '.join(heads)}{' '.join(ways)}"
    for row in standing.rows:
        yield _row(row, standing, t)
    yield from wrapped(t("told_canary.ways_note", points=f"{standing.margin * 100:g}"))
    if any(row.metric == QUALITY for row in standing.rows):
        yield from wrapped(t("told_canary.quality_note"))
    if standing.late_s:
        yield from wrapped(t("told_canary.late_note", seconds=f"{standing.late_s:.3g}"))


def _needed(standing: Standing, t: Locale) -> str:
    """Say what comes next."""
    if standing.state == "measuring":
        return t("told_canary.needed_measure", count=standing.to_measure - standing.measured)
    if standing.state == "stepping":
        missing = max(0, standing.least_callers - standing.callers)
        minutes = max(1, round(standing.wait_s / _MINUTE_S)) if standing.wait_s else 0
        counts = {"answers": standing.needed, "callers": missing, "pairs": standing.pairs_needed, "minutes": minutes}
        parts = [t(f"told_canary.needed_{name}", count=f"{count:,}") for name, count in counts.items() if count]
        return t("told_canary.needed", parts=t("told_part.between").join(parts or [t("told_canary.needed_nothing")]))
    if standing.state == "done":
        return t("told_canary.done_for_all" if standing.share >= 1 else "told_canary.done")
    return t("told_canary.over")


def _named(keys: tuple[str, ...], t: Locale) -> str:
    """Name keys, and those that have no panel of their own."""
    named = (t("told_canary.other_keys") if key == OTHERS else t("told_part.key", id=key) for key in keys)
    return t("told_part.between").join(named)


def _row(row: Row, standing: Standing, t: Locale) -> str:
    """Write one sign in 80 columns: both rates with intervals and counts, and how far evidence is on both ways."""
    rates = f"{_rate(row.primary):<24} {_rate(row.candidate):<24}"
    safe = f"{row.safe_share:5.0%}" if standing.state == "stepping" else ""
    return f"  {padded(t.label('pilot_sign', row.metric), 19)}{rates} {row.harm_share:4.0%}{safe}".rstrip()


def _rate(rate: Estimate | None) -> str:
    """Write a rate in percent with its interval and count."""
    if rate is None:
        return "-"
    return f"{rate.value * 100:.1f}% [{rate.low * 100:.1f}, {rate.high * 100:.1f}] {rate.n}"


def _percent(share: float) -> str:
    """Write a share of callers."""
    return f"{share * 100:.3g}%"


def _time(at: float, t: Locale) -> str:
    """Write a time, to the minute."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC") if at else t("told_canary.first_entry")
