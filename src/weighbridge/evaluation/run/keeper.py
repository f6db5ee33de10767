"""The keeper: writes answers to the store in batches, and reads those that are there."""

from __future__ import annotations

import asyncio
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
_SHORTEST_S, _LONGEST_S = 0.005, 0.5
_SHARE = 25  # of the time at most one part goes into writing: that bounds what a kill may cost to some milliseconds
_READ_AT_ONCE = 2000  # a stored answer as a dict takes several times the room of a Completion


@dataclass(slots=True)
class Keeper:
    """Gathers answers and writes them a moment later, all that came meanwhile in one transaction."""

    store: Store
    on: date
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    _wait_s: float = _SHORTEST_S
    _timer: asyncio.TimerHandle | None = None

    def keep(self, recipe: str, completion: Completion) -> None:
        """Keep an answer; the running loop writes it within milliseconds."""
        if completion.outcome in STORED:
            self.rows[recipe] = {**completion.to_json(), _ASKED_ON: self.on.isoformat()}
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._wait_s, self.flush)

    def flush(self) -> None:
        """Write what is gathered, and wait the longer before the next time, the longer it took."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.rows:
            rows, self.rows = self.rows, {}
            began = time.perf_counter()
            self.store.add_completions(rows)
            self._wait_s = min(max(_SHORTEST_S, _SHARE * (time.perf_counter() - began)), _LONGEST_S)


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
