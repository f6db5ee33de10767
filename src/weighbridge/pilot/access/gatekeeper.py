"""The gatekeeper of a node: who may ask, how much, and for what; every answer comes from memory."""

from __future__ import annotations

import asyncio
import calendar
import math
import time
from concurrent.futures import wait
from typing import TYPE_CHECKING

from weighbridge.errors import UsageError
from weighbridge.pilot.access.clerk import Clerk
from weighbridge.pilot.access.keyring import Keyring
from weighbridge.pilot.access.keys import KEY_CHARACTERS, Digester
from weighbridge.pilot.access.pepper import mark_of
from weighbridge.pilot.access.protocol import LEASE_PENDING, Refusal
from weighbridge.pilot.clock import SteadyClock
from weighbridge.pilot.state.protocol import NANO, to_nano

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.pilot.access.budgets import Purse
    from weighbridge.pilot.access.clerk import Mark
    from weighbridge.pilot.access.keyring import Account
    from weighbridge.pilot.access.limits import Meter, Meters
    from weighbridge.pilot.access.protocol import Caller
    from weighbridge.pilot.exchange import Usage
    from weighbridge.pilot.recorder import Recorder
    from weighbridge.pilot.state.protocol import PilotState

    _Held = tuple[Clerk, Account, Meter | Meters, Purse | None, str, int, int, float]

__all__ = ["Hold", "MemoryGatekeeper"]

_SCHEME = b"bearer "
_SCHEME_BYTES = len(_SCHEME)
_HEADER_BYTES = _SCHEME_BYTES + KEY_CHARACTERS
_NO_KEY = b"\0" * KEY_CHARACTERS
_AGAIN_S = 1.0
_ABSURD_BITS, _ABSURD_USD = 31, 1e6  # tokens and money of one request
_UNKNOWN = Refusal(401, "invalid_request_error", "invalid_api_key", "no valid key was presented")
_PENDING = Refusal(429, "insufficient_quota", LEASE_PENDING, "the budget is being looked up", 1.0)
_UNAVAILABLE = Refusal(503, "server_error", "budget_unavailable", "the budget cannot be looked up now", _AGAIN_S)
_NO_PRICE = Refusal(
    403,
    "invalid_request_error",
    "price_unknown",
    "the key has a budget, and this model has no price to hold against it",
)


class Hold:
    """One request's tokens, its place among those at once, and its money (nano-dollars).

    It is held by the limits and the purse of its account as they were then, whatever comes above it meanwhile.
    """

    __slots__ = ("_held", "_monotonic", "headers")

    def __init__(self, headers: tuple[tuple[bytes, bytes], ...], held: _Held, monotonic: Callable[[], float]) -> None:
        self.headers = headers
        self._monotonic = monotonic
        self._held: _Held | None = held

    def settle(self, usage: Usage, usd: float | None) -> None:
        """Give back what was not used, and note what was; a second call does nothing.

        What is None counts as held, and so does what no upstream can mean: below nothing, not a number, beyond reason.
        """
        held, self._held = self._held, None
        if held is None:
            return
        clerk, account, limits, purse, route, tokens, nano_usd, since = held
        used, asked, said = tokens, usage.input_tokens, usage.output_tokens
        if asked is None or said is None or (asked | said) >> _ABSURD_BITS:  # below nothing, too: its sign bits stay
            asked, said = _sensible(asked), _sensible(said)
        else:
            used = asked + said
        spent = to_nano(usd) if usd is not None and 0 <= usd < _ABSURD_USD else nano_usd
        limits.settle(tokens, used, since, self._monotonic())
        if purse is not None:
            surplus = purse.settle(nano_usd, spent)
            if surplus and purse.day is not None:
                clerk.give_back(account, purse.day, surplus)
        clerk.used((account.key_id, route, asked, said, spent))


class MemoryGatekeeper:
    """Access by the keys of `state`, digested under `pepper`; used from one event loop.

    `record` is told of changes of keys that were made by the command line. `now` is the wall clock (expiry, which it
    does not put off by going back, and days of budgets), `monotonic` that of the limits; `mark` says how far usage was
    written. Raises UsageError where the keys were made under another pepper.
    """

    def __init__(
        self,
        state: PilotState,
        pepper: bytes,
        record: Recorder | None = None,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        mark: Mark | None = None,
    ) -> None:
        if not state.same_pepper(mark_of(pepper)):
            raise UsageError(
                "the pepper is not the one that the keys of this pilot were made with, so none of them would open",
                hint="put the old one back; or move `pilot.sqlite` away and make new keys",
            )
        self._digest = Digester(pepper)
        self._now = SteadyClock(now, monotonic)
        self._monotonic = monotonic
        self._keyring = Keyring(monotonic)
        self._entries = self._keyring.entries
        self._accounts = self._keyring.accounts
        self._clerk = Clerk(state, self._keyring, record, now, mark)
        self.refresh()

    @property
    def has_keys(self) -> bool:
        """Whether any key is there."""
        return bool(self._entries)

    @property
    def trouble(self) -> str:
        """What failed last between this node and the store, empty where nothing does."""
        return self._clerk.trouble

    def start(self) -> None:
        """Start to follow the store: revoked keys within half a second, leases, usage."""
        self._clerk.start()

    def refresh(self) -> None:
        """Take changed keys in at once, on the node that changed them; not for the event loop: it reads the store."""
        self._clerk.refresh()

    def close(self) -> None:
        """Give leases back, pay what is owed, write what was used, and stop; called when no request runs any more."""
        purses = [(account, account.purse) for account in self._accounts.values() if account.purse is not None]
        wait([purse.asked for _, purse in purses if purse.asked is not None], _AGAIN_S)
        for account, purse in purses:
            if (amount := purse.surplus(is_last=True)) and purse.day is not None:
                self._clerk.give_back(account, purse.day, amount)
            elif purse.owed and not purse.is_asking:
                self._clerk.lease(account, purse, is_last=True)
        self._clerk.stop()

    def identify(self, authorization: bytes | None) -> Caller | Refusal:
        """Return who presents this header's value: constant work, and one answer to all that is not a live key."""
        text = _NO_KEY
        if authorization is not None and len(authorization) == _HEADER_BYTES:
            scheme, key = authorization[:_SCHEME_BYTES], authorization[_SCHEME_BYTES:]
            if scheme.lower() == _SCHEME:
                text = key
        entry = self._entries.get(self._digest(text))
        if entry is None or self._now() >= entry.until:
            return _UNKNOWN
        return entry.caller

    def is_live(self, caller: Caller) -> bool:
        """Whether the key of a caller that was identified before is neither revoked nor expired by now."""
        account = self._accounts.get(caller.key_id)
        return account is not None and self._now() < account.until

    def has_budget(self, caller: Caller) -> bool:
        """Whether the caller's key, or one above it, has a budget in money."""
        account = self._accounts.get(caller.key_id)
        return account is not None and account.purse is not None

    def reserve(self, caller: Caller, route: str, tokens: int, usd: float | None) -> Hold | Refusal:
        """Hold a request's most tokens and money; nothing is held where it is refused."""
        account = self._accounts.get(caller.key_id)
        if account is None:
            return _UNKNOWN
        limits, purse, now = account.limits, account.purse, self._monotonic()
        refusal = limits.take(tokens, now)
        if refusal is not None:
            return refusal
        need = math.ceil((usd or 0) * NANO)
        if purse is not None:
            if usd is None or not purse.hold(need):
                limits.put_back(tokens, now)
                return _NO_PRICE if usd is None else self._no_money(account, purse)
            if purse.is_low and not purse.is_asking and not self._must_wait(purse):
                self._lease(account, purse)
        held = (self._clerk, account, limits, purse, route, tokens, need, now)
        return Hold(limits.headers(now), held, self._monotonic)

    async def reserve_soon(self, caller: Caller, route: str, tokens: int, usd: float | None) -> Hold | Refusal:
        """As `reserve`, but wait (at most a second) where money for it is being leased from the store."""
        held = self.reserve(caller, route, tokens, usd)
        if held is not _PENDING:
            return held
        end = self._monotonic() + _AGAIN_S
        while held is _PENDING:
            left = end - self._monotonic()
            purse = self._accounts[caller.key_id].purse
            if left <= 0:
                return _UNAVAILABLE
            if purse is not None and purse.asked is not None:
                await asyncio.wait((asyncio.wrap_future(purse.asked),), timeout=left)
            held = self.reserve(caller, route, tokens, usd)
        return held

    def _no_money(self, account: Account, purse: Purse) -> Refusal:
        """Ask for money, or say why there is none."""
        if purse.is_asking:
            return _PENDING
        if self._must_wait(purse):
            purse.forget_missed()
            return _UNAVAILABLE if purse.has_failed else self._exceeded(purse)
        self._lease(account, purse)
        return _PENDING

    def _must_wait(self, purse: Purse) -> bool:
        """Whether the store had no more, or was gone, a moment ago."""
        return bool(purse.has_failed or purse.short_of) and self._monotonic() < purse.again_at

    def _lease(self, account: Account, purse: Purse) -> None:
        """Ask the store for money."""
        purse.again_at = self._monotonic() + _AGAIN_S
        self._clerk.lease(account, purse)

    def _exceeded(self, purse: Purse) -> Refusal:
        """Say that a budget has not enough left for this request, or nothing, and when the next begins."""
        period = purse.short_of
        why = f"the key's budget ({period}) is used up"
        if purse.balance > 0:
            why = (
                f"what is left of the key's budget ({period}) does not cover the most that this request may cost;"
                " a smaller `max_tokens` lowers that"
            )
        return Refusal(429, "insufficient_quota", "budget_exceeded", why, _seconds_left(period, self._now()))


def _sensible(tokens: int | None) -> int:
    """Return a count of tokens, 0 where it is not known or makes no sense."""
    return tokens if tokens is not None and not tokens >> _ABSURD_BITS else 0


def _seconds_left(period: str, now: float) -> float | None:
    """Return the seconds to the next UTC day or month; None where no time helps."""
    moment = time.gmtime(now)
    into_day = moment.tm_hour * 3600 + moment.tm_min * 60 + moment.tm_sec
    if period == "day":
        return float(86_400 - into_day)
    if period == "month":
        end = (moment.tm_year + moment.tm_mon // 12, moment.tm_mon % 12 + 1)
        return float(calendar.timegm((*end, 1, 0, 0, 0)) - int(now))
    return None
