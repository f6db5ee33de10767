from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from weighbridge.knowledge.cadence import cadence_of
from weighbridge.knowledge.load import load_knowledge
from weighbridge.knowledge.tables import Release

TODAY = date(2026, 11, 22)


def release(day: str, model: str = "a/b", *, flagship: bool = True, as_of: str = "2026-11-21") -> Release:
    """Make a release of the family `A`."""
    earliest = date.fromisoformat(f"{day}-01-01"[:10])
    return Release("A", model, day, earliest, "announced", "test", flagship, as_of=date.fromisoformat(as_of))


def series(*gaps: int, start: str = "2025-01-01") -> list[Release]:
    """Make releases with these gaps in days."""
    days = [date.fromisoformat(start)]
    for gap in gaps:
        days.append(days[-1] + timedelta(gap))
    return [release(day.isoformat()) for day in days]


@pytest.mark.parametrize(
    ("family", "median_days", "since_october"),
    [
        ("DeepSeek", 43, 7), ("Qwen", 48, 9), ("Kimi", 56, 7), ("Mistral", 56, 5), ("MiniMax", 57, 5), ("GLM", 70, 6),
        ("Llama", 96, 1), ("Gemma", 106, 3), ("Yi", 68, 0),
    ],
)  # fmt: skip
def test_published_cadences_come_out(family: str, median_days: int, since_october: int) -> None:
    """The figures of the study that the release table comes from (2026-11), rounded half up as there."""
    releases = load_knowledge().releases
    found = cadence_of(family, releases, TODAY)
    assert found is not None
    assert found.median_days is not None
    assert int(found.median_days + 0.5) == median_days
    whole = {one.day for one in releases if one.family == family and len(one.date_text) == 10}
    assert found.n == len(whole)
    assert sum(day >= date(2025, 10, 1) for day in whole) == since_october


def test_a_silent_family_has_no_window() -> None:
    """Yi has been silent since 2024-09; DeepSeek is expected."""
    releases = load_knowledge().releases
    yi, deepseek = cadence_of("Yi", releases, TODAY), cadence_of("DeepSeek", releases, TODAY)
    assert yi is not None
    assert (yi.last, yi.is_silent, yi.next_window, yi.coverage) == (date(2024, 9, 4), True, None, None)
    assert deepseek is not None
    assert deepseek.next_window is not None
    assert not deepseek.is_silent
    assert cadence_of("Nobody", releases, TODAY) is None


def test_the_window_is_of_order_statistics() -> None:
    """With nine gaps, the least and the greatest hold the tenth with probability 8/10."""
    found = cadence_of("A", series(10, 20, 30, 40, 50, 60, 70, 80, 90), date(2026, 3, 27))
    assert found is not None
    assert found.last == date(2026, 3, 27)
    assert found.next_window == (found.last + timedelta(10), found.last + timedelta(90))
    assert found.coverage == pytest.approx(0.8)
    assert (found.median_days, found.n, found.longest_days, found.days_since) == (50, 10, 90, 0)


def test_the_window_knows_that_nothing_has_come_yet() -> None:
    """After 65 days only the gaps of 70, 80 and 90 can be: at once to the longest, with probability 3/4."""
    releases = series(10, 20, 30, 40, 50, 60, 70, 80, 90)
    on = releases[-1].day + timedelta(65)
    found = cadence_of("A", releases, on)
    assert found is not None
    assert found.next_window == (on, releases[-1].day + timedelta(90))
    assert found.coverage == pytest.approx(0.75)


def test_windows_hold_what_they_promise() -> None:
    """Of 3,000 made-up families the next release falls into the window as often as is said, at any time of a pause."""
    random = Random(20261122)  # noqa: S311 - a simulation
    hits = promised = n = 0.0
    for _ in range(3000):
        gaps = [round(random.expovariate(1 / 60)) + 1 for _ in range(12)]
        releases = series(*gaps)
        coming = releases[-1].day
        on = releases[-2].day + timedelta(random.choice([0, 20, 60]))
        found = cadence_of("A", releases[:-1], on)
        if found is not None and found.next_window is not None and coming > on:
            n += 1
            hits += found.next_window[0] <= coming <= found.next_window[1]
            promised += found.coverage or 0
    assert n > 2000
    assert hits / n == pytest.approx(promised / n, abs=0.025)  # three standard errors


def test_days_that_nobody_knows_are_not_made_up() -> None:
    """A month or a year gives no gap; one that may lie after the last day leaves no window; an older one does."""
    known = series(10, 20, 30, 40, 45)
    month = known[-1].date_text[:7]
    found = cadence_of("A", [*known, release(month, "a/vague")], known[-1].day)
    assert found is not None
    assert (found.n, found.next_window, found.undated) == (6, None, ("a/vague",))
    assert not found.is_silent
    older = cadence_of("A", [*known, release("2024", "a/old")], known[-1].day)
    assert older is not None
    assert older.next_window is not None


def test_what_does_not_count() -> None:
    """Several models of a day are one day; other models than flagships, and releases to come, are left out."""
    days = ["2026-01-01", "2026-01-01", "2026-02-01", "2026-12-24"]
    found = cadence_of("A", [*(release(day) for day in days), release("2026-01-15", flagship=False)], TODAY)
    assert found is not None
    assert (found.n, found.median_days, found.last) == (2, 31, date(2026, 2, 1))
    assert found.next_window is None
    once = cadence_of("A", [release("2026-01-01")])
    assert once is not None
    assert (once.median_days, once.on, once.is_silent) == (None, date(2026, 11, 21), False)
