"""Traffic on a route with a canary, told to its fold as a journal would."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.pilot.canary.fold import CanaryFold
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.route import CanarySettings, CanaryTerms, Leg, Route, UpstreamSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.journal.protocol import Notice

TERMS = CanaryTerms((0.05, 0.25, 0.5), margin=0.1, hold_s=60.0)


def leg(name: str, **settings: Any) -> Leg:
    """Return a leg of that model."""
    return Leg(UpstreamSettings("http://127.0.0.1:9/v1", name, **settings), f"sha256:{name}", digest=name)


def route(terms: CanaryTerms = TERMS) -> Route:
    """Return a route from `old` to `new`."""
    return Route("qwen", leg("old"), canary=CanarySettings(leg("new"), terms))


@dataclass
class Traffic:
    """Half of what is looked at is the candidate's while it serves; exchanges come five a second, from many callers."""

    fold: CanaryFold
    draw: random.Random = field(default_factory=lambda: random.Random(4))  # noqa: S311 - a simulation
    at: float = 1e9
    body: Mapping[str, Any] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=lambda: {"primary": 0, "canary": 0})
    number: int = 0
    at_once: int = 4  # entries that the fold gets together; an order it gets at once
    waiting: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin."""
        self.body = self.fold.begin()

    def tell(self, kind: Any, facts: Mapping[str, Any], at: float | None = None) -> None:
        """Give the fold one entry; documents pass through JSON now and then, as through a database."""
        self.number += 1
        self.waiting.append(Entry(self.at if at is None else at, "qwen", kind, facts, self.number))
        if kind != "order" and len(self.waiting) < self.at_once:
            return
        before = json.loads(json.dumps(self.body)) if self.number % 16 == 0 else self.body
        self.body, notices = self.fold.take(before, self.waiting)
        self.waiting = []
        self.notices += notices

    def observe(self, arm: str, **facts: Any) -> Observation:
        """Return an exchange that just began."""
        self.seen[arm] += 1
        decision = {"primary": "sha256:old", "canary": "sha256:new"}[arm]
        plain = {"user": str(self.draw.randrange(10**6)), "failed": False, "total_s": 1.0, "chars": 10}
        return Observation(id="x", at=self.at, route="qwen", leg=arm, decision=decision, **{**plain, **facts})

    def exchange(self, refuses: float, primary: float = 0.02, **facts: Any) -> str:
        """Let one exchange happen, of which the candidate refuses that share, the primary another; return its arm."""
        self.at += 0.2
        arm = "canary" if self.body["share"] and self.draw.random() < 0.5 else "primary"
        refused = self.draw.random() < (refuses if arm == "canary" else primary)
        self.tell("seen", self.observe(arm, refused=refused, **facts).to_facts())
        return arm

    def order(self, what: str, to: str = "canary", about: str = "") -> None:
        """Give an order, about this candidate unless it names another."""
        facts = {"to": to, "about": about or self.fold.name, "do": what, "by": "kim", "because": "it rhymes"}
        self.tell("order", facts)

    @property
    def events(self) -> list[str]:
        """What was told of."""
        return [notice.event for notice in self.notices]


@pytest.fixture
def traffic() -> Traffic:
    """Return a canary in which nothing was seen yet."""
    return Traffic(CanaryFold(route()))
