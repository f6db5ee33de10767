"""The legs of routes: which are open, which are refused and why, as the file, the evidence and the gateways say."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.admission.file import load_gateway_file
from weighbridge.pilot.admission.keeper import Keeper
from weighbridge.pilot.admission.served import NOT_YET
from weighbridge.pilot.audit.export import Wanted
from weighbridge.pilot.audit.tail import read_tail

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from weighbridge.pilot.admission.rows import RouteRow

__all__ = ["Legs"]

_TOLD = ("leg.opened", "leg.refused")
_MOST_TOLD = 1000
_MOST_BYTES = 8 << 20
_FRESH_S = 5.0


class Legs:
    """The table of routes, without asking any server: what only a gateway checks is taken from its audit log.

    Raises what `load_gateway_file` does. Without a file there is what the audit log says, and no more.
    """

    def __init__(self, file: Path | None, audit: Path, now: Callable[[], float]) -> None:
        self._keeper = Keeper(load_gateway_file(file)) if file is not None else None
        self._audit = audit
        self._now = now
        self._lock = threading.Lock()
        self._told: dict[tuple[str, str], dict[str, Any]] = {}
        self._told_at = float("-inf")

    def table(self) -> tuple[dict[str, list[dict[str, Any]]], str]:
        """Return rows by route, and what is wrong with the file as it is now."""
        with self._lock:
            told = self._heard()
            rows: dict[str, list[dict[str, Any]]] = {}
            if self._keeper is None:
                for (route, _), row in told.items():
                    rows.setdefault(route, []).append(row)
                return rows, ""
            self._keeper.follow()
            file = self._keeper.file
            rows = {route.name: [] for route in file.routes}
            for leg in self._keeper.rows():
                rows[leg.route].append(_row(leg, told.get((leg.route, leg.leg))))
            return rows, self._keeper.problem

    def _heard(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return what the gateways last recorded of each leg, as far as the end of their log says it."""
        if self._now() - self._told_at > _FRESH_S:
            found: list[dict[str, Any]] = []
            with suppress(WeighbridgeError):
                for event in _TOLD:
                    found += read_tail(self._audit, Wanted(event=event), _MOST_TOLD, _MOST_BYTES).records
            self._told = {}
            for record in sorted(found, key=lambda one: int(one["sequence"])):
                row = _told_row(record)
                self._told[row["route"], row["leg"]] = row
            self._told_at = self._now()
        return self._told


def _row(row: RouteRow, told: dict[str, Any] | None) -> dict[str, Any]:
    """Return a leg as file and evidence have it; where only a gateway can tell more, what it told last."""
    facts = {**row.to_json(), "state": row.state, "said_at": None}
    if row.is_open or row.checked != NOT_YET.why:
        return facts
    if told is not None and told["decision"] == row.decision:
        return {**facts, **{name: told[name] for name in ("state", "why", "unverified", "said_at")}}
    return {**facts, "state": "unknown", "why": ""}


def _told_row(record: dict[str, Any]) -> dict[str, Any]:
    """Return a leg as a gateway recorded it."""
    body = record["body"]
    names = ("route", "leg", "decision", "verdict", "until", "why", "unverified", "digest")
    facts = {name: str(body.get(name) or "") for name in names}
    empty = {"reference": "", "url": "", "model": "", "price": "", "conditions": [], "doubt": "", "checked": ""}
    return {
        **empty, **facts, "state": "open" if record["event"] == _TOLD[0] else "refused", "said_at": record["time"]
    }  # fmt: skip
