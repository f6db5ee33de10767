"""A watched route, and its traffic told to the fold as a journal would."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.pilot.drift.fold import DriftFold
from weighbridge.pilot.drift.standing import read_standing
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.route import Leg, ObserveTerms, Route, UpstreamSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.drift.standing import Standing
    from weighbridge.pilot.journal.protocol import Notice

DECISION = "d" * 64


def route(decision: str = DECISION, every: int = 20_000) -> Route:
    """Return a route under a decision."""
    leg = Leg(UpstreamSettings("http://127.0.0.1:9/v1", "m"), decision)
    return Route("qwen", leg, observe=ObserveTerms(false_alarm_every=every))


@dataclass
class Traffic:
    """Observations in batches of 25; the body goes through JSON between them, as it does in a database."""

    fold: DriftFold
    body: Mapping[str, Any] = field(default_factory=dict)
    told: list[Notice] = field(default_factory=list)
    draw: random.Random = field(default_factory=lambda: random.Random(20261122))  # noqa: S311 - a simulation
    number: int = 0

    def __post_init__(self) -> None:
        self.body = self.fold.begin()

    def take(self, *entries: Entry) -> None:
        """Give entries to the fold."""
        for start in range(0, len(entries), 25):
            body, notices = self.fold.take(self.body, entries[start : start + 25])
            self.body = json.loads(json.dumps(body, allow_nan=False))
            self.told += notices

    def seen(self, count: int, *, refused: float | None = None, **facts: Any) -> None:
        """Let so many exchanges be seen; a share of them declines."""
        signs = [None if refused is None else self.draw.random() < refused for _ in range(count)]
        self.tell([{**facts, "refused": sign} for sign in signs])

    def tell(self, seen: list[dict[str, Any]]) -> None:
        """Give observations to the fold, by what they say."""
        entries = []
        for facts in seen:
            self.number += 1
            at, name = float(self.number), f"x{self.number}"
            told = {"at": at, "user": "k", "key": "k", "failed": False, "total_s": 1.0, **facts}
            one = Observation(name, route="qwen", leg="primary", decision=DECISION, **told)
            entries.append(Entry(at, "qwen", "seen", one.to_facts(), self.number))
        self.take(*entries)

    def order(self, **facts: Any) -> None:
        """Give an order."""
        self.number += 1
        self.take(Entry(float(self.number), "qwen", "order", facts, self.number))

    def standing(self) -> Standing:
        """Return how it stands."""
        return read_standing(self.body)


@pytest.fixture
def traffic() -> Traffic:
    """Return the traffic of a route."""
    return Traffic(DriftFold(route()))
