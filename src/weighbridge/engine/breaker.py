"""The circuit breaker: an endpoint that fails again and again is probed, one request at a time, until it is back."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.engine.limits import Limits

__all__ = ["Breaker"]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
_LONGEST_ASKED_S = 60.0
_MOST_JUNK = 3  # times as many as failures: each request makes a few


@dataclass(slots=True)
class Breaker:
    """Closed while an endpoint answers; open between probes. Pure: the clock is the caller's, in seconds.

    `given_up` is for good: nothing is asked of the endpoint any more.
    """

    limits: Limits
    given_up: bool = False
    opens_at: float | None = None  # when the next probe may go; None while closed
    in_a_row: int = 0  # failed attempts since the last answer
    _pauses: int = 0
    _junk: int = 0
    _since: float = 0.0
    _probing: bool = False
    _spread: random.Random = field(default_factory=random.Random)

    @property
    def closed(self) -> bool:
        """Whether requests flow freely."""
        return self.opens_at is None

    def admits(self, now: float) -> bool:
        """Return whether a request may go; the one that may after a pause is the probe, and goes alone."""
        if not self.ready(now):
            return False
        self._probing = not self.closed
        return True

    def ready(self, now: float) -> bool:
        """Return whether a request would be admitted."""
        return self.opens_at is None or self.given_up or (not self._probing and now >= self.opens_at)

    def pause_s(self, now: float) -> float | None:
        """Return the seconds until a probe may go; None where nothing is waited for but an answer."""
        return None if self.opens_at is None or self._probing else max(0.0, self.opens_at - now)

    def patience_left_s(self, now: float) -> float:
        """Return how long an endpoint that is away will be waited for yet."""
        return max(0.0, self.limits.patience_s - (now - self._since))

    def worked(self) -> None:
        """Note any answer of a living endpoint, a definite no included."""
        self.opens_at, self.in_a_row, self._pauses, self._junk, self._probing = None, 0, 0, 0, False

    def failed(self, now: float, asked_s: float | None) -> None:
        """Note a failed attempt; `asked_s` is what Retry-After asks for."""
        self._since = self._since if self.in_a_row else now
        self.in_a_row += 1
        if self.in_a_row < self.limits.give_up_after:
            return
        if now - self._since >= self.limits.patience_s or (asked_s or 0.0) > max(
            _LONGEST_ASKED_S, self.limits.patience_s
        ):
            self.given_up = True  # or it says itself that it will not be back in time
        if self.opens_at is None or self._probing:  # those that were in flight prolong nothing
            pause_s = min(_FIRST_PAUSE_S * 2**self._pauses, _LONGEST_PAUSE_S) * self._spread.uniform(0.75, 1.25)
            self.opens_at, self._probing = now + max(pause_s, min(asked_s or 0.0, _LONGEST_ASKED_S)), False
            self._pauses += 1

    def confused(self) -> None:
        """Note an answer that is none: a page, or a stream that breaks off. Waiting will not teach such a server."""
        self._junk += 1
        self._probing = False
        if self._junk >= _MOST_JUNK * self.limits.give_up_after:
            self.given_up = True

    def dropped(self) -> None:
        """Note that an attempt was cancelled: the next one may probe."""
        self._probing = False
