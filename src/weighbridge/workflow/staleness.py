"""Stale decisions: what an event has overtaken is said once, in the store, and stays said until it is decided anew."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from pydantic import ValidationError

from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import StaleV1
from weighbridge.watch.digest.compile import spoken_of
from weighbridge.watch.digest.facts import relation_of
from weighbridge.watch.digest.rules import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.core.event import ReleaseEvent
    from weighbridge.knowledge.protocol import Known
    from weighbridge.store.protocol import Store
    from weighbridge.watch.digest.rules import Rules
    from weighbridge.watch.digest.stake import Stake

__all__ = ["KIND", "Stale", "mark_stale", "stale_decisions", "stale_of"]

KIND = "stale/v1"
_Severity = Literal["low", "medium", "high", "critical"]
_FROM = SEVERITIES.index("medium")  # what is milder is to know, and overtakes nothing
_ORDER: tuple[_Severity, ...] = get_args(_Severity)


@dataclass(frozen=True, slots=True)
class Stale:
    """One statement in the store that a decision is stale; `id` is the statement's."""

    id: str
    subject: str
    body: StaleV1


def mark_stale(
    events: Iterable[ReleaseEvent], stakes: Sequence[Stake], rules: Rules, known: Known, store: Store
) -> list[Evidence]:
    """State of each decision that an event touches that it is stale, once a decision and event; return what is new.

    Touched is a decision on the event's own repository, or on what was made from it, where the rules say `medium` or
    more. A release in the same family is news, and makes nothing stale.
    """
    said = {(one.body.decision, one.body.event, one.body.seen_at) for one in _all(store)}
    made = []
    for event in events:
        for stake, body in _bodies(event, stakes, rules, known):
            if (body.decision, body.event, body.seen_at) in said:
                continue
            said.add((body.decision, body.event, body.seen_at))
            on = event.seen_at.date()
            statement = Evidence(stake.subject, KIND, body.model_dump(), (stake.decision,), OURS, on)
            store.add(statement)
            made.append(statement)
    return made


def _bodies(
    event: ReleaseEvent, stakes: Sequence[Stake], rules: Rules, known: Known
) -> Iterable[tuple[Stake, StaleV1]]:
    """Yield what to state of each decision that an event touches, by the most severe rule that speaks of it."""
    done: set[str] = set()
    for _, stake, rule, severity in spoken_of(event, stakes, rules, known):
        if stake is None or not stake.decision or stake.decision in done or SEVERITIES.index(severity) < _FROM:
            continue
        if relation_of(event, stake, known) not in {"self", "base"}:
            continue
        done.add(stake.decision)
        yield (
            stake,
            StaleV1(
                decision=stake.decision,
                reference=stake.repository or stake.reference,
                event=event.id,
                event_kind=event.kind,
                severity=cast("_Severity", severity),
                why=rule.because["en"],
                next_step=rule.next,
                suites=list(dict.fromkeys(one.suite for one in rules.resting(event.kind, stake.demands) if one.suite)),
                seen_at=event.seen_at.isoformat(),
            ),
        )


def stale_of(store: Store, subject: str) -> StaleV1 | None:
    """Return why what was decided about a subject no longer holds, the most severe first; None where it does.

    Only the newest decision about this subject by each policy is looked at: deciding anew in view of the event clears
    it. A decision about another revision of the same repository does not, for this one would still be served.
    """
    newest: dict[str, str] = {}
    for one in store.select(subject=subject, kind="decision/v1"):
        newest[_policy(one)] = one.id
    current = set(newest.values())
    found = [one.body for one in _all(store, subject) if one.body.decision in current]
    return max(found, key=lambda body: (_ORDER.index(body.severity), body.seen_at), default=None)


def stale_decisions(store: Store, stakes: Sequence[Stake]) -> dict[str, list[Stale]]:
    """Return by decision id, of the decisions that count today, why they are stale, the most severe first."""
    current = {stake.decision for stake in stakes if stake.decision}
    found: dict[str, list[Stale]] = {}
    for one in _all(store):
        if one.body.decision in current:
            found.setdefault(one.body.decision, []).append(one)
    for several in found.values():
        several.sort(key=lambda one: (-_ORDER.index(one.body.severity), one.body.seen_at))
    return found


def _all(store: Store, subject: str | None = None) -> Iterable[Stale]:
    """Yield the statements that can be read: a store may hold what others wrote."""
    for one in store.select(subject=subject, kind=KIND):
        with suppress(ValidationError):
            yield Stale(one.id, one.subject, StaleV1.model_validate(one.body))


def _policy(statement: Evidence) -> str:
    decision = statement.body.get("decision")
    return str(decision.get("policy_name", "")) if isinstance(decision, dict) else ""
