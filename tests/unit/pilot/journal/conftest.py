"""A journal in a file, folds that count, and a journal that can be taken away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.journal.protocol import Entry, Notice
from weighbridge.pilot.state.sqlite import SQLiteState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


class Sum:
    """A fold that counts entries and adds up their `x`; tells of each that is a multiple of `tells`."""

    def __init__(self, name: str = "sum/qwen/1", route: str = "qwen", tells: int = 0) -> None:
        self.name = name
        self.route = route
        self.tells = tells

    def begin(self) -> Mapping[str, Any]:
        """Begin at nothing."""
        return {"count": 0, "sum": 0}

    def take(self, body: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Mapping[str, Any], Sequence[Notice]]:
        """Count and add."""
        told = [one for one in entries if self.tells and one.facts["x"] % self.tells == 0]
        notices = [Notice(f"{self.name}:{one.number}:sum.reached", one.at, self.route, "sum.reached", "info",
                          f"it is {one.facts['x']}") for one in told]  # fmt: skip
        return {"count": body["count"] + len(entries), "sum": body["sum"] + sum(e.facts["x"] for e in entries)}, notices


class Broken(Sum):
    """A fold that raises at an entry whose `x` is 13."""

    def take(self, body: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Mapping[str, Any], Sequence[Notice]]:
        """Count, or break."""
        if any(one.facts["x"] == 13 for one in entries):
            raise ZeroDivisionError
        return super().take(body, entries)


class Fragile(SQLiteState):
    """A state that can be gone, also between the end of a transaction and its news."""

    is_gone = False
    loses_news = False

    def _look(self) -> None:
        if self.is_gone:
            raise WeighbridgeError("the database is gone")

    def append(self, entries: Sequence[Entry]) -> None:
        """Append, unless gone."""
        self._look()
        super().append(entries)
        if self.loses_news:
            self.loses_news = False
            raise WeighbridgeError("the connection broke")

    def documents(self, since: int = 0) -> Any:
        """Read, unless gone."""
        self._look()
        return super().documents(since)


def entry(x: float, route: str = "qwen", **fields: Any) -> Entry:
    """Return an entry with a number in it."""
    return Entry(fields.pop("at", time.time()), route, fields.pop("kind", "seen"), {"x": x, **fields})


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Fragile]:
    """Return a journal in a file."""
    one = Fragile(tmp_path / "pilot.sqlite")
    yield one
    one.close()
