"""The legs of routes: which are open, which are refused and why, as the file, the evidence and the gateways say."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.admission.file import load_gateway_file
from weighbridge.pilot.admission.keeper import Keeper
from weighbridge.pilot.admission.served import NOT_YET

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from weighbridge.pilot.admission.rows import RouteRow

__all__ = ["Legs"]

_TEXTS = ("reference", "url", "model", "price", "checked")


class Legs:
    """The table of routes, without asking any server: what only a gateway checks is what gateways told of it.

    Raises what `load_gateway_file` does. Without a file there is what gateways told, and no more.
    """

    def __init__(self, file: Path | None) -> None:
        self._keeper = Keeper(load_gateway_file(file)) if file is not None else None
        self._lock = threading.Lock()

    def table(self, heard: Iterable[dict[str, Any]]) -> tuple[dict[str, list[dict[str, Any]]], str]:
        """Return rows by route, and what is wrong with the file as it is now; `heard` is what `read_told` yields."""
        told = {(row["route"], row["leg"]): row for row in heard}
        rows: dict[str, list[dict[str, Any]]] = {}
        if self._keeper is None:
            for (route, _), row in sorted(told.items(), key=lambda one: (one[0][1] != "primary", one[0])):
                rows.setdefault(route, []).append({**dict.fromkeys(_TEXTS, ""), "conditions": [], **row})
            return rows, ""
        with self._lock:
            self._keeper.follow()
            file = self._keeper.file
            rows = {route.name: [] for route in file.routes}
            for leg in self._keeper.rows():
                rows[leg.route].append(_row(leg, told.get((leg.route, leg.leg))))
            return rows, self._keeper.problem


def _row(row: RouteRow, told: dict[str, Any] | None) -> dict[str, Any]:
    """Return a leg as file and evidence have it; where only a gateway can tell more, what it told last."""
    facts = {**row.to_json(), "state": row.state, "said_at": None}
    if row.is_open or row.checked != NOT_YET.why:
        return facts
    if told is not None and told["decision"] == row.decision:
        return {**facts, **{name: told[name] for name in ("state", "why", "unverified", "said_at")}}
    return {**facts, "state": "unknown", "why": ""}
