"""A page: a question as its title, facts as its answer, and the same facts as its JSON twin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from weighbridge.dossier.html import environment, words
from weighbridge.dossier.visible import reveal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from starlette.datastructures import URL
    from starlette.requests import Request

    from weighbridge.store.protocol import Store

__all__ = ["Page", "Reader", "as_json", "html_page", "routes_of"]


@dataclass(frozen=True, slots=True)
class Reader:
    """What a page reads from: the store, and the day it is."""

    store: Store
    today: date


@dataclass(frozen=True, slots=True)
class Page:
    """A page as data. `facts` answers the question with JSON values only, so that the twin is the page."""

    name: str
    path: str
    question: str
    facts: Callable[[Reader, Request], dict[str, Any]]


def routes_of(page: Page, reader: Callable[[], Reader]) -> list[Route]:
    """Return the route of the JSON twin, then that of the page."""

    def twin(request: Request) -> Response:
        """Answer with JSON."""
        return as_json(f"weighbridge/ui/{page.name}/v1", {"question": page.question, **page.facts(reader(), request)})

    def shown(request: Request) -> Response:
        """Answer with HTML."""
        return html_page(page.name, page.question, request.url, page.facts(reader(), request))

    return [Route(f"{page.path}.json", twin), Route(page.path, shown)]


def as_json(schema: str, facts: dict[str, Any], status: int = 200) -> Response:
    """Return facts as JSON with their schema."""
    text = json.dumps({"schema": schema, **facts}, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    return Response(text.encode(), status, media_type="application/json")


def html_page(name: str, question: str, url: URL, facts: dict[str, Any], status: int = 200) -> Response:
    """Return a page; hidden characters of strangers are spelled out in all of it."""
    template = environment("weighbridge.web").get_template(f"{name}.html.j2")
    twin = f"{url.path}.json" + (f"?{url.query}" if url.query else "")
    text = template.render(**words("en"), page=name, question=question, twin=twin, **facts)
    return HTMLResponse(reveal(text), status)
