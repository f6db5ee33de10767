"""Standings: what the rooms of the pilot have concluded so far of each route, as their documents say it."""

from __future__ import annotations

import logging
import math
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.admission.told import read_told
from weighbridge.pilot.board.fold import read_board
from weighbridge.pilot.canary.standing import read_standing as read_canary
from weighbridge.pilot.drift.standing import read_standing as read_drift
from weighbridge.pilot.drift.stream import LEARNED
from weighbridge.pilot.shadow.standing import read_standing as read_shadow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from weighbridge.pilot.journal.protocol import Document, Journal

__all__ = ["Standings"]

_log = logging.getLogger("weighbridge.web.pilot")
_UNREAD = object()
_MINUTE_S = 60
_KIND = "cluster-"  # a stream of one kind of prompts


class Standings:
    """Documents by room and route, from any thread; what has not changed is neither fetched nor read again.

    Settings that were changed left a document each: the one changed last counts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = 0
        self._documents: dict[str, Document] = {}
        self._found: dict[tuple[str, str], list[Document]] = {}
        self._read: dict[tuple[str, str], tuple[tuple[int, int], Any]] = {}

    def follow(self, journal: Journal) -> None:
        """Fetch what has changed; from the beginning where another journal has taken the place of this one."""
        with self._lock:
            version, changed = journal.documents(self._version)
            if version < self._version:
                self._documents, self._read = {}, {}
                version, changed = journal.documents(0)
            elif version == self._version:
                return
            self._version = version
            self._documents.update((one.name, one) for one in changed)
            found: dict[tuple[str, str], list[Document]] = {}
            for document in sorted(self._documents.values(), key=lambda one: -one.version):
                room, _, rest = document.name.partition("/")
                route = rest if room == "board" else rest.rpartition("/")[0]
                if route:
                    found.setdefault((room, route), []).append(document)
            self._found = found  # whole at once: another thread may be reading

    def routes(self) -> set[str]:
        """Return the routes that something is known of."""
        return {route for _, route in self._found}

    def told(self) -> Iterator[dict[str, Any]]:
        """Yield what gateways last told of each leg."""
        return read_told(tuple(self._documents.values()))

    def of(self, route: str, now: float) -> dict[str, Any]:
        """Return canary, shadow, monitors and board of a route as JSON values; None, or nothing, where there is none.

        A document that cannot be read, of another version say, counts as none, and `unread` names its room.
        """
        told = {room: self._told(room, route, now) for room in _READERS}
        unread = [room for room, facts in told.items() if facts is _UNREAD]
        return {**{room: None if facts is _UNREAD else facts for room, facts in told.items()}, "unread": unread,
                "board": _or(told["board"], {}), "identity": _or(told["identity"], [])}  # fmt: skip

    def _told(self, room: str, route: str, now: float) -> Any:
        """Return what a room's documents say; the same as before where they are, a board for a minute at the most."""
        found = self._found.get((room, route))
        if not found:
            return None
        stamp = (found[0].version, int(now // _MINUTE_S) if room == "board" else 0)
        known = self._read.get((room, route))
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            facts = _READERS[room](found, now)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, LookupError) as error:
            _log.warning("the document `%s` cannot be shown: %s", found[0].name, type(error).__name__)
            facts = _UNREAD
        self._read[room, route] = stamp, facts
        return facts


def _or(facts: Any, empty: Any) -> Any:
    """Return facts, or what stands for none."""
    return empty if facts is None or facts is _UNREAD else facts


def _board(found: Sequence[Document], now: float) -> dict[str, Any]:
    """Return the rows of each leg."""
    legs: dict[str, Any] = read_board(found[0].body, now)["legs"]
    return legs


def _canary(found: Sequence[Document], _now: float) -> dict[str, Any]:
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
    return {
        **standing.to_json(),
        "document": found[0].name,
        "ladder": ladder,
        "may_stop": not is_over,
        "may_start": is_over,
    }


def _shadow(found: Sequence[Document], _now: float) -> dict[str, Any]:
    """Return what a comparison says so far, and the difference that its verdict is about."""
    standing = read_shadow(found[0].body)
    return {**standing.to_json(), "difference": standing.difference and standing.difference.to_json()}


def _drift(found: Sequence[Document], _now: float) -> dict[str, Any]:
    """Return how far each stream of a route is from an alarm, the nearest first."""
    standing = read_drift(found[0].body)
    rows = [{**one.to_json(), "is_kind": one.name.startswith(_KIND)} for one in standing.streams]
    rows.sort(key=lambda row: -(row["evidence"] or 0.0))
    return {
        "seen": standing.seen,
        "learned": standing.learned,
        "to_learn": LEARNED,
        "streams": rows,
        "false_alarm_every": standing.false_alarm_every,
        "speaks_for_all": list(standing.speaks_for_all),
    }


def _identity(found: Sequence[Document], _now: float) -> list[dict[str, Any]]:
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
                "distances": body.get("distances", {}),
                "usual": body.get("usual", {}),
                "at": datetime.fromtimestamp(body["at"], UTC).isoformat(timespec="seconds") if body["at"] else "",
                "alarm": str(body["alarm"]),
                "evidence": min(1.0, max([0.0, *ways])),
            },
        )
    return [legs[leg] for leg in sorted(legs)]


_READERS: dict[str, Callable[[Sequence[Document], float], Any]] = {
    "board": _board, "canary": _canary, "shadow": _shadow, "drift": _drift, "identity": _identity,
}  # fmt: skip
