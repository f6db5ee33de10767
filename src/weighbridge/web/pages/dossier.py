"""The page Dossier: the very document that is signed, in English or Chinese, and its JSON twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from weighbridge.dossier.compose import Dossier, compose
from weighbridge.dossier.document import render as render_document
from weighbridge.dossier.html import render as render_html
from weighbridge.web.reading import decision_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from weighbridge.store.protocol import Store
    from weighbridge.web.page import Reader

__all__ = ["routes"]

# The document carries its style inside, as it does when it is mailed; everything else stays forbidden.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"


def routes(reader: Callable[[], Reader]) -> list[Route]:
    """Return the route of the JSON twin, then that of the document."""

    async def twin(request: Request) -> Response:
        """Answer with the JSON document."""
        dossier = _composed(reader().store, request.path_params["id"])
        return Response(render_document(dossier), media_type="application/json")

    async def shown(request: Request) -> Response:
        """Answer with the document in the language asked for."""
        dossier = _composed(reader().store, request.path_params["id"])
        page = render_html(dossier, request.query_params.get("language", "en"))
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})

    return [Route("/dossier/{id}.json", twin), Route("/dossier/{id}", shown)]


def _composed(store: Store, evidence_id: str) -> Dossier:
    """Compose the dossier of a decision from what was known when it was made."""
    decided = store.get(evidence_id)
    own = [one for one in store.select(subject=decided.subject) if one.made_on <= decided.made_on]
    baselines = {str(one.body.get("baseline")) for one in own if one.kind == "comparison/v1"}
    theirs = [one for baseline in sorted(baselines) for one in store.select(subject=baseline, kind="score/v1")]
    return compose(decision_in(decided), [one for one in (*own, *theirs) if one.kind != "decision/v1"])
