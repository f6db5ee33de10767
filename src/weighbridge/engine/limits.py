"""Limits: what is tried again, how long to wait, and when to stop trying.

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
_FIRST_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """How an endpoint may be used: requests in flight, seconds for one answer, attempts, and when to give up."""

    in_flight: int = 16
    timeout_s: float = 120.0
    attempts: int = 5
    timeouts: int = 2  # an endpoint that hangs is asked twice, not five times
    retry_budget: int = 1000  # retries of the whole run
    give_up_after: int = 12  # requests failed in a row


@dataclass(slots=True)
class Retries:
    """What is left of the retry budget, and how many requests have failed in a row."""

    limits: Limits
    spent: int = 0
    failed_in_a_row: int = 0
    _spread: random.Random = field(default_factory=random.Random)

    @property
    def given_up(self) -> bool:
        """Whether the endpoint has failed so often in a row that the rest is not asked."""
        return self.failed_in_a_row >= self.limits.give_up_after

    def wait_s(self, attempt: int, asked_s: float | None) -> float | None:
        """Return the seconds to wait before attempt `attempt` + 1, or None where there is to be none.

        `asked_s` is what the server's Retry-After asks for; a longer wait than a minute ends the attempts.
        """
        if attempt >= self.limits.attempts or self.spent >= self.limits.retry_budget or self.given_up:
            return None
        if asked_s is not None and asked_s > _LONGEST_WAIT_S:
            return None
        self.spent += 1
        spread = self._spread.uniform(0.75, 1.25)  # or all lanes return at the same moment
        own_s: float = _FIRST_WAIT_S * 2 ** (attempt - 1) * spread
        return max(asked_s or 0.0, min(own_s, _LONGEST_WAIT_S))

    def count(self, *, failed: bool) -> None:
        """Note how a request ended."""
        self.failed_in_a_row = self.failed_in_a_row + 1 if failed else 0


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
