"""Keys: who may use the gateway, how much of it, what each has spent; and making, rotating and revoking them."""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse
from starlette.routing import Route

from weighbridge.errors import UsageError
from weighbridge.pilot.access.keys import SCOPES, key_facts
from weighbridge.pilot.access.orders import KeyOrder, Revocation, Rotation
from weighbridge.pilot.state.protocol import NANO, Spending
from weighbridge.web.form import read_form
from weighbridge.web.gate import SEE_OTHER
from weighbridge.web.page import as_json
from weighbridge.web.pages.pilot.shown import pilot_page, query
from weighbridge.web.visitor import require

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.pilot.access.desk import Issued
    from weighbridge.pilot.access.keys import Key
    from weighbridge.web.form import Form
    from weighbridge.web.pages.pilot.room import PilotRoom

__all__ = ["routes"]

_LIMITS = ("requests_per_minute", "tokens_per_minute", "concurrent")
_MONEY = ("usd_per_day", "usd_per_month", "usd_total")
_A_PAGE = 50
_MOST_USED = 10_000
_DAY_S = 86_400
_GRACE_S = {"none": 0, "1h": 3600, "1d": _DAY_S, "7d": 7 * _DAY_S}


class _Once:
    """Forms that were sent: a second click, or a reload, makes no second key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: OrderedDict[str, None] = OrderedDict()

    def use(self, mark: str) -> None:
        """Take a form's mark; raises UsageError where it has none, or was taken before."""
        with self._lock:
            if not mark or mark in self._used:
                raise UsageError(
                    "this form was sent before, and nothing was done again", hint="the list of keys shows what was made"
                )
            self._used[mark[:100]] = None
            if len(self._used) > _MOST_USED:
                self._used.popitem(last=False)


def routes(room: PilotRoom) -> list[Route]:
    """Return the routes of the list; and where the pages operate, of what changes it."""
    seen = [Route("/pilot/keys.json", _twin(room)), Route("/pilot/keys", _shown(room))]
    return [*seen, *_acting(room)] if room.operates else seen


def _twin(room: PilotRoom) -> Any:
    def twin(request: Request) -> Response:
        """Answer with JSON."""
        require(request)
        return as_json("weighbridge/ui/pilot-keys/v1", _facts(room, request))

    return twin


def _shown(room: PilotRoom) -> Any:
    def shown(request: Request) -> Response:
        """Answer with HTML."""
        require(request)
        return pilot_page(request, "keys", _facts(room, request), room, has_twin=True)

    return shown


def _acting(room: PilotRoom) -> list[Route]:
    """Return the routes of forms, and of what they send."""
    once = _Once()

    def new(request: Request) -> Response:
        """Show the form of a new key."""
        require(request, "operator")
        facts = {"scopes": SCOPES, "limits": _LIMITS, "money": _MONEY, "once": token_urlsafe(16)}
        return pilot_page(request, "key_new", facts, room)

    async def make(request: Request) -> Response:
        """Make a key, and show it this once."""
        visitor, form = require(request, "operator"), await read_form(request)
        order = _order_of(form, datetime.now(UTC))
        once.use(form.one("once"))
        return _issued(request, room, await run_in_threadpool(lambda: room.desk(visitor).create("", order)))

    def ask(request: Request) -> Response:
        """Ask whether it is meant."""
        require(request, "operator")
        act = request.path_params["act"]
        if act not in {"revoke", "rotate"}:
            raise UsageError("there is no such order", hint="use the buttons of the page")
        key = room.reading_desk().key("", request.path_params["id"])
        below = [one.id for one in room.reading_desk().keys("") if one.parent == key.id]
        facts = {"key": key_facts(key, room.now()), "act": act, "below": len(below), "graces": list(_GRACE_S),
                 "once": token_urlsafe(16)}  # fmt: skip
        return pilot_page(request, "key_confirm", facts, room)

    async def act(request: Request) -> Response:
        """Do what was confirmed."""
        visitor, form = require(request, "operator"), await read_form(request)
        key_id = request.path_params["id"]
        if request.path_params["act"] == "rotate":
            grace = Rotation(grace_s=_GRACE_S.get(form.one("grace"), 0))
            once.use(form.one("once"))
            return _issued(request, room, await run_in_threadpool(lambda: room.desk(visitor).rotate("", key_id, grace)))
        if request.path_params["act"] != "revoke":
            raise UsageError("there is no such order", hint="use the buttons of the page")
        how = Revocation(with_minted=form.one("with_minted") == "yes")
        await run_in_threadpool(lambda: room.desk(visitor).revoke("", key_id, how))
        return RedirectResponse(f"/pilot/keys{query(request, note='revoked')}", SEE_OTHER)

    return [
        Route("/pilot/keys/new", new),
        Route("/pilot/keys/new", make, methods=["POST"]),
        Route("/pilot/keys/{id}/{act}", ask),
        Route("/pilot/keys/{id}/{act}", act, methods=["POST"]),
    ]


def _order_of(sent: Form, now: datetime) -> KeyOrder:
    """Read the form of a new key; raises UsageError that names the field."""
    form: dict[str, Any] = {"name": sent.one("name")}
    if tenant := sent.one("tenant"):
        form["tenant"] = tenant
    if scopes := sent.every("scope"):
        form["scopes"] = list(scopes)
    if models := [one for text in sent.every("models") for one in text.replace(",", " ").split()]:
        form["models"] = models
    if (days := _number(sent, "days", int)) is not None:
        if not 0 < days <= 3660:  # noqa: PLR2004 - ten years
            raise UsageError("`days` is from 1 to 3660", hint="leave it empty for a key without an end")
        form["expires_at"] = (now + timedelta(days=days)).isoformat()
    form["limits"] = {name: value for name in _LIMITS if (value := _number(sent, name, int)) is not None}
    form["budget"] = {name: value for name in _MONEY if (value := _number(sent, name, float)) is not None}
    return KeyOrder.read(json.dumps(form, allow_nan=False).encode())


def _facts(room: PilotRoom, request: Request) -> dict[str, Any]:
    """Return a page of keys, the newest first, each with what its budgets are charged with."""
    state = room.known_state()
    now, asked = room.now(), request.query_params
    has_all, start = asked.get("all") == "yes", _start(asked.get("start", ""))
    keys = room.reading_desk().keys("") if state is not None else ()
    wanted = [key for key in reversed(keys) if has_all or key.is_live(now)]
    today = datetime.fromtimestamp(now, UTC).date()
    rows = []
    if state is not None:
        used = state.used(today)
        for key in wanted[start : start + _A_PAGE]:
            # only budgets are charged: of another key there is what its requests cost
            charged = state.spending(key.id, today) if _is_bounded(key) else used.get(key.id, Spending())
            rows.append({**key_facts(key, now), "budgets": _budgets(key, charged.day, charged.month, charged.total)})
    return {
        "has_pilot": state is not None,
        "keys": rows,
        "all": has_all,
        "count": len(wanted),
        "hidden": len(keys) - len(wanted),
        "start": start,
        "before": query(request, start=str(max(0, start - _A_PAGE)), note="") if start else None,
        "after": query(request, start=str(start + _A_PAGE), note="") if start + _A_PAGE < len(wanted) else None,
        "note": "revoked" if asked.get("note") == "revoked" else "",
    }


def _is_bounded(key: Key) -> bool:
    """Whether a key has a budget."""
    budget = key.rights.budget
    return any(bound is not None for bound in (budget.usd_per_day, budget.usd_per_month, budget.usd_total))


def _budgets(key: Key, *charged: int) -> list[dict[str, Any]]:
    """Return day, month and total: what is charged (spent or leased), of which budget, and its share of it."""
    budget = key.rights.budget
    rows = []
    for span, nano, bound in zip(
        ("day", "month", "total"), charged, (budget.usd_per_day, budget.usd_per_month, budget.usd_total), strict=True
    ):
        usd = nano / NANO
        share = None if bound is None else 1.0 if bound <= 0 else min(1.0, usd / bound)
        rows.append({"span": span, "usd": usd, "of_usd": bound, "share": share})
    return rows


def _issued(request: Request, room: PilotRoom, issued: Issued) -> Response:
    """Show a key's text, which is kept nowhere; the guard's `no-store` keeps it out of the browser's cache, too."""
    return pilot_page(request, "key_issued", {"key": key_facts(issued.key, room.now()), "text": issued.text}, room)


def _number(sent: Form, name: str, kind: type[int | float]) -> float | None:
    """Read a number, None for an empty field; raises UsageError for anything else."""
    text = sent.one(name)
    try:
        number = kind(text) if text else None
    except ValueError:
        number = math.nan
    if number is not None and not math.isfinite(number):
        raise UsageError(f"`{name}` is not a number", hint="leave it empty for no bound")
    return number


def _start(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0  # noqa: PLR2004 - digits
