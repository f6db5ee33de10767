"""Limits of one key on one node: token buckets for requests and tokens a minute, and a count of requests at once.

What a key made shares its limits with it, and so on upwards: ten keys of 60 a minute are not 600. A bucket (Turner
1986) holds as much as a minute allows and refills evenly, so that a caller who was silent may send a minute's worth at
once. Buckets live in memory: with N nodes a key gets up to N times its limit. Times are monotonic, and limits hold to a
microsecond.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from weighbridge.pilot.access.protocol import Refusal

if TYPE_CHECKING:
    from weighbridge.pilot.access.keys import Limits

__all__ = ["Bucket", "Meter", "Meters"]

_WINDOW_S = 60
_SLACK_S, _SLACK_UNITS = 1e-6, 1e-3  # sums of parts of a minute are not exact
_MOST_S = _WINDOW_S + _SLACK_S
_KIND = "rate_limit_error"
_Headers = tuple[tuple[bytes, bytes], ...]


class Bucket:
    """So many units a minute, any number where `capacity` is None. It may be overdrawn: what comes next waits longer.

    It is kept as the moment when it is full again (the generic cell rate algorithm of ITU-T I.371): to take a unit puts
    that off by the `unit_s` seconds it takes to come back, and nothing is ever refilled.
    """

    __slots__ = ("capacity", "full_at", "per_s", "unit_s")

    def __init__(self) -> None:
        self.capacity: int | None = None
        self.full_at = -math.inf
        self.per_s = self.unit_s = 0.0

    def left(self, now: float) -> float:
        """Return how many units are there."""
        return (_WINDOW_S - (self.full_at - now)) * self.per_s if self.unit_s else math.inf

    def resize(self, capacity: int | None, now: float) -> None:
        """Change what a minute allows; what was used of it stays used."""
        if capacity == self.capacity:
            return
        before_s = self.unit_s
        self.capacity = capacity
        self.per_s = (capacity or 0) / _WINDOW_S
        self.unit_s = _WINDOW_S / capacity if capacity else 0.0
        self.full_at = now + max(0.0, self.full_at - now) * (self.unit_s / before_s if before_s else 0.0)


class Meter:
    """The limits of one key."""

    __slots__ = ("_concurrent", "requests", "running", "tokens")

    def __init__(self, limits: Limits, now: float) -> None:
        self.running = 0
        self.requests = Bucket()
        self.tokens = Bucket()
        self.set(limits, now)

    def set(self, limits: Limits, now: float) -> None:
        """Change the limits; what was used stays used."""
        self._concurrent = math.inf if limits.concurrent is None else limits.concurrent
        self.requests.resize(limits.requests_per_minute, now)
        self.tokens.resize(limits.tokens_per_minute, now)

    @property
    def is_set(self) -> bool:
        """Whether anything is limited."""
        return bool(self._concurrent < math.inf or self.requests.capacity or self.tokens.capacity)

    def take(self, tokens: int, now: float) -> Refusal | None:
        """Let a request of so many tokens in; or take nothing, and return why it may not pass."""
        requests, counted = self.requests, self.tokens
        unit_s, all_s = requests.unit_s, tokens * counted.unit_s
        requests_at, tokens_at = requests.full_at, counted.full_at
        requests_at = requests_at + unit_s if requests_at > now else now + unit_s
        tokens_at = tokens_at + all_s if tokens_at > now else now + all_s
        latest = now + _MOST_S
        if requests_at > latest or tokens_at > latest or self.running >= self._concurrent:
            return self._refusal(tokens, now, requests_at - latest, tokens_at - latest)
        self.running += 1
        requests.full_at, counted.full_at = requests_at, tokens_at
        return None

    def put_back(self, tokens: int) -> None:
        """Undo a `take` of so many tokens."""
        self.settle(tokens, 0)
        self.requests.full_at -= self.requests.unit_s

    def settle(self, held: int, used: int) -> None:
        """End a request that held so many tokens and used so many."""
        self.running -= 1
        if held != used:
            bucket = self.tokens
            bucket.full_at += (used - held) * bucket.unit_s

    def headers(self, now: float) -> _Headers:
        """Return RateLimit and RateLimit-Policy as they stand (draft-ietf-httpapi-ratelimit-headers-10)."""
        return _headers(self.requests, self.tokens, now)

    def _refusal(self, tokens: int, now: float, requests_s: float, tokens_s: float) -> Refusal:
        """Return why a request may not pass that either bucket had too few units for by so many seconds, if above 0."""
        for bucket in (self.requests, self.tokens):
            bucket.full_at = max(bucket.full_at, now)
        headers, capacity = self.headers(now), self.tokens.capacity
        if self.running >= self._concurrent:
            return Refusal(429, _KIND, "concurrency_limit", f"{self._concurrent} requests run already", 1.0, headers)
        if requests_s > 0:
            message, wait_s = f"{self.requests.capacity} requests a minute are used up", requests_s
        elif capacity is not None and tokens > capacity:
            message = f"the request may take {tokens} tokens, and the key has {capacity} a minute"
            return Refusal(400, "invalid_request_error", "tokens_exceed_limit", message, headers=headers)
        else:
            message, wait_s = f"{capacity} tokens a minute are used up", tokens_s
        return Refusal(429, _KIND, "rate_limit_exceeded", message, math.ceil(wait_s), headers)


class Meters:
    """The limits of a key that keys with limits are above: a request is let in by all or costs nothing in any."""

    __slots__ = ("_all",)

    def __init__(self, own: Meter, above: tuple[Meter, ...]) -> None:
        self._all = (own, *above)

    def take(self, tokens: int, now: float) -> Refusal | None:
        """Let a request of so many tokens in; or take nothing, and return why it may not pass."""
        for count, meter in enumerate(self._all):
            refusal = meter.take(tokens, now)
            if refusal is not None:
                for other in self._all[:count]:
                    other.put_back(tokens)
                return refusal
        return None

    def put_back(self, tokens: int) -> None:
        """Undo a `take` of so many tokens."""
        for meter in self._all:
            meter.put_back(tokens)

    def settle(self, held: int, used: int) -> None:
        """End a request that held so many tokens and used so many."""
        for meter in self._all:
            meter.settle(held, used)

    def headers(self, now: float) -> _Headers:
        """Return the headers of the limits: of requests and of tokens the bucket that has the least left."""
        requests = min((meter.requests for meter in self._all), key=lambda bucket: bucket.left(now))
        tokens = min((meter.tokens for meter in self._all), key=lambda bucket: bucket.left(now))
        return _headers(requests, tokens, now)


def _headers(requests: Bucket, tokens: Bucket, now: float) -> _Headers:
    """Return RateLimit-Policy and RateLimit: of each bucket the units left, and the seconds until it is full again."""
    policy, form, shown = _form(requests.capacity, tokens.capacity)
    if not form:
        return ()
    requests_s, tokens_s = requests.full_at - now, tokens.full_at - now
    levels = (  # a form's %d cuts fractions off
        (_WINDOW_S - requests_s) * requests.per_s + _SLACK_UNITS if requests_s < _WINDOW_S else 0,
        requests_s + 1 - _SLACK_S,
        (_WINDOW_S - tokens_s) * tokens.per_s + _SLACK_UNITS if tokens_s < _WINDOW_S else 0,
        tokens_s + 1 - _SLACK_S,
    )
    return policy, (b"ratelimit", form % levels[shown])


@lru_cache(maxsize=1024)
def _form(requests: int | None, tokens: int | None) -> tuple[tuple[bytes, bytes], bytes, slice]:
    """Return RateLimit-Policy for two capacities, the form of RateLimit, and which of its four numbers that shows."""
    limits = [(name, most) for name, most in (("requests", requests), ("tokens", tokens)) if most is not None]
    policy = ", ".join(f'"{name}";q={most};w={_WINDOW_S}' for name, most in limits).encode()
    form = ", ".join(f'"{name}";r=%d;t=%d' for name, _ in limits).encode()
    shown = slice(0 if requests is not None else 2, 4 if tokens is not None else 2)
    return (b"ratelimit-policy", policy), form, shown
