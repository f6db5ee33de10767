"""The dashboard: one card a route, and one page a route with its charts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from weighbridge.errors import NotFound
from weighbridge.pilot.alarm.alarms import read_alarms
from weighbridge.pilot.state.protocol import NANO
from weighbridge.web.page import as_json
from weighbridge.web.pages.pilot import charts
from weighbridge.web.pages.pilot.gist import TONES, gist_of
from weighbridge.web.pages.pilot.legs import Legs
from weighbridge.web.pages.pilot.shown import language_of, pilot_page
from weighbridge.web.pages.pilot.standings import Standings
from weighbridge.web.visitor import require, visitor_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.pilot.state.protocol import PilotState
    from weighbridge.store.protocol import Store
    from weighbridge.web.page import Reader
    from weighbridge.web.pages.pilot.room import PilotRoom

__all__ = ["Dashboard", "routes"]

_DAYS = 14
_DAY_S = 86_400
_MOST_ALARMS = 20
_MOST_CARDS = 100
_NOTES = {"told-stop", "told-start", "answered"}


class Dashboard:
    """What is known of every route, gathered anew each time that it is asked for."""

    def __init__(self, room: PilotRoom, reader: Callable[[], Reader]) -> None:
        self._room = room
        self._reader = reader
        self._legs: Legs | None = None
        self._standings = Standings()

    def cards(self) -> dict[str, Any]:
        """Return what the page of all routes shows: a hundred, those that want somebody first."""
        room, known = self._room, self._known()
        rows = [self._row(name, known) for name in known.names[:_MOST_CARDS]]
        for row in rows:
            row["board"] = {leg: {"day": board["day"]} for leg, board in row["board"].items()}
        rows.sort(key=lambda row: TONES.index(row["gist"]["tone"]))
        return {
            "has_pilot": known.has_pilot,
            "has_file": room.gateway_file is not None,
            "file_problem": known.problem,
            "at": datetime.fromtimestamp(room.now(), UTC).isoformat(timespec="seconds"),
            "routes": rows,
            "more": known.names[_MOST_CARDS:],
        }

    def route(self, name: str) -> dict[str, Any]:
        """Return one route; raises NotFound."""
        known = self._known()
        if name not in known.names:
            raise NotFound("there is no such route", hint="`/pilot` lists those that there are")
        return self._row(name, known)

    def _known(self) -> _Known:
        """Gather what is cheap to know of all routes."""
        room = self._room
        if self._legs is None:
            self._legs = Legs(room.gateway_file)
        state = room.known_state()
        if state is not None:
            self._standings.follow(state)
        legs, problem = self._legs.table(self._standings.told())
        days = _days(state, room.now()) if state is not None else {}
        alarms = _alarms(self._reader().store)
        names = sorted({*legs, *days, *self._standings.routes(), *alarms})
        names.sort(key=lambda name: (not _count_open(alarms.get(name, ())), not _has_closed(legs.get(name, ()))))
        return _Known(names, legs, days, alarms, problem, state is not None)

    def _row(self, name: str, known: _Known) -> dict[str, Any]:
        """Return all that is known of one route."""
        alarms = known.alarms.get(name, [])
        row = {
            "name": name,
            "legs": known.legs.get(name, []),
            **self._standings.of(name, self._room.now()),
            "days": known.days.get(name, []),
            "alarms": alarms[:_MOST_ALARMS],
            "open_alarms": _count_open(alarms),
        }
        return {**row, "gist": gist_of(row)}


@dataclass(frozen=True, slots=True)
class _Known:
    """Routes by name, and their rows."""

    names: list[str]
    legs: dict[str, list[dict[str, Any]]]
    days: dict[str, list[dict[str, Any]]]
    alarms: dict[str, list[dict[str, Any]]]
    problem: str
    has_pilot: bool


def _count_open(alarms: Iterable[dict[str, Any]]) -> int:
    """Count the alarms that nobody has answered; warnings are none."""
    return sum(one["is_open"] and one["severity"] == "alarm" for one in alarms)


def _has_closed(legs: Iterable[dict[str, Any]]) -> bool:
    """Whether any leg of a route is refused."""
    return any(leg["state"] == "refused" for leg in legs)


def routes(room: PilotRoom, dashboard: Dashboard) -> list[Route]:
    """Return the routes of all routes' page and of each one's, with their twins."""

    def twin(request: Request) -> Response:
        """Answer with JSON."""
        require(request)
        return as_json("weighbridge/ui/pilot/v1", dashboard.cards())

    def shown(request: Request) -> Response:
        """Answer with HTML; who is not known is told how to be."""
        if visitor_of(request) is None:
            return pilot_page(request, "stranger", {}, room)
        facts = dashboard.cards()
        tally = Counter(row["gist"]["tone"] for row in facts["routes"])
        tallied = [(tone, tally[tone]) for tone in TONES if tally[tone]]
        return pilot_page(request, "dashboard", {**facts, "tally": tallied}, room, refreshes=True, has_twin=True)

    def one_twin(request: Request) -> Response:
        """Answer with JSON about one route."""
        require(request)
        return as_json("weighbridge/ui/pilot-route/v1", dashboard.route(request.query_params.get("name", "")))

    def one(request: Request) -> Response:
        """Answer with HTML about one route."""
        require(request)
        row, language = dashboard.route(request.query_params.get("name", "")), language_of(request)
        plots = {
            "cost": charts.cost_plot(row["days"], language),
            "agreement": charts.agreement_plot(row["shadow"]["agreement"], language) if row["shadow"] else None,
            "legs": {
                leg: {
                    series: (charts.latency_plot(board[series], language), charts.share_plot(board[series], language))
                    for series in _series(board, room.now())
                }
                for leg, board in row["board"].items()
            },
        }
        note = request.query_params.get("note", "")
        facts = {"route": row, "plots": plots, "note": note if note in _NOTES else ""}
        return pilot_page(request, "route", facts, room, has_twin=True)

    return [
        Route("/pilot.json", twin),
        Route("/pilot", shown),
        Route("/pilot/route.json", one_twin),
        Route("/pilot/route", one),
    ]


def _series(board: dict[str, Any], now: float) -> list[str]:
    """Return which series of a leg are drawn: the hours only where they go back further than the minutes."""
    has_more = any(slot["at"] < now - _DAY_S for slot in board["hours"][:1])
    return ["minutes", "hours"] if has_more else ["minutes"]


def _days(state: PilotState, now: float) -> dict[str, list[dict[str, Any]]]:
    """Return what was asked of each route on each of the last 14 days (UTC), days without a request as zero."""
    today = datetime.fromtimestamp(now, UTC).date()
    since = today - timedelta(days=_DAYS - 1)
    sums: dict[str, dict[str, list[int]]] = {}
    for row in state.usage(since):
        total = sums.setdefault(row.route, {}).setdefault(row.day.isoformat(), [0, 0, 0, 0])
        for place, number in enumerate((row.requests, row.input_tokens, row.output_tokens, row.nano_usd)):
            total[place] += number
    names = [(since + timedelta(days=number)).isoformat() for number in range(_DAYS)]
    return {
        route: [
            {"day": day, "requests": n, "input_tokens": told, "output_tokens": said, "usd": nano / NANO}
            for day in names
            for n, told, said, nano in [by_day.get(day, [0, 0, 0, 0])]
        ]
        for route, by_day in sums.items()
    }


def _alarms(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return the alarms and warnings of each route: open ones first, alarms before warnings, the newest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in read_alarms(store):
        found.setdefault(one.route, []).append(
            {
                "id": one.id,
                "event": one.event,
                "severity": one.severity,
                "decision": one.decision,
                "why": one.why,
                "facts": dict(one.facts),
                "seen_at": one.seen_at,
                "is_open": one.is_open,
                "because": one.because,
                "answered_at": one.answered_at,
            }
        )
    for rows in found.values():
        rows.sort(key=lambda row: str(row["seen_at"]), reverse=True)
        rows.sort(key=lambda row: (not row["is_open"], row["severity"] != "alarm"))
    return found
