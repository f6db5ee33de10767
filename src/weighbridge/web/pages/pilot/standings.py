"""Standings: what the rooms of the pilot have concluded so far of each route, as their documents say it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from weighbridge.pilot.board.fold import read_board

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from weighbridge.pilot.admission.configuration.plan import RoutePlan
    from weighbridge.pilot.journal.protocol import Document

__all__ = ["Standings"]

_log = logging.getLogger("weighbridge.web.pilot")


class Standings:
    """Documents by room and route. Settings that were changed left a document each: the one changed last counts."""

    def __init__(self, documents: Iterable[Document], plans: Mapping[str, RoutePlan], now: float) -> None:
        self._plans = plans
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

        def read(room: str, reader: Callable[[Document], Any]) -> Any:
            found = self._found.get((room, route))
            if not found:
                return None
            try:
                return reader(found[0])
            except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, LookupError) as error:
                _log.warning("the document `%s` cannot be shown: %s", found[0].name, type(error).__name__)
                unread.append(room)
                return None

        return {
            "board": read("board", lambda one: read_board(one.body, self._now)["legs"]) or {},
            "canary": None,
            "shadow": None,
            "monitors": [],
            "unread": unread,
        }
