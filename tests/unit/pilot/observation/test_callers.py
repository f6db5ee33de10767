"""Callers: each counts a little, and a key that invents users harms only itself."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.unit.pilot.observation.exchanges import exchange

from weighbridge.pilot.observation.callers import AGAIN_S, LEAST_CALLERS, MOST_AT_ONCE, Callers, voice_of
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.observation.observe import describe

DAY_S = 86_400.0


def test_a_user_counts_five_times_at_once() -> None:
    """Then again after three minutes, and so on; the same name under another key is somebody else."""
    callers = Callers()
    assert sum(callers.admit("key", "kim", 10.0) for _ in range(9)) == MOST_AT_ONCE
    callers = Callers().restore(json.loads(json.dumps(callers.state())))
    assert not callers.admit("key", "kim", 9.0 + AGAIN_S)
    assert callers.admit("other", "kim", 9.0 + AGAIN_S)
    assert callers.admit("key", "kim", 10.0 + AGAIN_S)
    assert not callers.admit("key", "kim", 10.0 + AGAIN_S)
    assert all(callers.admit("key", "", 10.0) for _ in range(9))


def test_a_robot_that_asks_all_day_counts_all_day_and_no_more_than_twenty_times_an_hour() -> None:
    """Every hour of the day some of its answers are seen: what changes in the night is seen in the night."""
    callers = Callers()
    hours = [sum(callers.admit("key", "robot", hour * 3600.0 + at) for at in range(0, 3600, 5)) for hour in range(24)]
    assert hours[0] == MOST_AT_ONCE + 19
    assert set(hours[1:]) == {3600 // AGAIN_S}


def test_a_slow_answer_is_told_of_late() -> None:
    """It takes its part of what the user has at that time; nothing begins anew."""
    callers = Callers()
    for _ in range(MOST_AT_ONCE):
        callers.admit("key", "kim", 2000.0)
    assert not callers.admit("key", "kim", 200.0)
    assert not callers.admit("key", "kim", 2001.0)


def test_a_clock_that_was_ahead_blinds_nobody() -> None:
    """After an entry from a month ahead everybody counts as ever, up to five times at once."""
    callers = Callers()
    callers.admit("key", "ahead", 30 * DAY_S)
    assert sum(callers.admit("key", "kim", 10.0) for _ in range(9)) == MOST_AT_ONCE


def test_who_invents_users_pushes_out_its_own() -> None:
    """40,000 users of one key: newcomers of another still count, and what it has had is kept; the state is small."""
    callers = Callers()
    for _ in range(MOST_AT_ONCE):
        callers.admit("honest", "kim", 10.0)
    for number in range(40_000):
        assert callers.admit("loud", f"user {number}", 10.0)
    assert not callers.admit("honest", "kim", 10.0)
    assert all(callers.admit("honest", f"user {number}", 10.0) for number in range(500))
    assert len(json.dumps(callers.state())) < 11_000


def test_a_key_is_one_of_several_where_others_have_brought_twenty_callers() -> None:
    """An operator's own key for trying things out does not make an application's key one of several."""
    callers = Callers()
    for number in range(500):
        callers.admit("app", f"user {number}", 10.0)
        callers.admit("trial", "trial", 10.0)
    assert not callers.is_one_of_several("app")
    assert callers.is_one_of_several("trial")
    for number in range(LEAST_CALLERS - 1):
        callers.admit(f"key {number}", "a", 3600.0)
    callers = Callers().restore(json.loads(json.dumps(callers.state())))
    assert callers.is_one_of_several("app")


def test_many_keys_are_bounded() -> None:
    """A thousand keys with a user each: the state stays small."""
    callers = Callers()
    for number in range(1000):
        callers.admit(f"key {number:012}", "kim", 10.0)
    assert len(json.dumps(callers.state())) < 40_000


def test_all_keys_of_a_tenant_are_one() -> None:
    """A tenant may make keys of its own; the operator's are apart, and no key can be named like a tenant."""
    assert voice_of("k1", "team-a") == voice_of("k2", "team-a") != voice_of("k1", "team-b")
    assert voice_of("team-a", "default") == voice_of("team-a", "") == "team-a" != voice_of("team-a", "team-a")


@pytest.mark.parametrize(
    ("tenant", "line", "voice"),
    [("default", "maker", "maker"), ("default", "", "child"), ("team-a", "maker", "team-a/*"), ("*", "child", "child")],
)
def test_an_observation_tells_whom_its_key_speaks_for(tenant: str, line: str, voice: str) -> None:
    """The topmost key that made it, or its tenant; where it stands by itself nothing more is written down."""
    one = replace(exchange(), key_id="child", tenant=tenant, line=line)
    facts = describe(one, 1.0, None).to_facts()
    assert Observation.from_facts(facts).voice == voice == one.voice
    assert ("speaks_for" in facts) is (voice != "child")
