"""The pages of `weighbridge ui`: read-only unless asked otherwise, without script; each has a `.json` twin."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from weighbridge.dossier.html import stylesheet
from weighbridge.errors import NotFound, UsageError, WeighbridgeError
from weighbridge.web.access import Access
from weighbridge.web.guard import HEADERS
from weighbridge.web.page import Reader, as_json, html_page, routes_of
from weighbridge.web.pages import arena, decision, dossier, evidence, home, model, pilot, statement, watch
from weighbridge.web.pages.pilot.room import PilotRoom
from weighbridge.web.visitor import Forbidden

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from weighbridge.store.protocol import Store

__all__ = ["create_app"]

_AGAIN_S = 10
_PAGES = (home.PAGE, model.PAGE, decision.PAGE, evidence.PAGE, statement.PAGE)


def create_app(
    store: Store,
    today: Callable[[], date] = date.today,
    *,
    folder: Path | None = None,
    tables: Path | None = None,
    room: PilotRoom | None = None,
    access: Access | None = None,
) -> Starlette:
    """Return the application over a store; `today` says which decisions expire soon.

    `folder` is the workspace, whose log the page Watch reads; `tables` are the user's own of makers and releases.
    `room` is the pilot's, whose pages are for those whom `access` lets in: without it for nobody.
    """
    entrance = access or Access()

    def reader() -> Reader:
        """Return what a page reads from, now."""
        return Reader(store, today())

    return Starlette(
        routes=[
            *(route for page in _PAGES for route in routes_of(page, reader)),
            *dossier.routes(reader),
            *arena.routes(reader),
            *watch.routes(reader, folder or Path(), tables),
            *pilot.routes(room or PilotRoom(folder or Path()), reader),
            *entrance.routes(),
            Route("/static/style.css", _style),
        ],
        middleware=entrance.middleware(),
        exception_handlers={WeighbridgeError: _explain, HTTPException: _explain, Exception: _fail},
    )


def _style(_request: Request) -> Response:
    """Answer with the sheet of the dossier, followed by that of the pages."""
    own = files(__package__).joinpath("static", "style.css").read_text(encoding="utf-8")
    return Response(stylesheet() + own, media_type="text/css")


async def _explain(request: Request, error: Exception) -> Response:
    """Say what was not found or not understood, and what to do."""
    if isinstance(error, Forbidden):
        return _problem(request, error.status, error.message, error.hint)
    if isinstance(error, WeighbridgeError):
        status = 404 if isinstance(error, NotFound) else 400 if isinstance(error, UsageError) else 500
        return _problem(request, status, error.message, error.hint)
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    message = "there is no such page" if status == HTTPStatus.NOT_FOUND else HTTPStatus(status).phrase.lower()
    return _problem(request, status, message, "Home lists what there is")


async def _fail(request: Request, _error: Exception) -> Response:
    """Say that Weighbridge failed; the details stay on the server's stderr."""
    answer = _problem(
        request, 500, "Weighbridge failed to make this page", "the terminal that runs `weighbridge ui` says why"
    )
    answer.headers.update(HEADERS)  # this handler stands outside the guard
    return answer


def _problem(request: Request, status: int, message: str, hint: str | None) -> Response:
    """Answer in the form that was asked for."""
    facts = {"message": message, "hint": hint, "status": status}
    if request.url.path.endswith(".json"):
        return as_json("weighbridge/ui/problem/v1", facts, status)
    # the dashboard, on a wall say, comes back by itself when the database does
    again_s = _AGAIN_S if request.url.path == "/pilot" and status >= HTTPStatus.INTERNAL_SERVER_ERROR else 0
    return html_page("problem", "What went wrong?", request.url, {**facts, "again_s": again_s}, status)
