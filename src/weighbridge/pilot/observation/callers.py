"""Whose exchanges count: a few a day of one user, told apart by the keys that vouch for them.

A user is a name that whoever holds a key may invent; a key is handed out by the operator. So the key is the unit of
trust: what one key does must neither fill the table for others nor decide anything where several keys are in use.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LEAST_CALLERS", "MOST_A_DAY", "Callers"]

MOST_A_DAY = 5
"""Looked-at exchanges of one user of one key that count on one UTC day: the first ones."""

LEAST_CALLERS = 20
"""What fewer show, they show of themselves."""

_DAY_S = 86_400
_MOST_USERS = 1_200  # remembered of a day
_MOST_KEYS = 64
_TAG = 5  # hex digits that stand for a user within a key


class Callers:
    """Counts this day's exchanges by user and key, and remembers the first users of every key.

    Where the table is full the oldest user of the key with the most users is forgotten: who invents users pushes out
    its own. A user that was forgotten may count again, which is the lesser evil: newcomers are never refused.
    """

    def __init__(self) -> None:
        self._day = 0
        self._today: dict[str, dict[str, int]] = {}
        self._size = 0
        self._known: dict[str, list[str]] = {}

    def admit(self, key: str, user: str, at: float) -> bool:
        """Whether an exchange of this user of this key counts; one that names nobody always does.

        A time two days or more before the newest is taken for the truth, after a clock that was ahead.
        """
        if not user:
            return True
        day = int(at // _DAY_S)
        if not self._day - 1 <= day <= self._day:
            self._day, self._today, self._size = day, {}, 0
        tag = self.know(key, user)
        users = self._today.setdefault(key, {})
        count = users.get(tag, 0)
        if count >= MOST_A_DAY:
            return False
        users[tag] = count + 1
        if not count:
            self._size += 1
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
        """Return everything as JSON values, for `restore`: less than 16 kB."""
        today = {key: "".join(f"{tag}{count}" for tag, count in users.items()) for key, users in self._today.items()}
        return {"day": self._day, "today": today, "known": {key: "".join(tags) for key, tags in self._known.items()}}

    def restore(self, state: Mapping[str, Any]) -> Callers:
        """Take over what `state` described, and return itself; raises KeyError, TypeError or ValueError."""
        self._day = int(state["day"])
        self._today = {
            key: {one[:_TAG]: int(one[_TAG:]) for one in _parts(text, _TAG + 1)} for key, text in state["today"].items()
        }
        self._size = sum(len(users) for users in self._today.values())
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
        users = max(self._today.values(), key=len)
        del users[next(iter(users))]
        self._size -= 1


def _parts(text: str, length: int) -> list[str]:
    """Cut a text into parts of that length."""
    return [text[start : start + length] for start in range(0, len(text), length)]
