"""The page Model: what it is, and whether we can run it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import short
from weighbridge.errors import NotFound
from weighbridge.web.page import Page, Reader
from weighbridge.web.reading import body_of, decision_row, row

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.core.evidence import Evidence

__all__ = ["PAGE"]

_ESTIMATES = ("accuracy", "over_refusal", "harmful_refusal", "nonsense", "difference",
              "ttft_median_s", "ttft_p90_s", "tpot_median_s")  # fmt: skip


def _facts(reader: Reader, request: Request) -> dict[str, Any]:
    """Return the newest of every kind about one digest."""
    digest = request.path_params["digest"]
    found = list(reader.store.select(subject=digest))
    if not found:
        raise NotFound(f"nothing is known about the model `{digest[:80]}`", hint="Home lists every model")
    newest = {one.kind: {"id": one.id, "body": body_of(one), "made_on": one.made_on.isoformat()} for one in found}
    listed = [str(one.body.get("name")) for one in found if one.kind == "files/v1"]
    name = listed[-1] if listed else short(digest)
    decisions = [decision_row(one, name, reader.today) for one in found if one.kind == "decision/v1"]
    return {
        "digest": digest,
        "name": name,
        "files": newest.get("files/v1"),
        "anatomy": newest.get("anatomy/v1"),
        "card": newest.get("card/v1"),
        "measured": [estimate for one in found for estimate in _estimates(one)],
        "decisions": decisions[::-1],
        "statements": [row(one, name) for one in found],
    }


def _estimates(evidence: Evidence) -> list[dict[str, Any]]:
    """Return every estimate of a statement, with what it was measured on."""
    body = body_of(evidence) or {}
    return [
        {"id": evidence.id, "suite": body["suite"]["name"], "measure": measure, "estimate": body[measure],
         "machine": body.get("machine")}
        for measure in _ESTIMATES
        if body.get(measure)
    ]  # fmt: skip


PAGE = Page("model", "/model/{digest}", "What is it, can we run it?", _facts)
