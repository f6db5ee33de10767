"""The page of one statement: recipe, inputs, who made it, its items and its raw JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from weighbridge.core.kinds import KINDS
from weighbridge.dossier.further import section_of
from weighbridge.dossier.html import words
from weighbridge.errors import WeighbridgeError
from weighbridge.web.page import Page, Reader
from weighbridge.web.reading import body_of, names_of, row

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.core.evidence import Evidence
    from weighbridge.store.protocol import Store

__all__ = ["PAGE"]


def _facts(reader: Reader, request: Request) -> dict[str, Any]:
    """Return one statement, what it was made from and which decisions cite it."""
    evidence = reader.store.get(request.path_params["id"])
    name = names_of(reader.store).get(evidence.subject, "")
    decisions = reader.store.select(subject=evidence.subject, kind="decision/v1")
    items = (body_of(evidence) or {}).get("items", [])
    return {
        **row(evidence, name),
        "recipe": evidence.recipe,
        "statement": evidence.to_json(),
        "inputs": [{"digest": digest, "kind": _kind_at(reader.store, digest)} for digest in evidence.inputs],
        "cited_by": [one.id for one in decisions if evidence.id in one.inputs],
        "items": [one for one in items if "mark" in one],
        "section": _section(evidence),
        "raw": _raw(evidence),
    }


def _section(evidence: Evidence) -> dict[str, Any] | None:
    """Return what the dossier shows of a statement, for kinds that are read as tables of their own."""
    try:
        body = KINDS[evidence.kind].model_validate(evidence.body)
    except (KeyError, ValidationError):
        return None
    section = section_of(evidence, body, words("en")["figure"])
    return {**asdict(section), "empty": section.empty} if section else None


def _kind_at(store: Store, digest: str) -> str | None:
    """Return the kind of an input that is evidence itself, or None for a suite, an engine or what is not at hand."""
    try:
        return store.get(digest).kind
    except WeighbridgeError:
        return None


def _raw(evidence: Evidence) -> str:
    """Return the statement as JSON to read; the items stand in their own table and in the twin."""
    shown = evidence.to_json()
    body = shown["body"]
    if isinstance(body.get("items"), list):
        shown = {**shown, "body": {**body, "items": f"{len(body['items'])} items"}}
    return json.dumps(shown, ensure_ascii=False, indent=2)


PAGE = Page("statement", "/evidence/{id}", "How do you know?", _facts)
