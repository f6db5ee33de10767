"""The keeper: writes answers to the store in batches, and reads those that are there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import STORED, Completion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weighbridge.store.protocol import Store

__all__ = ["Keeper", "stored_answers"]

_ASKED_ON = "asked_on"
_FLUSH_ROWS, _FLUSH_S = 5000, 0.5  # by time: writing holds up the loop, and half a second is all that a kill costs
_READ_AT_ONCE = 2000  # a stored answer as a dict takes several times the room of a Completion


@dataclass(slots=True)
class Keeper:
    """Gathers answers and writes them in batches."""

    store: Store
    on: date
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    written_at: float = field(default_factory=time.monotonic)

    def keep(self, recipe: str, completion: Completion) -> None:
        """Keep an answer; write when a batch is full or old."""
        if completion.outcome in STORED:
            self.rows[recipe] = {**completion.to_json(), _ASKED_ON: self.on.isoformat()}
        if len(self.rows) >= _FLUSH_ROWS or time.monotonic() - self.written_at > _FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Write what is gathered."""
        if self.rows:
            self.store.add_completions(self.rows)
            self.rows = {}
        self.written_at = time.monotonic()


def stored_answers(store: Store, recipes: Sequence[str]) -> Iterator[tuple[int, Completion, date]]:
    """Yield what the store holds of these recipes: index, answer, and the day it was asked."""
    for start in range(0, len(recipes), _READ_AT_ONCE):
        part = recipes[start : start + _READ_AT_ONCE]
        known = store.completions(part)
        for index, recipe in enumerate(part, start):
            if recipe in known:
                body = dict(known[recipe])
                asked_on = date.fromisoformat(body.pop(_ASKED_ON))
                yield index, Completion.from_json(body), asked_on
