"""The page Evidence: every statement of the store, filtered by kind and subject."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from weighbridge.core.kinds import KINDS
from weighbridge.web.page import Page, Reader
from weighbridge.web.reading import names_of, row

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["PAGE"]

_ON_A_PAGE = 50
_MAX_FILTER = 100
_PAGE_NUMBER = re.compile(r"[0-9]{1,6}")


def _facts(reader: Reader, request: Request) -> dict[str, Any]:
    """Return one page of the statements that the form asks for, newest first."""
    kind = request.query_params.get("kind", "")[:_MAX_FILTER]
    wanted = request.query_params.get("subject", "").strip()[:_MAX_FILTER]
    names = names_of(reader.store)
    found = [
        one
        for one in reader.store.select(kind=kind or None)
        if _is_about(wanted.lower(), one.subject, names.get(one.subject, ""))
    ][::-1]
    pages = max(1, -(-len(found) // _ON_A_PAGE))
    asked = request.query_params.get("page", "")
    number = min(max(1, int(asked)), pages) if _PAGE_NUMBER.fullmatch(asked) else 1
    return {
        "kind": kind,
        "subject": wanted,
        "kinds": list(KINDS),
        "total": len(found),
        "number": number,
        "pages": pages,
        "statements": [
            row(one, names.get(one.subject, "")) for one in found[(number - 1) * _ON_A_PAGE : number * _ON_A_PAGE]
        ],
    }


def _is_about(wanted: str, subject: str, name: str) -> bool:
    """Return whether a subject's digest starts with, or its name holds, what was typed."""
    return (
        not wanted
        or subject.removeprefix("sha256:").startswith(wanted.removeprefix("sha256:"))
        or wanted in name.lower()
    )


PAGE = Page("evidence", "/evidence", "How do you know?", _facts)
