"""Callers: each counts a little, and groups of them may differ."""

from __future__ import annotations

import json

import pytest

from weighbridge.pilot.canary.callers import MOST_A_DAY, Callers


def test_a_caller_counts_five_times_a_day_on_either_model() -> None:
    """The first five of a UTC day, and five again on the next; nobody's exchanges all count."""
    callers = Callers()
    assert sum(callers.admit("canary", "kim", 10.0) for _ in range(9)) == MOST_A_DAY
    assert not callers.admit("primary", "kim", 86_399.0)
    callers = Callers().restore(json.loads(json.dumps(callers.state())))
    assert not callers.admit("primary", "kim", 86_399.0)
    assert callers.admit("primary", "kim", 86_400.0)
    assert all(callers.admit("canary", "", 10.0) for _ in range(9))
    assert callers.counts == {"primary": 0, "canary": 10}


def test_the_slack_is_what_dealing_out_callers_makes_likely() -> None:
    """At 5% and fifty callers a side: 2.5 x sqrt(0.1 x 0.05 x 0.95 x (1/50 + 1/50)) = 3.4 points; less with more."""
    callers = Callers()
    for number in range(50):
        callers.admit("primary", f"p{number}", 0.0)
        callers.admit("canary", f"c{number}", 0.0)
    assert 98 <= sum(callers.counts.values()) <= 100  # two may share a place
    assert callers.slack(0.05) == pytest.approx(0.03446, rel=0.02)
    assert callers.slack(0.0001) < 0.002
    assert Callers().slack(0.5) < 1
