"""The stated error: how often streams alarm for nothing, and how soon for something."""

from __future__ import annotations

import random
import statistics

from weighbridge.pilot.drift.stream import STAGES, Stream
from weighbridge.pilot.drift.table import stream_kinds


def watched(draw: random.Random, rate: float, size: int, threshold: float) -> Stream:
    """Return a stream with a reference of that size, drawn at a rate."""
    stream = Stream(stream_kinds()["refused"], threshold)
    while stream.seen < size:
        stream.take(draw.random() < rate)
        stream.acknowledge()
    return stream


def test_the_mean_time_to_a_false_alarm_over_references() -> None:
    """At a threshold of 400, at the first stage and the last: alarms over 40 references are no more than one in 400.

    The number of alarms in n observations is at most n / 400 in the mean; three standard errors of a Poisson number
    are allowed. The full simulation, at the thresholds in use, is `bench/drift.py alarms`.
    """
    for size in (STAGES[0][0], STAGES[1][0]):
        draw, alarms, count = random.Random(20261122), 0, 1000  # noqa: S311 - a simulation
        for _ in range(40):
            stream = watched(draw, 0.02, size, 400)
            for _ in range(count):
                if stream.take(draw.random() < 0.02, grows=False):
                    alarms += 1
                    stream.acknowledge()
        expected = 40 * count / 400
        assert alarms <= expected + 3 * expected**0.5


def test_a_doubling_is_noticed_within_600_in_the_middle() -> None:
    """2% to 4% after a reference of 16,000, at the threshold in use: the median of 25 runs, seeded."""
    kind, found = stream_kinds()["refused"], []
    draw = random.Random(7)  # noqa: S311 - a simulation
    for _ in range(25):
        stream = Stream.from_json(
            kind, 20_000 / kind.part, {"seen": 15_999, "hits": sum(draw.random() < 0.02 for _ in range(16_000))}
        )
        stream.take(False)
        for _ in range(500):
            stream.take(draw.random() < 0.02, grows=False)
        number = 1
        while not stream.take(draw.random() < 0.04, grows=False):
            number += 1
        found.append(number)
    assert statistics.median(found) <= 600
