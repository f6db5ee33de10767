"""A fleet of endpoints, simulated on a virtual clock: least-loaded routing, and one that dies."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Self

import pytest

from weighbridge.engine.fleet import Fleet
from weighbridge.engine.limits import Limits
from weighbridge.engine.pace import Attempt, Pace
from weighbridge.engine.protocol import Completion, EngineIdentity, Outcome, Request
from weighbridge.errors import EngineUnreachable
from weighbridge.testing.virtual_time import run_in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

ASK = Request("chat", "Q", 8)


class Endpoint:
    """A paced engine: `alive(now)` says whether it answers, after `seconds`."""

    def __init__(self, address: str, seconds: float, alive: Callable[[float], bool] = lambda _now: True) -> None:
        self.identity = EngineIdentity("openai", "m", address=address)
        self.pace = Pace(Limits(in_flight=8))
        self.seconds, self.alive, self.answered, self.can_enter = seconds, alive, 0, True

    def lanes(self, *, generates: bool) -> int:  # noqa: ARG002 - the shape of Engine
        """Return eight."""
        return 8

    async def complete(self, request: Request) -> Completion:  # noqa: ARG002 - the shape of Engine
        """Answer at this endpoint's pace."""
        return await self.pace.complete(self._attempt)

    async def _attempt(self) -> Attempt:
        if not self.alive(asyncio.get_running_loop().time()):
            await asyncio.sleep(0.001)
            return Completion(Outcome.FAILED, detail="the connection failed: ConnectError"), None, True
        await asyncio.sleep(self.seconds)
        self.answered += 1
        return Completion(Outcome.ANSWERED, "A"), None, False

    async def __aenter__(self) -> Self:
        """Be reached, or not."""
        if not self.can_enter:
            raise EngineUnreachable("the engine at `x` cannot be reached")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop nothing."""


def ask(endpoints: list[Endpoint], n: int) -> tuple[float, Counter[Outcome]]:
    """Ask n questions of a fleet; return the span and the outcomes."""
    outcomes: Counter[Outcome] = Counter()

    async def main() -> float:
        async with Fleet(endpoints) as fleet:
            todo = list(range(n))

            async def lane() -> None:
                while todo:
                    await fleet.room()
                    if not todo:
                        fleet.give_back()
                        return
                    todo.pop()
                    outcomes[(await fleet.complete(ASK)).outcome] += 1

            await asyncio.gather(*(lane() for _ in range(fleet.lanes(generates=True))))
            return asyncio.get_running_loop().time()

    return run_in_virtual_time(main()), outcomes


def test_the_faster_engine_answers_more() -> None:
    """Each request goes where least is in flight: the span is that of both together, not of the slower one's half."""
    fast, slow = Endpoint("a", 0.1), Endpoint("b", 0.4)
    span, outcomes = ask([fast, slow], 1000)
    assert outcomes == {Outcome.ANSWERED: 1000}
    assert span <= 1.2 * 1000 / (8 / 0.1 + 8 / 0.4)
    assert fast.answered > 3 * slow.answered


def test_an_engine_that_dies_does_not_hurt() -> None:
    """Its requests are answered by the others; none is lost, and the time is that of those left."""
    dying, other = Endpoint("a", 0.1, lambda now: now < 2), Endpoint("b", 0.1)
    span, outcomes = ask([dying, other], 1000)
    assert outcomes == {Outcome.ANSWERED: 1000}
    assert span <= 1.15 * (2 + (1000 - 320) * 0.1 / 8)


def test_an_engine_that_comes_back_is_used_again() -> None:
    """After five seconds away it takes its share again."""
    away, other = Endpoint("a", 0.1, lambda now: not 2 <= now < 7), Endpoint("b", 0.1)
    span, outcomes = ask([away, other], 3000)
    assert outcomes == {Outcome.ANSWERED: 3000}
    assert away.answered >= 1000
    assert span <= 3000 * 0.1 / 16 + 5 / 2 + 5


def test_when_all_are_away_the_run_waits_and_goes_on() -> None:
    """A short outage of all engines loses nothing."""
    engines = [Endpoint(name, 0.1, lambda now: not 1 <= now < 11) for name in "ab"]
    _, outcomes = ask(engines, 500)
    assert outcomes == {Outcome.ANSWERED: 500}


def test_when_all_stay_away_the_run_ends() -> None:
    """Nothing is asked of engines that were given up; the rest is said not to have been asked."""
    engines = [Endpoint(name, 0.1, lambda now: now < 1) for name in "ab"]
    span, outcomes = ask(engines, 2000)
    assert outcomes[Outcome.ANSWERED] >= 100
    assert sum(outcomes.values()) == 2000
    assert span < 150


def test_one_that_cannot_be_reached_is_left_out() -> None:
    """The run begins with the others; with none it says so."""
    gone, other = Endpoint("a", 0.1), Endpoint("b", 0.1)
    gone.can_enter = False
    assert ask([gone, other], 50)[1] == {Outcome.ANSWERED: 50}
    other.can_enter = False
    with pytest.raises(EngineUnreachable, match="none of 2 engines"):
        ask([gone, other], 1)


def test_the_identity_names_every_address() -> None:
    """Answers of a fleet are those of all its addresses, in whatever order; equal engines are one."""
    one, other = Endpoint("http://b/v1", 1), Endpoint("http://a/v1", 1)
    assert Fleet([one, other]).identity == Fleet([other, one]).identity
    assert Fleet([one, other]).identity.settings["addresses"] == ["http://a/v1", "http://b/v1"]
    assert Fleet([one, one]).identity == one.identity
