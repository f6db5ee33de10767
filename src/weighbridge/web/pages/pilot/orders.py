"""An operator's orders to a route: stop or start its canary, and the answer to an alarm. Each is asked about first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse
from starlette.routing import Route

from weighbridge.errors import NotFound, UsageError
from weighbridge.pilot.alarm.alarms import answer_alarm, read_alarms
from weighbridge.pilot.canary.order import canary_order, order_canary
from weighbridge.web.form import read_form
from weighbridge.web.gate import SEE_OTHER
from weighbridge.web.pages.pilot.shown import language_of, pilot_page
from weighbridge.web.visitor import require
from weighbridge.workflow.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.pilot.alarm.alarms import Alarm
    from weighbridge.store.protocol import Store
    from weighbridge.web.page import Reader
    from weighbridge.web.pages.pilot.dashboard import Dashboard
    from weighbridge.web.pages.pilot.room import PilotRoom

__all__ = ["routes"]

_ORDERS: tuple[Literal["stop"], Literal["start"]] = ("stop", "start")
_MOST_WORDS = 500


def routes(room: PilotRoom, dashboard: Dashboard, reader: Callable[[], Reader]) -> list[Route]:
    """Return the routes of asking and of doing; none where the pages only show."""

    def ask(request: Request) -> Response:
        """Ask whether an order is meant."""
        require(request, "operator")
        asked = request.query_params
        facts = {"do": _order(asked.get("do", "")), "route": dashboard.route(asked.get("route", ""))}
        return pilot_page(request, "order", facts, room)

    async def give(request: Request) -> Response:
        """Write the order into the journal, and go back to the route."""
        visitor, form = require(request, "operator"), await read_form(request)
        name, order = form.one("route"), _order(form.one("do"))
        because = form.one("because")[:_MOST_WORDS]

        def write() -> None:
            canary = dashboard.route(name)["canary"]
            if canary is None:
                raise NotFound("this route has no canary", hint="`/pilot` lists what there is")
            facts = canary_order(canary["document"], order, visitor.name, because)
            order_canary(room.state(), name, facts, room.now)

        await run_in_threadpool(write)
        return _back(request, name, f"told-{order}")

    def ask_why(request: Request) -> Response:
        """Ask what was found out about an alarm."""
        require(request, "operator")
        return pilot_page(request, "alarm", {"alarm": _alarm(reader().store, request.query_params.get("id", ""))}, room)

    async def answer(request: Request) -> Response:
        """Answer an alarm: its monitor begins anew, and the answer is evidence."""
        visitor, form = require(request, "operator"), await read_form(request)
        alarm = _alarm(reader().store, form.one("id"))
        await run_in_threadpool(_answer, room, alarm, form.one("because")[:_MOST_WORDS], visitor.name)
        return _back(request, alarm.route, "answered")

    seen = [Route("/pilot/order", ask), Route("/pilot/alarm", ask_why)]
    done = [
        Route("/pilot/order", give, methods=["POST"]),
        Route("/pilot/alarm", answer, methods=["POST"]),
    ]
    return [*seen, *done] if room.operates else []


def _alarm(store: Store, alarm_id: str) -> Alarm:
    """Return an alarm that is open; raises NotFound."""
    for one in read_alarms(store):
        if one.id == alarm_id and one.is_open:
            return one
    raise NotFound("there is no such alarm that is open", hint="`/pilot` lists those that there are")


def _answer(room: PilotRoom, alarm: Alarm, because: str, who: str) -> None:
    """State the answer, as `weighbridge pilot alarms acknowledge` does."""
    with Workspace(room.folder, cache=room.folder).store() as store:
        answer_alarm(store, room.state(), alarm.id, because, who, room.now())


def _order(text: str) -> Literal["stop", "start"]:
    """Return an order; raises UsageError for another."""
    for order in _ORDERS:
        if text == order:
            return order
    raise UsageError("there is no such order", hint="use the buttons of the page")


def _back(request: Request, route: str, note: str) -> Response:
    """Go back to a route's page with a note."""
    asked: dict[str, Any] = {"name": route, "note": note}
    if (language := language_of(request)) != "en":
        asked["language"] = language
    return RedirectResponse(f"/pilot/route?{urlencode(asked)}", SEE_OTHER)
