"""What a run is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weighbridge.core.progress import silent
from weighbridge.engine.protocol import STORED

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.progress import Progress
    from weighbridge.engine.protocol import Completion, Form
    from weighbridge.store.protocol import Store

__all__ = ["Run", "Session", "Settled"]


@dataclass(frozen=True, slots=True)
class Session:
    """What all suites of one run share: the store, the day, the progress bars, and how much is asked.

    `limit` asks fewer questions of each suite; another `draw` asks anew what was asked before.
    """

    store: Store
    on: date
    progress: Progress = silent
    limit: int | None = None
    draw: int = 0


@dataclass(slots=True)
class Run:
    """The completions of a plan, item by item, with what they cost and the day of the oldest answer."""

    completions: list[Completion]
    oldest: date
    calls: int = 0
    reused: int = 0

    @property
    def failed(self) -> int:
        """Questions without an answer."""
        return sum(completion.outcome not in STORED for completion in self.completions)


@dataclass(frozen=True, slots=True)
class Settled:
    """The prompt form of a run, and what finding it out cost: calls, and answers that the run will find stored."""

    form: Form
    calls: int = 0
    answered: int = 0
