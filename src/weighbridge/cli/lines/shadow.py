"""How a shadow reads on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.cli.layout import line, plain, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.core.estimate import Estimate
    from weighbridge.pilot.shadow.standing import Band, Standing

__all__ = ["detail_lines", "shadow_lines"]

_BAR = 30
_SIGNS = {
    "refused": "refused",
    "malformed": "not in the form asked for",
    "language": "in another language",
    "cut": "cut off",
}
_ALL = 1.0
_SHORT = {"not looked at": "not judged"}


def shadow_lines(route: str, now: Standing) -> Iterator[str]:
    """Yield the verdict, and why."""
    verdict = _SHORT.get(now.verdict, now.verdict)
    yield line(verdict, f"{route}: {now.candidate} beside {now.primary}", f"margin {now.margin:g}")
    yield from wrapped(now.why)
    left_out = [
        f"{count} {text}"
        for count, text in (
            (now.gaps, "while no judge could be asked"),
            (now.unavailable, "while the candidate was not there or busy"),
        )
        if count
    ]
    if left_out:
        yield from wrapped(f"not counted: {', '.join(left_out)}")
    for whose, day in now.spent_out.items():
        yield from wrapped(f"the allowance of the {whose} was spent on {day}")


def detail_lines(now: Standing) -> Iterator[str]:
    """Yield signs of both models, agreement, ratios, the judge and costs."""
    yield ""
    yield f"{'':30}{'only the candidate':<28}only the primary"
    for name, text in _SIGNS.items():
        if name in now.only_candidate:
            yield f"  {text:<28}{_rate(now.only_candidate[name]):<28}{_rate(now.only_primary[name])}"
    if now.failed is not None:
        reasons = ", ".join(f"{plain(name)} {count}" for name, count in now.failures.items() if name != "unavailable")
        yield f"  {'failed':<28}{_rate(now.failed):<28}{reasons}".rstrip()
    ratios = (("length", now.length), ("time to the first token", now.first_token), ("time to the end", now.total_time))
    if any(ratio for _, ratio in ratios):
        yield ""
        yield f"{'':30}{'median, candidate / primary':<32}90th percentile"
        for text, ratio in ratios:
            if ratio is not None:
                yield f"  {text:<28}{_quantile(ratio.median):<32}{_quantile(ratio.p90)}"
    yield from _bands(now)
    yield ""
    yield from _costs(now)


def _bands(now: Standing) -> Iterator[str]:
    """Yield how many answers agree how much."""
    most = max((band.count for band in now.agreement), default=0)
    if not most:
        return
    by = ", ".join(f"{plain(name)} {count}" for name, count in now.measures.items())
    yield ""
    yield f"  answers agree (by {by})"
    for band in reversed(now.agreement):
        if band.count:
            yield f"    {_name(band):<12}{'#' * max(1, round(_BAR * band.count / most)):<{_BAR}}  {band.count}"


def _costs(now: Standing) -> Iterator[str]:
    """Yield what judge and candidate were asked, and what it cost."""
    if now.judge:
        first = f"; for what it saw first: {_rate(now.shown_first)}" if now.shown_first else ""
        yield f"  judge {plain(now.judge)}: {now.judged} pairs, {now.unread} replies without a verdict{first}"
    cost = now.cost
    usd = sum(value for name, value in cost.items() if name.endswith("usd"))
    calls = f"{cost.get('calls', 0):.0f} calls of the candidate, {cost.get('judge_calls', 0):.0f} of the judge"
    yield f"  cost: ${usd:.4f} ({calls})"


def _name(band: Band) -> str:
    return "the same" if band.low == _ALL else f"{band.low:.1f} to {band.high:.1f}"


def _rate(rate: Estimate) -> str:
    """Write a rate in percent with its interval and count."""
    return f"{rate.value * 100:.1f}% [{rate.low * 100:.1f}, {rate.high * 100:.1f}] {rate.n}"


def _quantile(bounds: tuple[float, float, float]) -> str:
    """Write a ratio with its bounds."""
    low, value, high = bounds
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"
