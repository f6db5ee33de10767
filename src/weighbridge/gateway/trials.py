"""The rooms of a pilot behind one gateway, wired: what is seen goes into the journal, and what it says decides."""

from __future__ import annotations

import hmac
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weighbridge.gateway.asker import addressed
from weighbridge.gateway.exposition import Family, Sample
from weighbridge.pilot.board.fold import BoardFold
from weighbridge.pilot.canary.chooser import CanaryChooser
from weighbridge.pilot.canary.fold import CanaryFold, canary_name
from weighbridge.pilot.drift.fold import DriftFold
from weighbridge.pilot.drift.placer import PromptPlacer
from weighbridge.pilot.identity.fold import identity_folds
from weighbridge.pilot.journal.bookkeeper import Bookkeeper
from weighbridge.pilot.observation.observer import Observer
from weighbridge.pilot.shadow.fold import ShadowFold
from weighbridge.pilot.shadow.runner import Links, Shadow
from weighbridge.pilot.shadow.texts import TextKeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from weighbridge.gateway.hooks import Admissions
    from weighbridge.pilot.asker import Asker
    from weighbridge.pilot.exchange import Exchange, Listener
    from weighbridge.pilot.journal.protocol import Document, Entry, Fold, Notice
    from weighbridge.pilot.recorder import Recorder
    from weighbridge.pilot.route import ObserveTerms, Route
    from weighbridge.pilot.state.protocol import PilotState

__all__ = ["Ground", "Trials", "folds_of"]

_STALE_S = 10.0  # rounds are half a second apart
_TEXTS = "shadow"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the rooms stand on: `secret` is the same on all nodes, `folder` is the workspace, `ask` asks models."""

    state: PilotState
    secret: bytes
    folder: Path
    record: Recorder
    ask: Asker
    deliver: Callable[[Notice], None]

    def key(self, purpose: bytes) -> bytes:
        """Return a key of its own for each purpose: draws that nobody outside may reckon."""
        return hmac.digest(self.secret, b"weighbridge gateway: " + purpose, "sha256")


def folds_of(route: Route) -> tuple[Fold, ...]:
    """Return all that is concluded from what is seen on a route."""
    return (
        BoardFold(route.name),
        *((DriftFold(route),) if route.observe.share else ()),
        *((CanaryFold(route),) if route.canary is not None else ()),
        *((ShadowFold(route),) if route.shadow is not None else ()),
        *identity_folds(route),
    )


class Trials:
    """Everything between the gateway's hooks and the journal; `admissions` returns the routes as they are now."""

    def __init__(self, ground: Ground, admissions: Callable[[], Admissions]) -> None:
        self._admissions = admissions
        self._routes: tuple[Route, ...] = ()
        self._folds: tuple[Fold, ...] = ()
        self._deliver = ground.deliver
        self._delivered: Counter[tuple[str, str]] = Counter()
        self._halted: dict[str, int | None] = {}  # the trial that is served to nobody, None for any
        self.books = Bookkeeper(ground.state, self._current_folds, self._delivering)
        self.choose = CanaryChooser(self._fresh, ground.key(b"canary"))
        self._observer = Observer(
            self._terms_of,
            self.books.put,
            place=PromptPlacer(self._route_of, self.books.document, ground.key(b"sketches of prompts")),
            key=ground.key(b"what is looked at"),
        )
        links = Links(
            admits=lambda leg: admissions().admission(leg).is_open,
            address=addressed,
            secret=ground.key(b"shadow"),
            record=ground.record,
            texts=TextKeeper(ground.folder / _TEXTS, time.time),
        )
        self._shadow = Shadow(self._route_of, ground.ask, self.books.put, ground.state, links=links)

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Those that are told of every exchange."""
        return (self._observer, self._shadow)

    def keeps(self, route: Route, exchange: Exchange) -> bool:
        """Whether an exchange's bodies are held for one of the rooms; each of them is asked."""
        is_observed = self._observer.keeps(exchange, route.observe)
        return is_observed if route.shadow is None else is_observed | self._shadow.keeps(exchange)

    def put(self, entry: Entry) -> None:
        """Take an entry of another room; never waits."""
        self.books.put(entry)

    def halt(self, canary: str) -> None:
        """Serve a candidate to nobody on this node, until an operator starts it again: another trial."""
        document = self.books.document(canary)
        self._halted[canary] = document.body.get("trial", 0) if document is not None else None

    def stop(self, route: str, order: Mapping[str, Any]) -> None:
        """Write the order to stop down for all nodes; raises WeighbridgeError.

        Where the database is gone the order waits, to be written when it is back.
        """
        self.books.order(route, order)

    def start(self) -> None:
        """Read what is known of the routes, and begin: to be called when the routes are there."""
        self.books.start()
        self._observer.start()

    def close(self) -> None:
        """End all rooms, and write what they have seen; the event loop has ended."""
        self._shadow.close()
        self._observer.close()
        self.books.close()

    def families(self) -> Iterator[Family]:
        """Yield what metrics tell of a pilot."""
        books = self.books
        yield _gauge("journal_waiting", "Entries that are not written yet.", books.waiting)
        yield _counter("journal_dropped_total", "Entries dropped because the database was gone.", books.dropped)
        yield _gauge("journal_stale_seconds", "Since the journal was last read and written.", books.stale_s)
        yield _gauge("monitors_failed", "Monitors put aside because they failed.", len(books.failed))
        yield _gauge("notices_waiting", "Notices that could not be delivered yet.", books.undelivered)
        yield _counter("observer_dropped_total", "Exchanges not looked at for want of time.", self._observer.dropped)
        delivered = [
            Sample({"event": event, "severity": severity}, count)
            for (event, severity), count in sorted(self._delivered.items())
        ]
        shadow = [
            Sample({"route": route, "event": what}, n) for (route, what), n in sorted(self._shadow.counts.items())
        ]
        yield Family("weighbridge_shadow_total", "counter", "What became of exchanges for the shadow.", shadow)
        usd = [Sample({"route": route}, spent) for route, spent in sorted(self._shadow.usd.items())]
        yield Family("weighbridge_shadow_usd_total", "counter", "What the shadow cost, in US dollars.", usd)
        shares = [
            Sample({"route": route.name}, document.body.get("share", 0) if document is not None else 0)
            for route in self._routes
            if route.canary is not None
            for document in (self._fresh(canary_name(route)),)
        ]
        yield Family("weighbridge_canary_share", "gauge", "Share of the callers that get the candidate.", shares)
        yield Family("weighbridge_notices_total", "counter", "Notices of the monitors that were delivered.", delivered)

    def _fresh(self, name: str) -> Document | None:
        """Return a canary's document unless it is old: a candidate that nobody watches, or can stop, serves nobody."""
        document = self.books.document(name) if self.books.stale_s < _STALE_S else None
        if document is None or name not in self._halted:
            return document
        trial = document.body.get("trial", 0)
        if self._halted[name] is None:
            self._halted[name] = trial
        return None if self._halted[name] == trial else document

    def _route_of(self, name: str) -> Route | None:
        """Return a route as it is now."""
        return self._admissions().find(name)

    def _terms_of(self, name: str) -> ObserveTerms | None:
        """Return how a route is looked at."""
        route = self._route_of(name)
        return route.observe if route is not None else None

    def _current_folds(self) -> Sequence[Fold]:
        """Return the folds of the routes as they are now; made anew where a route has changed."""
        admissions = self._admissions()
        routes = tuple(route for name in admissions.names() if (route := admissions.find(name)) is not None)
        if routes != self._routes:
            self._folds = tuple(fold for route in routes for fold in folds_of(route))
            self._routes = routes
        return self._folds

    def _delivering(self, notice: Notice) -> None:
        """Deliver a notice, and count it."""
        self._deliver(notice)
        self._delivered[notice.event, notice.severity] += 1


def _gauge(name: str, text: str, value: float) -> Family:
    return Family(f"weighbridge_{name}", "gauge", text, [Sample({}, value)])


def _counter(name: str, text: str, value: float) -> Family:
    return Family(f"weighbridge_{name}", "counter", text, [Sample({}, value)])
