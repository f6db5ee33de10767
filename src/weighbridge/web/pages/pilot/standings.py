"""Standings: what the rooms of the pilot have concluded so far of each route, as their documents say it."""

from __future__ import annotations

import logging
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.board.fold import read_board
from weighbridge.pilot.canary.standing import read_standing as read_canary
from weighbridge.pilot.drift.standing import read_standing as read_drift
from weighbridge.pilot.drift.state import LEARNED
from weighbridge.pilot.shadow.standing import read_standing as read_shadow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from weighbridge.pilot.journal.protocol import Document

__all__ = ["Standings"]

_log = logging.getLogger("weighbridge.web.pilot")


class Standings:
    """Documents by room and route. Settings that were changed left a document each: the one changed last counts."""

    def __init__(self, documents: Iterable[Document], now: float) -> None:
        self._now = now
        self._found: dict[tuple[str, str], list[Document]] = {}
        for document in sorted(documents, key=lambda one: -one.version):
            room, _, rest = document.name.partition("/")
            route = rest if room == "board" else rest.rpartition("/")[0]
            if route:
                self._found.setdefault((room, route), []).append(document)

    def routes(self) -> set[str]:
        """Return the routes that something is known of."""
        return {route for _, route in self._found}

    def of(self, route: str) -> dict[str, Any]:
        """Return canary, shadow, monitors and board of a route as JSON values; None, or nothing, where there is none.

        A document that cannot be read, of another version say, counts as none, and `unread` names its room.
        """
        unread: list[str] = []

        def read(room: str, reader: Callable[[Sequence[Document]], Any]) -> Any:
            found = self._found.get((room, route))
            if not found:
                return None
            try:
                return reader(found)
            except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, LookupError) as error:
                _log.warning("the document `%s` cannot be shown: %s", found[0].name, type(error).__name__)
                unread.append(room)
                return None

        return {
            "board": read("board", lambda found: read_board(found[0].body, self._now)["legs"]) or {},
            "canary": read("canary", _canary),
            "shadow": read("shadow", _shadow),
            "drift": read("drift", _drift),
            "identity": read("identity", _identity) or [],
            "unread": unread,
        }


def _canary(found: Sequence[Document]) -> dict[str, Any]:
    """Return where a canary stands, its steps with what became of each, and which orders make sense."""
    standing = read_canary(found[0].body)
    if standing is None:
        raise ValueError("not a canary")
    is_over = standing.state in {"rolled back", "stopped"}
    here = "ended" if is_over else "now" if standing.state == "stepping" else "later"
    done = len(standing.steps) if standing.state == "done" else standing.step
    ladder = [
        {"share": share, "state": "done" if number < done else here if number == standing.step else "later"}
        for number, share in enumerate(standing.steps)
    ]
    return {**standing.to_json(), "ladder": ladder, "may_stop": not is_over, "may_start": is_over}


def _shadow(found: Sequence[Document]) -> dict[str, Any]:
    """Return what a comparison says so far, and the difference that its verdict is about."""
    standing = read_shadow(found[0].body)
    return {**standing.to_json(), "difference": standing.difference and standing.difference.to_json()}


def _drift(found: Sequence[Document]) -> dict[str, Any]:
    """Return how far each stream of a route is from an alarm, the nearest first."""
    standing = read_drift(found[0].body)
    rows = [one.to_json() for one in standing.streams]
    rows.sort(key=lambda row: -(row["evidence"] or 0.0))
    return {"seen": standing.seen, "learned": standing.learned, "to_learn": LEARNED, "streams": rows,
            "false_alarm_every": standing.false_alarm_every}  # fmt: skip


def _identity(found: Sequence[Document]) -> list[dict[str, Any]]:
    """Return the last check of each leg's fingerprint, and how far the evidence of another model is (0 to 1)."""
    legs: dict[str, dict[str, Any]] = {}
    for document in found:
        body = document.body
        ways = [math.log1p(one["value"]) / math.log(one["threshold"]) for one in body["streams"].values()]
        legs.setdefault(
            str(body["leg"]),
            {
                "leg": str(body["leg"]),
                "checks": int(body["checks"]),
                "verdict": str(body["verdict"]),
                "why": str(body["why"]),
                "at": datetime.fromtimestamp(body["at"], UTC).isoformat(timespec="seconds") if body["at"] else "",
                "alarm": str(body["alarm"]),
                "evidence": min(1.0, max([0.0, *ways])),
            },
        )
    return [legs[leg] for leg in sorted(legs)]
