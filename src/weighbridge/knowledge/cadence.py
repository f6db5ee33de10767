"""How often a family releases, and between which days the next release may be expected."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import ceil
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weighbridge.knowledge.tables import Release

__all__ = ["Cadence", "cadence_of"]

_LEVEL = 0.8  # of the window, where the gaps are enough for it
_FEWEST_GAPS = 4  # with fewer, the longest says little of the next
_WHOLE_DAY = len("2026-07-16")


@dataclass(frozen=True, slots=True)
class Cadence:
    """The rhythm of one family, as it was known `on` a day.

    `median_days` is the median gap between consecutive days with a flagship release, None for fewer than two such
    days; `n` counts the days, `last` is the newest. `next_window` is where the next release is expected with the
    probability `coverage`, given that it has not come yet; None where there are too few gaps, the family
    is silent, or one of `undated`, whose day is not known, may have come after `last`.
    """

    family: str
    median_days: float | None
    n: int
    last: date
    on: date
    next_window: tuple[date, date] | None = None
    coverage: float | None = None
    longest_days: int | None = None
    undated: tuple[str, ...] = ()

    @property
    def days_since(self) -> int:
        """Days from the last release to the day that is asked about."""
        return (self.on - self.last).days

    @property
    def is_silent(self) -> bool:
        """Whether the pause is longer than every one before, and no release of unknown day may have ended it."""
        return self.longest_days is not None and self.days_since > self.longest_days and not self.undated


def cadence_of(family: str, releases: Iterable[Release], on: date | None = None) -> Cadence | None:
    """Return the rhythm of a family from its flagship releases whose day is known, or None where there are none.

    Several models of one day are one release day. A release after `on` is left out; without `on`, the newest day on
    which a row of these releases was looked at counts as today.

    The window is a prediction interval by order statistics: if gaps are exchangeable, then of those longer than the
    pause so far, m in number, the next one lies between the r-th and s-th smallest with probability (s - r) / (m + 1),
    the pause itself being the 0-th (Wilks, Ann. Math. Stat. 12, 1941). Nothing is assumed of their distribution. Tails
    are cut equally as far as 80% are kept; where that cannot be, the window begins at once. With fewer than four gaps
    in all, or none so long as the pause, there is no window.
    """
    own = [one for one in releases if one.family == family and one.is_flagship]
    on = on or max((one.as_of or one.day for one in own), default=date.min)
    days = sorted({one.day for one in own if len(one.date_text) == _WHOLE_DAY and one.day <= on})
    if not days:
        return None
    gaps = sorted((later - earlier).days for earlier, later in pairwise(days))
    pause = (on - days[-1]).days
    undated = tuple(one.model for one in own if days[-1] < _latest(one) and one.day <= on)
    is_foreseeable = len(gaps) >= _FEWEST_GAPS and not undated
    window = _window([gap for gap in gaps if gap > pause], pause) if is_foreseeable else None
    return Cadence(
        family=family,
        median_days=median(gaps) if gaps else None,
        n=len(days),
        last=days[-1],
        on=on,
        next_window=(days[-1] + timedelta(window[0]), days[-1] + timedelta(window[1])) if window else None,
        coverage=window[2] if window else None,
        longest_days=gaps[-1] if gaps else None,
        undated=undated,
    )


def _latest(release: Release) -> date:
    """Return the last day that a date allows, which is written as a day, a month or a year."""
    year, month, day = (int(part) for part in f"{release.date_text}-12-31"[:_WHOLE_DAY].split("-"))
    if release.date_text.count("-") == 1:
        day = monthrange(year, month)[1]
    return date(year, month, day)


def _window(longer: list[int], pause: int) -> tuple[int, int, float] | None:
    """Return the shortest and longest gap to expect of the sorted ones longer than the pause, and the probability."""
    m = len(longer)
    if not m:
        return None
    for cut in range((m - 1) // 2, -1, -1):
        if (coverage := (m - 1 - 2 * cut) / (m + 1)) >= _LEVEL:
            return longer[cut], longer[m - 1 - cut], coverage
    rank = min(m, ceil(_LEVEL * (m + 1)))
    return pause, longer[rank - 1], rank / (m + 1)
