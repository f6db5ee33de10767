"""Who gets the candidate: a share of the callers, each of them always or never."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from weighbridge.pilot.canary.fold import canary_name
from weighbridge.pilot.canary.jury import is_apart
from weighbridge.pilot.observation.callers import voice_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.journal.protocol import Document
    from weighbridge.pilot.route import Leg, Route

__all__ = ["CanaryChooser", "place_of"]

_RANGE = float(1 << 64)
_READ = frozenset({"share", "trial"})  # a document of another version may lack one: then it is none


def place_of(secret: bytes, route: str, trial: int, caller: str) -> float:
    """Return a caller's place in [0, 1): below the share it gets the candidate, so who is in at 5% stays in at 25%.

    Keyed, so that nobody can reckon it; another trial begins with other callers.
    """
    text = f"{route}\0{trial}\0{caller}".encode()
    return int.from_bytes(hashlib.blake2b(text, key=secret[:64], digest_size=8, person=b"canary").digest()) / _RANGE


class CanaryChooser:
    """Chooses the candidate for its share of the callers, by the document that all nodes follow.

    `document_of` returns a document from memory. A caller is the user that a request names, else its key. Without a
    document nobody gets the candidate, nor do callers of a key, or of all keys of a tenant, that was set apart.
    """

    def __init__(self, document_of: Callable[[str], Document | None], secret: bytes = b"") -> None:
        self._document_of = document_of
        self._secret = secret
        self._names: dict[str, tuple[Route, str]] = {}

    def __call__(self, route: Route, exchange: Exchange) -> tuple[str, Leg]:
        """Return `primary` or `canary`, and its leg."""
        if route.canary is None:
            return "primary", route.primary
        document = self._document_of(self._name(route))
        if document is None or not document.body.keys() >= _READ or not document.body["share"]:
            return "primary", route.primary
        apart = document.body.get("apart")
        if apart and is_apart(voice_of(exchange.key_id, exchange.tenant), apart, document.body["keys"]):
            return "primary", route.primary
        caller = exchange.user_hash or exchange.key_id
        if place_of(self._secret, route.name, document.body["trial"], caller) < document.body["share"]:
            return "canary", route.canary.leg
        return "primary", route.primary

    def _name(self, route: Route) -> str:
        """Return the name of the route's document, reckoned once for a route as it was read."""
        known = self._names.get(route.name)
        if known is None or known[0] is not route:
            known = self._names[route.name] = (route, canary_name(route))
        return known[1]
