"""Titles: what a measurement is called, so that two with one suite can be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.core.digest import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from weighbridge.core.evidence import Evidence

__all__ = ["titles_of"]


def titles_of(statements: Sequence[Evidence]) -> dict[str, str]:
    """Return a title by id: the suite's name, and what sets it apart where several of a kind share the suite.

    The bodies must be of their kinds. What differs is the prompt form, the baseline or the engine; the id tells
    apart what nothing else does.
    """
    told = {one.id: _told(one.kind, one.body) for one in statements}
    found = {}
    for digest, mine in told.items():
        rivals = [theirs for theirs in told.values() if theirs[:2] == mine[:2]]
        parts = [part for part, seen in zip(mine, zip(*rivals, strict=True), strict=True) if part and len({*seen}) > 1]
        if rivals.count(mine) > 1:
            parts.append(short(digest))
        found[digest] = " · ".join([mine[1], *parts])
    return found


def _told(kind: str, body: dict[str, Any]) -> tuple[str, ...]:
    """Return kind and suite, then what may set one measurement apart from another."""
    engine = body.get("engine", {})
    apart = (body["form"], body.get("baseline_name"), engine.get("name"), engine.get("address"))
    return (kind, body["suite"]["name"], *(str(part or "") for part in apart))
