"""The dossier as JSON: the complete twin of the page, with every statement as it is stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import digest_of
from weighbridge.dossier.behaviour.headline import standing_of
from weighbridge.dossier.locale import load_locale
from weighbridge.dossier.regulation import covered

if TYPE_CHECKING:
    from weighbridge.core.kinds import BehaviourV2
    from weighbridge.dossier.compose import Dossier
    from weighbridge.dossier.record import Flip

__all__ = ["SCHEMA", "as_document", "render"]

SCHEMA = "weighbridge/dossier/v1"


def render(dossier: Dossier, language: str = "en") -> bytes:
    """Return the document in UTF-8, keys sorted. It is language-neutral; an unknown language raises UsageError."""
    load_locale(language)
    return (json.dumps(as_document(dossier), ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def as_document(dossier: Dossier) -> dict[str, Any]:
    """Return the dossier as JSON values: the decision, all evidence at hand, and what was not looked at."""
    return {
        "schema": SCHEMA,
        "name": dossier.name,
        "decision": dossier.decision,
        "decision_digest": digest_of(dossier.decision),
        **({"stale": dossier.stale.model_dump()} if dossier.stale else {}),
        "tally": {
            "met": dossier.tally.met,
            "not_met": dossier.tally.not_met,
            "unknown": dossier.tally.unknown,
            "waived": dossier.tally.waived,
        },
        "evidence": [
            {"id": source.id, "recipe": source.evidence.recipe, "cited": source.cited, **source.evidence.to_json()}
            for source in dossier.sources
            if source.evidence
        ],
        "not_at_hand": [source.id for source in dossier.sources if source.evidence is None],
        "looked_at": [
            {"area": look.area, "looked": look.looked, "found": look.found, "left": look.left}
            for look in dossier.looks
            if look.looked
        ],
        "not_looked_at": [look.area for look in dossier.looks if not look.looked],
        "regulation": covered(
            source.evidence
            for source in dossier.sources
            if source.evidence and source.evidence.subject == dossier.decision["subject"]
        ),
        "headlines": {record.id: _headline(record.body) for record in dossier.further["behaviour/v2"]},
        "flips": {digest: [_flip(flip) for flip in flips] for digest, flips in dossier.flips.items()},
    }


def _headline(body: BehaviourV2) -> dict[str, Any] | None:
    """Return the contrast that the page puts first, and whether it is `shown`, a `hint` or `not_shown`."""
    contrast = body.contrasts.get(body.headline or "")
    return {"contrast": body.headline, "standing": standing_of(contrast)} if contrast else None


def _flip(flip: Flip) -> dict[str, Any]:
    """Return one flip with both answers."""
    return {
        "id": flip.item_id,
        "candidate": flip.candidate.model_dump() if flip.candidate else None,
        "baseline": flip.baseline.model_dump() if flip.baseline else None,
    }
