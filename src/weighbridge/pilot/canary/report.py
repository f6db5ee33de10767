"""Notices of a canary's steps, with the figures, and a statement of evidence where it ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.canary.standing import read_standing
from weighbridge.pilot.journal.protocol import Notice

if TYPE_CHECKING:
    from weighbridge.core.estimate import Estimate
    from weighbridge.pilot.canary.said import Said
    from weighbridge.pilot.canary.standing import Standing
    from weighbridge.pilot.canary.trial import Event, Trial
    from weighbridge.pilot.journal.protocol import Severity
    from weighbridge.pilot.route import Leg, Route

__all__ = ["KIND", "notice_of", "start_of"]

KIND = "canary/v1"

_SEVERITY: dict[Event, Severity] = {
    "canary.advanced": "info",
    "canary.done": "info",
    "canary.rolled_back": "alarm",
    "canary.stopped": "warning",
    "canary.key_set_apart": "warning",
}
_OUTCOME: dict[Event, str] = {
    "canary.done": "passed",
    "canary.rolled_back": "rolled back",
    "canary.stopped": "stopped",
}


def start_of(route: Route, trial: Trial, number: str) -> Notice:
    """Return the notice that an operator has started a trial; `number` is its id."""
    said = trial.said
    facts = {"trial": trial.number, **said.facts}
    return Notice(
        f"{number}/{said.code}", trial.now, route.name, said.code, "info", said.why, _leg(route).decision, facts
    )


def notice_of(route: Route, trial: Trial, number: str, event: Event, said: Said) -> Notice:
    """Return the notice of what is due, before it is done; `number` is its id."""
    leg = _leg(route)
    standing = read_standing(trial.body())
    facts: dict[str, Any] = {"trial": trial.number, **said.facts}
    if standing is not None:
        facts |= {"needed": standing.needed, "rows": [row.to_json() for row in standing.rows]}
    if standing is not None and event in _OUTCOME:
        facts["evidence"] = {"kind": KIND, "body": _statement(route, leg, standing, _OUTCOME[event], said.why)}
    severity = "info" if said.by else _SEVERITY[event]  # who gave the order knows
    return Notice(number, trial.now, route.name, event, severity, said.why, leg.decision, facts)


def _leg(route: Route) -> Leg:
    """Return the candidate of a route that has one."""
    return route.canary.leg if route.canary is not None else route.primary


def _statement(route: Route, leg: Leg, standing: Standing, outcome: str, why: str) -> dict[str, Any]:
    """Return the body of a `canary/v1` statement."""
    return {
        "route": route.name,
        "outcome": outcome,
        "why": why,
        "candidate": leg.decision,
        "baseline": route.primary.decision,
        "trial": standing.trial,
        "steps": list(standing.steps),
        "step": standing.step,
        "margin": standing.margin,
        "alpha": standing.alpha,
        "late_s": standing.late_s,
        "quality": standing.quality,
        "began_at": _time(standing.start or standing.since),
        "ended_at": _time(standing.now),
        "signs": [
            {
                "sign": row.metric,
                "baseline": _estimate(row.primary),
                "candidate": _estimate(row.candidate),
                "harm": row.harm,
                "safe": row.safe,
            }
            for row in standing.rows
        ],
    }


def _estimate(rate: Estimate | None) -> dict[str, Any] | None:
    """Return a rate as evidence writes it."""
    return None if rate is None else rate.to_json()


def _time(at: float) -> str:
    """Return a time as RFC 3339 writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
