"""How a page of the pilot is shown: its words in the reader's language, who reads it, and its twin in JSON."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from weighbridge.dossier.html import environment, words
from weighbridge.dossier.locale import LANGUAGES
from weighbridge.dossier.visible import reveal
from weighbridge.pilot.words import told
from weighbridge.web.visitor import visitor_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.web.pages.pilot.room import PilotRoom

__all__ = ["language_of", "pilot_page", "query"]

_REFRESH_S = 10


def language_of(request: Request) -> str:
    """Return the language that the address asks for, English where it asks for none that is known."""
    asked = request.query_params.get("language", "en")
    return asked if asked in LANGUAGES else "en"


def pilot_page(
    request: Request,
    name: str,
    facts: dict[str, Any],
    room: PilotRoom,
    *,
    refreshes: bool = False,
    has_twin: bool = False,
) -> HTMLResponse:
    """Return a page; where it `refreshes`, the browser asks for it again every ten seconds."""
    language = language_of(request)
    spoken = words(language)
    path = request.url.path
    asked = {name: value for name, value in request.query_params.items() if name != "language"}
    others = [(code, f"{path}?{urlencode({**asked, 'language': code})}") for code in LANGUAGES if code != language]
    visitor = visitor_of(request)
    text = (
        environment("weighbridge.web")
        .get_template(f"pilot/{name}.html.j2")
        .render(
            **spoken,
            page="pilot",
            section=name,
            language=language,
            others=others,
            question=spoken["t"](f"pilot.question_{name}"),
            twin=f"{path}.json{query(request, language='')}" if has_twin else "",
            visitor=visitor,
            operates=room.operates and visitor is not None and visitor.role == "operator",
            refresh_s=_REFRESH_S if refreshes else 0,
            asked_query=query(request),
            tail=f"?language={language}" if language != "en" else "",
            told=partial(told, language=language),
            **facts,
        )
    )
    return HTMLResponse(reveal(text))


def query(request: Request, **changed: str) -> str:
    """Return the query of an address with some of it changed ("" takes one out), and its question mark."""
    asked = {**dict(request.query_params), **changed}
    text = urlencode({name: value for name, value in asked.items() if value})
    return f"?{text}" if text else ""
