"""A node with its keys: a real store in a temporary folder, and clocks that the test moves."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.gatekeeper import MemoryGatekeeper
from weighbridge.pilot.access.orders import BudgetForm, KeyOrder, LimitsForm
from weighbridge.pilot.access.protocol import Caller
from weighbridge.pilot.state.sqlite import SQLiteState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from weighbridge.pilot.access.desk import Issued
    from weighbridge.pilot.state.session import Session

PEPPER = b"p" * 32
NOON = 1_767_225_600.0 + 12 * 3600  # 2026-01-01 12:00 UTC


class Clock:
    """A wall clock and a monotonic one that stand still until they are told to move."""

    def __init__(self) -> None:
        self.wall = NOON
        self.run = 1000.0

    def now(self) -> float:
        """Return the Unix time."""
        return self.wall

    def monotonic(self) -> float:
        """Return the monotonic time."""
        return self.run


class BreakableState(SQLiteState):
    """A store that can be gone, and counts who asks it."""

    is_gone = False
    asked = 0

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        self._ask()
        with super()._reading() as session:
            yield session

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        self._ask()
        with super()._writing() as session:
            yield session

    def _ask(self) -> None:
        self.asked += 1
        if self.is_gone:
            raise WeighbridgeError("the database is gone")


class Node:
    """One node over the store in a folder."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.state = BreakableState(folder / "pilot.sqlite")
        self.noted: list[tuple[str, Mapping[str, object]]] = []
        self.gate = MemoryGatekeeper(self.state, PEPPER, self.note, self.clock.now, self.clock.monotonic)
        self.desk = KeyDesk(self.state, PEPPER, self.note, self.gate.refresh, self.clock.now)

    def note(self, event: str, facts: Mapping[str, object]) -> None:
        """Record an event."""
        self.noted.append((event, facts))

    def make(self, maker: str = "", **fields: Any) -> Issued:
        """Make a key."""
        limits = LimitsForm.of(**fields.pop("limits", {}))
        budget = BudgetForm.of(**fields.pop("budget", {}))
        return self.desk.create(maker, KeyOrder.of(**{"name": "a key", "limits": limits, "budget": budget} | fields))

    def caller(self, issued: Issued) -> Caller:
        """Return who a key stands for."""
        caller = self.gate.identify(b"Bearer " + issued.text.encode())
        assert isinstance(caller, Caller), caller
        return caller


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Return a node whose threads run."""
    node = Node(tmp_path)
    node.gate.start()
    yield node
    node.gate.close()
    node.state.close()
