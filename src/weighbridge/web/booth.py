"""What pages share on which people act: small forms, one script, and a policy that lets nothing else run."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from weighbridge.dossier.html import environment, stylesheet, words
from weighbridge.dossier.visible import reveal
from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.web.guard import HEADERS, Guard

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.web.form import Form

__all__ = ["SEE_OTHER", "booth_app", "booth_page", "turn_of"]

_POLICY = HEADERS["Content-Security-Policy"].replace("style-src", "script-src 'self'; style-src")
# a form's Origin is withheld under `no-referrer`, and the guard wants to see it
_HEADERS = {**HEADERS, "Content-Security-Policy": _POLICY, "Referrer-Policy": "same-origin"}
SEE_OTHER = 303


def booth_app(routes: list[Route]) -> Starlette:
    """Return an application of these routes behind the guard, with the style and the script of such pages."""
    return Starlette(
        routes=[*routes, Route("/static/style.css", _style), Route("/static/booth.js", _script)],
        middleware=[Middleware(Guard, takes_forms=True, headers=_HEADERS)],
        exception_handlers={WeighbridgeError: _explain, HTTPException: _explain},
    )


def booth_page(name: str, facts: dict[str, Any], status: int = 200) -> Response:
    """Return a page; hidden characters of strangers are spelled out in all of it."""
    text = environment("weighbridge.web").get_template(f"{name}.html.j2").render(**words("en"), **facts)
    return HTMLResponse(reveal(text), status)


def turn_of(form: Form) -> int:
    """Return the person's turn as the form says it; -1 for anything that is none."""
    text = form.one("turn")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1  # noqa: PLR2004 - digits


def _style(_request: Request) -> Response:
    own = files(__package__).joinpath("static", "style.css").read_text(encoding="utf-8")
    return Response(stylesheet() + own, media_type="text/css")


def _script(_request: Request) -> Response:
    return Response(files(__package__).joinpath("static", "booth.js").read_bytes(), media_type="text/javascript")


async def _explain(_request: Request, error: Exception) -> Response:
    """Say what was not understood, and what to do."""
    if isinstance(error, WeighbridgeError):
        status = 400 if isinstance(error, UsageError) else 500
        return booth_page("booth_problem", {"message": error.message, "hint": error.hint}, status)
    status = error.status_code if isinstance(error, HTTPException) else 500
    return booth_page("booth_problem", {"message": "there is no such page", "hint": "the first page is `/`"}, status)
