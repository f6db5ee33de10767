"""Limits: how an endpoint may be used, what is tried again, and how long to wait before.

A run never dies of its endpoint: it ends with what it has, and says what is missing.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["Limits", "Retries", "is_retried", "retry_after_s"]

_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LONGEST_WAIT_S = 60.0
_FIRST_WAIT_S = 0.1
_SHORTEST_WAIT_S, _SHORTEST_AWAY_S = 0.005, 0.025  # of an endpoint that answers others, and of one that does not
_MANY = 3  # failures in a row that are no chance any more
_LONGEST_OWN_WAIT_S = 0.5  # the window and the breaker spare the endpoint; a longer wait only delays the end


@dataclass(frozen=True, slots=True)
class Limits:
    """How an endpoint may be used: requests in flight, seconds for one answer, attempts, and when to give up.

    Retries of all requests together are at most `retry_reserve` plus `retry_share` of the requests so far. After
    `give_up_after` attempts failed in a row one probe at a time is sent, and after `patience_s` of that the rest is not
    asked.
    """

    in_flight: int = 16
    timeout_s: float = 120.0
    attempts: int = 8
    timeouts: int = 2  # an endpoint that hangs is asked twice, not eight times
    retry_share: float = 1.0
    retry_reserve: int = 1000
    give_up_after: int = 12
    patience_s: float = 90.0  # a server restarts within a minute


@dataclass(slots=True)
class Retries:
    """What is left of the retry budget: it grows with the requests, so that a storm is not answered with a storm."""

    limits: Limits
    requests: int = 0
    spent: int = 0
    _spread: random.Random = field(default_factory=random.Random)

    def wait_s(
        self,
        attempt: int,
        asked_s: float | None,
        *,
        refused: int = 0,
        usual_s: float | None = None,
        in_a_row: int | None = None,
    ) -> float | None:
        """Return the seconds to wait before attempt `attempt` + 1, or None where there is to be none.

        `asked_s` is what the server's Retry-After asks for; a longer wait than a minute ends the attempts. `refused`
        attempts do not count: they say nothing of the request, only of the hour. The first wait is half of
        `usual_s`, what an answer takes, at most a tenth of a second, at least 5 ms, or 25 where the endpoint answers
        nobody. Waits double with the failures that the endpoint has made `in_a_row`: while it answers others, what
        fails is this request's bad luck, and a first failure that is no refusal is tried again at once.
        """
        budget = self.limits.retry_reserve + self.limits.retry_share * self.requests
        if attempt - refused >= self.limits.attempts or self.spent >= budget:
            return None
        if asked_s is not None and asked_s > _LONGEST_WAIT_S:
            return None
        self.spent += 1
        spread = self._spread.uniform(1.0, 1.5)  # or all lanes return at the same moment
        own_s = self._own_wait_s(attempt, refused, usual_s, attempt if in_a_row is None else in_a_row)
        return spread * own_s if asked_s is None else asked_s + (spread - 1.0) * min(own_s, asked_s)

    def _own_wait_s(self, attempt: int, refused: int, usual_s: float | None, in_a_row: int) -> float:
        """Return the seconds to wait where the server names none."""
        if attempt == 1 and not refused and in_a_row < _MANY:
            return 0.0
        shortest_s = _SHORTEST_WAIT_S if in_a_row < _MANY else _SHORTEST_AWAY_S
        first_s = min(_FIRST_WAIT_S, max(shortest_s, usual_s / 2)) if usual_s else _FIRST_WAIT_S
        doublings = min(attempt - 1, max(0, in_a_row - _MANY))
        return min(first_s * 2.0**doublings, _LONGEST_OWN_WAIT_S)


def is_retried(status: int) -> bool:
    """Return whether an HTTP status means "later", not "never"."""
    return status in _RETRIED


def retry_after_s(header: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for (delta-seconds or HTTP date, RFC 9110 10.2.3), or None."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - (now or datetime.now(UTC))).total_seconds()
        except (ValueError, OverflowError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
