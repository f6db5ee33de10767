"""How the routes of a gateway read on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.cli.layout import line, plain, wrapped
from weighbridge.core.digest import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.pilot.admission.rows import RouteRow

__all__ = ["route_lines", "routes_summary"]


def route_lines(row: RouteRow) -> Iterator[str]:
    """Yield the lines of one leg: state and decision, where it is served, and what is to be known or done."""
    name = row.route if row.leg == "primary" else f"{row.route} ({row.leg})"
    until = f"{row.verdict} until {row.until}" if row.verdict else "no decision"
    yield line(row.state, f"{plain(name):<26} {until}  {short(row.decision)}")
    yield line("", f"{row.url}#{row.model}")
    if row.is_open and row.checked:
        yield from wrapped(f"checked: {row.checked}")
    for condition in row.conditions:
        yield from wrapped(f"condition: {condition}")
    if row.unverified:
        yield from wrapped(f"NOT VERIFIED: {row.unverified}")
    if row.doubt:
        yield from wrapped(f"DECIDE AGAIN: {row.doubt}")
    if row.why:
        yield from wrapped(f"why: {row.why}")
    price = row.price and f"USD a million tokens, {row.price}"
    yield from wrapped(f"price: {price or f'not stated; {_unpriced(row)}'}")


def _unpriced(row: RouteRow) -> str:
    """Say what follows for keys with a budget in money where a leg has no price."""
    if row.leg == "shadow":
        return "callers do not pay for it, and an allowance in money cannot be kept"
    if row.leg == "primary":
        return "keys with a budget in money are refused here"
    return "keys with a budget in money are not served by it"


def routes_summary(rows: Sequence[RouteRow]) -> str:
    """Say how many legs are open."""
    is_open = sum(row.is_open for row in rows)
    return f"{is_open} of {len(rows)} open"
