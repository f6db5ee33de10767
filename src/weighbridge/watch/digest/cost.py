"""What asking suites again would take: from past runs, else from how many items a suite has, else not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.watch.digest.item import SuiteCost

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANSWER_SECONDS", "AT_ONCE", "History", "Run", "cost_of", "total_cost"]

ANSWER_SECONDS = (1.0, 30.0)  # assumed where nothing was ever run: a short answer, a long one
AT_ONCE = (16, 1)  # with the default number of requests in flight, or one after the other


@dataclass(frozen=True, slots=True)
class Run:
    """One past run of a suite: questions asked, requests sent, and seconds from the first to the last (or None)."""

    subject: str
    asked: int
    calls: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class History:
    """What is known of suites: past runs and counts of items, by name."""

    runs: Mapping[str, tuple[Run, ...]]
    items: Mapping[str, int]


def cost_of(suite: str, history: History, subject: str = "") -> SuiteCost:
    """Return what a suite takes, from runs of this subject where there are any, else of all.

    Seconds are the least and the most a request took in a run, times the least and the most questions: a run whose
    answers all came from the store says nothing about time.
    """
    runs = history.runs.get(suite, ())
    runs = tuple(run for run in runs if run.subject == subject) or runs
    asked = [run.asked for run in runs if run.asked > 0]
    if asked:
        paces = [run.seconds / run.calls for run in runs if run.calls > 0 and run.seconds is not None]
        seconds = (min(paces) * min(asked), max(paces) * max(asked)) if paces else None
        return SuiteCost(suite, (min(asked), max(asked)), seconds, "past runs", len(asked))
    if items := history.items.get(suite):
        low, high = (items * pace / width for pace, width in zip(ANSWER_SECONDS, AT_ONCE, strict=True))
        return SuiteCost(suite, (items, items), (low, high), "assumption")
    return SuiteCost(suite, None, None, "unknown")


def total_cost(costs: tuple[SuiteCost, ...]) -> SuiteCost | None:
    """Return the sum over suites, not known as soon as one is not; None without suites. The weakest basis counts."""
    if not costs:
        return None
    calls = [one.calls for one in costs if one.calls is not None]
    seconds = [one.seconds for one in costs if one.seconds is not None]
    bases = [one.basis for one in costs]
    return SuiteCost(
        ", ".join(one.suite for one in costs),
        (sum(low for low, _ in calls), sum(high for _, high in calls)) if len(calls) == len(costs) else None,
        (sum(low for low, _ in seconds), sum(high for _, high in seconds)) if len(seconds) == len(costs) else None,
        "unknown" if "unknown" in bases else "assumption" if "assumption" in bases else "past runs",
        min(one.runs for one in costs),
    )
