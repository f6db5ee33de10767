"""Mark decisions that events have overtaken: a statement in the store, once a decision, event and step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from weighbridge.core.kinds import StaleV1
from weighbridge.decision.staleness import all_stale, event_key, state_stale
from weighbridge.watch.digest.compile import spoken_of
from weighbridge.watch.digest.facts import relation_of
from weighbridge.watch.digest.remembered import Remembered
from weighbridge.watch.digest.rules import SEVERITIES
from weighbridge.watch.digest.stake import settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weighbridge.core.event import ReleaseEvent
    from weighbridge.core.evidence import Evidence
    from weighbridge.decision.staleness import Stale
    from weighbridge.knowledge.protocol import Known
    from weighbridge.store.protocol import Store
    from weighbridge.watch.digest.rules import Rules
    from weighbridge.watch.digest.stake import Stake

__all__ = ["mark_stale", "stale_decisions"]

_Severity = Literal["low", "medium", "high", "critical"]
_FROM = SEVERITIES.index("medium")  # what is milder is to know, and overtakes nothing


def mark_stale(
    events: Iterable[ReleaseEvent], stakes: Sequence[Stake], rules: Rules, known: Known, store: Store
) -> list[Evidence]:
    """State of each decision that an event touches that it is stale, once a step asked for; return what is new.

    It is dated by the calendar on the wall, as decisions are: one of the same evening has it in view.

    Touched is a decision on the event's own repository, or on what was made from it, where the rules say `medium` or
    more and ask for a step. A release in the same family is news, and makes nothing stale.
    """
    known, events = Remembered(known), list(events)
    stakes = settled(stakes, events)
    said = {event_key(one.body) for one in all_stale(store)}
    made = []
    for event in events:
        for stake, body in _bodies(event, stakes, rules, known):
            if event_key(body) not in said:
                said.add(event_key(body))
                made.append(state_stale(store, stake.subject, body, event.seen_at.astimezone().date()))
    return made


def _bodies(
    event: ReleaseEvent, stakes: Sequence[Stake], rules: Rules, known: Known
) -> Iterable[tuple[Stake, StaleV1]]:
    """Yield what to state of each decision that an event touches: each step once, by the most severe rule for it."""
    near = [one for one in stakes if one.decision and relation_of(event, one, known) in {"self", "base"}]
    done: set[tuple[str, str]] = set()
    for _, stake, rule, severity in spoken_of(event, near, rules, known) if near else ():
        if stake is None or rule.next == "nothing" or SEVERITIES.index(severity) < _FROM:
            continue
        if (stake.decision, rule.next) in done:
            continue
        done.add((stake.decision, rule.next))
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


def stale_decisions(store: Store, stakes: Sequence[Stake]) -> dict[str, list[Stale]]:
    """Return by decision id, of the decisions that count today, why they are stale, the most severe first."""
    current = {stake.decision for stake in stakes if stake.decision}
    found: dict[str, list[Stale]] = {}
    for one in all_stale(store):
        if one.body.decision in current:
            found.setdefault(one.body.decision, []).append(one)
    for several in found.values():
        several.sort(key=lambda one: (-SEVERITIES.index(one.body.severity), one.body.seen_at))
    return found
