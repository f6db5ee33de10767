"""The page Decision: why this verdict, and what would change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.dossier.compose import compose
from weighbridge.web.page import Page, Reader
from weighbridge.web.reading import decision_at, decision_row, names_of

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["PAGE"]


def _facts(reader: Reader, request: Request) -> dict[str, Any]:
    """Return the decision, its rulings with the decisive ones first, and how many rules are met."""
    evidence = decision_at(reader.store, request.path_params["id"])
    dossier = compose(evidence.body.get("decision"), ())
    name = names_of(reader.store).get(evidence.subject, "")
    tally = dossier.tally
    return {
        **decision_row(evidence, name, reader.today),
        "decision": dossier.decision,
        "rulings": list(dossier.rulings),
        "tally": {"met": tally.met, "not_met": tally.not_met, "unknown": tally.unknown, "waived": tally.waived,
                  "total": tally.total},
    }  # fmt: skip


PAGE = Page("decision", "/decision/{id}", "Why, and what would change it?", _facts)
