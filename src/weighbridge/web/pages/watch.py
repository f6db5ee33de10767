"""The page Watch: how often each maker releases, what changed, and what must be weighed again."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from weighbridge.dossier.digest.chart import release_plot
from weighbridge.dossier.digest.document import cost_json, digest_json, plan_json
from weighbridge.dossier.digest.page import tell
from weighbridge.dossier.locale import load_locale
from weighbridge.errors import NotFound
from weighbridge.knowledge.load import load_knowledge
from weighbridge.watch.digest.cost import total_cost
from weighbridge.watch.digest.rules import shipped_rules
from weighbridge.watch.digest.windows import plan_of, watched_families
from weighbridge.web.page import as_json, html_page
from weighbridge.workflow.digest import followed, logged, make_digest, rhythms_of, view_of, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.core.event import ReleaseEvent
    from weighbridge.watch.digest.item import Digest
    from weighbridge.watch.digest.windows import Rhythm
    from weighbridge.web.page import Reader
    from weighbridge.workflow.digest import Waiting

__all__ = ["routes"]

_QUESTION = "How often does each maker release, what must be re-weighed?"
_DAYS = 30


def routes(reader: Callable[[], Reader], folder: Path, tables: Path | None) -> list[Route]:
    """Return the route of the JSON twin, then that of the page; `folder` holds the log, `tables` the user's own."""

    def twin(_request: Request) -> Response:
        """Answer with JSON."""
        facts, digest, rhythms = _facts(reader(), folder, tables)
        items = digest_json(digest, shipped_rules(), rhythms)["items"]
        return as_json("weighbridge/ui/watch/v1", {"question": _QUESTION, **facts, "items": items})

    def shown(request: Request) -> Response:
        """Answer with HTML."""
        facts, digest, rhythms = _facts(reader(), folder, tables)
        told = tell(digest, shipped_rules(), rhythms)
        plot = release_plot(facts["families"], load_locale("en"))
        return html_page("watch", _QUESTION, request.url, {**facts, "told": told, "plot": plot})

    return [Route("/watch.json", twin), Route("/watch", shown)]


def _facts(reader: Reader, folder: Path, tables: Path | None) -> tuple[dict[str, Any], Digest, Mapping[str, Rhythm]]:
    """Return families with their plans, what waits, and the digest of the last 30 days."""
    known = load_knowledge(tables)
    until = datetime.combine(reader.today, time.max, UTC)
    since = until - timedelta(days=_DAYS)
    events: list[ReleaseEvent] = []
    is_watched = False
    with suppress(NotFound):
        events, is_watched = logged(folder, since), True
    view = view_of(reader.store, known, (folder / "mirror",))
    digest = make_digest(events, view, (since, until))
    plans = plan_of(view.stakes, watched_families(followed(folder), known), known, reader.today)
    facts = {
        "is_watched": is_watched,
        "days": _DAYS,
        "families": [plan_json(plan) for plan in plans],
        "waiting": [_row(one) for one in waiting(reader.store, view, reader.today)],
    }
    return facts, digest, rhythms_of(digest, known, reader.today)


def _row(one: Waiting) -> dict[str, Any]:
    total = total_cost(one.suites)
    return {
        "decision": one.stake.decision,
        "subject": one.stake.subject,
        "name": one.stake.name or one.stake.repository,
        "policy": one.stake.policy,
        "severity": one.severity,
        "reasons": list(one.reasons),
        "expired": one.has_expired,
        "next_step": one.next_step,
        "next_steps": list(one.next_steps),
        "estimate": cost_json(total) if total else None,
    }
