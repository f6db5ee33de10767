"""What a notice states in the evidence store: the alarm, a report that came with it, and that the decision is stale."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from weighbridge.core.digest import canonical
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import DECISION, KINDS, AlarmV1, StaleV1
from weighbridge.decision.staleness import state_stale
from weighbridge.dossier.compose import read_decision
from weighbridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from weighbridge.pilot.admission.configuration.plan import AlarmPlan
    from weighbridge.pilot.journal.protocol import Notice
    from weighbridge.store.protocol import Store

__all__ = ["ALARM", "AT_ONCE", "REPORTS", "is_stated", "plain_facts", "seen_at", "state_notice"]

ALARM = "alarm/v1"
REPORTS = frozenset({"canary/v1", "shadow/v1"})
"""Kinds that a notice may bring along: never a decision, which only the house's own policy makes."""

AT_ONCE = frozenset({"identity.changed"})
"""Events after which a leg is served no more: what answers is not what was weighed."""

_MOST_BYTES = 16 << 10
_LAST = datetime(9999, 12, 30, tzinfo=UTC).timestamp()


def is_stated(notice: Notice) -> bool:
    """Whether a notice goes into the evidence: it warns, alarms, or brings a report, about a decision."""
    return bool(notice.subject) and (notice.severity != "info" or "evidence" in notice.facts)


def state_notice(store: Store, notice: Notice, plan: AlarmPlan) -> Iterator[str]:
    """State what a notice says, once, however often it comes; yield the ids of the statements, the alarm's first.

    Raises NotFound or UsageError for a decision that this store does not have, and for a report that is none.
    """
    decision = store.get(notice.subject)
    if decision.kind != DECISION:
        raise UsageError(f"the notice is about `{decision.kind}`, not about a decision")
    if notice.severity != "info":
        yield store.add(_alarm(notice, decision))
    if notice.severity == "alarm" and plan.reopens:
        yield state_stale(store, decision.subject, _stale(store, notice, decision, plan), _day(notice)).id
    if "evidence" in notice.facts:
        yield store.add(_report(notice.facts["evidence"], decision, notice))


def seen_at(at: float) -> str:
    """Return seconds since 1970 as RFC 3339 in UTC, to the second."""
    return _moment(at).isoformat()


def plain_facts(notice: Notice) -> dict[str, Any]:
    """Return the figures of a notice without its report; none where they are no JSON, or more than 16 kB of it."""
    facts = {name: value for name, value in notice.facts.items() if name != "evidence"}
    try:
        return facts if len(canonical(facts)) <= _MOST_BYTES else {}
    except (ValueError, TypeError, RecursionError):
        return {}


def _alarm(notice: Notice, decision: Evidence) -> Evidence:
    body = AlarmV1(
        notice=notice.id,
        route=notice.route,
        severity="alarm" if notice.severity == "alarm" else "warning",
        event=notice.event,
        decision=decision.id,
        why=notice.why,
        facts=plain_facts(notice),
        seen_at=seen_at(notice.at),
    )
    return _evidence(ALARM, body.model_dump(), decision, notice)


def _report(report: object, decision: Evidence, notice: Notice) -> Evidence:
    report = report if isinstance(report, dict) else {}
    kind = str(report.get("kind"))
    if kind not in REPORTS:
        raise UsageError(f"a notice brings no evidence of kind `{kind:.40}`")
    try:
        body = KINDS[kind].model_validate(report.get("body"))
    except (KeyError, ValidationError) as error:
        raise UsageError(f"the report of kind `{kind}` is none: {type(error).__name__}") from error
    return _evidence(kind, body.model_dump(mode="json", by_alias=True), decision, notice)


def _evidence(kind: str, body: dict[str, Any], decision: Evidence, notice: Notice) -> Evidence:
    return Evidence(decision.subject, kind, body, (decision.id,), OURS, _day(notice))


def _stale(store: Store, notice: Notice, decision: Evidence, plan: AlarmPlan) -> StaleV1:
    """Say that the decision is to be made again, and until when the leg is served meanwhile."""
    is_other = notice.event in AT_ONCE
    files = [one.body.get("reference") for one in store.select(subject=decision.subject, kind="files/v1")]
    return StaleV1(
        decision=decision.id,
        reference=str(files[-1]) if files else decision.subject,
        event=notice.id,
        event_kind=notice.event,
        severity="critical" if is_other else "high",
        why=notice.why,
        next_step="roll back" if is_other else "re-evaluate",
        suites=_suites(decision),
        seen_at=seen_at(notice.at),
        closes_at=None if is_other else seen_at(notice.at + plan.grace_s),
    )


def _suites(decision: Evidence) -> list[str]:
    """Return the suites that the decision rests on: what there is to ask again."""
    try:
        rulings = read_decision(decision.body.get("decision")).rulings
    except UsageError:
        return []
    return [*dict.fromkeys(cast("str", one.where["suite.name"]) for one in rulings if one.where.get("suite.name"))]


def _day(notice: Notice) -> date:
    """Return the day by the calendar on the wall, as decisions have it: else none of that evening would be in view."""
    return _moment(notice.at).astimezone().date()


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(int(min(max(at, 0.0), _LAST)), UTC)
