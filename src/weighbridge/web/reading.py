"""Reading: what several pages ask of the store."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from weighbridge.core.digest import short
from weighbridge.core.kinds import KINDS
from weighbridge.errors import NotFound

if TYPE_CHECKING:
    from weighbridge.core.evidence import Evidence
    from weighbridge.store.protocol import Store

__all__ = ["SOON_DAYS", "body_of", "decision_in", "decision_row", "names_of", "row"]

SOON_DAYS = 30


def row(evidence: Evidence, name: str) -> dict[str, Any]:
    """Return what a list says of one statement."""
    return {
        "id": evidence.id,
        "kind": evidence.kind,
        "subject": evidence.subject,
        "name": name,
        "made_on": evidence.made_on.isoformat(),
        "producer": f"{evidence.producer.name} {evidence.producer.version}",
        "about": _about(evidence),
        "verdict": _verdict(evidence),
    }


def _verdict(evidence: Evidence) -> str | None:
    """Return the verdict of a decision, or None for any other statement."""
    decision = evidence.body.get("decision")
    return str(decision.get("verdict", "")) if evidence.kind == "decision/v1" and isinstance(decision, dict) else None


def _about(evidence: Evidence) -> str:
    """Return the suite or policy that a statement was made with, or nothing."""
    suite, decision = evidence.body.get("suite"), evidence.body.get("decision")
    if isinstance(suite, dict):
        return str(suite.get("name", ""))
    return str(decision.get("policy_name", "")) if isinstance(decision, dict) else ""


def names_of(store: Store) -> dict[str, str]:
    """Return the newest name of every subject whose files were listed."""
    return {one.subject: str(one.body.get("name", short(one.subject))) for one in store.select(kind="files/v1")}


def decision_in(evidence: Evidence) -> dict[str, Any]:
    """Return the decision that a statement holds; raises NotFound where it holds none."""
    decision = evidence.body.get("decision")
    if evidence.kind != "decision/v1" or not isinstance(decision, dict):
        raise NotFound(
            f"`{short(evidence.id)}` is evidence of kind `{evidence.kind}`, not a decision",
            hint=f"look at it under `/evidence/{evidence.id}`",
        )
    return decision


def decision_row(evidence: Evidence, name: str, today: date) -> dict[str, Any]:
    """Return what a list says of a decision, and whether somebody has to act on it."""
    decision = decision_in(evidence)
    expires = decision.get("expires_on")
    days = (date.fromisoformat(expires) - today).days if expires else None
    waits = "hold" if decision.get("verdict") == "hold" else None
    if days is not None and days < 0:
        waits = "expired"
    elif days is not None and days <= SOON_DAYS:
        waits = "expires-soon"
    return {**row(evidence, name), "expires_on": expires, "days_left": days, "waits": waits}


def body_of(evidence: Evidence) -> dict[str, Any] | None:
    """Return a body with every field of its kind, or None where it is not of its kind."""
    try:
        return KINDS[evidence.kind].model_validate(evidence.body).model_dump()
    except (KeyError, ValidationError):
        return None
