"""Say where a prompt lies: by the centres in the route's document, which all nodes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.pilot.drift.fold import DriftFold
from weighbridge.pilot.drift.sketch import nearest, packed, sketch_of, unpacked
from weighbridge.pilot.observation.place import NOWHERE, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.pilot.drift.sketch import Vector
    from weighbridge.pilot.journal.protocol import Document
    from weighbridge.pilot.route import Route

__all__ = ["PromptPlacer"]

_DIGITS = 4


class PromptPlacer:
    """Places prompts of routes' primary legs; called in the observer's thread.

    `document_of` returns a document by its name. `key` is the same on all nodes, and kept from whoever reads the
    database.
    """

    def __init__(
        self, route_of: Callable[[str], Route | None], document_of: Callable[[str], Document | None], key: bytes
    ) -> None:
        self._route_of = route_of
        self._document_of = document_of
        self._key = key[:64]
        self._known: dict[str, tuple[Route, str]] = {}
        self._centres: dict[str, tuple[int, list[Vector]]] = {}

    def __call__(self, route: str, decision: str, prompt: str) -> Place:
        """Return the nearest centre and the distance to it; the sketch alone as long as centres are to be found."""
        document = self._document(route, decision)
        vector = sketch_of(prompt, self._key) if document is not None else None
        if document is None or vector is None:
            return NOWHERE
        centres = self._read(route, document)
        if not centres:
            return Place(sketch=packed(vector))
        cluster, distance = nearest(vector, centres)
        return Place(cluster, round(distance, _DIGITS))

    def _document(self, name: str, decision: str) -> Document | None:
        """Return the drift document of a route, if it is under this decision still."""
        route = self._route_of(name)
        if route is None or route.primary.decision != decision:
            return None
        known = self._known.get(name)
        if known is None or known[0] is not route:
            known = self._known[name] = route, DriftFold(route).name
        return self._document_of(known[1])

    def _read(self, route: str, document: Document) -> list[Vector]:
        """Return the centres; they are unpacked once a version."""
        version, centres = self._centres.get(route, (-1, []))
        if version != document.version:
            found = map(unpacked, document.body.get("centres", ()))
            centres = [centre for centre in found if centre is not None]
            self._centres[route] = document.version, centres
        return centres
