"""Days in UTC, as decisions name them, and seconds since 1970."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

__all__ = ["NEVER", "day_of", "end_of"]

NEVER = float("inf")
_LAST = datetime.max.replace(tzinfo=UTC).timestamp()


def day_of(at: float) -> date:
    """Return the day in UTC of a time in seconds."""
    return datetime.fromtimestamp(min(max(at, 0.0), _LAST), UTC).date()


def end_of(day: date) -> float:
    """Return when a day ends in UTC, in seconds; never, where it is the last day there is."""
    if day == date.max:
        return NEVER
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC).timestamp()
