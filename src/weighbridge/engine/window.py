"""The window: how many requests an endpoint is given at once, found by what each change of it did to the goodput.

Multiplicative decrease is TCP's (Jacobson 1988), latency as a sign of queues is Vegas' (Brakmo and Peterson 1995).
Unlike TCP, the window opens at once after a first round that nothing speaks against, as its user said how far; and a
decrease is a trial: where a smaller window gives fewer answers a second, the faults were not of our making, and the
window returns. So random faults never end in serial asking.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Window"]

_FIRST = 64  # of at most, for one round
_FEWEST_ANSWERS = 16  # of an epoch: one answer tells nothing
_TOLERATED = 0.1  # share of refusals that is no sign of overload
_AS_GOOD = 0.75  # a halved window with this share of the goodput loses nothing: goodput was not bound by the window
_OURS = 0.5  # refusals that fall below this share of what they were came of the window
_MOST_TOLERATED = 0.6
_GAIN = 0.1  # of the growth of the window must come back as goodput,
_QUEUED = 0.4  # where this share of it came back as latency
_GROWTH = 0.25
_ROUNDS = 3
_TICK_S = 0.001
_EASE = 0.1  # weight of an answer in the usual latency
_REST_EPOCHS = 10  # before growing is tried again where it brought nothing
_SLOW = 4.0  # times the quickest answer: more than that is perhaps waited for in a queue
_BEARABLE_S = 0.25  # a queue this short hurts nobody
_AS_FAST = 0.9  # a halved window with this share of the goodput shows that it was


@dataclass(frozen=True, slots=True)
class _Epoch:
    """What one epoch measured: answers a second, share refused, mean seconds of an answer."""

    rate: float
    refused: float
    latency_s: float


@dataclass(frozen=True, slots=True)
class _Trial:
    """A change under trial: which way, the window before, and what it gave."""

    way: Literal["up", "down", "slow"]
    limit: float
    before: _Epoch


@dataclass(slots=True)
class Window:
    """At most `most` requests at once; `limit` is how many now. Pure: the clock is the caller's, in seconds.

    An epoch is one round of answers; at its end the window is judged, and changed. `usual_s` is what an answer takes,
    0 before the first.
    """

    most: int
    limit: float = 0.0
    tolerated: float = _TOLERATED
    _opened: bool = False
    _trial: _Trial | None = None
    _rest: int = 0
    _long_rest: int = _REST_EPOCHS
    _quickest_s: float = math.inf
    _settled_at: float = 0.0
    usual_s: float = 0.0
    _answered: int = 0
    _refused: int = 0
    _failed: int = 0
    _latency_s: float = 0.0
    _full: bool = False
    _began: float = field(default=-1.0)

    def __post_init__(self) -> None:
        self.limit = self.limit or float(min(self.most, _FIRST))

    def sent(self, now: float, *, full: bool) -> None:
        """Note that a request goes out; `full` where the window allows no more beside it."""
        if self._began < 0:
            self._began = now
        self._full = self._full or full

    def ended(self, now: float, seconds: float, *, answered: bool, refused: bool) -> None:
        """Note how an attempt ended, after how long; `refused` where the server said that it has too much to do."""
        if answered:
            self.usual_s += _EASE * (seconds - self.usual_s) if self.usual_s else seconds
            self._quickest_s = min(self._quickest_s, seconds)
        if now < self._settled_at:  # what is in flight still belongs to the window before
            self._reset(now)
            return
        self._answered += answered
        self._refused += refused
        self._failed += not answered and not refused
        self._latency_s += seconds if answered else 0.0
        seen = self._answered + self._refused + self._failed
        rounds = _ROUNDS if self._refused else 1  # refusals come at once: a count of them tells little
        if seen >= max(_FEWEST_ANSWERS, self.limit) and now - self._began >= max(rounds * self.usual_s, _TICK_S):
            epoch = _Epoch(
                self._answered / (now - self._began), self._refused / seen, self._latency_s / max(1, self._answered)
            )
            self._judge(epoch, now)
            self._reset(now)

    def _reset(self, now: float) -> None:
        """Begin an epoch."""
        self._answered = self._refused = self._failed = 0
        self._latency_s, self._full, self._began = 0.0, False, now

    def _judge(self, epoch: _Epoch, now: float) -> None:
        """Judge the change under trial, and make the next one."""
        trial, self._trial = self._trial, None
        self._rest = max(0, self._rest - 1)
        if trial is not None and trial.way == "down":
            self._judge_refused(epoch, trial)
        elif trial is not None and trial.way == "slow":
            if epoch.rate < _AS_FAST * trial.before.rate:  # slow, but no queue: the more at once, the more answers
                self.limit, self._rest, self._long_rest = trial.limit, self._long_rest, 2 * self._long_rest
        elif not epoch.rate:
            pass  # nothing is answered at any window: that is the breaker's business
        elif epoch.refused > self.tolerated:
            self._opened = True
            self._narrow("down", epoch, now)
        elif trial is not None and _only_queued(epoch, trial.before, self.limit / trial.limit - 1):
            self.limit, self._rest = trial.limit, _REST_EPOCHS
        elif not self._opened:
            self._opened, self.limit = True, float(self.most)
        elif self._full and not self._rest and epoch.latency_s > max(_SLOW * self._quickest_s, _BEARABLE_S):
            self._narrow("slow", epoch, now)
        elif self._full and not self._rest and self.limit < self.most:
            self._trial = _Trial("up", self.limit, epoch)
            self._settled_at = now + self.usual_s
            self.limit = min(float(self.most), self.limit + max(1.0, _GROWTH * self.limit))

    def _narrow(self, way: Literal["down", "slow"], epoch: _Epoch, now: float) -> None:
        """Try half the window."""
        if self.limit > 1:
            self._trial = _Trial(way, self.limit, epoch)
            self._settled_at = now + self.usual_s
            self.limit = max(1.0, self.limit / 2)

    def _judge_refused(self, epoch: _Epoch, trial: _Trial) -> None:
        """Keep half the window, or return: to all of it where it had no part in what was refused."""
        if epoch.rate < _AS_GOOD * trial.before.rate and epoch.refused < _OURS * trial.before.refused:
            self.limit, self._rest = (self.limit + trial.limit) / 2, _REST_EPOCHS  # the best lies between
        elif epoch.rate < _AS_GOOD * trial.before.rate:
            tolerated = 1.25 * trial.before.refused + 0.05
            self.tolerated = min(max(self.tolerated, tolerated), _MOST_TOLERATED)
            self.limit = trial.limit


def _only_queued(after: _Epoch, before: _Epoch, growth: float) -> bool:
    """Return whether a window wider by `growth` (a share) only made answers wait longer."""
    slower = after.latency_s > (1 + _QUEUED * growth) * before.latency_s
    return slower and after.rate < (1 + _GAIN * growth) * before.rate
