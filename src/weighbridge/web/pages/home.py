"""The page Home: what changed, and what waits for somebody."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from weighbridge.decision.staleness import stale_by_decision
from weighbridge.web.page import Page, Reader
from weighbridge.web.reading import SOON_DAYS, decision_row, names_of, row

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.core.evidence import Evidence

__all__ = ["PAGE"]

_NEWEST = 60


def _facts(reader: Reader, _request: Request) -> dict[str, Any]:
    """Return decisions that wait, the models, and the newest evidence by day."""
    names = names_of(reader.store)
    everything = list(reader.store.select())
    stale = stale_by_decision(reader.store)
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for one in everything:
        if one.kind == "decision/v1":
            found = decision_row(one, names.get(one.subject, ""), reader.today, stale.get(one.id, ()))
            newest[one.subject, found["about"]] = found
    decisions = list(newest.values())[::-1]
    return {
        "today": reader.today.isoformat(),
        "soon_days": SOON_DAYS,
        "waiting": [one for one in decisions if one["waits"]],
        "decisions": decisions,
        "days": _days(everything, names),
        "total": len(everything),
    }


def _days(evidence: list[Evidence], names: dict[str, str]) -> list[dict[str, Any]]:
    """Return the newest statements, by day."""
    latest = sorted(enumerate(evidence), key=lambda pair: (pair[1].made_on, pair[0]), reverse=True)[:_NEWEST]
    rows = [row(one, names.get(one.subject, "")) for _, one in latest]
    return [{"day": day, "statements": list(found)} for day, found in groupby(rows, key=lambda one: one["made_on"])]


PAGE = Page("home", "/", "What changed, what waits for me?", _facts)
