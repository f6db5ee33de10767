"""The clock that never goes back, and the ends of days."""

from __future__ import annotations

from datetime import UTC, date, datetime

from weighbridge.pilot.admission.clock import day_of, end_of
from weighbridge.pilot.clock import SteadyClock

LAST_SECOND = datetime(2026, 12, 22, 23, 59, 59, tzinfo=UTC).timestamp()


def test_the_end_of_days() -> None:
    """Days end at midnight in UTC; the leap day does, too, and the last day there is never."""
    assert end_of(day_of(LAST_SECOND)) == LAST_SECOND + 1
    leap = datetime(2028, 2, 29, 1, tzinfo=UTC).timestamp()
    assert day_of(end_of(day_of(leap))).isoformat() == "2028-03-01"
    assert end_of(date.max) == float("inf")


def test_setting_the_clock_back_opens_nothing() -> None:
    """The steady clock carries on from the furthest that the wall clock has been."""
    wall, steady = [1000.0], [5.0]
    clock = SteadyClock(lambda: wall[0], lambda: steady[0])
    assert clock() == 1000.0
    steady[0] += 10
    wall[0] = 1.0
    assert clock() == 1010.0
    wall[0] = 5000.0
    assert clock() == 5000.0
    wall[0], steady[0] = 0.0, steady[0] + 1
    assert clock() == 5001.0
