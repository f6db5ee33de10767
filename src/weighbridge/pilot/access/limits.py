"""Limits of one key on one node: token buckets for requests and tokens a minute, and a count of requests at once.

What a key made shares its limits with it, and so on upwards: ten keys of 60 a minute are not 600. A bucket (Turner
1986) holds as much as a minute allows and refills evenly, so that a caller who was silent may send a minute's worth at
once. What is refilled is what was used first, then what is only held, oldest first; a request that ends gives back what
of its hold is still out, so that any minute lets twice the limit through at the most. Buckets live in memory: with N
nodes a key gets up to N times its limit. Times are monotonic, and limits hold to a microsecond.
"""

from __future__ import annotations

import math
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from weighbridge.pilot.access.protocol import Refusal

if TYPE_CHECKING:
    from weighbridge.pilot.access.keys import Limits

__all__ = ["Bucket", "Meter", "Meters", "TokenBucket"]

_WINDOW_S = 60
_SLACK_S, _SLACK_UNITS = 1e-6, 1e-3  # sums of parts of a minute are not exact
_MOST_S = _WINDOW_S + _SLACK_S
_KIND = "rate_limit_error"
_AGAIN_S = 1.0  # nobody knows when a place among those at once is free
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
        self._stretch(self.unit_s / before_s if before_s else 0.0, now)

    def _stretch(self, factor: float, now: float) -> None:
        """Let what is missing take so many times as long to come back."""
        self.full_at = now + max(0.0, self.full_at - now) * factor


class TokenBucket(Bucket):
    """A bucket whose units are held first, and used or given back later; amounts are in seconds, as `full_at` is.

    `_out_s` of what is missing is only held; `_out` tells how much since which moment, oldest first. Before more is
    taken it is cut to what is missing: level and all that can yet be given back are together at most a minute's worth.
    """

    __slots__ = ("_out", "_out_s")

    def __init__(self) -> None:
        super().__init__()
        self._out: dict[float, float] = {}
        self._out_s = 0.0

    def hold(self, held_s: float, now: float) -> None:
        """Note that so much is held; to take it is up to the caller."""
        out, out_s, missing_s = self._out, self._out_s, self.full_at - now
        if out and out_s > missing_s:
            out_s = self._refill(missing_s)
        out[now] = out[now] + held_s if now in out else held_s
        self._out_s = out_s + held_s

    def settle(self, held_s: float, used_s: float, since: float, now: float) -> None:
        """End what was held since a moment: give back what is still out of it, or take what was used beyond it."""
        out_s = self._out.pop(since, 0.0)
        if out_s - held_s > _SLACK_S:  # of that moment are others, too
            self._out[since] = out_s - held_s
            out_s = held_s
        self._out_s -= out_s
        if used_s > held_s:
            missing_s = max(0.0, self.full_at - now)
            if self._out_s > missing_s:
                self._out_s = self._refill(missing_s)
            self.full_at = now + missing_s + used_s - held_s
        else:
            back_s, missing_s = held_s - used_s, self.full_at - now
            if back_s > out_s:  # noqa: PLR1730 - a call costs more than all the rest here
                back_s = out_s
            self.full_at = self.full_at - back_s if back_s < missing_s else now

    def _refill(self, missing_s: float) -> float:
        """Forget what was held and has been refilled, oldest first; return what is still out."""
        out, beyond_s = self._out, self._out_s - missing_s
        if missing_s <= 0:
            out.clear()
        while out and beyond_s > 0:
            oldest = next(iter(out))
            if out[oldest] > beyond_s:
                out[oldest] -= beyond_s
                return missing_s
            beyond_s -= out.pop(oldest)
        return missing_s if out else 0.0

    def _stretch(self, factor: float, now: float) -> None:
        super()._stretch(factor, now)
        self._out = {since: out_s * factor for since, out_s in self._out.items()} if factor else {}
        self._out_s *= factor


class Meter:
    """The limits of one key."""

    __slots__ = ("_concurrent", "requests", "running", "tokens")

    def __init__(self, limits: Limits, now: float) -> None:
        self.running = 0
        self.requests = Bucket()
        self.tokens = TokenBucket()
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
            return self.refusal(tokens, now)
        self.running += 1
        if all_s:
            counted.hold(all_s, now)
        requests.full_at, counted.full_at = requests_at, tokens_at
        return None

    def put_back(self, tokens: int, now: float) -> None:
        """Undo a `take` of so many tokens at the same moment."""
        self.settle(tokens, 0, now, now)
        self.requests.full_at -= self.requests.unit_s

    def settle(self, held: int, used: int, since: float, now: float) -> None:
        """End a request that held so many tokens since its `take`, and used so many."""
        self.running -= 1
        bucket = self.tokens
        unit_s = bucket.unit_s
        if unit_s:
            bucket.settle(held * unit_s, used * unit_s, since, now)

    def headers(self, now: float) -> _Headers:
        """Return RateLimit and RateLimit-Policy as they stand (draft-ietf-httpapi-ratelimit-headers-10)."""
        return _headers(self.requests, self.tokens, now)

    def refusal(self, tokens: int, now: float) -> Refusal | None:
        """Return why a request of so many tokens may not pass, for the longest of all waits; None where it may."""
        for bucket in (self.requests, self.tokens):
            bucket.full_at = max(bucket.full_at, now)
        headers, capacity, latest = self.headers(now), self.tokens.capacity, now + _MOST_S
        if capacity is not None and tokens > capacity:
            message = f"the request may take {tokens} tokens, and the key has {capacity} a minute"
            return Refusal(400, "invalid_request_error", "tokens_exceed_limit", message, headers=headers)
        waits: list[tuple[float, str, str]] = []
        if self.running >= self._concurrent:
            waits.append((_AGAIN_S, "concurrency_limit", f"{self._concurrent} requests run already"))
        for bucket, count, name in ((self.requests, 1, "requests"), (self.tokens, tokens, "tokens")):
            wait_s = bucket.full_at + count * bucket.unit_s - latest
            if wait_s > 0:
                used_up = f"{bucket.capacity} {name} a minute are used up"
                waits.append((math.ceil(wait_s), "rate_limit_exceeded", used_up))
        if not waits:
            return None
        retry_after_s, code, message = max(waits, key=itemgetter(0))
        return Refusal(429, _KIND, code, message, retry_after_s, headers)


class Meters:
    """The limits of a key that keys with limits are above: a request is let in by all or costs nothing in any."""

    __slots__ = ("_all",)

    def __init__(self, own: Meter, above: tuple[Meter, ...]) -> None:
        self._all = (own, *above)

    def take(self, tokens: int, now: float) -> Refusal | None:
        """Let a request of so many tokens in; or take nothing, and return why it may not pass."""
        for count, meter in enumerate(self._all):
            if meter.take(tokens, now) is not None:
                for other in self._all[:count]:
                    other.put_back(tokens, now)
                refusals = (one.refusal(tokens, now) for one in self._all)
                return max((one for one in refusals if one is not None), key=_wait_s)
        return None

    def put_back(self, tokens: int, now: float) -> None:
        """Undo a `take` of so many tokens at the same moment."""
        for meter in self._all:
            meter.put_back(tokens, now)

    def settle(self, held: int, used: int, since: float, now: float) -> None:
        """End a request that held so many tokens since its `take`, and used so many."""
        for meter in self._all:
            meter.settle(held, used, since, now)

    def headers(self, now: float) -> _Headers:
        """Return the headers of the limits: of requests and of tokens the bucket that has the least left."""
        requests = min((meter.requests for meter in self._all), key=lambda bucket: bucket.left(now))
        tokens = min((meter.tokens for meter in self._all), key=lambda bucket: bucket.left(now))
        return _headers(requests, tokens, now)


def _wait_s(refusal: Refusal) -> float:
    """Return how long to wait, for ever where no time helps."""
    return math.inf if refusal.retry_after_s is None else refusal.retry_after_s


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
