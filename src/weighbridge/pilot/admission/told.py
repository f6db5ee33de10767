"""What gateways last said of each leg, as a document a route: pages on any machine read it, however long the log is."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.journal.protocol import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from weighbridge.pilot.journal.protocol import Journal

__all__ = ["ROOM", "ToldLegs", "read_told"]

ROOM = "legs"
_OPENED, _REFUSED = "leg.opened", "leg.refused"
_TEXTS = ("route", "leg", "decision", "verdict", "until", "why", "unverified", "doubt", "digest")
_TRIES = 5


class ToldLegs:
    """A listener of a `Keeper`: keeps what it tells of each leg; of several gateways the last word counts."""

    def __init__(self, journal: Journal, clock: Callable[[], float] = time.time) -> None:
        self._journal = journal
        self._clock = clock

    def __call__(self, event: str, facts: Mapping[str, object]) -> None:
        """Take note of a leg that was opened or refused; raises WeighbridgeError where it cannot be kept."""
        if event not in (_OPENED, _REFUSED):
            return
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        row = {name: str(facts.get(name) or "") for name in _TEXTS}
        row |= {"state": "open" if event == _OPENED else "refused", "said_at": at}
        name = f"{ROOM}/{row['route']}/told"
        for _ in range(_TRIES):
            kept = self._journal.document(name) or Document(name, {})
            body = {"legs": {**kept.body.get("legs", {}), row["leg"]: row}}
            if self._journal.put(Document(name, body, kept.taken, kept.version)):
                return
        raise WeighbridgeError(f"what was told of `{row['route']}` could not be kept: others changed it meanwhile")


def read_told(documents: Iterable[Document]) -> Iterator[dict[str, Any]]:
    """Yield what was told of each leg: texts, `state` (`open`, `refused`) and `said_at`; what cannot be read is not."""
    for document in documents:
        legs = document.body.get("legs") if document.name.startswith(f"{ROOM}/") else None
        for row in legs.values() if isinstance(legs, dict) else ():
            if isinstance(row, dict):
                yield {name: str(row.get(name) or "") for name in (*_TEXTS, "state", "said_at")}
