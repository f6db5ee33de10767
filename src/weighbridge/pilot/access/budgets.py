"""Money of one key on one node: a purse that is filled by leases from the store, ahead of what is spent.

A lease is charged to the budget before any of it is used, so a node that is killed loses at most what its purse held
and what was in flight: both count as spent, and no budget is ever overdrawn by a crash. Money is in nano-dollars.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.pilot.state.protocol import NANO, to_nano

if TYPE_CHECKING:
    from concurrent.futures import Future
    from datetime import date

    from weighbridge.pilot.access.keys import Budget

__all__ = ["Grant", "Purse", "block_of"]

_LARGEST_BLOCK = NANO // 10  # $0.10
_PARTS = 100  # and at most a hundredth of the smallest budget
_MOST_AHEAD = 4
_FORGETS = 64  # requests until a large one is mostly forgotten


@dataclass(frozen=True, slots=True)
class Grant:
    """What the store gave: `nano_usd` on a UTC day, `owed` of debts that it took over; `short_of` as in `Lease`."""

    nano_usd: int
    owed: int
    day: date
    short_of: str


class Purse:
    """Money at hand. Only the event loop changes it; the clerk's thread hands grants over in a queue, or a failure.

    `balance` is what is leased, less what is spent or held; below nothing where an answer cost more than its most.
    At hand should be a block, and room for two of the largest requests of late.
    `again_at` is when (monotonic) to ask the store again after it had no more, or was gone.
    """

    __slots__ = (
        "_ahead",
        "_block",
        "_granted",
        "_missing",
        "again_at",
        "asked",
        "balance",
        "day",
        "grants",
        "has_failed",
        "short_of",
    )

    def __init__(self, block: int) -> None:
        self._block = self._ahead = block
        self.balance = 0
        self.grants: deque[Grant] = deque()
        self.asked: Future[None] | None = None
        self.again_at = 0.0
        self.has_failed = False
        self.short_of = ""
        self.day: date | None = None
        self._granted = 0  # on that day
        self._missing = 0

    def resize(self, block: int) -> None:
        """Have a block of another size at hand, or room for two of the largest requests from now on."""
        if block != self._block:
            self._block = self._ahead = block

    def hold(self, need: int) -> bool:
        """Hold money for a request; False where there is not enough at hand."""
        if self.grants:
            self._collect()
        self._ahead = max(self._block, 2 * need, self._ahead - self._ahead // _FORGETS)
        if self.balance < need:
            self._missing += need
            return False
        self.balance -= need
        return True

    def settle(self, held: int, spent: int) -> int:
        """End a request that held and spent so much; return what need not stay here, to be given back to `day`."""
        self.balance += held - spent
        return self.surplus() if self.balance > _MOST_AHEAD * self._ahead else 0

    @property
    def is_asking(self) -> bool:
        """Whether the store is being asked."""
        return self.asked is not None and not self.asked.done()

    @property
    def is_low(self) -> bool:
        """Whether it is time to lease more, ahead of need."""
        return self.balance < self._ahead // 2

    @property
    def owed(self) -> int:
        """By how much it is overdrawn."""
        return max(0, -self.balance)

    def wanted(self) -> int:
        """Return how much to lease: what was missed, and a block ahead."""
        missing, self._missing = self._missing, 0
        return max(0, self._ahead + missing - max(0, self.balance))

    def forget_missed(self) -> None:
        """Let go of needs that were refused for good."""
        self._missing = 0

    def surplus(self, *, is_last: bool = False) -> int:
        """Take out what need not stay here, and return it, to be given back to `day`: with `is_last` all that can be.

        Many large requests at once lease much, and mostly cost little: a crash shall not cost their most.
        """
        if self.grants:
            self._collect()
        if not is_last and self.balance <= _MOST_AHEAD * self._ahead:
            return 0
        amount = max(0, min(self.balance - (0 if is_last else self._ahead), self._granted))
        self.balance -= amount
        self._granted -= amount
        return amount

    def _collect(self) -> None:
        """Take what the clerk brought."""
        while self.grants:
            grant = self.grants.popleft()
            self.balance += grant.nano_usd + grant.owed
            self.short_of = grant.short_of
            if grant.day != self.day:
                self.day, self._granted = grant.day, 0
            self._granted += grant.nano_usd


def block_of(budgets: tuple[Budget, ...]) -> int:
    """Return how much is leased at once: $0.10, or a hundredth of the smallest budget; 0 where nothing is limited."""
    caps = [
        cap
        for budget in budgets
        for cap in (budget.usd_per_day, budget.usd_per_month, budget.usd_total)
        if cap is not None
    ]
    return max(1, min(_LARGEST_BLOCK, to_nano(min(caps)) // _PARTS)) if caps else 0
