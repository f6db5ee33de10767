"""The page Model: what it is, and whether we can run it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.decision.staleness import stale_by_decision
from weighbridge.dossier.asked import part_of
from weighbridge.dossier.figure import MEASURES
from weighbridge.dossier.title import titles_of
from weighbridge.errors import NotFound
from weighbridge.web.page import Page, Reader
from weighbridge.web.reading import body_of, decision_row, name_in, row
from weighbridge.workflow.judge import newest

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.core.evidence import Evidence

__all__ = ["PAGE"]


def _facts(reader: Reader, request: Request) -> dict[str, Any]:
    """Return what counts about one digest, and every statement about it."""
    digest = request.path_params["digest"]
    found = list(reader.store.select(subject=digest))
    if not found:
        raise NotFound(f"nothing is known about the model `{digest[:80]}`", hint="Home lists every model")
    counted = newest(found)
    looked = {one.kind: {"id": one.id, "body": body_of(one), "made_on": one.made_on.isoformat()} for one in counted}
    measured = [one for one in counted if "suite" in (body_of(one) or {})]
    titles = titles_of(measured)
    name = name_in(counted, digest)
    stale = stale_by_decision(reader.store)
    decisions = [
        decision_row(one, name, reader.today, stale.get(one.id, ())) for one in found if one.kind == "decision/v1"
    ]
    return {
        "digest": digest,
        "name": name,
        "files": looked.get("files/v1"),
        "anatomy": looked.get("anatomy/v2"),
        "card": looked.get("card/v1"),
        "measured": [estimate for one in measured for estimate in _estimates(one, titles[one.id])],
        "decisions": decisions[::-1],
        "statements": [row(one, name) for one in found],
    }


def _estimates(evidence: Evidence, title: str) -> list[dict[str, Any]]:
    """Return every estimate of a statement, with what it was measured on."""
    body = body_of(evidence) or {}
    return [
        {"id": evidence.id, "title": title, "measure": measure, "estimate": body[measure],
         "asked_of": part_of(body), "machine": body.get("machine")}
        for measure in MEASURES
        if body.get(measure)
    ]  # fmt: skip


PAGE = Page("model", "/model/{digest}", "What is it, can we run it?", _facts)
