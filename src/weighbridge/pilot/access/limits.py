"""Limits of one key on one node: token buckets for requests and tokens a minute, and a count of requests at once.

What a key made shares its limits with it, and so on upwards: ten keys of 60 a minute are not 600. A bucket (Turner
1986) holds as much as a minute allows and refills evenly, so that a caller who was silent may send a minute's worth at
once. Buckets live in memory: with N nodes a key gets up to N times its limit. Times are monotonic.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from weighbridge.pilot.access.protocol import Refusal

if TYPE_CHECKING:
    from weighbridge.pilot.access.keys import Limits

__all__ = ["Bucket", "Meter", "Meters"]

_WINDOW_S = 60
_KIND = "rate_limit_error"


class Bucket:
    """So many units a minute. It may be overdrawn: what comes next waits longer."""

    __slots__ = ("_at", "_per_s", "_said", "capacity", "level", "name")

    def __init__(self, name: str, capacity: int, now: float) -> None:
        self.name = name
        self._said = name.encode()
        self.capacity = capacity
        self.level = float(capacity)
        self._per_s = capacity / _WINDOW_S
        self._at = now

    def refill(self, now: float) -> float:
        """Return the level at this moment."""
        if now > self._at:
            self.level = min(self.capacity, self.level + (now - self._at) * self._per_s)
            self._at = now
        return self.level

    def told(self) -> bytes:
        """Return it as RateLimit has it: the units left, and the seconds until it is full again."""
        full_s = math.ceil((self.capacity - self.level) / self._per_s) if self._per_s else _WINDOW_S
        return b'"%b";r=%d;t=%d' % (self._said, max(0, self.level), full_s)

    def resize(self, capacity: int) -> None:
        """Change what a minute allows; what was used of it stays used."""
        self.level += capacity - self.capacity
        self.capacity = capacity
        self._per_s = capacity / _WINDOW_S

    def give(self, units: float) -> None:
        """Put units back, or take more where they are below nothing."""
        self.level = min(self.capacity, self.level + units)

    def wait_s(self, units: float) -> float:
        """Return in how many seconds so many units are there."""
        return max(0.0, (units - self.level) / self._per_s) if self._per_s else math.inf


class Meter:
    """The limits of one key."""

    __slots__ = ("_concurrent", "_policy", "_requests", "_tokens", "buckets", "running")

    def __init__(self, limits: Limits, now: float) -> None:
        self.running = 0
        self._requests: Bucket | None = None
        self._tokens: Bucket | None = None
        self.set(limits, now)

    def set(self, limits: Limits, now: float) -> None:
        """Change the limits; what was used stays used."""
        self._concurrent = limits.concurrent
        self._requests = _resized(self._requests, "requests", limits.requests_per_minute, now)
        self._tokens = _resized(self._tokens, "tokens", limits.tokens_per_minute, now)
        self.buckets = [bucket for bucket in (self._requests, self._tokens) if bucket is not None]
        self._policy = _policy(self.buckets)

    @property
    def is_set(self) -> bool:
        """Whether anything is limited."""
        return self._concurrent is not None or self._requests is not None or self._tokens is not None

    def refuse(self, tokens: int, now: float) -> Refusal | None:
        """Return why a request of so many tokens may not pass now, or None; takes nothing."""
        if self._concurrent is not None and self.running >= self._concurrent:
            return self._refusal(f"{self._concurrent} requests run already", "concurrency_limit", 1.0)
        bucket = self._requests
        if bucket is not None and bucket.refill(now) < 1:
            return self._limited(bucket, 1)
        bucket = self._tokens
        if bucket is not None and bucket.refill(now) < tokens:
            if tokens > bucket.capacity:
                message = f"the request may take {tokens} tokens, and the key has {bucket.capacity} a minute"
                return Refusal(400, "invalid_request_error", "tokens_exceed_limit", message, headers=self.headers())
            return self._limited(bucket, tokens)
        return None

    def take(self, tokens: int) -> None:
        """Let a request in that was not refused."""
        self.running += 1
        if self._requests is not None:
            self._requests.level -= 1
        if self._tokens is not None:
            self._tokens.level -= tokens

    def settle(self, held: int, used: int) -> None:
        """End a request that held so many tokens and used so many."""
        self.running -= 1
        if self._tokens is not None and held != used:
            self._tokens.give(held - used)

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return RateLimit and RateLimit-Policy as they stand (draft-ietf-httpapi-ratelimit-headers-10).

        `r` are the units left, `t` the seconds until the bucket is full again.
        """
        return ((b"ratelimit-policy", self._policy), (b"ratelimit", _levels(self.buckets))) if self._policy else ()

    def _limited(self, bucket: Bucket, units: int) -> Refusal:
        """Refuse by a bucket."""
        message = f"{bucket.capacity} {bucket.name} a minute are used up"
        return self._refusal(message, "rate_limit_exceeded", bucket.wait_s(units))

    def _refusal(self, message: str, code: str, wait_s: float) -> Refusal:
        """Refuse for now."""
        return Refusal(429, _KIND, code, message, _seconds(wait_s), self.headers())


class Meters(NamedTuple):
    """The limits that hold for a key: its own, and those of the keys above it that have any.

    A request is let in by all of them or costs nothing in any.
    """

    own: Meter
    above: tuple[Meter, ...] = ()

    def refuse(self, tokens: int, now: float) -> Refusal | None:
        """Return why a request of so many tokens may not pass now, or None; takes nothing."""
        refusal = self.own.refuse(tokens, now)
        for meter in self.above:
            if refusal is None:
                refusal = meter.refuse(tokens, now)
        return refusal

    def take(self, tokens: int) -> None:
        """Let a request in that was not refused."""
        self.own.take(tokens)
        for meter in self.above:
            meter.take(tokens)

    def settle(self, held: int, used: int) -> None:
        """End a request that held so many tokens and used so many."""
        self.own.settle(held, used)
        for meter in self.above:
            meter.settle(held, used)

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return the headers of the limits: of requests and of tokens the bucket that has the least left."""
        if not self.above:
            return self.own.headers()
        least: dict[str, Bucket] = {}
        for meter in (self.own, *self.above):
            for bucket in meter.buckets:
                if bucket.name not in least or bucket.level < least[bucket.name].level:
                    least[bucket.name] = bucket
        buckets = list(least.values())
        return ((b"ratelimit-policy", _policy(buckets)), (b"ratelimit", _levels(buckets))) if buckets else ()


def _policy(buckets: list[Bucket]) -> bytes:
    """Return the value of RateLimit-Policy."""
    return ", ".join(f'"{bucket.name}";q={bucket.capacity};w={_WINDOW_S}' for bucket in buckets).encode()


def _levels(buckets: list[Bucket]) -> bytes:
    """Return the value of RateLimit."""
    return b", ".join([bucket.told() for bucket in buckets])


def _resized(bucket: Bucket | None, name: str, capacity: int | None, now: float) -> Bucket | None:
    """Return the bucket for a limit, or None where there is none."""
    if capacity is None:
        return None
    if bucket is None:
        return Bucket(name, capacity, now)
    bucket.refill(now)
    if bucket.capacity != capacity:
        bucket.resize(capacity)
    return bucket


def _seconds(wait_s: float) -> int:
    """Return whole seconds, at least those; a bucket that never fills says a minute."""
    return math.ceil(wait_s) if math.isfinite(wait_s) else _WINDOW_S
