"""One repository of a look: what it is to us, what is read of it, and what is kept of it in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from weighbridge.core.finding import Confidence
from weighbridge.errors import BadReference, HubUnreachable, NotFound, UsageError
from weighbridge.watch.dating import dated
from weighbridge.watch.diff.arrivals import arrival, deletion, look_alike_note, rename, replaced, return_of
from weighbridge.watch.diff.change import Change
from weighbridge.watch.diff.whole import compare_snapshots
from weighbridge.watch.listing import has_moved, is_another, restored, same_listing
from weighbridge.watch.look import read_change, read_whole
from weighbridge.watch.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping
    from datetime import datetime

    from weighbridge.core.event import ReleaseEvent
    from weighbridge.hub.catalogue.protocol import Catalogue, Entry
    from weighbridge.knowledge.protocol import Known
    from weighbridge.watch.state import Remembered, WatchState

__all__ = ["Keeper", "Round"]

_SAME_ID = "the hub's own id is the same"


@dataclass(frozen=True, slots=True)
class Round:
    """What all looks of one round share.

    `since` reports what was created at or after it when a scope is first looked at. `may_ask` says whether calls are
    left in the hub's window.
    """

    number: int
    state: WatchState
    known: Known
    clock: Callable[[], datetime]
    since: datetime | None = None
    may_ask: Callable[[], bool] = lambda: True


@dataclass(slots=True)
class Keeper:
    """Compares and keeps the repositories of one publisher.

    `others` are all that are listed or remembered there; `has_cards` says whether its listing read their cards.
    """

    publisher: str
    catalogue: Catalogue
    this: Round
    others: Container[str] = ()
    has_cards: bool = True
    events: list[ReleaseEvent] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    _warning: str | None = None

    def take(self, was: Remembered, listed: Entry) -> None:
        """Compare one listed repository with what is remembered of it."""
        if was.is_gone:
            self._return(was.entry, restored(None, listed, self.catalogue, has_cards=self.has_cards))
        elif not same_listing(was.entry, listed, has_cards=self.has_cards):
            self._change(was.entry, restored(was.entry, listed, self.catalogue, has_cards=self.has_cards))

    def arrive(self, new: Entry, listed: Mapping[str, Entry], *, is_surely_new: bool) -> bool:
        """Take in a repository that was not there; False where it may only have been hidden from a short listing."""
        entry = self._whole(new)
        old = self.this.state.by_hub_id(entry.hub, entry.id)
        if old is not None:
            there = listed.get(old.repository)
            if (there is None or is_another(old, there)) and self._has_left(old, entry):
                self.follow(old, entry, _SAME_ID)
                return True
        self._keep(Snapshot(entry), [self.arrival_of(entry)] if is_surely_new else [], None)
        return is_surely_new

    def arrival_of(self, entry: Entry) -> Change:
        """Return what a repository is that was not there; the hub is asked once whether it verified a like name."""
        if self._warning is None:
            known, verified = self.this.known, None
            if known.look_alike(self.publisher) is not None:
                verified = self.catalogue.publisher(self.publisher).is_verified
            self._warning = look_alike_note(self.publisher, known, is_verified=verified)
        return arrival(entry, self.others, warning=self._warning)

    def follow(self, old: Entry, new: Entry, how: str) -> None:
        """Keep one repository under its new name, with what else differs."""
        self.moved.add(old.repository)
        before = self.this.state.snapshot(old)
        self._keep(*self._compared(before, new, [rename(old, new, how)]), old)

    def follow_all(self, moves: Iterable[tuple[Entry, Entry]]) -> None:
        """Keep repositories (old row, new row) that took each other's names, all of them or none."""
        looks: list[tuple[Snapshot, list[Change], Entry | None]] = []
        for old, listed in moves:
            new = self._whole(listed)
            looks.append((*self._compared(self.this.state.snapshot(old), new, [rename(old, new, _SAME_ID)]), old))
        self._keep_all(looks)

    def drop(self, was: Entry) -> None:
        """Keep that a repository is gone from a name that holds another one now."""
        self._keep_gone(was, replaced(was))

    def miss(self, was: Entry) -> bool:
        """Look for a repository that a whole listing leaves out; False where it is there all the same.

        A hub that says twice that it has no such repository is believed.
        """
        for _ in range(2):
            try:
                found = self.catalogue.entry(was.repository)
            except HubUnreachable:
                raise
            except NotFound:
                continue
            if found.repository != was.repository:
                self.follow(was, found, "the hub redirects the old name")
                return True
            if not is_another(was, found) and not same_listing(was, found):
                self._change(was, restored(was, found, self.catalogue))
            return False
        self._keep_gone(was, deletion(was))
        return True

    def deepen(self, entry: Entry) -> None:
        """Read the files of a repository that did not change, so that a later change can be told file by file.

        One that may not be read, or has more files than anybody would list, stays as it was listed.
        """
        try:
            whole = read_whole(self.catalogue, entry)
        except HubUnreachable:
            raise
        except (UsageError, NotFound):
            return
        self.this.state.keep(self.this.number, whole, [])

    def _change(self, was: Entry, entry: Entry) -> None:
        self._keep(*self._compared(self.this.state.snapshot(was), entry, []), was)

    def _return(self, was: Entry, entry: Entry) -> None:
        """Take a repository back that was gone; what changed meanwhile is told too."""
        after, changes = self._compared(self.this.state.snapshot(was), entry, [])
        self._keep(after, [return_of(entry), *(one for one in changes if one.kind != "visibility")], was)

    def _compared(self, before: Snapshot, entry: Entry, first: list[Change]) -> tuple[Snapshot, list[Change]]:
        """Return the new side, and what differs from the old one; files are read only where the commit moved."""
        if not has_moved(before.entry, entry):
            after = replace(before, entry=entry)
            return after, [*first, *compare_snapshots(before, after)]
        try:
            pair = read_change(self.catalogue, before, entry)
        except BadReference as error:  # more files than anybody would list: waiting would not help
            note = f"the files cannot be read: {error.message}"
            unread = Change("other-files", None, None, frozenset({"unknown"}), Confidence.LOW, notes=(note,))
            return Snapshot(entry), [*first, *compare_snapshots(Snapshot(before.entry), Snapshot(entry)), unread]
        found = compare_snapshots(pair.before, pair.after)
        if pair.of_history:  # says already that the old commit is gone
            found = [one for one in found if "unknown" not in one.traits]
        return pair.after, [*first, *found, *pair.of_history]

    def _has_left(self, old: Entry, new: Entry) -> bool:
        """Whether a repository is no longer found under its old name."""
        try:
            found = self.catalogue.entry(old.repository)
            return found.repository == new.repository or is_another(old, found)
        except HubUnreachable:
            raise
        except UsageError:
            return False
        except NotFound:
            return True

    def _keep(self, after: Snapshot, changes: list[Change], was: Entry | None) -> None:
        """Keep a look and its events, both or neither."""
        self._keep_all([(after, changes, was)])

    def _keep_all(self, looks: Iterable[tuple[Snapshot, list[Change], Entry | None]]) -> None:
        this = self.this
        kept = []
        for after, changes, was in looks:
            events = dated(changes, was, after.entry, this.clock(), this.known)
            kept.append((after, events, was.subject if was is not None and was.subject != after.subject else ""))
        this.state.keep_all(this.number, kept)
        self.events += [event for _, events, _ in kept for event in events]

    def _keep_gone(self, was: Entry, change: Change) -> None:
        events = dated([change], was, None, self.this.clock(), self.this.known)
        self.this.state.keep_gone(self.this.number, was, events)
        self.events += events

    def _whole(self, listed: Entry) -> Entry:
        return restored(None, listed, self.catalogue, has_cards=self.has_cards)
