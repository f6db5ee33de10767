"""A deadline that is moved often: when it rings, and how many timers that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.gateway.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable


class Loop:
    """A loop whose time is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Timer]] = []

    def time(self) -> float:
        """Return the time."""
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Note a timer."""
        timer = Timer(callback)
        self.timers.append((self.now + delay, timer))
        return timer

    def go(self, seconds: float) -> None:
        """Let time pass, and what is due be called."""
        end = self.now + seconds
        while due := sorted((at, place) for place, (at, timer) in enumerate(self.timers) if timer.is_set and at <= end):
            self.now, place = due[0]
            timer = self.timers[place][1]
            timer.is_set = False
            timer.callback()
        self.now = end


class Timer:
    """A timer."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.is_set = True

    def cancel(self) -> None:
        """Forget it."""
        self.is_set = False


def deadline_of(loop: Any, late: Callable[[], None]) -> Deadline:
    """Return a deadline on that loop."""
    return Deadline(loop, late)


def test_it_rings_once_when_its_time_has_come() -> None:
    """Not a moment before, and not again."""
    loop, rung = Loop(), list[float]()
    deadline = deadline_of(loop, lambda: rung.append(loop.now))
    deadline.set(5)
    loop.go(4.9)
    assert (rung, deadline.is_set) == ([], True)
    loop.go(20)
    assert (rung, deadline.is_set) == ([105.0], False)


def test_it_is_moved_on_without_a_timer_each_time() -> None:
    """A thousand requests in a row set one timer each five seconds; the last one's deadline counts."""
    loop, rung = Loop(), list[float]()
    deadline = deadline_of(loop, lambda: rung.append(loop.now))
    for _ in range(1000):
        deadline.set(5)
        loop.go(0.01)
    assert rung == []
    assert len(loop.timers) <= 4
    loop.go(10)
    assert [round(at, 2) for at in rung] == [114.99]


def test_it_is_moved_back_and_taken_away() -> None:
    """A shorter time counts at once; what is cleared or closed never rings."""
    loop, rung = Loop(), list[float]()
    deadline = deadline_of(loop, lambda: rung.append(loop.now))
    deadline.set(60)
    deadline.set(1)
    loop.go(2)
    assert rung == [101.0]
    deadline.set(1)
    deadline.clear()
    loop.go(5)
    deadline.set(1)
    deadline.close()
    loop.go(100)
    assert rung == [101.0]
    assert not any(timer.is_set for _, timer in loop.timers)
