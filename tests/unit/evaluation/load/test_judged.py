"""Service levels over blocks, and two models in turn, on servers whose truth is known."""

from __future__ import annotations

import math

import pytest

from weighbridge.core.kinds.load import PointBody
from weighbridge.evaluation.load.against import Pair, abba, ratios_json, slower_json
from weighbridge.evaluation.load.drive import Driven, Pace, User, open_loop
from weighbridge.evaluation.load.levels import Level
from weighbridge.evaluation.load.point import Judged, point_json
from weighbridge.evaluation.load.sample import Sample
from weighbridge.evaluation.load.shots import Prompts, Shape
from weighbridge.evaluation.load.verdicts import Watch, fewest_blocks, slo_json
from weighbridge.testing.load_server import Speed
from weighbridge.testing.virtual_target import VirtualClock, VirtualTarget
from weighbridge.testing.virtual_time import run_in_virtual_time

LEVELS = (Level("ttft", 0.5, 0.05), Level("tpot", 0.05, 0.05))


def user_of(target: VirtualTarget, salt: str = "t") -> User:
    """Return a user of one kind of request."""
    return User(target, Prompts([Shape(20, 3)], seed=1, salt=salt), clock=VirtualClock())


def judged(speed: Speed, rate: float, seconds: float) -> tuple[Driven, dict[str, dict[str, object]]]:
    """Run one rate until its levels are decided; return it with the verdicts."""

    async def main() -> Driven:
        watch = Watch(LEVELS, alpha=0.05, warmup_s=0.0, block_s=1.0)
        return await open_loop(user_of(VirtualTarget(speed)), rate, Pace(seconds), watch)

    driven = run_in_virtual_time(main())
    point = point_json([driven], Judged(LEVELS, block_s=1.0), rate=rate)
    PointBody.model_validate(point)
    return driven, point["slo"]


def test_a_fast_server_meets_its_levels_as_soon_as_it_can() -> None:
    """Without one request too slow, the verdict falls at the fewest blocks that can give it."""
    driven, slo = judged(Speed(ttft_s=0.1, itl_s=0.01), 5.0, 600.0)
    assert {one["verdict"] for one in slo.values()} == {"met"}
    assert driven.stopped == "decided"
    assert fewest_blocks(LEVELS[0], 0.05) <= driven.seconds <= fewest_blocks(LEVELS[0], 0.05) + 4


def test_an_overloaded_server_does_not_meet_them() -> None:
    """One slot of 0.3 s at 5 requests a second: the queue makes nearly all too late; TPOT stays what it is."""
    _, slo = judged(Speed(ttft_s=0.28, itl_s=0.01, slots=1), 5.0, 200.0)
    assert slo["ttft"]["verdict"] == "not met"
    assert slo["tpot"]["verdict"] == "met"


def test_one_stall_of_many_requests_is_one_observation() -> None:
    """Ten seconds of 200 in which everything waits: requests near in time fare alike, and count by blocks."""
    _, slo = judged(Speed(ttft_s=0.1, itl_s=0.01, stall_s=2.0, stall_every_s=100.0), 20.0, 300.0)
    assert slo["ttft"]["verdict"] != "not met"  # by requests, the first stall's 30 in a row would have said so


def test_blocks_that_fare_alike_give_no_verdict() -> None:
    """A wait that swings over a minute around the limit: 5% above it by long run, and no minute can say so."""
    samples = [
        Sample(float(due), 0.0, "ok", ttft=0.4 + 0.08 * math.sin(due / 10), e2e=1.0, tpot=0.001) for due in range(120)
    ]
    found = slo_json(LEVELS[0], samples, lambda one: int(one.due), alpha=0.05)
    assert found["correlation"] > 0.9
    assert (found["verdict"], found["alike"]) == ("undecided", True)
    far = slo_json(LEVELS[1], samples, lambda one: int(one.due), alpha=0.05)
    assert (far["verdict"], far["alike"]) == ("met", False)


def turns(ours: Speed, theirs: Speed, rounds: int = 24) -> tuple[Pair, VirtualTarget, VirtualTarget]:
    """Ask two servers in turn."""
    first, second = VirtualTarget(ours), VirtualTarget(theirs)

    async def main() -> Pair:
        return await abba(user_of(first, "a"), user_of(second, "b"), 8.0, Pace(4.0, 1.0), rounds)

    return run_in_virtual_time(main()), first, second


@pytest.mark.parametrize(("slower", "verdict"), [(1.0, "met"), (1.1, "met"), (1.5, "not met")])
def test_a_ratio_that_is_known_is_found(slower: float, verdict: str) -> None:
    """A server so many times as slow: ratios of TTFT, TPOT and end to end are that; 20% slower is allowed."""
    pair, _, _ = turns(Speed(ttft_s=0.1 * slower, itl_s=0.02 * slower), Speed(ttft_s=0.1, itl_s=0.02))
    ratios = ratios_json(pair, 1)
    for metric in ("ttft", "tpot", "e2e"):
        assert ratios[metric]["p95"]["value"] == pytest.approx(slower, abs=1e-3)
    found = slower_json(pair, allowed=1.2, alpha=0.05, block_s=1.0, seed=1)
    assert {one["verdict"] for one in found.values()} == {verdict}


def test_both_are_asked_the_same_words_in_turn() -> None:
    """A B B A: the same moments and words but for the beginning, which no cache may hold."""
    pair, first, second = turns(Speed(ttft_s=0.1), Speed(ttft_s=0.1), rounds=2)
    assert [one.due for one in pair.candidate[0].samples] == [one.due for one in pair.baseline[0].samples]
    assert [text.partition("]")[2] for text in first.texts] == [text.partition("]")[2] for text in second.texts]
    assert not set(first.texts) & set(second.texts)
    assert pair.rounds == 2
