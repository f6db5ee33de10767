"""How a shadow reads on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.cli.layout import line, padded, plain, wrapped
from weighbridge.pilot.words import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.estimate import Estimate
    from weighbridge.dossier.locale import Locale
    from weighbridge.pilot.shadow.standing import Band, Standing

__all__ = ["detail_lines", "shadow_lines"]

_BAR = 30
_SIGNS = ("refused", "malformed", "language", "cut")
_ALL = 1.0


def shadow_lines(route: str, now: Standing, t: Locale) -> Iterator[str]:
    """Yield the verdict, and why."""
    beside = t("told_shadow.beside", route=route, candidate=now.candidate, primary=now.primary)
    margin = t("told_shadow.margin", margin=f"{now.margin:g}")
    yield line(t.label("told_verdict", now.verdict), t("told_part.between").join((beside, margin)))
    yield from wrapped(told(now.code, now.facts, now.why, t.language))
    counts = {"gaps": now.gaps, "unavailable": now.unavailable}
    left_out = [t(f"told_shadow.{name}", count=count) for name, count in counts.items() if count]
    if left_out:
        yield from wrapped(t("told_shadow.left_out", parts=t("told_part.between").join(left_out)))
    for whose, day in now.spent_out.items():
        yield from wrapped(t("told_shadow.spent_out", whose=t.label("told_whose", whose), day=day))


def detail_lines(now: Standing, t: Locale) -> Iterator[str]:
    """Yield signs of both models, agreement, ratios, the judge and costs."""
    yield ""
    yield f"{'':28}{padded(t('told_shadow.only_candidate'), 26)}{t('told_shadow.only_primary')}"
    for name in _SIGNS:
        if name in now.only_candidate:
            rates = f"{_rate(now.only_candidate[name]):<26}{_rate(now.only_primary[name])}"
            yield f"  {padded(t(f'told_harm.{name}'), 26)}{rates}"
    if now.failed is not None:
        reasons = ", ".join(f"{plain(name)} {count}" for name, count in now.failures.items() if name != "unavailable")
        yield f"  {padded(t('told_harm.failed'), 26)}{_rate(now.failed):<26}{reasons}".rstrip()
    ratios = (("length", now.length), ("first_token", now.first_token), ("total_time", now.total_time))
    if any(ratio for _, ratio in ratios):
        yield ""
        yield f"{'':28}{padded(t('told_shadow.median'), 30)}{t('told_shadow.p90')}"
        for name, ratio in ratios:
            if ratio is not None:
                bounds = f"{_quantile(ratio.median):<30}{_quantile(ratio.p90)}"
                yield f"  {padded(t(f'told_shadow.{name}'), 26)}{bounds}"
    yield from _bands(now, t)
    yield ""
    yield from _costs(now, t)


def _bands(now: Standing, t: Locale) -> Iterator[str]:
    """Yield how many answers agree how much."""
    most = max((band.count for band in now.agreement), default=0)
    if not most:
        return
    by = t("told_part.between").join(f"{t.label('told_measure', name)} {count}" for name, count in now.measures.items())
    yield ""
    yield f"  {t('told_shadow.agree', by=plain(by))}"
    for band in reversed(now.agreement):
        if band.count:
            bar = "#" * max(1, round(_BAR * band.count / most))
            yield f"    {padded(_name(band, t), 12)}{bar:<{_BAR}}  {band.count}"


def _costs(now: Standing, t: Locale) -> Iterator[str]:
    """Yield what judge and candidate were asked, and what it cost."""
    if now.judge:
        first = t("told_shadow.first", share=_rate(now.shown_first)) if now.shown_first else ""
        judged = {"judge": plain(now.judge), "pairs": now.judged, "unread": now.unread}
        yield from wrapped(t("told_shadow.judged", first=first, **judged))
    cost = now.cost
    usd = sum(value for name, value in cost.items() if name.endswith("usd"))
    calls = {name: f"{cost.get(name, 0):.0f}" for name in ("calls", "judge_calls")}
    yield from wrapped(t("told_shadow.cost", usd=f"${usd:.4f}", **calls))


def _name(band: Band, t: Locale) -> str:
    if band.low == _ALL:
        return t("told_shadow.same")
    return t("told_shadow.band", low=f"{band.low:.1f}", high=f"{band.high:.1f}")


def _rate(rate: Estimate) -> str:
    """Write a rate in percent with its interval and count."""
    return f"{rate.value * 100:.1f}% [{rate.low * 100:.1f}, {rate.high * 100:.1f}] {rate.n}"


def _quantile(bounds: tuple[float, float, float]) -> str:
    """Write a ratio with its bounds."""
    low, value, high = bounds
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"
