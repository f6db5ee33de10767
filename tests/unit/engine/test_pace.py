"""The pace against simulated endpoints, on a virtual clock: rate limits, random faults, outages, queues."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from weighbridge.engine.limits import Limits
from weighbridge.engine.pace import Attempt, Pace
from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.testing.virtual_time import run_in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable

OK: Attempt = (Completion(Outcome.ANSWERED, "A"), None, False)


def fault(status: int, retry_after_s: float | None = None) -> Attempt:
    """Return a failed attempt."""
    return Completion(Outcome.FAILED, detail=f"HTTP {status}: no"), retry_after_s, True


class Endpoint:
    """A simulated endpoint: `decide(now, in_flight)` gives seconds and outcome of each attempt."""

    def __init__(self, decide: Callable[[float, int], tuple[float, Attempt]]) -> None:
        self.decide = decide
        self.in_flight = self.peak = self.attempts = 0

    async def attempt(self) -> Attempt:
        """Serve one attempt."""
        self.attempts += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            seconds, ended = self.decide(asyncio.get_running_loop().time(), self.in_flight)
            await asyncio.sleep(seconds)
        finally:
            self.in_flight -= 1
        return ended


def ask_all(endpoint: Endpoint, n: int, limits: Limits) -> tuple[float, Counter[Outcome], Pace]:
    """Ask n requests with four tasks for each place in flight; return the span, the outcomes and the pace."""
    pace = Pace(limits)
    outcomes: Counter[Outcome] = Counter()

    async def lane(todo: list[int]) -> None:
        while True:
            await pace.room()
            if not todo:
                pace.give_back()
                return
            todo.pop()
            outcomes[(await pace.complete(endpoint.attempt)).outcome] += 1

    async def main() -> float:
        todo = list(range(n))
        await asyncio.gather(*(lane(todo) for _ in range(4 * limits.in_flight)))
        return asyncio.get_running_loop().time()

    return run_in_virtual_time(main()), outcomes, pace


def test_nothing_wrong_nothing_lost() -> None:
    """A steady endpoint is given all it may have, and no more."""
    endpoint = Endpoint(lambda _now, _n: (0.1, OK))
    span, outcomes, _ = ask_all(endpoint, 6400, Limits(in_flight=64))
    assert outcomes == {Outcome.ANSWERED: 6400}
    assert endpoint.peak == 64
    assert span <= 1.05 * 6400 * 0.1 / 64


@pytest.mark.parametrize(("status", "retry_after_s"), [(429, 0.2), (500, None), (503, None)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fifth_of_faults_costs_less_than_double(status: int, retry_after_s: float | None, seed: int) -> None:
    """Every question is answered, within twice the time that a server without faults needs."""
    rng = random.Random(seed)  # noqa: S311 - a seeded simulation
    endpoint = Endpoint(lambda _now, _n: (0.1, fault(status, retry_after_s) if rng.random() < 0.2 else OK))
    span, outcomes, _ = ask_all(endpoint, 6000, Limits(in_flight=64, attempts=16))
    assert outcomes == {Outcome.ANSWERED: 6000}
    assert span <= 2 * 6000 * 0.1 / 64


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize(("n", "in_flight", "latency_s"), [(2000, 64, 0.02), (300, 32, 0.02), (300, 32, 0.1)])
def test_a_short_run_with_faults_takes_less_than_double(status: int, n: int, in_flight: int, latency_s: float) -> None:
    """A few hundred answers, a fifth of the requests failing by number: no chain of failures outlasts the rest."""
    numbers = itertools.count(1)

    def by_number(_now: float, _n: int) -> tuple[float, Attempt]:
        return latency_s, fault(status) if next(numbers) * 2654435761 % 2**32 < 0.2 * 2**32 else OK

    endpoint = Endpoint(by_number)
    span, outcomes, _ = ask_all(endpoint, n, Limits(in_flight=in_flight, attempts=16))
    assert outcomes == {Outcome.ANSWERED: n}
    assert endpoint.peak == in_flight
    assert span <= 2 * n * latency_s / in_flight


@pytest.mark.parametrize("latency_s", [0.02, 0.1])
def test_random_refusals_of_a_staggered_run_are_not_taken_for_overload(latency_s: float) -> None:
    """Answers that do not come in step, from a client that takes its time, say of the goodput what is so."""
    numbers, rng, free_at = itertools.count(1), random.Random(1), [0.0]  # noqa: S311 - a seeded simulation

    def by_number(now: float, _n: int) -> tuple[float, Attempt]:
        free_at[0] = max(free_at[0], now) + 0.00025
        fails = next(numbers) * 2654435761 % 2**32 < 0.2 * 2**32
        return free_at[0] - now + latency_s * rng.uniform(1.0, 1.1), fault(429) if fails else OK

    span, outcomes, pace = ask_all(Endpoint(by_number), 300, Limits(in_flight=32, attempts=16))
    assert outcomes == {Outcome.ANSWERED: 300}
    assert pace.window.limit == 32
    assert span <= 2 * 300 * 1.05 * latency_s / 32


def test_a_storm_does_not_end_in_serial_asking() -> None:
    """After ten seconds of nothing but 429 the endpoint soon has all its requests again."""

    def stormy(now: float, _n: int) -> tuple[float, Attempt]:
        return (0.01, fault(429)) if 5 <= now < 15 else (0.1, OK)

    endpoint = Endpoint(stormy)
    span, outcomes, pace = ask_all(endpoint, 16_000, Limits(in_flight=64))
    assert outcomes[Outcome.ANSWERED] >= 15_990
    assert span <= 25 + 10 + 8  # the storm, the longest pause between probes, and some rounds of growing
    assert pace.window.limit >= 32


def test_a_server_of_few_places_is_not_flooded() -> None:
    """Where six at once are served and the rest is refused, goodput is near the best and few attempts are wasted."""
    endpoint = Endpoint(lambda _now, n: (0.1, OK) if n <= 6 else (0.005, fault(429)))
    span, outcomes, pace = ask_all(endpoint, 3000, Limits(in_flight=64))
    assert outcomes[Outcome.ANSWERED] == 3000
    assert span <= 1.5 * 3000 * 0.1 / 6
    assert endpoint.attempts <= 2 * 3000
    assert pace.window.limit <= 16


def test_a_queue_is_not_fed_beyond_use() -> None:
    """A server that works on eight at once and queues the rest is not given 256: the queue brings nothing."""
    busy: list[float] = [0.0] * 8

    def queueing(now: float, _n: int) -> tuple[float, Attempt]:
        place = min(range(8), key=lambda i: busy[i])
        busy[place] = max(busy[place], now) + 0.05
        return busy[place] - now, OK

    endpoint = Endpoint(queueing)
    span, outcomes, pace = ask_all(endpoint, 4000, Limits(in_flight=256))
    assert outcomes == {Outcome.ANSWERED: 4000}
    assert span <= 1.1 * 4000 * 0.05 / 8
    assert pace.window.limit <= 64


def test_batching_is_not_taken_for_a_queue() -> None:
    """A server whose answers take longer together but come faster in all is given all it may have."""
    endpoint = Endpoint(lambda _now, n: (0.05 * (1 + n / 32), OK))
    _, _, pace = ask_all(endpoint, 8000, Limits(in_flight=128))
    assert pace.window.limit >= 100


@pytest.mark.parametrize("down_s", [5.0, 30.0, 55.0])
def test_an_endpoint_that_comes_back_is_used_again(down_s: float) -> None:
    """Within a minute nothing is lost but the time, and it is hardly asked while it is down."""

    def restarting(now: float, _n: int) -> tuple[float, Attempt]:
        return (0.001, fault(502)) if 2 <= now < 2 + down_s else (0.1, OK)

    endpoint = Endpoint(restarting)
    span, outcomes, _ = ask_all(endpoint, 1000, Limits(in_flight=16))
    assert outcomes == {Outcome.ANSWERED: 1000}
    assert span <= 1000 * 0.1 / 16 + down_s + 12
    assert endpoint.attempts <= 1000 + 60


def test_an_endpoint_that_stays_away_ends_the_run() -> None:
    """After the patience is over nothing more is asked: the run ends, and what was not asked is said so."""
    endpoint = Endpoint(lambda now, _n: (0.1, OK) if now < 2 else (0.001, fault(503)))
    span, outcomes, pace = ask_all(endpoint, 10_000, Limits(in_flight=16))
    assert pace.breaker.given_up
    assert span <= 2 + 90 + 20
    assert outcomes[Outcome.ANSWERED] >= 300
    assert outcomes[Outcome.ANSWERED] + outcomes[Outcome.NOT_ASKED] >= 10_000 - 40
    assert endpoint.attempts <= outcomes[Outcome.ANSWERED] + 80


def test_what_is_waited_for_is_said_with_how_long_yet() -> None:
    """An endpoint that is away is named so, with the rest of the patience; an answer ends it."""
    said: list[tuple[float, str]] = []

    async def main() -> None:
        endpoint = Endpoint(lambda now, _n: (0.1, OK) if now > 40 else (0.001, fault(503)))
        pace = Pace(Limits(in_flight=4))
        asking = [asyncio.create_task(pace.complete(endpoint.attempt)) for _ in range(20)]
        for _ in range(3):
            await asyncio.sleep(10)
            said.append((asyncio.get_running_loop().time(), pace.told()))
        await asyncio.gather(*asking)
        assert "away" not in pace.told()

    run_in_virtual_time(main())
    for now, told in said:
        left = int(told.removeprefix("endpoint away, waited for ").removesuffix(" s yet"))
        assert abs(left - (90 - now)) <= 2


def test_retry_after_holds_one_request_not_the_others() -> None:
    """While one question waits for twenty seconds, the others are answered."""
    said: list[float] = []

    def once(now: float, _n: int) -> tuple[float, Attempt]:
        if not said:
            said.append(now)
            return 0.1, fault(429, 20.0)
        return 0.1, OK

    endpoint = Endpoint(once)
    span, outcomes, _ = ask_all(endpoint, 200, Limits(in_flight=8))
    assert outcomes == {Outcome.ANSWERED: 200}
    assert 20.1 <= span <= 31


def test_a_definite_no_is_an_answer_of_a_living_endpoint() -> None:
    """Refusals for good neither narrow the window nor open the breaker."""
    never: Attempt = (Completion(Outcome.FAILED, detail="HTTP 400: no"), None, False)
    endpoint = Endpoint(lambda _now, _n: (0.1, never))
    span, outcomes, _ = ask_all(endpoint, 640, Limits(in_flight=32))
    assert outcomes == {Outcome.FAILED: 640}
    assert span <= 1.1 * 640 * 0.1 / 32


def test_a_server_that_answers_nonsense_is_given_up_soon() -> None:
    """Pages in place of answers are no outage to wait out: three tries a question, and an end."""
    junk: Attempt = (Completion(Outcome.FAILED, detail="the server answered HTML, not JSON"), None, True)
    endpoint = Endpoint(lambda _now, _n: (0.1, junk))
    span, outcomes, pace = ask_all(endpoint, 1000, Limits(in_flight=4))
    assert pace.breaker.given_up
    assert span <= 10
    assert outcomes[Outcome.NOT_ASKED] >= 950


def test_a_server_that_says_it_stays_away_is_believed() -> None:
    """With "come back in an hour" there is nothing to wait for."""
    endpoint = Endpoint(lambda _now, _n: (0.01, fault(503, 3600.0)))
    span, _, pace = ask_all(endpoint, 1000, Limits(in_flight=4))
    assert pace.breaker.given_up
    assert span <= 5
