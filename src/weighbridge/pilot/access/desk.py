"""The desk where keys are made, changed and ended: the same rules for the command line and the admin API.

Who asks is looked up again inside of each change, so a key that was revoked a moment ago changes nothing any more.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from weighbridge.errors import NotFound, UsageError, WeighbridgeError
from weighbridge.pilot.access.keys import (
    ANY_TENANT,
    OPERATOR,
    BeyondRights,
    Key,
    Secret,
    digest_of_key,
    new_id,
    new_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from weighbridge.pilot.access.keys import Rights
    from weighbridge.pilot.access.orders import KeyOrder, KeyPatch, Revocation, Rotation
    from weighbridge.pilot.recorder import Recorder
    from weighbridge.pilot.state.protocol import KeyBook, PilotState, UsageRow

__all__ = ["MANAGES_KEYS", "Issued", "KeyDesk"]

MANAGES_KEYS = "admin:keys"
_FIRST_TENANT = "default"
_MOST_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Issued:
    """A key, and the text of it that is never shown again."""

    key: Key
    text: str


@dataclass(slots=True)
class _Act:
    """One change under way: the book, who asks (empty for the command line), its rights, and what to record of it."""

    book: KeyBook
    actor: str
    rights: Rights
    tenant: str = ""
    target: str = ""
    changes: dict[str, Any] = field(default_factory=dict)


class KeyDesk:
    """Changes the keys of `state`; `changed` is called after each change.

    `record` is told of each change before it is kept, and of each that was refused (`key.refused`). Without it, a note
    is left in the store, and a gateway there takes it into its audit log. `operator` is who asks without a key.
    """

    def __init__(
        self,
        state: PilotState,
        pepper: bytes,
        record: Recorder | None = None,
        changed: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.time,
        *,
        operator: str = "command line",
    ) -> None:
        self._state = state
        self._pepper = pepper
        self._record = record
        self._changed = changed
        self._now = now
        self._operator = operator

    def create(self, actor: str, order: KeyOrder) -> Issued:
        """Make a key within the rights of `actor`; raises BeyondRights where it asks for more."""
        with self._acting("key.created", actor) as act:
            tenant = _FIRST_TENANT if act.rights.tenant == ANY_TENANT else act.rights.tenant
            rights = order.rights(act.rights, tenant)
            act.tenant = rights.tenant
            _refuse_excess(rights, act.rights)
            self._refuse_past(rights)
            if not rights.scopes:
                raise UsageError("the key would have no scope", hint="name what it may do")
            if len(_line(act.book, actor)) >= _MOST_DEPTH:
                raise BeyondRights(f"keys make keys at most {_MOST_DEPTH} deep")
            key_id = new_id()
            text = new_text(key_id)
            key = Key(key_id, order.name, rights, self._now(), actor, None, (self._secret(text),))
            act.target, act.changes = key_id, _changes(None, key)
            act.book.put(key)
        return Issued(key, text)

    def keys(self, actor: str) -> tuple[Key, ...]:
        """Return the keys that `actor` may see: those of its tenant."""
        keys = self._state.keys()[1]
        rights = self._rights({key.id: key for key in keys}.get(actor), actor)
        return tuple(key for key in keys if rights.tenant in {ANY_TENANT, key.rights.tenant})

    def key(self, actor: str, key_id: str) -> Key:
        """Return one key; raises NotFound, also for another tenant's."""
        found = {key.id: key for key in self.keys(actor)}
        if key_id not in found:
            raise _missing()
        return found[key_id]

    def change(self, actor: str, key_id: str, patch: KeyPatch) -> Key:
        """Change a key within the rights of `actor`; one that it did not make can only get less.

        Raises BeyondRights for what is more, and for any change of a key above `actor`.
        """
        with self._acting("key.changed", actor, key_id) as act:
            key = self._target(act, key_id)
            if key.revoked_at is not None:
                raise UsageError("the key is revoked")
            rights = patch.applied(key.rights)
            _refuse_excess(rights, act.rights)
            if not _made(act, key_id):
                _refuse_excess(rights, key.rights)
            if "expires_at" in patch.model_fields_set:
                self._refuse_past(rights)
            changed = replace(key, rights=rights, name=patch.name if "name" in patch.model_fields_set else key.name)
            act.changes = _changes(key, changed)
            act.book.put(changed)
        return changed

    def revoke(self, actor: str, key_id: str, how: Revocation) -> tuple[Key, ...]:
        """End a key at once, `with_minted` also those below it; return those that were ended.

        Raises BeyondRights for a key above `actor`: it would live on, and nobody could be asked for it.
        """
        with self._acting("key.revoked", actor, key_id) as act:
            ids = [key_id, *(_below(act.book, key_id) if how.with_minted else ())]
            keys = [self._target(act, one) for one in reversed(ids)]  # the key itself last: its tenant is recorded
            ended = tuple(replace(key, revoked_at=self._now(), secrets=()) for key in keys if key.revoked_at is None)
            act.changes = {"revoked": [key.id for key in ended]}
            for key in ended:
                act.book.put(key)
        return ended

    def rotate(self, actor: str, key_id: str, how: Rotation) -> Issued:
        """Give a key a new text; the id, its rights, and what it has spent stay. Only for keys that `actor` made."""
        with self._acting("key.rotated", actor, key_id) as act:
            key = self._target(act, key_id)
            if key.revoked_at is not None:
                raise UsageError("the key is revoked")
            if key_id != actor and not _made(act, key_id):
                raise BeyondRights("the key that asks did not make this one, and would get its budget")
            now = self._now()
            end = now + how.grace_s
            text = new_text(key_id)
            old = (replace(one, until=end if one.until is None else min(end, one.until)) for one in key.secrets)
            kept = tuple(one for one in old if one.until is not None and one.until > now)
            rotated = replace(key, secrets=(self._secret(text), *kept))
            act.changes = {"grace_s": how.grace_s}
            act.book.put(rotated)
        return Issued(rotated, text)

    def usage(self, actor: str, since: date) -> list[tuple[Key, UsageRow]]:
        """Return what the keys that `actor` may see used since a day."""
        seen = {key.id: key for key in self.keys(actor)}
        return [(seen[row.key_id], row) for row in self._state.usage(since) if row.key_id in seen]

    @contextmanager
    def _acting(self, event: str, actor: str, target: str = "") -> Iterator[_Act]:
        """Do a change as a whole, recorded before it is kept; what the rules refuse is recorded, too."""
        facts: dict[str, object] = {"at": self._now(), "by": actor or self._operator}
        try:
            with self._state.changing_keys() as book:
                rights = self._rights(book.get(actor) if actor else None, actor)
                act = _Act(book, actor, rights, rights.tenant, target)
                facts["tenant"] = rights.tenant
                yield act
                (self._record or book.note)(
                    event, {**facts, "tenant": act.tenant, "key": act.target, "changes": act.changes}
                )
        except (UsageError, NotFound) as error:
            if self._record is not None:
                self._record("key.refused", {**facts, "event": event, "key": target, "because": error.message})
            raise
        with suppress(WeighbridgeError):  # the change is kept, and this node sees it within half a second anyway
            self._changed()

    def _rights(self, key: Key | None, actor: str) -> Rights:
        """Return the rights of who asks; raises BeyondRights where it may not change keys (any more)."""
        if not actor:
            return OPERATOR
        if key is None or not key.is_live(self._now()) or MANAGES_KEYS not in key.rights.scopes:
            raise BeyondRights(f"the key that asks has not the scope `{MANAGES_KEYS}`, or is no longer valid")
        return key.rights

    def _target(self, act: _Act, key_id: str) -> Key:
        """Return the key that is to be changed; raises NotFound for another tenant's, BeyondRights for one above."""
        key = act.book.get(key_id)
        if key is None or act.rights.tenant not in {ANY_TENANT, key.rights.tenant}:
            raise _missing()
        act.tenant = key.rights.tenant
        if key_id in _line(act.book, act.actor)[1:]:
            raise BeyondRights("the key is above the one that asks: it made it, or made what did")
        if excess := key.rights.excess(act.rights):
            raise BeyondRights(f"the key has more than the one that asks: {excess}")
        return key

    def _secret(self, text: str) -> Secret:
        return Secret(digest_of_key(self._pepper, text.encode()))

    def _refuse_past(self, rights: Rights) -> None:
        if rights.expires_at is not None and rights.expires_at <= self._now():
            raise UsageError("the key would have expired already", hint="`revoke` ends a key")


def _refuse_excess(rights: Rights, most: Rights) -> None:
    """Raise BeyondRights where rights are more than others."""
    if excess := rights.excess(most):
        raise BeyondRights(f"a key cannot be given more than the one that asks has: {excess}")


def _line(book: KeyBook, key_id: str) -> list[str]:
    """Return a key's id and those above it."""
    line: list[str] = []
    while key_id and key_id not in line:
        line.append(key_id)
        key = book.get(key_id)
        key_id = key.parent if key else ""
    return line


def _below(book: KeyBook, key_id: str) -> list[str]:
    """Return the ids of all keys that a key made, and of those that they made."""
    made: dict[str, list[str]] = {}
    for key in book.every():
        made.setdefault(key.parent, []).append(key.id)
    below = list(made.get(key_id, ()))
    for one in below:  # grows while it is walked
        below += made.get(one, ())
    return below


def _made(act: _Act, key_id: str) -> bool:
    """Whether who asks made this key, itself or through keys that it made: then its budget pays for it, too."""
    return not act.actor or act.actor in _line(act.book, key_id)[1:]


def _changes(before: Key | None, after: Key) -> dict[str, Any]:
    """Return what differs, field by field, before and after."""
    old = {} if before is None else {"name": before.name, **before.rights.to_json()}
    new = {"name": after.name, **after.rights.to_json()}
    return {name: [old.get(name), value] for name, value in new.items() if old.get(name) != value}


def _missing() -> NotFound:
    return NotFound("there is no such key", hint="`weighbridge pilot key list` shows what there is")
