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
    answers all came from the store says nothing about time, which is then assumed.
    """
    runs = history.runs.get(suite, ())
    runs = tuple(run for run in runs if run.subject == subject) or runs
    asked = [run.asked for run in runs if run.asked > 0]
    if asked:
        paces = [run.seconds / run.calls for run in runs if run.calls > 0 and run.seconds is not None]
        calls = (min(asked), max(asked))
        if paces:
            seconds = (min(paces) * calls[0], max(paces) * calls[1])
            return SuiteCost(suite, calls, seconds, "past runs", len(asked))
        return SuiteCost(suite, calls, _assumed(*calls), "assumption", len(asked))
    if items := history.items.get(suite):
        return SuiteCost(suite, (items, items), _assumed(items, items), "assumption")
    return SuiteCost(suite, None, None, "unknown")


def _assumed(least: int, most: int) -> tuple[float, float]:
    """Return the seconds of so many calls, as wide as the assumption is."""
    return least * ANSWER_SECONDS[0] / AT_ONCE[0], most * ANSWER_SECONDS[1] / AT_ONCE[1]


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
