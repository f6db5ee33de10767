"""Who gets the candidate: a share of the callers, each of them always or never."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from weighbridge.pilot.canary.fold import canary_name
from weighbridge.pilot.canary.jury import is_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from weighbridge.pilot.exchange import Exchange
    from weighbridge.pilot.journal.protocol import Document
    from weighbridge.pilot.route import Leg, Route

__all__ = ["CanaryChooser", "place_of"]

_RANGE = float(1 << 64)


class Serving(NamedTuple):
    """What a document says of who gets the candidate: the share, the trial, and whose callers were taken back."""

    share: float
    trial: int
    apart: frozenset[str]
    named: frozenset[str]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Serving | None:
        """Read a document's body; None for one of another version, or by which nobody gets the candidate."""
        share, trial, apart, named = (body.get(name) for name in ("share", "trial", "apart", "keys"))
        if not isinstance(share, int | float) or isinstance(share, bool) or not isinstance(trial, int):
            return None
        if not 0 < share <= 1:
            return None
        if not (isinstance(apart, list) and isinstance(named, list) and {*map(type, apart + named)} <= {str}):
            return None
        return cls(share, trial, frozenset(apart), frozenset(named))


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
        self._read: dict[str, tuple[Document, Serving | None]] = {}

    def __call__(self, route: Route, exchange: Exchange) -> tuple[str, Leg]:
        """Return `primary` or `canary`, and its leg."""
        if route.canary is None:
            return "primary", route.primary
        serving = self._serving(self._name(route))
        if serving is None or (serving.apart and is_apart(exchange.voice, serving.apart, serving.named)):
            return "primary", route.primary
        caller = exchange.user_hash or exchange.key_id
        if place_of(self._secret, route.name, serving.trial, caller) < serving.share:
            return "canary", route.canary.leg
        return "primary", route.primary

    def _serving(self, name: str) -> Serving | None:
        """Return what a document says; it is read once a version."""
        document = self._document_of(name)
        if document is None:
            return None
        known = self._read.get(name)
        if known is None or known[0] is not document:
            known = self._read[name] = (document, Serving.of(document.body))
        return known[1]

    def _name(self, route: Route) -> str:
        """Return the name of the route's document, reckoned once for a route as it was read."""
        known = self._names.get(route.name)
        if known is None or known[0] is not route:
            known = self._names[route.name] = (route, canary_name(route))
        return known[1]
