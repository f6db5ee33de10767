"""Follow hubs: subscriptions, and rounds that look at each publisher once and log what happened."""

from __future__ import annotations

import fcntl
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.core.progress import silent
from weighbridge.errors import HubUnreachable, NotFound, UsageError, WeighbridgeError
from weighbridge.hub.catalogue.open import open_catalogue
from weighbridge.watch.log import canonical_order
from weighbridge.watch.poll import Look, Looking, Round
from weighbridge.watch.state import WatchState
from weighbridge.watch.subscription import Subscription, scopes_of, targets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from weighbridge.core.event import ReleaseEvent
    from weighbridge.core.progress import Progress
    from weighbridge.hub.catalogue.protocol import Catalogue
    from weighbridge.knowledge.protocol import Known
    from weighbridge.watch.subscription import HubName, Target

__all__ = ["Report", "Watcher", "like_names", "subscribe", "subscriptions", "unsubscribe"]

MOST_CALLS = 450  # of one hub in a window: Hugging Face gives 500 in five minutes to who has no token
SPARE_CALLS = 40  # a round without news stays below these, or at one call a publisher
_CALLS_TO_READ_WHOLE = 6
_MOST_SILENT = 2  # publishers in a row that a hub gives no answer about: it is left alone for this round
_LOCK_FILE = "watch.lock"


@dataclass(slots=True)
class Report:
    """What one round brought: events in canonical order, each look, and why some publishers were not looked at."""

    looks: list[Look] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    calls: int = 0

    @property
    def events(self) -> list[ReleaseEvent]:
        """Return the events of all looks."""
        return canonical_order(event for look in self.looks for event in look.events)

    @property
    def unknown(self) -> list[str]:
        """Return what could not be told, in words."""
        said = [words for look in self.looks for words in look.unknown]
        return sorted({*said, *(f"{name}: not looked at: {why}" for name, why in self.skipped.items())})

    @property
    def pending(self) -> list[str]:
        """Return the repositories that wait for the next round."""
        return sorted({subject for look in self.looks for subject in look.pending})

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left for the next round."""
        return not self.skipped and not self.pending


def subscribe(folder: Path, references: Sequence[str], known: Known) -> list[tuple[Subscription, bool]]:
    """Follow publishers, repositories or families; say of each whether it is new. Raises BadReference or NotFound."""
    wanted = [Subscription.parse(text, known) for text in references]
    now = datetime.now(UTC)
    with WatchState(folder) as state:
        return [(one, state.add(one, now)) for one in wanted]


def like_names(references: Sequence[str], known: Known) -> list[str]:
    """Return a warning for each publisher whose name could be taken for a listed maker's."""
    scopes = [scope for text in references for scope in scopes_of(Subscription.parse(text, known), known)]
    publishers = sorted({scope.publisher for scope in scopes})
    found = ((name, known.look_alike(name)) for name in publishers)
    return [f"`{name}` is not listed, and could be taken for `{other.name}`" for name, other in found if other]


def unsubscribe(folder: Path, references: Sequence[str], known: Known) -> None:
    """Follow something no longer: its events stay, what was remembered of it goes. Raises NotFound."""
    with WatchState(folder) as state:
        before = {scope for one in state.subscriptions() for scope in scopes_of(one, known)}
        for reference in references:
            state.remove(reference)
        left = {scope for one in state.subscriptions() for scope in scopes_of(one, known)}
        subjects = [
            was.entry.subject
            for target in targets_of(before - left)
            for was in state.remembered(target).values()
            if not any(
                (scope.hub, scope.publisher) == (target.hub, target.publisher) and scope.holds(was.entry, known)
                for scope in left
            )
        ]
        state.forget([scope.name for scope in before - left], subjects)


def subscriptions(folder: Path, known: Known) -> list[dict[str, Any]]:
    """Return what is followed, whom it asks, and when that was last looked at without a gap."""
    rows = []
    with WatchState(folder) as state:
        for one in state.subscriptions():
            scopes = scopes_of(one, known)
            began = state.began(scopes)
            looked = [began[scope.name].looked_at for scope in scopes if scope.name in began]
            rows.append({
                "reference": one.reference,
                "follows": one.follows,
                "asks": sorted({f"{scope.hub}:{scope.publisher}" for scope in scopes}),
                "looked_at": min(looked).isoformat() if looked else None,
            })  # fmt: skip
    return rows


@dataclass(frozen=True, slots=True)
class Watcher:
    """Runs rounds over a workspace's subscriptions; `open_hub` and `clock` can be replaced in tests."""

    folder: Path
    known: Known
    open_hub: Callable[[HubName], AbstractContextManager[Catalogue]] = open_catalogue
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    progress: Progress = silent
    most_calls: int = MOST_CALLS

    def run(self, *, since: datetime | None = None, only: Collection[str] = ()) -> Report:
        """Look once at every publisher, or at those of `only` (`hf:Qwen`), those that waited longest first.

        Raises UsageError where nothing is followed, and WeighbridgeError where another watch runs in this folder.
        What a hub's limits or faults leave over is in the report, and comes first in the next round.
        """
        with _alone(self.folder), WatchState(self.folder) as state, ExitStack() as hubs:
            targets = self._targets(state, only)
            number = state.round(self.clock())
            work = _Work(self, state, number, since, hubs)
            with self.progress("watch", len(targets), "publishers") as advance:
                spare = max(0, SPARE_CALLS - len(targets)) // _CALLS_TO_READ_WHOLE
                by_name = sorted(target.name for target in targets)
                for target in targets:
                    place = by_name.index(target.name)
                    work.look(target, spare // len(targets) + (place < spare % len(targets)))
                    advance(1)
            work.settle(is_everybody=not only)
            if work.report.is_whole and not only:
                state.end_round(number, self.clock())
            return work.finished()

    def _targets(self, state: WatchState, only: Collection[str]) -> list[Target]:
        """Return whom to ask, who waited longest first: a round that was cut short goes on where it was."""
        followed = state.subscriptions()
        if not followed:
            raise UsageError("nothing is watched yet", hint="`weighbridge watch add hf:Qwen`")
        targets = targets_of(scope for one in followed for scope in scopes_of(one, self.known))
        never = datetime.min.replace(tzinfo=UTC)

        def waited_since(target: Target) -> tuple[datetime, str]:
            began = state.began(target.scopes)
            looks = [began[s.name].looked_at if s.name in began else never for s in target.scopes]
            return min(looks), target.name

        wanted = [one for one in targets if not only or f"{one.hub}:{one.publisher}" in only]
        return sorted(wanted, key=waited_since)


class _Work:
    """One round while it lasts: a connection to each hub that is asked, and how much it was asked."""

    def __init__(
        self, watcher: Watcher, state: WatchState, number: int, since: datetime | None, hubs: ExitStack
    ) -> None:
        self._watcher, self._state, self._number, self._since, self._hubs = watcher, state, number, since, hubs
        self._catalogues: dict[HubName, Catalogue] = {}
        self._silent: dict[HubName, int] = {}
        self._looking: list[Looking] = []
        self.report = Report()

    def look(self, target: Target, depth: int) -> None:
        """Look at one publisher, or note why not."""
        hub = target.hub
        if hub not in self._catalogues:
            self._catalogues[hub] = self._hubs.enter_context(self._watcher.open_hub(hub))
        catalogue = self._catalogues[hub]
        if self._silent.get(hub, 0) >= _MOST_SILENT:
            self.report.skipped[target.name] = "its hub gives no answer now"
            return
        if not self._may_ask(hub):
            self.report.skipped[target.name] = (
                f"{self._watcher.most_calls} calls were made, and a hub allows only so many in five minutes"
            )
            return
        this = Round(
            self._number, self._state, self._watcher.known, self._watcher.clock, self._since,
            lambda: self._may_ask(hub),
        )  # fmt: skip
        looking = Looking(target, catalogue, this)
        try:
            self.report.looks.append(looking.go(depth))
        except HubUnreachable as error:
            self._silent[hub] = self._silent.get(hub, 0) + 1
            self.report.skipped[target.name] = error.message
        except NotFound as error:
            self.report.looks.append(Look(target.name, hub, unknown=[f"{target.name}: {error.message}"]))
        except WeighbridgeError as error:
            self.report.skipped[target.name] = error.message
        else:
            self._silent[hub] = 0
            self._looking.append(looking)

    def settle(self, *, is_everybody: bool) -> None:
        """Say what became of what is listed no more, at each hub where everybody was asked and answered."""
        doubtful = {name.partition(":")[0] for name in self.report.skipped}
        doubtful |= {one.look.hub for one in self._looking if one.look.is_arriving}  # it may be the one that is missed
        for looking in self._looking:
            looking.settle(is_sure=is_everybody and looking.look.hub not in doubtful)

    def finished(self) -> Report:
        """Return the report with all calls counted."""
        self.report.calls = sum(catalogue.calls for catalogue in self._catalogues.values())
        return self.report

    def _may_ask(self, hub: HubName) -> bool:
        return self._catalogues[hub].calls < self._watcher.most_calls


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the workspace's watch for this process: two at once would log each event twice."""
    path = folder / _LOCK_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = path.open("a")
    except OSError as error:
        raise UsageError(f"`{path}` cannot be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WeighbridgeError(
                f"another `watch run` is at work in `{folder}`", hint="wait for it to end, or stop it"
            ) from error
        yield
