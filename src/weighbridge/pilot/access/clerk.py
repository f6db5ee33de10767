"""The clerk: two threads between the memory of a node and the store, so that the event loop never waits for either.

One polls for changed keys three times a second; the other leases money as it is asked for and writes usage behind.
Where the store is gone both go on trying, and what is in memory goes on being served.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from weighbridge.pilot.access.budgets import Grant
from weighbridge.pilot.state.protocol import LeaseAsk, UsageRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.pilot.access.budgets import Purse
    from weighbridge.pilot.access.keyring import Account, Keyring
    from weighbridge.pilot.recorder import Recorder
    from weighbridge.pilot.state.protocol import Lease, PilotState

__all__ = ["POLL_S", "Clerk", "Mark"]

POLL_S = 0.3  # with the patrol's quarter of a second a key ends everywhere well within one
_WRITE_S = 1.0
_PATIENCE_S = 10.0
_Used = tuple[str, str, int, int, int]


@dataclass(slots=True)
class Mark:
    """How far usage was added, by the audit log: `tip` returns the hash of the log's last record, `last` is the mark.

    Where the node is killed, what the log holds beyond the mark is added at the next start (`audit.unadded`).
    """

    tip: Callable[[], str]
    last: str


@dataclass(frozen=True, slots=True)
class _Wish:
    """A lease that is asked for; `done` is set when the purse has the answer."""

    purse: Purse
    ask: LeaseAsk
    done: Future[None]


@dataclass(frozen=True, slots=True)
class _Return:
    """Money that goes back to the day it was leased on."""

    key_ids: tuple[str, ...]
    day: date
    nano_usd: int


class Clerk:
    """Serves one node.

    `record` is given the notes of changes that were made outside of a gateway; `mark` moves on as usage is written.
    `used` is told what each request used: key, route, tokens in, tokens out, nano-dollars.
    """

    def __init__(
        self,
        state: PilotState,
        keyring: Keyring,
        record: Recorder | None = None,
        now: Callable[[], float] = time.time,
        mark: Mark | None = None,
    ) -> None:
        self._mark = mark
        self._troubles = {"keys": "", "money": ""}
        self._record = record
        self._noted = -1  # the version of the keys up to which notes were handed over
        self._state = state
        self._keyring = keyring
        self._now = now
        self._applying = threading.Lock()
        self._stop = threading.Event()
        self._desk: SimpleQueue[_Wish | _Return | None] = SimpleQueue()
        self._used: deque[_Used] = deque()
        self.used = self._used.append
        self._sums: defaultdict[tuple[date, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self._threads = (
            threading.Thread(target=self._watch, name="pilot-keys", daemon=True),
            threading.Thread(target=self._serve, name="pilot-money", daemon=True),
        )

    @property
    def trouble(self) -> str:
        """What fails with the store now, empty where nothing does."""
        return "; ".join(f"{what}: {error}" for what, error in self._troubles.items() if error)

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Do what is waiting, write what was used, and end both threads; waits at most ten seconds for the store."""
        self._stop.set()
        self._desk.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_PATIENCE_S)

    def refresh(self) -> None:
        """Take changed keys in now; raises WeighbridgeError where the store is gone."""
        with self._applying:
            known = self._keyring.version
            is_older = self._state.key_version() < known  # the store was put back from a copy
            version, changed = self._state.keys(0 if is_older else known)
            self._keyring.apply(version, changed, is_all=is_older)

    def lease(self, account: Account, purse: Purse, *, is_last: bool = False) -> None:
        """Ask for money; the answer comes into the purse. With `is_last` only what is owed is paid."""
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # from now on nobody who waits can cancel it for all
        purse.asked = done
        ask = LeaseAsk(account.payers, self._today(), 0 if is_last else purse.wanted(), purse.owed)
        self._desk.put(_Wish(purse, ask, done))

    def give_back(self, account: Account, day: date, nano_usd: int) -> None:
        """Give money back to the budgets it came from."""
        self._desk.put(_Return(tuple(key_id for key_id, _ in account.payers), day, nano_usd))

    def _today(self) -> date:
        """Return the day by UTC."""
        return datetime.fromtimestamp(self._now(), UTC).date()

    def _watch(self) -> None:
        """Look for changed keys until the end."""
        while not self._stop.wait(POLL_S):
            try:
                if self._state.key_version() != self._keyring.version:
                    self.refresh()
            except Exception as error:  # noqa: BLE001 - a thread that ends would hide every later revocation
                self._troubles["keys"] = str(error) or type(error).__name__
            else:
                self._troubles["keys"] = ""

    def _serve(self) -> None:
        """Lease, give back and write until the end."""
        next_write = time.monotonic() + _WRITE_S
        while True:
            batch = self._batch(next_write - time.monotonic())
            ends = None in batch
            self._lease([wish for wish in batch if isinstance(wish, _Wish)])
            for item in batch:
                if isinstance(item, _Return):  # where this fails, it counts as spent
                    self._try(partial(self._state.give_back, item.key_ids, item.day, item.nano_usd))
            if ends or time.monotonic() >= next_write:
                self._write()
                self._hand_over()
                next_write = time.monotonic() + _WRITE_S
            if ends:
                return

    def _batch(self, wait_s: float) -> list[_Wish | _Return | None]:
        """Return all that lies on the desk; waits for the first."""
        batch: list[_Wish | _Return | None] = []
        try:
            batch.append(self._desk.get(timeout=max(0.0, wait_s)))
            while True:
                batch.append(self._desk.get_nowait())
        except Empty:
            return batch

    def _lease(self, wishes: list[_Wish]) -> None:
        """Lease in one transaction, and tell every purse."""
        if not wishes:
            return
        asks = [wish.ask for wish in wishes]
        leases: list[Lease] = []
        is_done = self._try(lambda: leases.extend(self._state.lease(asks)))
        for wish, lease in zip(wishes, leases, strict=False):
            wish.purse.grants.append(Grant(lease.nano_usd, wish.ask.owed, wish.ask.day, lease.short_of))
        for wish in wishes:  # whoever waits is told, whatever came
            wish.purse.has_failed = not is_done
            wish.done.set_result(None)

    def _write(self) -> None:
        """Add up what was used since, and write it; what cannot be written is kept for the next time."""
        day = self._today()
        tip, count = self._look()
        for _ in range(count):
            key_id, route, asked, said, nano_usd = self._used.popleft()
            sums = self._sums[day, key_id, route]
            sums[0] += 1
            sums[1] += asked
            sums[2] += said
            sums[3] += nano_usd
        mark, rows = self._mark, [UsageRow(*of, *sums) for of, sums in self._sums.items()]
        last = mark.last if mark is not None else ""
        if rows and self._try(lambda: self._state.add_usage(rows, tip, last)):
            self._sums.clear()
            if mark is not None:
                mark.last = tip

    def _look(self) -> tuple[str, int]:
        """Return the log's last hash and how much was used, from one moment: between two equal hashes."""
        if self._mark is None:
            return "", len(self._used)
        tip = ""
        while tip != (tip := self._mark.tip()):
            count = len(self._used)
        return tip, count

    def _hand_over(self) -> None:
        """Take notes of changes of keys into the audit log."""
        record, version = self._record, self._keyring.version
        if record is not None and version != self._noted and self._try(lambda: self._state.hand_over(record)):
            self._noted = version

    def _try(self, call: Callable[[], None]) -> bool:
        """Do something with the store; False where it failed."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - as above: this thread must go on
            self._troubles["money"] = str(error) or type(error).__name__
            return False
        self._troubles["money"] = ""
        return True
