"""What is told of a canary's steps: a sentence, the figures, and a statement of evidence where it ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.canary.jury import OTHERS
from weighbridge.pilot.canary.quality import QUALITY
from weighbridge.pilot.canary.standing import SIGN_WORDS, read_standing
from weighbridge.pilot.journal.protocol import Notice

if TYPE_CHECKING:
    from weighbridge.core.estimate import Estimate
    from weighbridge.pilot.canary.standing import Standing
    from weighbridge.pilot.canary.trial import Event, Trial
    from weighbridge.pilot.journal.protocol import Severity
    from weighbridge.pilot.route import Leg, Route

__all__ = ["KIND", "notice_of", "start_of", "why_of"]

KIND = "canary/v1"

_SEVERITY: dict[Event, Severity] = {
    "canary.advanced": "info",
    "canary.done": "info",
    "canary.rolled_back": "alarm",
    "canary.stopped": "warning",
    "canary.key_set_apart": "warning",
}
_STARTED = "canary.started"
_OUTCOME: dict[Event, str] = {
    "canary.done": "passed",
    "canary.rolled_back": "rolled back",
    "canary.stopped": "stopped",
}


def why_of(trial: Trial, event: Event) -> str:
    """Say in one sentence why something is due."""
    if event == "canary.stopped":
        return "an operator stopped it"
    if event == "canary.key_set_apart":
        key = trial.jury.doubtful(1 / trial.terms.alpha)
        whose = "keys other than the first" if key == OTHERS else f"the key {key}"
        return f"what is held against the candidate rests on {whose} alone, whose callers get the primary from now on"
    steps = trial.terms.steps
    if event == "canary.rolled_back" and trial.worst == QUALITY:
        return f"{_judged(trial)}; an equal one is rolled back with chance {trial.terms.alpha:g} at most"
    if event == "canary.rolled_back":
        place = list(trial.harm).index(trial.worst) + 1
        told = [
            f"{counts[place]} of the {name}'s last {counts[0]} answers"
            for name, counts in (("candidate", trial.recent["canary"]), ("primary", trial.recent["primary"]))
        ]
        word = SIGN_WORDS[trial.worst]
        return f"{word}: {' and '.join(told)}; an equal one is rolled back with chance {trial.terms.alpha:g} at most"
    n = trial.seen["canary"][0]
    points = f"{trial.terms.margin * 100:g} points"
    shown = f"{n} answers of the candidate at {trial.share * 100:.3g}% of the callers: no sign is worse by {points}"
    if trial.quality.margin is not None:
        shown += f", and {_judged(trial)}"
    step = f"step {trial.step + 1} of {len(steps)}"
    return f"{step} passed after {shown}"


def _judged(trial: Trial) -> str:
    """Say which share of the candidate's answers is the worse one, in the judge's eyes."""
    worse = trial.quality.worse()
    if worse is None:  # without a pair nothing of it is due
        return "no pair of answers was judged"
    low, high = worse[1].low * 100, worse[1].high * 100
    share = f"{worse[1].value * 100:.1f}% [{low:.1f}, {high:.1f}]"
    return f"judged worse than the primary's answer on {share} of {worse[1].n} prompts (a tie is half)"


def start_of(route: Route, trial: Trial, number: str) -> Notice:
    """Return the notice that an operator has started a trial; `number` is its id."""
    facts = {"trial": trial.number, "by": trial.by}
    return Notice(
        f"{number}/{_STARTED}", trial.now, route.name, _STARTED, "info", trial.why, _leg(route).decision, facts
    )


def notice_of(route: Route, trial: Trial, what: tuple[str, Event, str], by: str = "") -> Notice:
    """Return the notice of what is due, before it is done: `what` are id, event and sentence, `by` who ordered it."""
    number, event, why = what
    leg = _leg(route)
    standing = read_standing(trial.body())
    facts: dict[str, Any] = {"trial": trial.number, "step": trial.step, "share": trial.share, "by": by}
    if standing is not None:
        facts |= {"needed": standing.needed, "rows": [row.to_json() for row in standing.rows]}
    if standing is not None and event in _OUTCOME:
        facts["evidence"] = {"kind": KIND, "body": _statement(route, leg, standing, _OUTCOME[event], why)}
    severity = "info" if by else _SEVERITY[event]  # who gave the order knows
    return Notice(number, trial.now, route.name, event, severity, why, leg.decision, facts)


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
