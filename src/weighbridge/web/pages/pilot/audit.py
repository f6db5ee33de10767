"""The audit log: what happened last, whether all of it still holds, and records to take away."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse, StreamingResponse
from starlette.routing import Route

from weighbridge.errors import NotFound, UsageError
from weighbridge.pilot.audit.export import Wanted, csv_lines, json_lines
from weighbridge.pilot.audit.head import HEADS_FILE
from weighbridge.pilot.audit.tail import read_tail
from weighbridge.web.gate import SEE_OTHER
from weighbridge.web.page import as_json
from weighbridge.web.pages.pilot.shown import pilot_page, query
from weighbridge.web.pages.pilot.verification import Verification
from weighbridge.web.visitor import require

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.web.pages.pilot.room import PilotRoom

__all__ = ["routes"]

_COUNTS = (50, 200, 1000)
_MOST_EXPORTED = 10_000
_LONGEST = 256
_FIELDS = ("since", "until", "key", "route", "event")
_FORMS = {"csv": (csv_lines, "text/csv; charset=utf-8"), "jsonl": (json_lines, "application/jsonl")}
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?")


def routes(room: PilotRoom) -> list[Route]:
    """Return the routes of the list, of taking away, and of verifying."""
    verification = Verification(room.audit, room.now)

    def twin(request: Request) -> Response:
        """Answer with JSON."""
        require(request)
        return as_json("weighbridge/ui/pilot-audit/v1", _facts(room, request, verification))

    def shown(request: Request) -> Response:
        """Answer with HTML."""
        require(request)
        facts = _facts(room, request, verification)
        rows = [_row(record) for record in facts["records"]]
        runs = facts["verification"]["runs"]
        return pilot_page(request, "audit", {**facts, "rows": rows}, room, refreshes=runs, has_twin=True)

    def export(request: Request) -> Response:
        """Answer with a file of the last records that are wanted, the oldest first."""
        require(request)
        form = request.query_params.get("form", "csv")
        if form not in _FORMS:
            raise UsageError("records are taken away as `csv` or `jsonl`", hint="use the links of the page")
        lines, kind = _FORMS[form]
        tail = read_tail(room.audit, _wanted(request), _MOST_EXPORTED)
        headers = {"Content-Disposition": f'attachment; filename="audit.{form}"'}
        return StreamingResponse(lines(reversed(tail.records)), media_type=kind, headers=headers)

    def begin(request: Request) -> Response:
        """Begin to verify, and go back to the list."""
        require(request)
        verification.begin()
        return RedirectResponse(f"/pilot/audit{query(request)}", SEE_OTHER)

    return [
        Route("/pilot/audit.json", twin),
        Route("/pilot/audit", shown),
        Route("/pilot/audit/export", export),
        Route("/pilot/audit/verify", begin, methods=["POST"]),
    ]


def _facts(room: PilotRoom, request: Request, verification: Verification) -> dict[str, Any]:
    """Return the last records that are wanted, and how the log stands."""
    asked = request.query_params
    most = next((count for count in _COUNTS if str(count) == asked.get("most")), _COUNTS[0])
    facts: dict[str, Any] = {
        "asked": {name: asked.get(name, "")[:_LONGEST] for name in _FIELDS},
        "most": most,
        "counts": list(_COUNTS),
        "verification": verification.facts(),
        "has_heads": (room.audit / HEADS_FILE).exists(),
        "export": query(request, form="", most="", language=""),
        "most_exported": _MOST_EXPORTED,
    }
    try:
        tail = read_tail(room.audit, _wanted(request), most)
    except NotFound:
        return {**facts, "has_log": False, "records": [], "is_whole": True, "damaged": 0}
    return {
        **facts, "has_log": True, "records": tail.records, "is_whole": tail.is_whole, "damaged": tail.damaged
    }  # fmt: skip


def _row(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as a row of texts, whatever stands in it."""
    body = record["body"]
    cells = {name: str(body.get(name) or "")[:_LONGEST] for name in ("route", "leg", "key", "status", "error")}
    return {**record, **cells, "raw": json.dumps(body, ensure_ascii=False, indent=1)}


def _wanted(request: Request) -> Wanted:
    """Read the filter; raises UsageError for a time that is none."""
    asked = {name: request.query_params.get(name, "")[:_LONGEST] for name in _FIELDS}
    return Wanted(_time(asked["since"]), _time(asked["until"]), asked["key"], asked["route"], asked["event"])


def _time(text: str) -> datetime | None:
    """Read a day or a time, UTC; raises UsageError."""
    if not text:
        return None
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise UsageError("that is no day or time", hint="write it as 2026-11-22 or 2026-11-22T14:00 (UTC)")
