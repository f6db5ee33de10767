"""Slots of time: blocks depend on when exchanges came, never on when they were told of."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.pilot.canary.lane import Arm, Lane

SEEN = st.lists(st.tuples(st.sampled_from(("primary", "canary")), st.floats(0, 300), st.booleans()), max_size=60)


@given(SEEN)
def test_the_order_of_telling_does_not_matter(seen: list[tuple[Arm, float, bool]]) -> None:
    """Told in time, in any order, the same blocks come out, and none lacks an arm."""
    lanes = []
    for told in (seen, sorted(seen, key=str)):
        lane = Lane(5.0, 20.0, 1)
        for arm, at, is_bad in told:
            lane.add(arm, at, [int(is_bad)])
        lanes.append(list(lane.close(1000.0)))
    assert lanes[0] == lanes[1]
    assert all(primary[0] and canary[0] for primary, canary in lanes[0])


def test_a_slot_counts_when_it_is_old_enough_and_takes_the_latecomers() -> None:
    """Nothing counts before its time; what comes after its slot has counted goes to the next one."""
    lane = Lane(5.0, 20.0, 1)
    lane.add("primary", 1.0, [0])
    lane.add("canary", 2.0, [1])
    assert list(lane.close(24.9)) == []
    assert list(lane.close(25.0)) == [([1, 0], [1, 1])]
    lane.add("canary", 3.0, [1])
    lane.add("primary", 6.0, [0])
    lane = Lane(5.0, 20.0, 1).restore(json.loads(json.dumps(lane.state())))
    assert list(lane.close(29.9)) == []
    assert list(lane.close(30.0)) == [([1, 0], [1, 1])]


def test_arms_far_apart_are_not_compared() -> None:
    """An arm waits six hours for the other; then what it saw is of another time, and dropped."""
    lane = Lane(5.0, 0.0, 1)
    lane.add("primary", 0.0, [1])
    lane.add("canary", 21_000.0, [0])
    assert list(lane.close(21_600.0)) == [([1, 1], [1, 0])]
    lane.add("primary", 30_000.0, [1])
    lane.add("canary", 52_000.0, [0])
    assert list(lane.close(53_000.0)) == []
    lane.add("primary", 60_000.0, [0])
    assert list(lane.close(61_000.0)) == [([1, 0], [1, 0])]
