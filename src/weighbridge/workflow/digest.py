"""The digest as a use case: the log, the store and the tables in; items, a queue and stale decisions out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from weighbridge.dossier.digest.document import MOST_TOLD, message_json
from weighbridge.watch.database import WATCH_FILE, Database
from weighbridge.watch.digest.commands import commands_for, commands_to_decide
from weighbridge.watch.digest.compile import View, compile_digest
from weighbridge.watch.digest.cost import History, cost_of
from weighbridge.watch.digest.facts import repository_of
from weighbridge.watch.digest.rules import SEVERITIES, shipped_rules
from weighbridge.watch.digest.windows import rhythm_of
from weighbridge.watch.log import EventLog
from weighbridge.workflow.following.history import history_of
from weighbridge.workflow.following.marking import mark_stale, stale_decisions
from weighbridge.workflow.following.mirrors import mirrors_in, with_mirrors
from weighbridge.workflow.following.outbox import Outbox
from weighbridge.workflow.following.post import check_address, post_message
from weighbridge.workflow.following.stakes import stakes_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date
    from pathlib import Path

    from weighbridge.core.event import EventSeverity, ReleaseEvent
    from weighbridge.core.evidence import Evidence
    from weighbridge.decision.staleness import Stale
    from weighbridge.dossier.digest.page import ToldDigest
    from weighbridge.hub.remote.patience import Patience
    from weighbridge.knowledge.protocol import Known
    from weighbridge.store.protocol import Store
    from weighbridge.watch.digest.item import Digest, SuiteCost
    from weighbridge.watch.digest.rules import NextStep
    from weighbridge.watch.digest.stake import Stake
    from weighbridge.watch.digest.windows import Rhythm

__all__ = [
    "ROLE_NAMES", "Waiting", "followed", "logged", "make_digest", "refresh_stale", "rhythms_of", "send_digest",
    "view_of", "waiting",
]  # fmt: skip

ROLE_NAMES = {
    "engineer": "platform engineer",
    "lawyer": "lawyer",
    "security": "security officer",
    "owner": "product owner",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One decision that waits to be made again: why, what to do, what that takes, and when the next release is due.

    `reasons` are kinds of events, the most severe first; empty where the decision has only expired. `next_step` is the
    gravest of `next_steps`, `why` the first of `whys`.
    """

    stake: Stake
    severity: EventSeverity
    reasons: tuple[str, ...]
    events: tuple[str, ...]
    why: str
    whys: tuple[str, ...]
    next_step: NextStep
    next_steps: tuple[NextStep, ...]
    suites: tuple[SuiteCost, ...]
    commands: tuple[str, ...]
    has_expired: bool
    rhythm: Rhythm | None


def make_digest(
    events: Iterable[ReleaseEvent],
    view: View,
    span: tuple[datetime | None, datetime],
    *,
    role: str | None = None,
    least: EventSeverity = "low",
) -> Digest:
    """Return the digest of events as `view_of` sees them.

    `span` is (since, until); `role` keeps what is for one role of `ROLE_NAMES`; `least` is the mildest severity shown.
    """
    digest = compile_digest(events, view, span, least=least)
    return digest if role is None else digest.only(lambda item: ROLE_NAMES[role] in item.roles)


def view_of(store: Store | None, known: Known, mirrors: Iterable[Path] = ()) -> View:
    """Return from where events are looked at: decisions and past runs of the store, and the mirrors below folders."""
    stakes = with_mirrors(stakes_of(store) if store is not None else (), mirrors_in(mirrors))
    wanted = {suite for stake in stakes for suite in stake.suites}
    history = history_of(store, wanted) if store is not None else History({}, {})
    return View(stakes, shipped_rules(), known, history)


def refresh_stale(events: Iterable[ReleaseEvent], store: Store, view: View) -> list[Evidence]:
    """State in the store which decisions the events have overtaken, each once; return what is new."""
    return mark_stale(events, view.stakes, view.rules, view.known, store)


def waiting(store: Store, view: View, today: date) -> list[Waiting]:
    """Return the decisions that wait to be made again: overtaken by an event, or expired; the most severe first."""
    stale = stale_decisions(store, view.stakes)
    found = []
    for stake in view.stakes:
        why = stale.get(stake.decision, [])
        has_expired = stake.expires_on is not None and stake.expires_on < today and stake.standing != "rejected"
        if why or has_expired:
            found.append(_waiting(stake, why, view, today, has_expired=has_expired))
    return sorted(found, key=lambda one: (-SEVERITIES.index(one.severity), one.stake.name, one.stake.decision))


def _waiting(stake: Stake, why: list[Stale], view: View, today: date, *, has_expired: bool) -> Waiting:
    """Join all that overtook one decision; an expired one, too, is a matter of planning."""
    bodies = [one.body for one in why]
    steps: tuple[NextStep, ...] = tuple(dict.fromkeys(body.next_step for body in bodies)) or ("re-evaluate",)
    kinds = dict.fromkeys(body.event_kind for body in bodies)
    before = _commands(steps, stake, kinds) if bodies and stake.repository else ()
    suites = dict.fromkeys(suite for body in bodies for suite in body.suites) if bodies else dict.fromkeys(stake.suites)
    return Waiting(
        stake=stake,
        severity=bodies[0].severity if bodies else "medium",
        reasons=tuple(kinds),
        events=tuple(dict.fromkeys(body.event for body in bodies)),
        why=bodies[0].why if bodies else "",
        whys=tuple(dict.fromkeys(body.why for body in bodies)),
        next_step=steps[0],
        next_steps=steps,
        suites=tuple(cost_of(suite, view.history, stake.subject) for suite in suites),
        commands=before if "re-evaluate" in steps and before else (*before, *commands_to_decide(stake)),
        has_expired=has_expired,
        rhythm=rhythm_of(repository_of(stake.repository), view.known, today),
    )


def _commands(steps: Iterable[NextStep], stake: Stake, kinds: Collection[str]) -> tuple[str, ...]:
    """Return what to type for all steps, each command once."""
    found = (one for step in steps for one in commands_for(step, stake.repository, "", kinds, [stake]))
    return tuple(dict.fromkeys(found))


def followed(folder: Path) -> list[str]:
    """Return what the watch of a workspace follows, as references; nothing where there is no watch."""
    place = folder / WATCH_FILE
    if not place.is_file():
        return []
    database = Database(place, read_only=True)
    try:
        return [str(row[0]) for row in database.rows("SELECT follows FROM subscriptions ORDER BY follows")]
    finally:
        database.close()


def logged(folder: Path, since: datetime | None = None) -> list[ReleaseEvent]:
    """Return the events of a workspace's log, seen since then; raises NotFound where nothing was ever watched."""
    with EventLog(folder) as log:
        return list(log.events(since))


def rhythms_of(digest: Digest, known: Known, today: date) -> dict[str, Rhythm]:
    """Return the rhythms of the families that a digest names, by name."""
    names = {item.family for item in digest.items if item.family}
    found = {name: rhythm_of(name, known, today) for name in sorted(names)}
    return {name: rhythm for name, rhythm in found.items() if rhythm is not None}


def send_digest(told: ToldDigest, address: str, folder: Path, patience: Patience | None = None) -> list[str]:
    """Post the items that hold an event that never went to an address, in one message; return their ids.

    What the receiver did not take is not marked as sent; where this process is killed during the post, the items are
    free again after ten minutes, and the same message has the same `Idempotency-Key`.
    Raises HubUnreachable and UsageError as `post_message` does.
    """
    check_address(address)
    now = datetime.now(UTC)
    pairs = list(zip(told.digest.items, told.lines, strict=True))
    with Outbox(folder) as outbox:
        left = outbox.unsent([one for item, _ in pairs for one in item.sightings], address, now)
        pairs = [pair for pair in pairs if not left.isdisjoint(pair[0].sightings)][:MOST_TOLD]
        mine = outbox.claim([one for item, _ in pairs for one in item.sightings], address, now)
        pairs = [pair for pair in pairs if not mine.isdisjoint(pair[0].sightings)]
        if pairs:
            try:
                post_message(address, message_json(pairs), patience)
            except BaseException:
                outbox.release(mine, address)
                raise
            outbox.confirm(mine, address, now)
    return [item.id for item, _ in pairs]
