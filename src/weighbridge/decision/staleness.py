"""Stale decisions: what an event has overtaken is stated in the store, and stays said until it is decided anew."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import StaleV1

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from weighbridge.store.protocol import Store

__all__ = [
    "KIND", "Stale", "all_stale", "all_stale_about", "event_key", "stale_about", "stale_by_decision", "stale_of",
    "state_stale",
]  # fmt: skip

KIND = "stale/v1"
_ORDER = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Stale:
    """One statement in the store that a decision is stale; `id` is the statement's."""

    id: str
    subject: str
    body: StaleV1


def event_key(body: StaleV1) -> tuple[str, ...]:
    """Return what is the same in all that is said of one decision, event and step: it is stated once."""
    return body.decision, body.event, body.seen_at, body.next_step


def state_stale(store: Store, subject: str, body: StaleV1, on: date) -> Evidence:
    """State in the store that the decision about a subject is stale, and return the statement."""
    statement = Evidence(subject, KIND, body.model_dump(exclude_none=True), (body.decision,), OURS, on)
    store.add(statement)
    return statement


def stale_of(store: Store, subject: str) -> StaleV1 | None:
    """Return why what was decided about a subject no longer holds, the most severe first; None where it does.

    Only the newest decision about this subject by each policy is looked at: deciding anew in view of the event clears
    it. A decision about another revision of the same repository does not, for this one would still be served.
    """
    newest: dict[str, str] = {}
    for one in store.select(subject=subject, kind="decision/v1"):
        newest[_policy(one)] = one.id
    return _worst(one.body for one in all_stale(store, subject) if one.body.decision in set(newest.values()))


def stale_about(store: Store, decision: Evidence) -> StaleV1 | None:
    """Return the most severe reason why one decision no longer holds; None where nothing has overtaken it."""
    return next(iter(all_stale_about(store, decision)), None)


def all_stale_about(store: Store, decision: Evidence) -> tuple[StaleV1, ...]:
    """Return every reason why one decision no longer holds, the most severe first."""
    found = (one.body for one in all_stale(store, decision.subject) if one.body.decision == decision.id)
    return tuple(sorted(found, key=_weight, reverse=True))


def stale_by_decision(store: Store) -> dict[str, tuple[StaleV1, ...]]:
    """Return all reasons, the most severe first, by the id of every decision that events have overtaken."""
    found: dict[str, list[StaleV1]] = {}
    for one in all_stale(store):
        found.setdefault(one.body.decision, []).append(one.body)
    return {decision: tuple(sorted(bodies, key=_weight, reverse=True)) for decision, bodies in found.items()}


def all_stale(store: Store, subject: str | None = None) -> Iterator[Stale]:
    """Yield the statements that can be read, as they were added: a store may hold what others wrote."""
    for one in store.select(subject=subject, kind=KIND):
        with suppress(ValidationError):
            yield Stale(one.id, one.subject, StaleV1.model_validate(one.body))


def _worst(bodies: Iterable[StaleV1]) -> StaleV1 | None:
    return max(bodies, key=_weight, default=None)


def _weight(body: StaleV1) -> tuple[int, str]:
    return _ORDER.index(body.severity), body.seen_at


def _policy(statement: Evidence) -> str:
    decision = statement.body.get("decision")
    return str(decision.get("policy_name", "")) if isinstance(decision, dict) else ""
