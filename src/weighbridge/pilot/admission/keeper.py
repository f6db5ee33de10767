"""The keeper: keeps the admissions true to the file, the evidence, the clock, and what is served."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from weighbridge.core.progress import Progress, silent
from weighbridge.errors import Interrupted, UsageError, WeighbridgeError
from weighbridge.pilot.admission.admissions import Admissions, Snapshot
from weighbridge.pilot.admission.clock import NEVER
from weighbridge.pilot.admission.examiner import Examiner
from weighbridge.pilot.admission.file import load_gateway_file
from weighbridge.pilot.admission.judge import Ruled, rule_on
from weighbridge.pilot.admission.likeness import probe_with
from weighbridge.pilot.admission.recall import CHECKS_FILE, Recall
from weighbridge.pilot.admission.rows import RouteRow, row_of
from weighbridge.pilot.clock import SteadyClock
from weighbridge.pilot.identity.probe import probe_entry
from weighbridge.pilot.recorder import record_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from weighbridge.core.progress import Advance
    from weighbridge.pilot.admission.configuration.plan import GatewayFile, LegPlan
    from weighbridge.pilot.admission.likeness import Held, Probe
    from weighbridge.pilot.admission.served import Identity
    from weighbridge.pilot.journal.protocol import Entry
    from weighbridge.pilot.recorder import Recorder
    from weighbridge.pilot.route import Admission, Leg, UpstreamSettings

__all__ = ["STORE_FILE", "Keeper"]

STORE_FILE = "evidence.sqlite"
_ROUND_S = 2.0
_CLOSING_S = 5.0
_REREAD_S = 3600.0
_log = logging.getLogger("weighbridge.pilot.admission")

_Role = tuple[str, str]
_Stamp = tuple[tuple[int, int, int], ...]


class Keeper:
    """Keeps `admissions`. Two threads: one follows file, store and clock every two seconds, one checks what is served.

    `record` is told of every change before it counts where somebody made it (a reload), after it where it happened;
    `listeners` hear the same. `vet` raises WeighbridgeError for an upstream that the gateway cannot ask. `probe` takes
    fingerprints; what came of each goes to `put`, for the journal. A changed file that is wrong is refused, what was
    there stays, and `problem` says why.
    """

    def __init__(
        self,
        file: GatewayFile,
        *,
        record: Recorder = record_nothing,
        listeners: Collection[Recorder] = (),
        clock: Callable[[], float] | None = None,
        probe: Probe | None = None,
        vet: Callable[[UpstreamSettings], None] | None = None,
        put: Callable[[Entry], None] | None = None,
    ) -> None:
        self.file = file
        self.problem = ""
        self._record = record
        self._listeners = listeners
        self._clock = clock or SteadyClock()
        self.admissions = Admissions(self._clock)
        self._store = file.workspace / STORE_FILE
        recall = Recall(file.workspace / CHECKS_FILE)
        self._examiner = Examiner(self._store, self._clock, probe or probe_with(), self._probed, recall)
        self._put = put
        self._publishing = threading.Lock()
        self._legs: dict[_Role, Leg] = {}
        self._told: dict[_Role, tuple[object, ...]] = {}
        self._next_end = NEVER
        self._vet = vet
        self._file_stamp: _Stamp | None = None
        self._seen_stamp: _Stamp | None = None
        self._store_stamp: _Stamp = ()
        self._read_at = 0.0
        self._stop = threading.Event()
        self._threads: tuple[threading.Thread, ...] = ()

    def start(self) -> None:
        """Read the evidence now, so that what needs no further check is open on return; then keep watch.

        What an earlier run found to match less than two hours ago is open, too, and is soon checked again.
        """
        self._refresh()
        self._examiner.renew()  # a server may have been swapped while nobody looked
        self._threads = tuple(
            threading.Thread(target=self._repeat, args=(work, pause_s), name=f"admission-{name}", daemon=True)
            for name, work, pause_s in (("watch", self.follow, _ROUND_S), ("check", self._check_served, _ROUND_S))
        )
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop both threads; a check that is under way is given up."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_CLOSING_S)

    def check(self, progress: Progress = silent) -> tuple[RouteRow, ...]:
        """Check everything and return the table of routes; this reads files and asks servers.

        What was found to match less than ten minutes ago, by the gateway say, is not asked again.
        """
        self._read_store()
        self._check_due(lambda _one: True, progress)
        self._publish()
        return self.rows()

    def rows(self) -> tuple[RouteRow, ...]:
        """Return the table of routes as it is known."""
        now = self._clock()
        found = []
        for route in self.file.routes:
            for role, plan in route.legs():
                facts = self._examiner.facts(plan)
                found.append(row_of(route.name, role, facts, rule_on(facts, now).admission))
        return tuple(found)

    def follow(self) -> None:
        """Look once whether file, store or clock have changed what is admitted; this takes milliseconds."""
        now = self._clock()
        before, self._seen_stamp = self._seen_stamp, _stamp(self.file.path)
        if self._seen_stamp == before != self._file_stamp:  # seen twice alike: nobody is writing it just now
            self._file_stamp = before
            self._reload()
        if now >= self._read_at + _REREAD_S or self._has_news():
            self._refresh()
        elif now >= self._next_end:
            self._publish()

    def _has_news(self) -> bool:
        """Whether there is evidence that was not read: a run that stores completions touches the file all the time."""
        stamps = _stamps(self._store)
        if stamps == self._store_stamp and self._examiner.has_read:
            return False
        self._store_stamp = stamps
        return self._examiner.is_behind()

    def _reload(self) -> None:
        """Take another file in the place of this one, whole, or refuse it."""
        try:
            file = load_gateway_file(self.file.path)
            if file.digest == self.file.digest:
                self.problem = ""
                return
            if file.head != self.file.head:
                raise UsageError("`[gateway]` was changed, which takes a restart", hint="restart, or change it back")
            if self._vet is not None:
                for leg in (leg for route in file.routes for _, leg in route.legs()):
                    self._vet(leg.upstream)
            self._record("routes.reloaded", {"file": file.digest, "before": self.file.digest})
        except WeighbridgeError as error:
            self.problem = f"the changed file is refused: {error.message}" + (f" ({error.hint})" if error.hint else "")
            self._tell("routes.refused", {"why": self.problem}, is_recorded=True)
            return
        self._read_store(file)
        self._check_due(lambda one: one.is_quick)
        self.problem, self.file = "", file
        self._publish()
        self._tell("routes.reloaded", {"file": file.digest}, is_recorded=False)

    def _refresh(self) -> None:
        """Read the evidence, check what takes no time, and publish."""
        self._read_store()
        self._check_due(lambda one: one.is_quick)
        self._publish()

    def _read_store(self, *coming: GatewayFile) -> None:
        """Read the evidence about every leg, and about those of a file that will take this one's place."""
        self._store_stamp, self._read_at = _stamps(self._store), self._clock()
        routes = [route for file in (self.file, *coming) for route in file.routes]
        self._examiner.read_store({plan for route in routes for _, plan in route.legs()})

    def _check_served(self) -> None:
        """Check what takes time and is due; what takes none was checked where the evidence was read."""
        self._check_due(lambda one: not one.is_quick, self._watched)

    def _check_due(self, wanted: Callable[[Identity], bool], progress: Progress = silent) -> None:
        """Check what is due and wanted; each that takes time counts at once, the others when they are published."""
        while not self._stop.is_set() and (identity := self._examiner.due()) is not None and wanted(identity):
            self._examiner.check(identity, progress)
            if not identity.is_quick:
                self._publish()

    def _probed(self, identity: Identity, held: Held, at: float) -> None:
        """Put down what a fingerprint gave, for each leg that it is of."""
        for route in self.file.routes if self._put else ():
            for role, plan in route.legs():
                if self._put and self._examiner.identity(plan) == identity:
                    self._put(probe_entry(at, route.name, role, self._examiner.facts(plan).leg, held))

    def _publish(self) -> None:
        """Rule on every leg, replace the snapshot, and tell what changed."""
        with self._publishing:
            now = self._clock()
            routes, rulings, legs = {}, {}, {}
            changes: list[tuple[str, dict[str, object]]] = []
            for plan in self.file.routes:
                ruled = {role: self._rule((plan.name, role), leg, now) for role, leg in plan.legs()}
                routes[plan.name] = plan.with_legs({role: one.admission.leg for role, one in ruled.items()})
                for role, one in ruled.items():
                    legs[plan.name, role] = one.admission.leg
                    rulings[id(one.admission.leg)] = one
            self._legs = legs
            self._next_end = min((one.ends_at for one in rulings.values()), default=NEVER)
            self.admissions.replace(Snapshot(MappingProxyType(routes), MappingProxyType(rulings)))
            for place, leg in legs.items():
                changes += self._changes(place, rulings[id(leg)].admission)
            self._told = {place: told for place, told in self._told.items() if place in legs}
        for event, facts in changes:
            self._tell(event, facts, is_recorded=True)

    def _rule(self, place: _Role, plan: LegPlan, now: float) -> Ruled:
        """Rule on one leg; a leg that is as it was stays the same object, for requests under way hold it."""
        facts = self._examiner.facts(plan)
        before = self._legs.get(place)
        return rule_on(replace(facts, leg=before) if before == facts.leg and before is not None else facts, now)

    def _changes(self, place: _Role, admission: Admission) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield the event of a leg that was told otherwise before, or never."""
        leg = admission.leg
        told = (admission.is_open, admission.refused, leg.decision, leg.digest, admission.unverified, admission.doubt)
        if self._told.get(place) == told:
            return
        self._told[place] = told
        facts: dict[str, object] = {
            "route": place[0],
            "leg": place[1],
            "decision": leg.decision,
            "digest": leg.digest,
            "verdict": admission.verdict,
            "until": admission.until,
            "why": admission.refused,
            "unverified": admission.unverified,
            "doubt": admission.doubt,
        }
        yield ("leg.opened" if admission.is_open else "leg.refused"), facts

    def _tell(self, event: str, facts: dict[str, object], *, is_recorded: bool) -> None:
        """Tell audit and listeners what has happened already: none of them can undo it."""
        for told in (*((self._record,) if is_recorded else ()), *self._listeners):
            try:
                told(event, facts)
            except Exception as error:  # noqa: BLE001 - whatever a listener does, admission goes on
                _log.error("%s could not be told: %s", event, type(error).__name__)

    def _repeat(self, work: Callable[[], None], pause_s: float) -> None:
        """Work again and again; what goes wrong once is logged, and does not end it."""
        while not self._stop.is_set():
            try:
                work()
            except Exception:  # noqa: BLE001 - a keeper that has ended would see nothing any more
                _log.exception("admissions could not be looked after")
            self._stop.wait(pause_s)

    @contextmanager
    def _watched(
        self,
        label: str,  # noqa: ARG002 - the shape of Progress
        total: int,  # noqa: ARG002
        unit: str,  # noqa: ARG002
        /,
        *,
        note: Callable[[], str] | None = None,  # noqa: ARG002
        at_most: bool = False,  # noqa: ARG002
    ) -> Iterator[Advance]:
        """Give up a long reading when the keeper is closed."""

        def advance(_units: int) -> None:
            if self._stop.is_set():
                raise Interrupted("the gateway is closing")

        yield advance


def _stamp(path: Path) -> _Stamp:
    """Return what tells that a file has changed; empty where there is none."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return ((status.st_mtime_ns, status.st_size, status.st_ino),)


def _stamps(store: Path) -> _Stamp:
    """Return what tells that a store has changed: its file, and the log beside it where that holds something."""
    log = _stamp(store.with_name(store.name + "-wal"))
    return _stamp(store) + (log if log and log[0][1] else ())
