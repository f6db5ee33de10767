"""What counts against an answer: seven signs, each yes or no for every exchange that was looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.pilot.observation.noun import Observation

__all__ = ["METRICS", "REFERENCE", "late_limit", "signs_against"]

METRICS = ("failed", "left", "unread", "refused", "out_of_form", "other_language", "late")
"""In the order of `signs_against`. `left`: the caller did not wait. `unread`: no text was found in the answer."""

REFERENCE = 40
"""Answers of the primary that tell how long one may take."""

_LATE = 0.95  # of the primary's answers were faster


def signs_against(observation: Observation, late_s: float) -> tuple[int, ...]:
    """Return 1 for each sign in `METRICS` that an exchange shows.

    Shares are of *all* exchanges: where nobody asked for a form, none was broken. So every exchange tells something of
    every sign, and a margin is one of what callers get.
    """
    if observation.failed:
        return (1, 0, 0, 0, 0, 0, 0)
    has_left = observation.is_left is True
    return (
        0,
        int(has_left),
        int(observation.chars is None and not has_left),
        int(observation.refused is True),
        int(observation.in_form is False),
        int(observation.same_language is False),
        int(observation.total_s > late_s),
    )


def late_limit(times_s: Sequence[float]) -> float:
    """Return what is late: a time that 95% of the primary's own do not exceed, in seconds.

    Both arms are held against one limit that was fixed before: which one it is decides how much is seen, and never
    whether the test is right.
    """
    ordered = sorted(times_s)
    return ordered[min(len(ordered) - 1, int(_LATE * len(ordered)))]
