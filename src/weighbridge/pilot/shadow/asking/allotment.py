"""What a node may spend by itself on one thing today: leased from the state, ahead of what is spent.

As with the budgets of keys (`access.budgets`), a lease is charged before any of it is used: all nodes together never
spend more than the day's allowance, but for calls under way that cost more than was held for them; and a node that is
killed loses at most a block, and what it keeps for its next call.

Whether a call is made must not depend on what it costs: where money runs out and the cheap ones still pass, what is
compared is the short prompts alone. So a call is made only while there is enough for the dearest that came so far.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.access.keys import Budget
from weighbridge.pilot.state.protocol import NANO, Lease, LeaseAsk, to_nano

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.pilot.route import Allowance

__all__ = ["Allotment", "Bank", "Held"]

_PARTS = 100
_LEAST_CALLS = 20
_LARGEST_USD = NANO // 10
_LARGEST_CALLS = 20
_log = logging.getLogger("weighbridge.pilot.shadow")


class Bank(Protocol):
    """What leases: the part of PilotState that is needed here; a payer's name need not be that of a key."""

    def lease(self, asks: Sequence[LeaseAsk]) -> list[Lease]:
        """Charge the payers of each wish."""
        ...

    def give_back(self, key_ids: Sequence[str], day: date, nano_usd: int) -> None:
        """Take off what was leased on a day and not used."""
        ...


class Held(NamedTuple):
    """What was held for one call, on which day: nano-dollars."""

    nano_usd: int
    day: date


class _Purse:
    """One measure of an allowance, in whole units: nano-dollars or calls (a call is charged as 1e-9 dollars)."""

    def __init__(self, payer: str, cap: int, largest: int) -> None:
        self.payer, self.cap = payer, cap
        self.balance = self.granted = 0
        self._block = max(1, min(largest, cap // _PARTS))

    def ask(self, need: int, day: date) -> LeaseAsk:
        """Return the wish for what a call needs, and a block ahead; what is overdrawn is owed."""
        wanted = need + self._block - max(0, self.balance)
        budget = Budget(usd_per_day=self.cap / NANO)
        return LeaseAsk(((self.payer, budget),), day, max(0, wanted), max(0, -self.balance))

    def take(self, wish: LeaseAsk, lease: Lease) -> None:
        """Take what was granted."""
        self.balance += lease.nano_usd + wish.owed
        self.granted += lease.nano_usd


class Allotment:
    """An allowance's part on this node; used from one event loop, which never waits for the database itself.

    `name` is what is charged (`shadow:qwen`), `now` the wall clock. `is_spent`: nobody has more for it today.
    Calls that may cost more than a twentieth of the day's money are never made: one must not end the day for all.
    """

    def __init__(self, name: str, allowance: Allowance, bank: Bank | None, now: Callable[[], float]) -> None:
        self.name = name
        self.allowance = allowance
        self._bank = bank
        self._now = now
        self._day: date | None = None
        self._usd: _Purse | None = None
        self._calls: _Purse | None = None
        self._dearest = 0
        self.is_spent = False
        self._asking = asyncio.Lock()

    def is_too_dear(self, usd: float) -> bool:
        """Whether a call is never made, however much is left."""
        most = self.allowance.usd_per_day
        return most is not None and usd > most / _LEAST_CALLS

    async def hold(self, usd: float) -> Held | None:
        """Hold a call that may cost so much; None where it is too dear, none is left today, or nobody can tell."""
        if self.is_too_dear(usd):
            return None
        need = max(0, to_nano(usd))
        async with self._asking:
            day = self._turn_day()
            self._dearest = max(self._dearest, need)
            short = [
                (purse, amount)
                for purse, amount in ((self._usd, self._dearest), (self._calls, 1))
                if purse is not None and purse.balance < amount
            ]
            if short and (self.is_spent or not await self._lease(short)):
                return None
            if self._usd is not None:
                self._usd.balance -= need
            if self._calls is not None:
                self._calls.balance -= 1
        return Held(need, day)

    def settle(self, held: Held, usd: float) -> None:
        """End a call that was made and cost so much; what it cost on another day than today stays as it was held."""
        if self._usd is not None and held.day == self._day:
            self._usd.balance += held.nano_usd - max(0, to_nano(usd))

    def release(self, held: Held) -> None:
        """End a call that was not made."""
        self.settle(held, 0.0)
        if self._calls is not None and held.day == self._day:
            self._calls.balance += 1

    def close(self) -> None:
        """Give back what today's leases have left; waits for the database."""
        for purse in (self._usd, self._calls):
            if purse is None or self._bank is None or self._day is None:
                continue
            amount = max(0, min(purse.balance, purse.granted))
            purse.balance -= amount
            if amount:
                try:
                    self._bank.give_back((purse.payer,), self._day, amount)
                except WeighbridgeError as error:
                    _log.warning("what %s had left stays charged: %s", self.name, error.message)

    def _turn_day(self) -> date:
        """Begin a new day with nothing at hand, and return today (UTC)."""
        today = datetime.fromtimestamp(self._now(), UTC).date()
        if today == self._day:
            return today
        self._day, self.is_spent = today, False
        usd, calls = self.allowance.usd_per_day, self.allowance.calls_per_day
        self._usd = _Purse(self.name, to_nano(usd), _LARGEST_USD) if usd is not None else None
        self._calls = _Purse(f"calls:{self.name}", calls, _LARGEST_CALLS) if calls is not None else None
        return today

    async def _lease(self, short: list[tuple[_Purse, int]]) -> bool:
        """Lease what is missing; whether it suffices."""
        if self._bank is None or self._day is None:
            return False
        wishes = [purse.ask(need, self._day) for purse, need in short]
        try:
            leases = await asyncio.to_thread(self._bank.lease, wishes)
        except WeighbridgeError as error:
            _log.warning("%s cannot be looked up: %s", self.name, error.message)
            return False
        for (purse, _), wish, lease in zip(short, wishes, leases, strict=True):
            purse.take(wish, lease)
        self.is_spent = any(lease.short_of for lease in leases) and any(p.balance < need for p, need in short)
        return all(purse.balance >= need for purse, need in short)
