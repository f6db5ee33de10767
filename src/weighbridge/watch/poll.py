"""One look at one publisher: list, compare with what is remembered, read what changed, keep it with its events.

Each repository is kept by itself, with its events, in one transaction, and only when all that its comparison needed
was read. What could not be read stays as it was remembered: the next look finds the same difference again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from weighbridge.errors import HubUnreachable, NotFound, UsageError, WeighbridgeError
from weighbridge.hub.catalogue.protocol import Shelf
from weighbridge.watch.dating import dated
from weighbridge.watch.keeping import Keeper, Round
from weighbridge.watch.listing import is_another

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from weighbridge.core.event import ReleaseEvent
    from weighbridge.hub.catalogue.protocol import Catalogue, Entry
    from weighbridge.watch.state import Began, Remembered
    from weighbridge.watch.subscription import Target

__all__ = ["Look", "Looking", "Round"]

_FIRST_CALLS = 10  # pages of a first listing; later ones show the last changed first, and one page does
_MOST_DENIED = 3  # repositories that a listing leaves out and that are there: after these it is not believed
_MOST_SILENT = 3  # repositories in a row about which the hub gives no answer


@dataclass(slots=True)
class Look:
    """What came of one look: its events as they were kept, what waits for the next look, what is not known."""

    target: str
    hub: str
    models: int = 0
    is_first: bool = False
    is_complete: bool = False
    is_arriving: bool = False  # whether one that was not there waits for the next look
    events: list[ReleaseEvent] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    calls: int = 0


class Looking:
    """One look while it lasts: `go`, then `settle` once all publishers of the round were asked.

    A repository that is listed no more may stand at another publisher, so what became of it is settled last.
    """

    def __init__(self, target: Target, catalogue: Catalogue, this: Round) -> None:
        self._target, self._catalogue, self._this = target, catalogue, this
        self._began: dict[str, Began] = this.state.began(target.scopes)
        self._remembered: dict[str, Remembered] = this.state.remembered(target)
        self._listed: dict[str, Entry] = {}
        self._shelf: tuple[Entry, ...] = ()
        self._missing: list[Entry] = []
        self._replaced: dict[str, Remembered] = {}
        self._silent = 0
        self._keeper = Keeper(target.publisher, catalogue, this)
        self.look = Look(target.name, target.hub, is_first=not self._began)

    def go(self, depth: int = 0) -> Look:
        """List, begin what is new to us, then take one repository after the other.

        `depth` is how many repositories, the last changed first, are read whole, so that later changes can be told by
        file even where their hub forgets the old commit. One that is followed by its own name always is.
        Raises HubUnreachable where not even the listing could be had.
        """
        before = self._catalogue.calls
        shelf = self._only() if self._target.only else self._whole()
        if shelf is not None:
            self._compare(shelf)
            self._deepen(depth)
        self._close(before)
        return self.look

    def settle(self, *, is_sure: bool) -> None:
        """Say what became of what is listed no more; unless `is_sure` that waits, for not everybody was asked."""
        before, denied = self._catalogue.calls, 0
        self._settle_replaced(is_sure=is_sure)
        for was in self._missing:
            if was.repository in self._keeper.moved or self._this.state.entry(was.subject) is None:
                continue  # found under another name meanwhile
            if not is_sure:
                self.look.pending.append(was.subject)
            elif denied < _MOST_DENIED:
                found: list[bool] = []
                self._guarded(was.repository, lambda was=was, to=found: to.append(self._gone(was)))  # type: ignore[misc]
                denied += found == [False]
        if denied:
            self.look.unknown.append(f"{self._target.name}: the listing leaves out repositories that are there")
        if not self.look.pending:
            self._this.state.looked(self._target, self._this.clock())
        self._close(before)

    def _settle_replaced(self, *, is_sure: bool) -> None:
        """Say what became of repositories whose name holds another one now."""
        ids = Counter(entry.id for entry in self._shelf if entry.id)
        places = {entry.id: entry.repository for entry in self._shelf if ids[entry.id] == 1}
        moves = {name: places.get(was.entry.id, "") for name, was in self._replaced.items()}
        for chain in _chains(moves):
            if is_sure or all(moves[name] for name in chain):
                self._guarded(chain[0], lambda chain=chain: self._replace(chain, moves))  # type: ignore[misc]
            else:
                self.look.pending += [f"{self._target.hub}:{name}" for name in chain]

    def _replace(self, chain: list[str], moves: dict[str, str]) -> None:
        """Follow a chain of names, each of which went to the next one; the last first, for its name must be free."""
        listed = {entry.repository: entry for entry in self._shelf}
        if moves[chain[-1]] == chain[0]:
            self._keeper.follow_all((self._replaced[name].entry, listed[moves[name]]) for name in chain)
            return
        for name in reversed(chain):
            was = self._replaced[name]
            if not was.is_gone and self._this.state.entry(was.entry.subject) is None:
                continue  # found under another name meanwhile
            if moves[name]:
                self._keeper.follow_all([(was.entry, listed[moves[name]])])
            elif not was.is_gone:
                self._keeper.drop(was.entry)
        self._keeper.arrive(listed[chain[0]], listed, is_surely_new=True)

    def _close(self, before: int) -> None:
        self.look.calls += self._catalogue.calls - before
        self.look.events = self._keeper.events

    def _compare(self, shelf: Shelf) -> None:
        """Hold a listing against what is remembered."""
        self._shelf = shelf.entries
        self._listed = {entry.repository: entry for entry in shelf.entries if self._scopes(entry)}
        self._keeper.others = self._listed.keys() | self._remembered.keys()
        self._keeper.has_cards = shelf.has_cards
        self.look.models, self.look.is_complete = len(self._listed), shelf.is_complete
        self.look.unknown += [f"{self._target.name}: {words}" for words in shelf.refused]
        begun = dict(self._began)
        news = [entry for entry in self._listed.values() if any(name in begun for name in self._scopes(entry))]
        self._begin([entry for entry in self._listed.values() if entry not in news], is_whole=shelf.is_complete)
        for entry in sorted(news, key=lambda entry: entry.repository):
            self._guarded(entry.repository, lambda entry=entry: self._take(entry))  # type: ignore[misc]
        self._missing = [
            was.entry
            for name, was in (self._remembered if shelf.is_complete else {}).items()
            if name not in self._listed and not was.is_gone and any(s in begun for s in self._scopes(was.entry))
        ]

    def _scopes(self, entry: Entry) -> tuple[str, ...]:
        """Return the names of the scopes that hold a repository."""
        return tuple(scope.name for scope in self._target.scopes if scope.holds(entry, self._this.known))

    def _only(self) -> Shelf | None:
        """Ask for the one repository that is wanted; None where there is nothing to compare."""
        only, was = self._target.only, self._remembered.get(self._target.only)
        try:
            entry = self._catalogue.entry(only)
        except HubUnreachable:
            raise
        except (NotFound, UsageError) as error:
            if was is not None and self._began and isinstance(error, NotFound):
                if was.is_gone:
                    self.look.unknown.append(f"{self._target.name} is still gone")
                return Shelf(self._target.publisher, (), is_complete=True, calls=1)
            self.look.unknown.append(f"{self._target.name}: {error.message}")
            return None
        if entry.repository == only:
            return Shelf(self._target.publisher, (entry,), is_complete=False, calls=1)
        if was is None or not self._began:
            self.look.unknown.append(f"{self._target.name} is called {entry.subject} now: watch that")
        else:
            self._guarded(only, lambda: self._keeper.follow(was.entry, entry, "the hub redirects the old name"))
        return None

    def _whole(self) -> Shelf | None:
        """List the publisher, and ask for wanted repositories that the listing does not reach."""
        is_first = len(self._began) < len(self._target.scopes)
        try:
            shelf = self._catalogue.shelf(self._target.publisher, most_calls=_FIRST_CALLS if is_first else 1)
        except HubUnreachable:
            raise
        except NotFound as error:
            self.look.unknown.append(f"{self._target.name}: {error.message}")
            return Shelf(self._target.publisher, (), is_complete=True, calls=1) if self._remembered else None
        if not shelf.entries and not self._remembered:
            self.look.unknown.append(f"{self._target.name}: the hub lists no models under this name")
        listed = {entry.repository for entry in shelf.entries}
        wanted = [s.repository for s in self._target.scopes if s.repository and s.repository not in listed]
        more = []
        for name in wanted if not shelf.is_complete else ():
            try:
                more.append(self._catalogue.entry(name))
            except HubUnreachable:
                raise
            except (NotFound, UsageError) as error:
                self.look.unknown.append(f"{self._target.hub}:{name}: {error.message}")
        if shelf.is_complete:
            absent = [name for name in wanted if name not in self._remembered]
            self.look.unknown += [f"{self._target.hub}:{name}: the hub does not list it" for name in absent]
        return replace(shelf, entries=(*shelf.entries, *more)) if more else shelf

    def _begin(self, entries: list[Entry], *, is_whole: bool) -> None:
        """Keep the first look at scopes: nothing that was there is an event, unless `since` asks for it."""
        this = self._this
        names = {s.name: is_whole or bool(s.repository) for s in self._target.scopes if s.name not in self._began}
        if not names:
            return
        events: list[ReleaseEvent] = []
        now, since = this.clock(), this.since
        note = "found at the first look: new by the hub's date of creation, not because it was absent before"
        for entry in entries if since is not None else ():
            if entry.created_at is not None and since is not None and entry.created_at >= since:
                change = self._keeper.arrival_of(entry)
                events += dated([replace(change, notes=(*change.notes, note))], None, entry, now, this.known)
        this.state.begin(this.number, names, entries, events, now)
        self._keeper.events += events

    def _take(self, listed: Entry) -> None:
        """Compare one repository, or take it in."""
        was = self._remembered.get(listed.repository)
        if was is not None and is_another(was.entry, listed):
            self._replaced[listed.repository] = was
            return
        if was is not None:
            self._keeper.take(was, listed)
            return
        began = [self._began[name] for name in self._scopes(listed) if name in self._began]
        created = listed.created_at
        is_old = created is not None and all(created < self._looked_at(one) for one in began)
        is_surely_new = any(one.was_whole for one in began) or not is_old
        if not self._keeper.arrive(listed, self._listed, is_surely_new=is_surely_new):
            self.look.unknown.append(f"{listed.subject}: seen now, but it may be old: the first listing was not whole")

    def _looked_at(self, began: Began) -> datetime:
        """Return when a scope was last looked at; by the hub's newest date then, where our clock was ahead.

        A listing shows the last changed first: what was there and younger than all that it showed would have led it.
        """
        now = self._this.clock()
        if began.looked_at <= now:
            return began.looked_at
        entries = [was.entry for was in self._remembered.values()]
        dates = [date for one in entries for date in (one.created_at, one.modified_at) if date and date <= now]
        return max(dates, default=datetime.min.replace(tzinfo=UTC))

    def _gone(self, was: Entry) -> bool:
        """Settle what became of one that is not listed: it may stand there under another name."""
        same = [entry for entry in self._shelf if entry.id and entry.id == was.id]
        if len(same) == 1 and same[0].repository != was.repository:
            self._keeper.follow(was, same[0], "the hub's own id is the same")
            return True
        return self._keeper.miss(was)

    def _deepen(self, depth: int) -> None:
        """Read whole what is followed by name, and the last changed of the others."""
        followed = {scope.repository for scope in self._target.scopes}
        remembered = self._this.state.remembered(self._target)
        chosen = [name for name in self._listed if name in followed]
        chosen += list(self._listed)[:depth]
        for name in dict.fromkeys(chosen):
            now = remembered.get(name)
            if now is not None and not now.is_gone and not now.has_files:
                self._guarded(name, lambda entry=now.entry: self._keeper.deepen(entry))  # type: ignore[misc]

    def _guarded(self, repository: str, work: Callable[[], None]) -> None:
        """Do what one repository needs; what fails waits for the next look, and changes nothing until then."""
        subject = f"{self._target.hub}:{repository}"
        if self._silent >= _MOST_SILENT or not self._this.may_ask():
            self._wait(subject)
            return
        try:
            work()
        except WeighbridgeError as error:
            self._silent += isinstance(error, HubUnreachable)
            self._wait(subject)
            self.look.unknown.append(f"{subject}: {error.message}; it waits for the next look")
        else:
            self._silent = 0

    def _wait(self, subject: str) -> None:
        self.look.pending.append(subject)
        self.look.is_arriving |= subject.partition(":")[2] not in self._remembered


def _chains(moves: dict[str, str]) -> Iterator[list[str]]:
    """Yield names in the order in which each went to the next one; those that exchanged theirs are a ring."""
    seen: set[str] = set()
    ends = set(moves.values())
    for first in sorted(moves, key=lambda name: (name in ends, name)):  # a ring has no beginning, and comes last
        chain, name = [], first
        while name in moves and name not in seen:
            seen.add(name)
            chain.append(name)
            name = moves[name]
        if chain:
            yield chain
