"""Whose exchanges count: a few at a time of one user, told apart by the keys that vouch for them.

A user is a name that whoever holds a key may invent; a key is handed out by the operator. So the key is the unit of
trust: what one key does must neither fill the table for others nor decide anything where several keys are in use. Keys
make keys, too, so those of one tenant, or of one maker, are one (`voice_of`); "key" means that in canary and drift.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["AGAIN_S", "LEAST_CALLERS", "MOST_AT_ONCE", "Callers", "voice_of"]

MOST_AT_ONCE = 5
"""Looked-at exchanges of one user of one key that count at once."""

AGAIN_S = 180
"""After so many seconds one more of a user counts: 20 an hour, so that a change is seen on those who ask all day."""

LEAST_CALLERS = 20
"""What fewer show, they show of themselves."""

_BACK_S = 3_600  # a time so much before the newest is taken for the truth, after a clock that was ahead
_MOST_USERS = 1_200  # remembered at once
_MOST_KEYS = 64
_TAG, _WAIT = 5, 3  # hex digits that stand for a user within a key, and for seconds
_NO_CUSTOMER = frozenset({"", "default", "*"})  # tenants whose keys the operator hands out one by one


def voice_of(topmost: str, tenant: str) -> str:
    """Return whom a key speaks for: `team-a/*` for every key of a tenant, else itself, or the topmost that made it.

    No key's id holds a slash. Keys of the tenant `default` that an operator made stand by themselves.
    """
    return topmost if tenant in _NO_CUSTOMER else f"{tenant}/*"


class Callers:
    """Keeps for every user of a key until when its exchanges are paid for, and remembers the first users of every key.

    An exchange is paid for with 180 seconds, beforehand up to five of them (the generic cell rate algorithm, ITU-T
    I.371). Where the table is full the oldest user of the key with the most users is forgotten: who invents users
    pushes out its own. A user that was forgotten may count again, the lesser evil: newcomers are never refused.
    """

    def __init__(self) -> None:
        self._now = 0
        self._until: dict[str, dict[str, int]] = {}
        self._size = 0
        self._known: dict[str, list[str]] = {}

    def admit(self, key: str, user: str, at: float) -> bool:
        """Whether an exchange of this user of this key counts; one that names nobody always does."""
        if not user:
            return True
        now = int(at)
        if now < self._now - _BACK_S:
            self._until, self._size, self._now = {}, 0, now
        self._now = max(self._now, now)
        tag = self.know(key, user)
        users = self._until.setdefault(key, {})
        until = max(users.get(tag, 0), now)
        if until - now > (MOST_AT_ONCE - 1) * AGAIN_S:
            return False
        self._size += tag not in users
        users[tag] = until + AGAIN_S
        if self._size > _MOST_USERS:
            self._drop_oldest()
        return True

    def know(self, key: str, user: str) -> str:
        """Remember that a key has this user, though nothing of it counts, and return what stands for it."""
        tag = hashlib.blake2b(f"{key}\0{user}".encode(), digest_size=4).hexdigest()[:_TAG]
        self._note(key, tag)
        return tag

    def brought(self, is_asked: Callable[[str], bool]) -> int:
        """Return how many callers those keys have brought, 20 of each at the most."""
        return sum(len(users) for key, users in self._known.items() if is_asked(key))

    def is_one_of_several(self, key: str) -> bool:
        """Whether the other keys have brought 20 callers or more by now: then this one does not speak for all."""
        return self.brought(lambda other: other != key) >= LEAST_CALLERS

    def forget(self, is_asked: Callable[[str], bool]) -> None:
        """Forget that those keys have brought callers."""
        self._known = {key: users for key, users in self._known.items() if not is_asked(key)}

    def state(self) -> dict[str, Any]:
        """Return everything as JSON values, for `restore`: less than 18 kB. What is paid for by now is left out."""
        until = {
            key: "".join(f"{tag}{at - self._now:0{_WAIT}x}" for tag, at in users.items() if at > self._now)
            for key, users in self._until.items()
        }
        known = {key: "".join(tags) for key, tags in self._known.items()}
        return {"now": self._now, "until": {key: text for key, text in until.items() if text}, "known": known}

    def restore(self, state: Mapping[str, Any]) -> Callers:
        """Take over what `state` described, and return itself; raises KeyError, TypeError or ValueError."""
        self._now = int(state["now"])
        self._until = {
            key: {one[:_TAG]: self._now + int(one[_TAG:], 16) for one in _parts(text, _TAG + _WAIT)}
            for key, text in state["until"].items()
        }
        self._size = sum(len(users) for users in self._until.values())
        self._known = {key: _parts(text, _TAG) for key, text in state["known"].items()}
        return self

    def _note(self, key: str, tag: str) -> None:
        """Remember the first 20 users of a key; of many keys those with the most."""
        known = self._known.setdefault(key, [])
        if len(known) < LEAST_CALLERS and tag not in known:
            known.append(tag)
        if len(self._known) > _MOST_KEYS:
            del self._known[min(self._known, key=lambda one: len(self._known[one]))]

    def _drop_oldest(self) -> None:
        """Forget the oldest user of the key that has the most."""
        users = max(self._until.values(), key=len)
        del users[next(iter(users))]
        self._size -= 1


def _parts(text: str, length: int) -> list[str]:
    """Cut a text into parts of that length."""
    return [text[start : start + length] for start in range(0, len(text), length)]
