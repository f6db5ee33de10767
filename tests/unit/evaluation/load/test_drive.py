"""The drivers on a virtual clock against servers whose every wait is known."""

from __future__ import annotations

import itertools
import math
import statistics
from typing import TYPE_CHECKING

import pytest

from weighbridge.evaluation.load.drive import Budget, Driven, Pace, User, closed_loop, open_loop
from weighbridge.evaluation.load.point import Judged, point_json
from weighbridge.evaluation.load.shots import Prompts, Shape
from weighbridge.testing.load_server import Speed
from weighbridge.testing.virtual_target import VirtualClock, VirtualTarget
from weighbridge.testing.virtual_time import run_in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.evaluation.load.sample import Sample


def user_of(target: VirtualTarget, tokens: int = 4) -> User:
    """Return a user of one kind of request."""
    return User(target, Prompts([Shape(20, tokens)], seed=1, salt="t"), clock=VirtualClock())


def opened(
    speed: Speed, rate: float, pace: Pace, tokens: int = 4, watch: Callable[[Sample], bool] = lambda _s: False
) -> Driven:
    """Run an open loop in virtual time."""

    async def main() -> Driven:
        return await open_loop(user_of(VirtualTarget(speed), tokens), rate, pace, watch)

    return run_in_virtual_time(main())


def p99(driven: Driven) -> float:
    """Return the 99th percentile of TTFT."""
    values = sorted(one.ttft for one in driven.measured)
    return values[math.ceil(0.99 * len(values)) - 1]


def test_an_open_loop_shows_the_stall_that_a_closed_loop_hides() -> None:
    """8 s of stall every 4 min: by uniform arrivals 1% of them wait longer than 8 - 0.01 x 240 = 5.6 s.

    The closed loop of 8 users meets each stall with 8 requests of several thousand (our knowledge base measured 6.9 s
    against 0.8 s with queueing; statistics.md, section 6).
    """
    speed = Speed(ttft_s=0.5, itl_s=0.0, stall_s=8.0, stall_every_s=240.0)
    found = opened(speed, 4.0, Pace(960.0), tokens=1)

    async def closed() -> Driven:
        return await closed_loop(user_of(VirtualTarget(speed), 1), 8, Pace(240.0))

    assert p99(found) == pytest.approx(5.6 + 0.5, abs=0.7)
    assert p99(run_in_virtual_time(closed())) < 0.51


def test_known_waits_are_measured() -> None:
    """TTFT 0.2 s, 0.05 s a token, 11 tokens: TPOT 0.05, end to end 0.7; on a clock without lag, exactly."""
    driven = opened(Speed(ttft_s=0.2, itl_s=0.05), 3.0, Pace(20.0, 2.0), tokens=11)
    one = driven.measured[5]
    assert (one.ttft, one.tpot, one.gap, one.e2e) == pytest.approx((0.2, 0.05, 0.05, 0.7), abs=1e-9)
    assert all(sample.due >= 2.0 for sample in driven.measured)
    assert len(driven.samples) > len(driven.measured)


def test_arrivals_are_poisson() -> None:
    """Gaps between moments due have mean 1/rate and a coefficient of variation of 1; counts a second vary as much."""
    driven = opened(Speed(ttft_s=0.001, itl_s=0.0), 20.0, Pace(150.0), tokens=1)
    dues = [one.due for one in driven.samples]
    gaps = [later - sooner for sooner, later in itertools.pairwise(dues)]
    assert statistics.mean(gaps) == pytest.approx(1 / 20, rel=0.05)
    assert statistics.stdev(gaps) / statistics.mean(gaps) == pytest.approx(1.0, abs=0.06)


def test_waits_of_a_single_server_are_those_of_the_queue() -> None:
    """M/D/1 at load 0.8, service 0.1 s: mean wait = 0.8 / (2 x 0.2) x 0.1 = 0.2 s (Pollaczek-Khinchine)."""
    driven = opened(Speed(ttft_s=0.1, itl_s=0.0, slots=1), 8.0, Pace(600.0, 60.0), tokens=1)
    waits = [one.ttft - 0.1 for one in driven.measured]
    assert statistics.mean(waits) == pytest.approx(0.2, rel=0.25)
    point = point_json([driven], Judged(), rate=8.0)
    assert point["in_flight"] == pytest.approx(8.0 * (0.2 + 0.1), rel=0.25)  # Little
    assert not point["growing"]


def test_a_queue_that_grows_is_said_to_grow_by_what_is_left_over() -> None:
    """4 slots of 0.5 s serve 8 a second: at 10 a second the queue grows by 2 a second."""
    driven = opened(Speed(ttft_s=0.5, itl_s=0.0, slots=4), 10.0, Pace(200.0, 20.0), tokens=1)
    point = point_json([driven], Judged(), rate=10.0)
    assert point["growing"]
    assert point["growth"] == pytest.approx(2.0, abs=0.5)
    assert point["answers_s"] == pytest.approx(8.0, rel=0.02)


def test_one_request_too_late_is_not_forgotten() -> None:
    """A time-out and an error are slower than every other: infinite in every quantile."""

    async def main() -> Driven:
        target = VirtualTarget(Speed(ttft_s=1.0, itl_s=0.0, slots=1, fail_every=10), timeout_s=3.0)
        return await open_loop(user_of(target, 1), 2.0, Pace(60.0))

    driven = run_in_virtual_time(main())
    point = point_json([driven], Judged(), rate=2.0)
    assert point["timeouts"] > 0
    assert point["errors"] == sum(one.detail == "HTTP 500: told to fail" for one in driven.measured)
    assert "p90" not in point["ttft"]
    assert point["ttft"]["beyond"]["p90"]["value"] is None


def test_a_watch_sees_requests_in_the_order_they_were_due() -> None:
    """However long each takes; and True from it ends the arrivals."""
    seen: list[float] = []

    def watch(sample: Sample) -> bool:
        seen.append(sample.due)
        return len(seen) >= 50

    driven = opened(Speed(ttft_s=0.4, itl_s=0.0, slots=3, stall_s=2.0, stall_every_s=7.0), 5.0, Pace(600.0), 1, watch)
    assert seen == sorted(seen)
    assert driven.stopped == "decided"
    assert driven.seconds < 600
    assert all(one.status == "ok" for one in driven.samples)  # what was under way was waited for


def test_a_budget_ends_the_run() -> None:
    """Requests, tokens in and out, or a moment."""

    async def spent(budget: Budget) -> int:
        user = user_of(VirtualTarget(Speed(ttft_s=0.01)))
        user.budget = budget
        driven = await open_loop(user, 10.0, Pace(60.0))
        assert driven.stopped == "budget"
        return len(driven.samples)

    assert run_in_virtual_time(spent(Budget(requests=17))) == 17
    assert run_in_virtual_time(spent(Budget(tokens=100))) == 4  # of 24 each
    assert run_in_virtual_time(spent(Budget(until=5.0))) == pytest.approx(50, abs=25)


def test_stopping_keeps_what_was_measured() -> None:
    """After a first Ctrl-C nothing new is sent; what hangs longer than the grace is unfinished and in no figure."""

    async def main() -> Driven:
        user = user_of(VirtualTarget(Speed(ttft_s=0.1, itl_s=0.0, stall_s=500.0, stall_every_s=520.0)), 1)

        def watch(_sample: Sample) -> bool:
            if len(seen := counted) < 100:
                seen.append(1)
            else:
                user.stop.ask()
            return False

        counted: list[int] = []
        return await open_loop(user, 10.0, Pace(600.0), watch)

    driven = run_in_virtual_time(main())
    assert driven.stopped == "interrupted"
    assert 100 <= len(driven.measured) <= 130
    assert driven.seconds < 20


def test_a_server_that_sends_all_at_once_has_no_time_per_token() -> None:
    """What came in one piece was seen at its end, and TPOT is not made up."""
    driven = opened(Speed(ttft_s=0.2, itl_s=0.01, sticky=True), 5.0, Pace(60.0), tokens=6)
    point = point_json([driven], Judged(), rate=5.0)
    assert "p50" not in point["tpot"]
    assert point["ttft"]["p50"]["value"] == pytest.approx(0.25, abs=1e-6)
    assert "in one piece" in point["notes"][0]
