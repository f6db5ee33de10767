"""The state of a pilot, which its nodes share: keys, money leased, what was used, and the journal of what was seen.

No call is made on the hot path: threads of their own call, and hold a session no longer than the call takes. Every
implementation keeps the laws in `weighbridge.pilot.state.laws`.

Money is in nano-dollars (1e-9 USD), whole: sums are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from weighbridge.pilot.journal.protocol import Journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import date

    from weighbridge.pilot.access.keys import Budget, Key
    from weighbridge.pilot.recorder import Recorder

__all__ = ["NANO", "KeyBook", "Lease", "LeaseAsk", "PilotState", "Spending", "UsageRow", "to_nano"]

NANO = 1_000_000_000


def to_nano(usd: float) -> int:
    """Return dollars in nano-dollars, rounded."""
    return round(usd * NANO)


@dataclass(frozen=True, slots=True)
class LeaseAsk:
    """A wish for money on a UTC day: `wanted` as far as the budgets go, and `owed` whatever they say (it is spent).

    `payers` are the key and those above it, each with its budget; all of them are charged, and the poorest decides.
    """

    payers: tuple[tuple[str, Budget], ...]
    day: date
    wanted: int
    owed: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """What was granted, from 0; `short_of` is the budget (`day`, `month`, `total`) that had no more, or empty."""

    nano_usd: int
    short_of: str = ""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one key used of one route on one UTC day."""

    day: date
    key_id: str
    route: str
    requests: int
    input_tokens: int
    output_tokens: int
    nano_usd: int


@dataclass(frozen=True, slots=True)
class Spending:
    """What a key's budget is charged with: spent, and leased to nodes (all that a node killed had counts as spent)."""

    day: int = 0
    month: int = 0
    total: int = 0


class KeyBook(Protocol):
    """The keys inside of one change: nobody else changes any before it ends."""

    def get(self, key_id: str) -> Key | None:
        """Return a key."""
        ...

    def every(self) -> tuple[Key, ...]:
        """Return all keys, in the order of their making."""
        ...

    def put(self, key: Key) -> None:
        """Keep a key, new or changed, with its secrets: those it has no more are forgotten."""
        ...

    def note(self, event: str, facts: Mapping[str, object]) -> None:
        """Leave a note of the change for the gateway's audit log (as `pilot.recorder.Recorder` has it)."""
        ...


class PilotState(Journal, Protocol):
    """Where keys, leases, usage and journal live. Every method raises WeighbridgeError where the database is gone."""

    def key_version(self) -> int:
        """Return the number that grows with every change of keys."""
        ...

    def keys(self, since: int = 0) -> tuple[int, tuple[Key, ...]]:
        """Return the version, and the keys changed after version `since`, from one moment."""
        ...

    def changing_keys(self) -> AbstractContextManager[KeyBook]:
        """Change keys as a whole: all of it at the end, or nothing where the block raises."""
        ...

    def hand_over(self, record: Recorder) -> None:
        """Give each note to `record`, and forget it; those that it raises at, and the ones after, stay.

        A note may come twice where the process is killed between the two: its `note` is its number.
        """
        ...

    def lease(self, asks: Sequence[LeaseAsk]) -> list[Lease]:
        """Charge the payers of each wish, one wish after another, in one transaction."""
        ...

    def give_back(self, key_ids: Sequence[str], day: date, nano_usd: int) -> None:
        """Take off what was leased on a day and not used."""
        ...

    def spending(self, key_id: str, day: date) -> Spending:
        """Return what a key is charged with on this day, in its month, and in all."""
        ...

    def add_usage(self, rows: Iterable[UsageRow], mark: str = "", instead_of: str = "") -> None:
        """Add what was used, in one transaction; with it `mark` is kept, in the place of `instead_of`.

        A mark is the hash of the audit record up to which a node's usage was added.
        """
        ...

    def usage_marks(self) -> frozenset[str]:
        """Return the marks that are kept, those of all nodes."""
        ...

    def usage(self, since: date) -> list[UsageRow]:
        """Return what was used from this day on, by day, key and route."""
        ...

    def used(self, day: date) -> dict[str, Spending]:
        """Return what each key's requests cost on this day, in its month, and in all: spent, nothing leased."""
        ...

    def same_pepper(self, mark: str) -> bool:
        """Whether keys here are digested with the pepper of this mark; the first one asked for is remembered."""
        ...

    def close(self) -> None:
        """Let go of file or connections; closing twice is harmless."""
        ...
