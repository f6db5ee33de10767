"""The examiner: reads what the store says of every leg, holds what is served against it, and remembers both."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from weighbridge.core.progress import Progress, silent
from weighbridge.errors import NotFound, StoreDamaged, UsageError, WeighbridgeError
from weighbridge.pilot.admission.clock import NEVER
from weighbridge.pilot.admission.decided import Decided, Origins, find_decided
from weighbridge.pilot.admission.judge import HOLDS_S, Facts
from weighbridge.pilot.admission.likeness import find_expected
from weighbridge.pilot.admission.recall import files_of
from weighbridge.pilot.admission.served import NOT_YET, Identity, Served, Stamps, check_served
from weighbridge.pilot.route import Leg, UpstreamSettings
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from weighbridge.pilot.admission.configuration.plan import LegPlan
    from weighbridge.pilot.admission.likeness import Held, Probe
    from weighbridge.pilot.admission.recall import Recall
    from weighbridge.store.protocol import Store

__all__ = ["Examiner"]

_EVERY_S = 3600.0
_FRESH_S = 600.0  # so long a look at the routes believes the check of another run
_AGAIN_S = {"matches": _EVERY_S, "unknown": 60.0, "differs": 300.0}
_GRACE_S = 300.0  # a store that cannot be read for so long is being moved or backed up


class Examiner:
    """What is known of each plan of a leg; safe to use from several threads, and it holds no lock while it waits.

    `store` is the evidence store's file, opened for each reading and for reading only. `clock` gives seconds (UTC).
    `probed` is told of each fingerprint that was taken, and when. `recall` has the checks of an earlier run.
    """

    def __init__(
        self,
        store: Path,
        clock: Callable[[], float],
        probe: Probe,
        probed: Callable[[Identity, Held, float], None],
        recall: Recall,
    ) -> None:
        self._store = store
        self._clock = clock
        self._probe = probe
        self._probed = probed
        self._recall = recall
        self._lock = threading.Lock()
        self._stamps = Stamps()
        self._read_at = -_GRACE_S
        self._count = -1
        self._decided: dict[LegPlan, Decided] = {}
        self._identities: dict[LegPlan, Identity] = {}
        self._served: dict[Identity, Served] = {}
        self._tried_at: dict[Identity, float] = {}

    @property
    def has_read(self) -> bool:
        """Whether the store could be read the last time."""
        return self._count >= 0

    def is_behind(self) -> bool:
        """Whether the store holds more than was read, or could not be read: it only ever grows."""
        try:
            with closing(SQLiteStore(self._store, read_only=True)) as store:
                return store.count() != self._count
        except WeighbridgeError:
            return True

    def read_store(self, plans: Collection[LegPlan]) -> None:
        """Read what the store says of these plans, and forget all others.

        A store that cannot be read leaves what was known for five minutes; one that is damaged leaves nothing.
        """
        now = self._clock()
        try:
            with closing(SQLiteStore(self._store, read_only=True)) as store:
                count = store.count()
                origins = Origins(store)
                found = {plan: _read(store, plan, origins) for plan in plans}
            self._read_at, self._count = now, count
        except WeighbridgeError as error:
            self._count = -1
            problem = Decided(f"the evidence cannot be read: {error.message}")
            is_kept = now - self._read_at < _GRACE_S and not isinstance(error, StoreDamaged)
            found = {plan: (problem, None) for plan in plans if not (is_kept and plan in self._decided)}
            found |= {plan: (self._decided[plan], self._identities.get(plan)) for plan in plans if plan not in found}
        identities = {plan: identity for plan, (_, identity) in found.items() if identity is not None}
        recalled = self._recalled({one for one in identities.values() if one not in self._served})
        with self._lock:
            self._decided = {plan: decided for plan, (decided, _) in found.items()}
            self._identities = identities
            current = set(identities.values())
            self._served = {one: served for one, served in self._served.items() if one in current}
            self._tried_at = {one: at for one, at in self._tried_at.items() if one in current}
            for one, served in recalled.items():
                self._served.setdefault(one, served)
                self._tried_at.setdefault(one, served.checked_at - _EVERY_S + _FRESH_S)

    def renew(self) -> None:
        """Have what an earlier run found be found again now; it counts on until then."""
        with self._lock:
            for one, served in self._served.items():
                if not one.is_quick:
                    self._tried_at[one] = min(self._tried_at.get(one, served.checked_at), self._clock() - _EVERY_S)

    def due(self) -> Identity | None:
        """Return what is to be checked now, that first which takes no time."""
        now = self._clock()
        with self._lock:
            due = [one for one in self._identities.values() if now >= self._due_at(one)]
        return max(due, key=lambda one: one.is_quick, default=None)

    def check(self, identity: Identity, progress: Progress = silent) -> None:
        """Hold what is served against the decision; this reads files, or asks a server, and may take minutes.

        Where nothing can be found out now, what was found before stays until it is too old.
        """
        files = "" if identity.is_quick else files_of(identity)
        served = check_served(identity, self._clock(), self._probe, self._stamps, progress)
        now = self._clock()
        if not identity.is_quick and served.state != "unknown":
            self._recall.keep(identity, served, files, now)
        with self._lock:
            before = self._served.get(identity, NOT_YET)
            is_kept = served.state == "unknown" and before.state == "matches" and now < before.checked_at + HOLDS_S
            self._served[identity] = before if is_kept else served
            self._tried_at[identity] = now if is_kept or served.state != "matches" else served.checked_at
        if served.held is not None:
            self._probed(identity, served.held, now)

    def identity(self, plan: LegPlan) -> Identity | None:
        """Return what is held against what for a plan."""
        with self._lock:
            return self._identities.get(plan)

    def facts(self, plan: LegPlan) -> Facts:
        """Return all that is known of a plan."""
        with self._lock:
            decided = self._decided.get(plan, Decided("it is being read: wait a moment"))
            identity = self._identities.get(plan)
            served = self._served.get(identity, NOT_YET) if identity else NOT_YET
        expected = identity.expected if identity else None
        leg = Leg(
            upstream=plan.upstream,
            decision=decided.statement.id if decided.statement else plan.decision,
            reference=decided.reference or plan.reference,
            digest=decided.decision.subject if decided.decision else "",
            mirror=plan.mirror,
            fingerprint=expected.id if expected else plan.fingerprint,
        )
        return Facts(plan, leg, decided, served)

    def _recalled(self, identities: Collection[Identity]) -> dict[Identity, Served]:
        """Return what was found to match in an earlier run, and is not too old to count."""
        found, now = {}, self._clock()
        for identity in identities:
            known = None if identity.is_quick else self._recall.find(identity)
            if known is not None and now - HOLDS_S < known.at <= now:
                found[identity] = Served("matches", f"{known.why} (at {_time_of(known.at)})", known.at)
        return found

    def _due_at(self, identity: Identity) -> float:
        """Return when something is to be checked next; a check that failed is made again soon."""
        served = self._served.get(identity)
        if served is None:
            return 0.0
        if served.is_lasting:
            return NEVER
        tried_at = self._tried_at[identity]
        is_carried = served.state == "matches" and tried_at > served.checked_at
        return tried_at + _AGAIN_S["unknown" if is_carried else served.state]


def _time_of(at: float) -> str:
    """Return a time of day in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M UTC")


def _read(store: Store, plan: LegPlan, origins: Origins) -> tuple[Decided, Identity | None]:
    """Read what the store says of one plan, and what it is to be held against."""
    try:
        decided = find_decided(store, plan, origins)
    except StoreDamaged as error:
        return Decided(f"{error.message}: `weighbridge evidence verify`"), None
    if decided.statement is None or decided.decision is None:
        return decided, None
    expected, problem = None, ""
    if plan.fingerprint:
        try:
            expected = find_expected(store, decided.statement, plan.fingerprint)
        except (NotFound, UsageError, StoreDamaged) as error:
            problem = f"{error.message}: {error.hint}"
    return decided, Identity(
        upstream=UpstreamSettings(plan.upstream.url, plan.upstream.model, plan.upstream.key_variable),
        subject=decided.decision.subject,
        has_files=decided.has_files,
        mirror=plan.mirror,
        is_fingerprinted=bool(plan.fingerprint),
        expected=expected,
        problem=problem,
    )
