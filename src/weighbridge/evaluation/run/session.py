"""What a run is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.core.progress import silent
from weighbridge.engine.protocol import STORED
from weighbridge.evaluation.cost import Bill
from weighbridge.evaluation.run.stop import Stop

if TYPE_CHECKING:
    from datetime import date

    from weighbridge.core.progress import Progress
    from weighbridge.engine.protocol import Completion, Form
    from weighbridge.evaluation.cost import Price
    from weighbridge.evaluation.plan import Asked
    from weighbridge.store.protocol import Store

__all__ = ["Run", "Session", "Settled"]


@dataclass(frozen=True, slots=True)
class Session:
    """What all suites of one run share: the store, the day, the progress bars, and how much is asked.

    `limit` asks fewer questions of each suite; another `draw` asks anew what was asked before. `price` is what its
    tokens cost. `stop` ends all runs of the session with what they have.
    """

    store: Store
    on: date
    progress: Progress = silent
    limit: int | None = None
    draw: int = 0
    price: Price | None = None
    stop: Stop = field(default_factory=Stop)


@dataclass(slots=True)
class Run:
    """The completions of a plan, item by item, with what they cost and the day of the oldest answer.

    `bill` counts the tokens of the answers asked for in this run; `seconds` is from its first request to its last.
    """

    completions: list[Completion]
    oldest: date
    calls: int = 0
    reused: int = 0
    bill: Bill = field(default_factory=Bill)
    price: Price | None = None
    seconds: float | None = None

    @property
    def failed(self) -> int:
        """Questions without an answer."""
        return sum(completion.outcome not in STORED for completion in self.completions)

    def count_in(self, settled: Settled) -> None:
        """Count what finding out the form cost."""
        self.calls += settled.calls
        if settled.answer is not None:
            self.reused -= 1
            self.bill.add(settled.answer)

    def cost_json(self) -> dict[str, Any]:
        """Return what the calls of this run cost (fields of `CallsBody`); {} where none was made."""
        return self.bill.to_json(self.price) | {"seconds": self.seconds} if self.calls else {}


@dataclass(frozen=True, slots=True)
class Settled:
    """How a run is asked, and what finding it out cost: calls, and an answer that the run will find stored."""

    form: Form
    asked: Asked
    calls: int = 0
    answer: Completion | None = None
    accepted: bool = False
