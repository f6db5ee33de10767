"""How a canary reads on a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from weighbridge.cli.layout import line, wrapped
from weighbridge.pilot.canary.jury import OTHERS
from weighbridge.pilot.canary.quality import QUALITY
from weighbridge.pilot.canary.standing import SIGN_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.estimate import Estimate
    from weighbridge.pilot.canary.standing import Row, Standing

__all__ = ["canary_lines", "sign_lines"]

_BAR = 10
_MINUTE_S = 60
_UNJUDGED = (
    "quality: not looked at; nobody says whether the candidate's answers are as good. To have them judged, give the "
    "route a `[route.shadow]` of the same decision with a `[route.shadow.judge]`"
)


def canary_lines(route: str, standing: Standing) -> Iterator[str]:
    """Yield the state, why, and what is still needed."""
    steps = ", ".join(_percent(share) for share in standing.steps)
    yield line(standing.state, f"{route}: {_percent(standing.share)} of the callers", f"start {standing.trial}")
    if standing.state == "stepping":
        yield from wrapped(f"step {standing.step + 1} of {len(standing.steps)} ({steps}) since {_time(standing.since)}")
    else:
        yield from wrapped(f"steps {steps}; {standing.state} since {_time(standing.since)}")
    if standing.why:
        by = f" ({standing.by})" if standing.by else ""
        yield from wrapped(f"why: {standing.why}{by}")
    yield from wrapped(_needed(standing))
    if standing.apart:
        yield from wrapped(_apart(standing.apart))
    if standing.quality == "not looked at":
        yield from wrapped(_UNJUDGED)


def sign_lines(standing: Standing) -> Iterator[str]:
    """Yield a row for each sign, once something was counted."""
    if not any(row.candidate for row in standing.rows):
        return
    points = f"{standing.margin * 100:g}"
    yield ""
    yield f"{'':22}{'primary':<25}{'candidate':<25}{'worse':<12} not worse by {points} points"
    for row in standing.rows:
        yield _row(row, standing)
    if any(row.metric == QUALITY for row in standing.rows):
        yield f"{'':22}judged worse: of prompts that both answered; a tie is half of each"
    if standing.late_s:
        yield f"{'':22}late: over {standing.late_s:.3g} s"


def _needed(standing: Standing) -> str:
    """Say what comes next."""
    if standing.state == "measuring":
        left = standing.to_measure - standing.measured
        return f"needed: {left} more looked-at answers of the primary, to know how long it takes; then it begins"
    if standing.state == "stepping":
        missing = max(0, standing.least_callers - standing.callers)
        parts = [
            f"about {standing.needed} more looked-at answers of the candidate" if standing.needed else "",
            f"about {missing} more of its callers" if missing else "",
            f"about {standing.pairs_needed:,} more prompts compared by the shadow" if standing.pairs_needed else "",
            f"{max(1, round(standing.wait_s / _MINUTE_S))} min" if standing.wait_s else "",
        ]
        return f"needed: {', '.join(part for part in parts if part) or 'nothing but the next answer'}"
    if standing.state == "done" and standing.share >= 1:
        return "every caller gets the candidate: nothing is compared any more; make it the primary in gateway.toml"
    if standing.state == "done":
        return "the share stays, and is still watched; make the candidate the primary in gateway.toml"
    return "nobody gets the candidate until it is started again"


def _apart(keys: tuple[str, ...]) -> str:
    """Say whose callers were taken back to the primary, and what brings them in again."""
    named = ", ".join("all keys not named" if key == OTHERS else f"the key {key}" for key in keys)
    return (
        f"set apart: callers of {named} get the primary, for what was held against the candidate rests on them alone. "
        "Look at what they ask; `stop` and `start` begin again with them"
    )


def _row(row: Row, standing: Standing) -> str:
    """Write one sign: both rates with intervals and counts, and both bars."""
    rates = f"{_rate(row.primary):<25}{_rate(row.candidate):<25}"
    safe = _bar(row.safe_share) if standing.state == "stepping" else ""
    return f"  {SIGN_WORDS[row.metric]:<20}{rates}{_bar(row.harm_share)} {safe}".rstrip()


def _rate(rate: Estimate | None) -> str:
    """Write a rate in percent with its interval and count."""
    if rate is None:
        return "-"
    return f"{rate.value * 100:.1f}% [{rate.low * 100:.1f}, {rate.high * 100:.1f}] {rate.n}"


def _bar(share: float) -> str:
    """Draw how far evidence is on its way."""
    filled = int(share * _BAR)
    return f"[{'#' * filled}{'.' * (_BAR - filled)}]"


def _percent(share: float) -> str:
    """Write a share of callers."""
    return f"{share * 100:.3g}%"


def _time(at: float) -> str:
    """Write a time, to the minute."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC") if at else "the first entry"
