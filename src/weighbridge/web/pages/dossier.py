"""The page Dossier: the very document that is signed, in English or Chinese, and its JSON twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from weighbridge.dossier.document import render as render_document
from weighbridge.dossier.html import render as render_html
from weighbridge.web.reading import decision_at
from weighbridge.workflow.judge import dossier_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from weighbridge.web.page import Reader

__all__ = ["routes"]

# The document carries its style inside, as it does when it is mailed; everything else stays forbidden.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"


def routes(reader: Callable[[], Reader]) -> list[Route]:
    """Return the route of the JSON twin, then that of the document."""

    def twin(request: Request) -> Response:
        """Answer with the JSON document."""
        store = reader().store
        dossier = dossier_of(decision_at(store, request.path_params["id"]), store)
        return Response(render_document(dossier), media_type="application/json")

    def shown(request: Request) -> Response:
        """Answer with the document in the language asked for."""
        store = reader().store
        dossier = dossier_of(decision_at(store, request.path_params["id"]), store)
        page = render_html(dossier, request.query_params.get("language", "en"))
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})

    return [Route("/dossier/{id}.json", twin), Route("/dossier/{id}", shown)]
