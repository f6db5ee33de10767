"""Callers: each counts a little, and a key that invents users harms only itself."""

from __future__ import annotations

import json

from weighbridge.pilot.observation.callers import LEAST_CALLERS, MOST_A_DAY, Callers

DAY_S = 86_400.0


def test_a_user_counts_five_times_a_day() -> None:
    """The first five of a UTC day, and five again on the next; the same name under another key is somebody else."""
    callers = Callers()
    assert sum(callers.admit("key", "kim", 10.0) for _ in range(9)) == MOST_A_DAY
    callers = Callers().restore(json.loads(json.dumps(callers.state())))
    assert not callers.admit("key", "kim", DAY_S - 1)
    assert callers.admit("other", "kim", DAY_S - 1)
    assert callers.admit("key", "kim", DAY_S)
    assert all(callers.admit("key", "", 10.0) for _ in range(9))


def test_a_slow_answer_from_before_midnight_does_not_begin_the_day_anew() -> None:
    """It counts with those of the day that has begun."""
    callers = Callers()
    for _ in range(MOST_A_DAY):
        callers.admit("key", "kim", DAY_S + 1)
    assert not callers.admit("key", "kim", DAY_S - 1)
    assert not callers.admit("key", "kim", DAY_S + 2)


def test_a_clock_that_was_ahead_blinds_nobody() -> None:
    """After an entry from a month ahead everybody counts as ever, up to five times a day."""
    callers = Callers()
    callers.admit("key", "ahead", 30 * DAY_S)
    assert sum(callers.admit("key", "kim", 10.0) for _ in range(9)) == MOST_A_DAY


def test_who_invents_users_pushes_out_its_own() -> None:
    """40,000 users of one key: newcomers of another still count, and their five a day are kept; the state is small."""
    callers = Callers()
    for _ in range(MOST_A_DAY):
        callers.admit("honest", "kim", 10.0)
    for number in range(40_000):
        assert callers.admit("loud", f"user {number}", 10.0)
    assert not callers.admit("honest", "kim", 10.0)
    assert all(callers.admit("honest", f"user {number}", 10.0) for number in range(500))
    assert len(json.dumps(callers.state())) < 9_000


def test_a_key_is_one_of_several_where_others_have_brought_twenty_callers() -> None:
    """An operator's own key for trying things out does not make an application's key one of several."""
    callers = Callers()
    for number in range(500):
        callers.admit("app", f"user {number}", 10.0)
        callers.admit("trial", "trial", 10.0)
    assert not callers.is_one_of_several("app")
    assert callers.is_one_of_several("trial")
    for number in range(LEAST_CALLERS - 1):
        callers.admit(f"key {number}", "a", 5 * DAY_S)
    callers = Callers().restore(json.loads(json.dumps(callers.state())))
    assert callers.is_one_of_several("app")


def test_many_keys_are_bounded() -> None:
    """A thousand keys with a user each: the state stays small."""
    callers = Callers()
    for number in range(1000):
        callers.admit(f"key {number:012}", "kim", 10.0)
    assert len(json.dumps(callers.state())) < 40_000
