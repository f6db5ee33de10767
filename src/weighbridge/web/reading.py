"""Reading: what several pages ask of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from weighbridge.core.artefact import digest_of_endpoint
from weighbridge.core.digest import short
from weighbridge.core.kinds import KINDS
from weighbridge.dossier.compose import read_decision
from weighbridge.errors import NotFound, UsageError
from weighbridge.workflow.judge import newest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from weighbridge.core.evidence import Evidence
    from weighbridge.core.kinds import StaleV1
    from weighbridge.decision.decide import Decision
    from weighbridge.store.protocol import Store

__all__ = ["SOON_DAYS", "body_of", "decision_at", "decision_row", "name_in", "names_of", "row"]

SOON_DAYS = 30
# Kinds that only an engine can give; the small ones first.
_ASKED = ("endpoint/v1", "load/v1", "latency/v1", "score/v1", "behaviour/v1", "behaviour/v2")


def row(evidence: Evidence, name: str) -> dict[str, Any]:
    """Return what a list says of one statement; `verdict` is None where it is no decision that can be read."""
    decision = _decision_in(evidence)
    return {
        "id": evidence.id,
        "kind": evidence.kind,
        "subject": evidence.subject,
        "name": name,
        "made_on": evidence.made_on.isoformat(),
        "producer": f"{evidence.producer.name} {evidence.producer.version}",
        "about": _about(evidence),
        "verdict": decision.verdict if decision else None,
    }


def _about(evidence: Evidence) -> str:
    """Return the suite, bank or policy that a statement was made with, or nothing."""
    suite, decision = evidence.body.get("suite", evidence.body.get("bank")), evidence.body.get("decision")
    if isinstance(suite, dict):
        return str(suite.get("name", ""))
    return str(decision.get("policy_name", "")) if isinstance(decision, dict) else ""


def names_of(store: Store) -> dict[str, str]:
    """Return the name of every subject whose files were listed, or which is an address that was asked."""
    listed: dict[str, list[Evidence]] = {}
    for one in store.select(kind="files/v1"):
        listed.setdefault(one.subject, []).append(one)
    names = {subject: name_in(newest(found), subject) for subject, found in listed.items()}
    for kind in _ASKED:
        for one in store.select(kind=kind):
            if one.subject not in names and (name := _served_name(one)):
                names[one.subject] = name
    return names


def name_in(evidence: Iterable[Evidence], subject: str) -> str:
    """Return the name that the files give a subject, or else its address, or its digest where nobody knows better."""
    found = list(evidence)
    listed = [str(one.body.get("name", short(subject))) for one in found if one.kind == "files/v1"]
    return next(iter(listed), "") or next((name for one in found if (name := _served_name(one))), short(subject))


def _served_name(evidence: Evidence) -> str:
    """Return model and address of a subject that is an address; "" for files that an engine is only said to serve.

    The subject of an endpoint is the digest of the two, so that no body can name another subject.
    """
    engine = evidence.body.get("engine")
    model, address = (engine.get("model"), engine.get("address")) if isinstance(engine, dict) else (None, None)
    if not (isinstance(model, str) and isinstance(address, str)):
        return ""
    try:
        digests = {digest_of_endpoint(spelled, model) for spelled in (address, f"{address}/")}
    except ValueError:
        return ""
    return f"{model} at {address}" if evidence.subject in digests else ""


def decision_at(store: Store, evidence_id: str) -> Evidence:
    """Return the decision with this id; raises NotFound where another kind of statement has it."""
    evidence = store.get(evidence_id)
    if evidence.kind != "decision/v1":
        raise NotFound(
            f"`{short(evidence.id)}` is evidence of kind `{evidence.kind}`, not a decision",
            hint=f"look at it under `/evidence/{evidence.id}`",
        )
    return evidence


def decision_row(evidence: Evidence, name: str, today: date, stale: Sequence[StaleV1] = ()) -> dict[str, Any]:
    """Return what a list says of a decision, and whether somebody has to act on it.

    `stale` is what has overtaken it, the most severe first; `overtaken` holds each kind of event and each step once.
    """
    decision = _decision_in(evidence)
    days = (decision.expires_on - today).days if decision else None
    waits = None if decision else "unreadable"
    if decision and days is not None:
        waits = "expired" if days < 0 else "expires-soon" if days <= SOON_DAYS else None
        waits = "stale" if stale else waits or ("hold" if decision.verdict == "hold" else None)
    expires = decision.expires_on.isoformat() if decision else None
    overtaken = {
        "reasons": list(dict.fromkeys(one.event_kind for one in stale)),
        "next_steps": list(dict.fromkeys(one.next_step for one in stale)),
    }
    return {
        **row(evidence, name),
        "expires_on": expires,
        "days_left": days,
        "waits": waits,
        "stale": stale[0].model_dump() if stale else None,
        "overtaken": overtaken,
    }


def _decision_in(evidence: Evidence) -> Decision | None:
    """Return the decision that a statement holds, or None where it holds none that can be read."""
    if evidence.kind != "decision/v1":
        return None
    try:
        return read_decision(evidence.body.get("decision"))
    except UsageError:
        return None


def body_of(evidence: Evidence) -> dict[str, Any] | None:
    """Return a body with every field of its kind, or None where it is not of its kind."""
    try:
        return KINDS[evidence.kind].model_validate(evidence.body).model_dump()
    except (KeyError, ValidationError):
        return None
