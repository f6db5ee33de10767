"""The page Arena: which model our people prefer, and what that rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from weighbridge.dossier.arena_chart import rating_plot
from weighbridge.evaluation.arena.ballot import KIND
from weighbridge.web.page import as_json, html_page
from weighbridge.workflow.evaluation.arena import report_arena

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.web.page import Reader

__all__ = ["routes"]

_QUESTION = "Which do our people prefer?"
_MOST_BALLOTS = 100


def routes(reader: Callable[[], Reader]) -> list[Route]:
    """Return the route of the JSON twin, then that of the page; the picture is drawn for the page alone."""

    def twin(request: Request) -> Response:
        """Answer with JSON."""
        return as_json("weighbridge/ui/arena/v1", {"question": _QUESTION, **_facts(reader(), request)})

    def shown(request: Request) -> Response:
        """Answer with HTML."""
        facts = _facts(reader(), request)
        plot = rating_plot(facts["arena"]) if facts["arena"] else None
        return html_page("arena", _QUESTION, request.url, {**facts, "plot": plot})

    return [Route("/arena.json", twin), Route("/arena", shown)]


def _facts(reader: Reader, request: Request) -> dict[str, Any]:
    """Return the ballots, newest first, and the report of the one that is asked for, else of the newest."""
    found = [
        {
            "id": one.id,
            "suite": one.body["suite"]["name"],
            "models": [model["name"] for model in one.body["models"]],
            "made_on": one.made_on.isoformat(),
        }
        for one in reader.store.select(kind=KIND)
    ][::-1]
    wanted = request.query_params.get("ballot") or None
    arena = report_arena(reader.store, wanted).to_json() if found or wanted else None
    return {"ballots": found[:_MOST_BALLOTS], "arena": arena}
