"""What was seen: counts of what callers got, times, and lines of the table."""

from __future__ import annotations

import collections
import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from scene import Said, Scene


class Table:
    """What was seen."""

    def __init__(self) -> None:
        self.broken = 0

    def row(self, what: str, seen: str, *, holds: bool) -> None:
        """Print one line."""
        self.broken += not holds
        print(f"| {what} | {seen} | {'holds' if holds else '**BROKEN**'} |", flush=True)


def counted(found: list[Said]) -> str:
    """Count what callers got."""
    counts = collections.Counter(f"{said.status or 'cut'}{' ' + said.code if said.code else ''}" for said in found)
    return ", ".join(f"{count} x {name}" for name, count in counts.most_common())


def chain(*, holds: bool) -> str:
    """Say whether the audit log's chain holds."""
    return f"the chain {'holds' if holds else 'is BROKEN'}"


def passing(seconds: float) -> Callable[[], bool]:
    """Return what says when so many seconds have passed."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def quantiles(seconds: list[float]) -> str:
    """Return median and 99th percentile in ms."""
    ranked = sorted(seconds)
    return f"p50 {statistics.median(ranked) * 1000:.0f} ms, p99 {ranked[int(len(ranked) * 0.99)] * 1000:.0f} ms"


def charged_of(at: Scene, key: str) -> float:
    """Return what a key's budget of the day is charged with."""
    shown = at.cli("pilot", "key", "show", key.split("_")[1])
    return float(shown["charged_usd"]["day"])
