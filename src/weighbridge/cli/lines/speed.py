"""How the bounds of speed and cost read in the terminal; always "at most" and "at least"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.cli.layout import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.inspection.speed.served import Speed
    from weighbridge.workflow.inspection.fit import Placed

__all__ = ["speed_lines"]

_HUNDRED = 100


def speed_lines(placed: Placed) -> Iterator[str]:
    """Yield what the devices could at most do, what that would at least cost, and what hosts ask."""
    speed, asked = placed.speed, placed.asked
    if speed is None:
        return
    yield "  speed at most, from bytes moved and FLOPs done; engines reach less"
    yield f"    {'one sequence':<16}{_rate(speed.alone.tokens_per_s)} tokens/s"
    if speed.sequences > 1:
        each = speed.together.tokens_per_s / speed.sequences
        bound = f"bound by {speed.together.binds}"
        yield f"    {'all together':<16}{_rate(speed.together.tokens_per_s)} tokens/s, {_rate(each)} each, {bound}"
    if speed.prefill is not None:
        yield f"    {'prompt':<16}{asked.context:,} tokens in {speed.prefill.seconds:.3g} s ({speed.peak} arithmetic)"
    else:
        yield f"    {'prompt':<16}not known: no dense peak of the device is"
    yield from _costs(placed, speed)
    yield ""


def _costs(placed: Placed, speed: Speed) -> Iterator[str]:
    """Yield our cost at the given price, and list prices beside it."""
    if speed.usd_per_million_output is not None:
        read = "" if speed.usd_per_million_input is None else f", ${speed.usd_per_million_input:.3g} read"
        hourly = f"at ${placed.asked.usd_per_hour:g} a device hour"
        yield f"    {'costs at least':<16}${speed.usd_per_million_output:.3g} a million tokens written{read}, {hourly}"
    for price in placed.prices[:1]:
        lowest = min(one.usd_input for one in placed.prices)
        others = f"; {len(placed.prices)} hosts from ${lowest:g} read" if len(placed.prices) > 1 else ""
        yield (
            f"    {'by API from':<16}${price.usd_input:g} read, ${price.usd_output:g} written "
            f"({plain(price.host)}; {price.source}{others})"
        )


def _rate(tokens_per_s: float) -> str:
    return f"{tokens_per_s:,.0f}" if tokens_per_s >= _HUNDRED else f"{tokens_per_s:.3g}"
