"""The keys in memory, found by the full digest of what is presented; changes come from the store, one by one."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.pilot.access.budgets import Purse, block_of
from weighbridge.pilot.access.limits import Meter, Meters
from weighbridge.pilot.access.protocol import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from weighbridge.pilot.access.keys import Budget, Key

__all__ = ["Account", "Entry", "Keyring"]

_NONE: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """Whom a digest stands for, and until when (Unix time)."""

    caller: Caller
    until: float


@dataclass(slots=True)
class Account:
    """What a key has left on this node; `payers` are it and those above it, `purse` is None where none has a budget.

    `own` are its own limits, `limits` all that hold for it. It may be used before `until` (Unix time).
    """

    key_id: str
    own: Meter
    limits: Meter | Meters
    until: float = math.inf
    payers: tuple[tuple[str, Budget], ...] = ()
    purse: Purse | None = None


class Keyring:
    """Entries by digest and accounts by key id. One thread applies changes; look-ups need no lock."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.version = 0
        self.entries: dict[bytes, Entry] = {}
        self.accounts: dict[str, Account] = {}
        self._keys: dict[str, Key] = {}
        self._digests: dict[str, frozenset[bytes]] = {}
        self._monotonic = monotonic

    def apply(self, version: int, changed: Iterable[Key], *, is_all: bool = False) -> None:
        """Take in keys as the store has them now; with `is_all`, those that are not among them are gone."""
        changed = tuple(changed)
        for key_id in self._keys.keys() - {key.id for key in changed} if is_all else ():
            self._forget(self._digests.pop(key_id))
            self.accounts[key_id].until = -math.inf
            del self._keys[key_id]
        self._keys.update((key.id, key) for key in changed)
        for key in changed:
            self._take(key)
        touched = {key.id for key in changed}
        for key in self._keys.values():
            if key.id in touched or key.parent:  # what is above may have changed
                self._tie(key)
        self.version = version

    def _take(self, key: Key) -> None:
        """Put a key's digests in before those that it has no more are taken out: nobody is shut out between."""
        rights = key.rights
        caller = Caller(key.id, rights.tenant, rights.scopes, rights.models, self._line(key)[-1].id)
        account = self.accounts.get(key.id)
        if account is None:
            own = Meter(rights.limits, self._monotonic())
            account = self.accounts[key.id] = Account(key.id, own, own)
        else:
            account.own.set(rights.limits, self._monotonic())
        account.until = -math.inf if key.revoked_at is not None else _end(key, None)
        live = {} if key.revoked_at is not None else {secret.digest: _end(key, secret.until) for secret in key.secrets}
        for digest, until in live.items():
            self.entries[digest] = Entry(caller, until)
        self._forget(self._digests.get(key.id, _NONE) - live.keys())
        self._digests[key.id] = frozenset(live)

    def _forget(self, digests: Iterable[bytes]) -> None:
        """Take digests out."""
        for digest in digests:
            self.entries.pop(digest, None)

    def _tie(self, key: Key) -> None:
        """Find out whose limits hold for a key and who pays for it, and give it a purse where any has a budget."""
        line = self._line(key)
        account = self.accounts[key.id]
        shared = tuple(meter for payer in line[1:] if (meter := self.accounts[payer.id].own).is_set)
        account.limits = Meters(account.own, shared) if shared else account.own
        account.payers = tuple((payer.id, payer.rights.budget) for payer in line)
        block = block_of(tuple(budget for _, budget in account.payers))
        if not block:
            account.purse = None
        elif account.purse is None:
            account.purse = Purse(block)
        else:
            account.purse.resize(block)

    def _line(self, key: Key) -> list[Key]:
        """Return a key and those above it."""
        line: list[Key] = []
        each: Key | None = key
        while each is not None and each not in line:
            line.append(each)
            each = self._keys.get(each.parent)
        return line


def _end(key: Key, until: float | None) -> float:
    """Return when a secret of a key ends: with the key, or before it."""
    ends = (end for end in (key.rights.expires_at, until) if end is not None)
    return min(ends, default=math.inf)
