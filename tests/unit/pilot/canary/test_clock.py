"""The journal's time: a clock that is wrong is put aside, a pause is not."""

from __future__ import annotations

import json

from weighbridge.pilot.canary.clock import Clock
from weighbridge.pilot.journal.protocol import Entry


def taken(clock: Clock, *times: float) -> list[float]:
    """Return the times of entries that count."""
    return [at for time in times for at, _, _ in clock.ready(Entry(time, "qwen", "seen", {}))]


def test_an_entry_from_ahead_is_put_aside_when_the_next_one_contradicts_it() -> None:
    """It moves no time, is counted, and what comes before and after it is taken as ever."""
    clock = Clock(60.0)
    assert taken(clock, 1000.0, 9e9, 1001.0, 5000.0, 5001.0, 1002.0) == [1000.0, 1001.0, 1002.0]
    assert (clock.now, clock.aside) == (1002.0, 3)


def test_after_a_pause_nothing_is_lost() -> None:
    """Ten entries in a row bear each other out; those that were held are taken in their order, across a restart too."""
    clock = Clock(60.0)
    morning = [50_000.0 + number for number in range(12)]
    assert taken(clock, 1000.0, *morning[:5]) == [1000.0]
    clock = Clock(60.0, clock.now).restore(json.loads(json.dumps(clock.state())))
    assert taken(clock, *morning[5:]) == morning
    assert (clock.now, clock.aside) == (50_011.0, 0)


def test_clocks_that_all_were_ahead_are_forgotten() -> None:
    """Fifty entries far behind, one after another, say what the time is; the first of them are put aside."""
    clock = Clock(60.0)
    taken(clock, 9e9)
    assert taken(clock, *(1000.0 + number for number in range(60))) == [1049.0 + number for number in range(11)]
    assert clock.aside == 49


def test_a_slow_answer_is_told_of_late() -> None:
    """As long as an answer may take, and ten minutes more, an entry may lie behind."""
    clock = Clock(1800.0)
    assert taken(clock, 10_000.0, 7_700.0, 7_500.0) == [10_000.0, 7_700.0]
