"""Whether a leg may be served at a time: a pure function of what was found out about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from weighbridge.core.digest import short
from weighbridge.formats.place import quote
from weighbridge.pilot.admission.clock import NEVER, day_of, end_of
from weighbridge.pilot.route import Admission

if TYPE_CHECKING:
    from weighbridge.pilot.admission.configuration.plan import LegPlan
    from weighbridge.pilot.admission.decided import Decided
    from weighbridge.pilot.admission.served import Served
    from weighbridge.pilot.route import Leg

__all__ = ["HOLDS_S", "Facts", "Ruled", "rule_on"]

HOLDS_S = 2 * 3600.0
"""Seconds that a check of files or server holds: it is made every hour, and tried every minute where it fails."""

_OPEN = ("adopt", "adopt-with-conditions")
_AHEAD = timedelta(days=1)  # a decision is dated by the day where it was made


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of a leg."""

    plan: LegPlan
    leg: Leg
    decided: Decided
    served: Served


@dataclass(frozen=True, slots=True)
class Ruled:
    """An admission, which holds until `ends_at` (seconds), and the one after it."""

    admission: Admission
    ends_at: float
    after: Admission

    def at(self, now: float) -> Admission:
        """Return the admission at a time."""
        return self.admission if now < self.ends_at else self.after


def rule_on(facts: Facts, now: float) -> Ruled:
    """Rule on a leg for `now` (seconds, UTC) and for the time after; what is refused is refused until facts change."""
    admission = _admission(facts, now)
    if not admission.is_open:
        return Ruled(admission, NEVER, admission)
    for end in sorted(end for end in _ends(facts) if end > now):
        after = _admission(facts, end)
        if not after.is_open:
            return Ruled(admission, end, after)
    return Ruled(admission, NEVER, admission)


def _ends(facts: Facts) -> tuple[float, ...]:
    """Return when something ends that an admission may rest on."""
    decision, unverified = facts.decided.decision, facts.plan.unverified
    decided_until = end_of(decision.expires_on) if decision else NEVER
    unverified_until = end_of(unverified.until) if unverified else NEVER
    return decided_until, _holds_until(facts.served), unverified_until, facts.decided.closes_at


def _holds_until(served: Served) -> float:
    """Return when a check of what is served is too old to count."""
    return NEVER if served.is_lasting else served.checked_at + HOLDS_S


def _admission(facts: Facts, now: float) -> Admission:
    """Return the admission at one time."""
    decided = facts.decided
    decision = decided.decision
    if decision is None:
        return Admission(facts.leg, "", refused=decided.problem or "there is no decision")
    refused = _refused(facts, now)
    unverified = ""
    if not refused:
        refused, unverified = _unverified(facts, now)
    return Admission(
        facts.leg,
        decision.verdict,
        refused,
        decision.expires_on.isoformat(),
        decision.conditions,
        unverified,
        "" if refused else _doubt(decided),
    )


def _refused(facts: Facts, now: float) -> str:
    """Return why the decision admits nothing at this time, and what to do; "" where it does."""
    decided, decision = facts.decided, facts.decided.decision
    if decision is None or decision.verdict not in _OPEN:
        verdict = decision.verdict if decision else "nothing"
        return f"the decision says `{verdict}`: `weighbridge dossier` shows what would change it"
    if refused := _overtaken(decided, now):
        return refused
    conditions = dict.fromkeys((*decision.conditions, *(decided.newer.conditions if decided.newer else ())))
    if missing := [one for one in conditions if one not in facts.plan.accepts]:
        return f"{len(missing)} condition(s) not in `accept_conditions`, the first: {quote(missing[0], 300)}"
    if decision.on > day_of(now) + _AHEAD:
        return f"the decision is of {decision.on}, which is to come: set the clock"
    if now >= end_of(decision.expires_on):
        return f"the decision expired on {decision.expires_on}: {_way_on(decided)}"
    return ""


def _overtaken(decided: Decided, now: float) -> str:
    """Return what has overtaken a decision: a newer one that admits nothing, an event of the watch, or an alarm."""
    newer = decided.newer
    if newer is not None and newer.verdict not in _OPEN:
        return f"it was decided anew on {newer.on}, and says `{newer.verdict}` ({short(decided.newer_id)})"
    if decided.stale and now >= decided.closes_at:
        return f"the decision is stale: {decided.stale}; {_way_on(decided)}"
    return ""


def _way_on(decided: Decided) -> str:
    """Return how to rest on the newer decision, where there is one that admits, else how to make one."""
    newer = decided.newer
    if newer is None or newer.verdict not in _OPEN or not decided.newer_holds:
        return "weigh it again, or decide in view of it"
    return f'it was decided anew: write `decision = "{short(decided.newer_id)}"`'


def _doubt(decided: Decided) -> str:
    """Return why a decision that still admits is to be made again, and until when; "" where nothing is said."""
    if not decided.stale:
        return ""
    until = datetime.fromtimestamp(decided.closes_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"served until {until} only: {decided.stale}; {_way_on(decided)}"


def _unverified(facts: Facts, now: float) -> tuple[str, str]:
    """Return why what is served cannot be held against the decision, as a refusal, or as a note where that is allowed.

    What was seen to be another model is never allowed.
    """
    served, allowed = facts.served, facts.plan.unverified
    if served.state == "differs":
        return f"what is served is not what was decided on: {served.why}", ""
    if served.state == "matches" and now < _holds_until(served):
        return "", ""
    why = served.why if served.state == "unknown" else f"it was checked {HOLDS_S / 3600:.0f} hours ago, and not since"
    if allowed is None:
        return f"it is not known whether what is served is what was decided on: {why}", ""
    if now >= end_of(allowed.until):
        return f"it was allowed to be served unverified until {allowed.until}: {why}", ""
    return "", f"served unverified until {allowed.until} because {quote(allowed.because, 300)}: {why}"
