"""The page Decision: why this verdict, and what would change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.decision.staleness import all_stale_about
from weighbridge.dossier.asked import asserted_engines, part_of
from weighbridge.dossier.compose import compose
from weighbridge.errors import WeighbridgeError
from weighbridge.web.page import Page, Reader
from weighbridge.web.reading import body_of, decision_at, decision_row, names_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from weighbridge.store.protocol import Store

__all__ = ["PAGE"]


def _facts(reader: Reader, request: Request) -> dict[str, Any]:
    """Return the decision, its rulings with the decisive ones first, and how many rules are met."""
    evidence = decision_at(reader.store, request.path_params["id"])
    dossier = compose(evidence.body.get("decision"), ())
    name = names_of(reader.store).get(evidence.subject, "")
    tally = dossier.tally
    bodies = _bodies(reader.store, dossier.decision["evidence"])
    return {
        **decision_row(evidence, name, reader.today, all_stale_about(reader.store, evidence)),
        "decision": dossier.decision,
        "rulings": list(dossier.rulings),
        "asserted": list(asserted_engines(bodies.values())),
        "asked_of": {digest: part for digest, body in bodies.items() if (part := part_of(body))},
        "tally": {"met": tally.met, "not_met": tally.not_met, "unknown": tally.unknown, "waived": tally.waived,
                  "total": tally.total},
    }  # fmt: skip


def _bodies(store: Store, digests: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the bodies of the statements that a decision cites, by id, of those that are at hand and can be read."""
    found = {}
    for digest in digests:
        try:
            body = body_of(store.get(digest))
        except WeighbridgeError:
            continue
        if body:
            found[digest] = body
    return found


PAGE = Page("decision", "/decision/{id}", "Why, and what would change it?", _facts)
