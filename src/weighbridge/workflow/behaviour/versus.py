"""Behaviour of a candidate beside a baseline: both asked the same items, paired."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from weighbridge.errors import UsageError
from weighbridge.evaluation.behaviour.versus import differences_of, pairs_of, topics_of
from weighbridge.workflow.behaviour.measure import measure_behaviour, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.core.evidence import Evidence
    from weighbridge.evaluation.run import Session
    from weighbridge.hub.protocol import DigestCache
    from weighbridge.workflow.behaviour.measure import Call, Measured
    from weighbridge.workflow.evaluation.measure import EngineChoice

__all__ = ["KIND", "compare_behaviour", "state_comparison"]

KIND = "behaviour-comparison/v1"
_STOPPED = "the candidate was asked until a gap was clear: intervals are not corrected for stopping"


def compare_behaviour(
    candidate: str,
    baseline: str,
    call: Call,
    baseline_engine: EngineChoice,
    session: Session,
    cache: DigestCache | None = None,
    *,
    tell: Callable[[Measured], None] = lambda _measured: None,
) -> Evidence:
    """Measure both models and state where they differ (`behaviour-comparison/v1`); `tell` hears of each as it is done.

    What one of them has answered before is not asked again. Raises UsageError where both are the same artefact on the
    same engine.
    """
    ours = measure_behaviour(candidate, call, session, cache)
    tell(ours)
    theirs = measure_behaviour(baseline, replace(call, engine=baseline_engine, until_clear=False), session, cache)
    if ours.evidence.id == theirs.evidence.id:
        raise UsageError(f"`{candidate}` and `{baseline}` are the same model on the same engine")
    tell(theirs)
    return state_comparison("baseline", ours, theirs, call, session)


def state_comparison(
    relation: Literal["baseline", "service"],
    ours: Measured,
    theirs: Measured,
    call: Call,
    session: Session,
    *,
    service: dict[str, Any] | None = None,
) -> Evidence:
    """State where two sides differ on the items of a call, with a `ServiceBody` where they are hosts of one model."""
    differing, pairs = pairs_of(ours.answers, theirs.answers)
    body = {
        "relation": relation,
        "bank": call.bank.to_json(),
        "candidate_name": ours.artefact.name,
        "baseline_name": theirs.artefact.name,
        "baseline": theirs.artefact.digest,
        "languages": list(call.languages),
        "differences": differences_of(
            ours.answers,
            theirs.answers,
            call.languages,
            unmeasured=ours.unmeasured | theirs.unmeasured,
            stopped=ours.stopped,
        ),
        "topics": topics_of(ours.answers, theirs.answers),
        "differing": differing,
        "pairs": pairs,
        "service": service,
        "notes": [_STOPPED] if ours.stopped else [],
    }
    made_on = min(ours.evidence.made_on, theirs.evidence.made_on)
    return state(body, ours.artefact.digest, (ours.evidence.id, theirs.evidence.id), made_on, session, kind=KIND)
