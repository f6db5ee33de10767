"""The nouns of a digest: items, what changed in them, whom they concern, and what a new weighing would cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from weighbridge.core.event import EventKind, EventSeverity
    from weighbridge.core.finding import Confidence
    from weighbridge.watch.digest.facts import Relation
    from weighbridge.watch.digest.rules import Claim, NextStep, Role
    from weighbridge.watch.digest.stake import Copy, Standing

__all__ = ["Basis", "Change", "Concern", "Digest", "Item", "Place", "SuiteCost", "Why"]

Basis = Literal["past runs", "assumption", "unknown"]


@dataclass(frozen=True, slots=True)
class Change:
    """One typed change as the log holds it, and how it is known."""

    event: str
    kind: EventKind
    subject: str
    before: Any
    after: Any
    severity: EventSeverity
    confidence: Confidence
    claim: Claim
    evidence: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """One hub on which it happened."""

    subject: str
    commit_before: str
    commit: str


@dataclass(frozen=True, slots=True)
class Why:
    """One rule that speaks; `decision` is "" where it speaks whether or not we use the model."""

    rule: str
    severity: EventSeverity
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Concern:
    """One model of ours that it touches, and the rules of its policy that rested on what changed."""

    relation: Relation
    name: str
    reference: str
    subject: str
    commit: str
    standing: Standing
    copy: Copy
    decision: str
    policy: str
    expires_on: date | None
    rests_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SuiteCost:
    """What asking a suite again takes: calls and seconds as (least, most), None where nothing is known.

    `runs` is how many past runs it rests on; with an assumption it is 0.
    """

    suite: str
    calls: tuple[int, int] | None
    seconds: tuple[float, float] | None
    basis: Basis
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to read: one push to one repository, or the same release in several places.

    `next_step` is that of the most severe rule; `also` are the further ones of rules about models of ours.
    `severity` is what it is for us, `changes[].severity` what the change is in itself. `sightings` are ids
    of its events with when they were seen, the first is its own. Dates apart: seen by this
    watch, created by the hub's word, announced by a listed source's.
    """

    id: str
    sightings: tuple[str, ...]
    severity: EventSeverity
    kind: EventKind
    subject: str
    changes: tuple[Change, ...]
    places: tuple[Place, ...]
    why: tuple[Why, ...]
    next_step: NextStep
    also: tuple[NextStep, ...]
    roles: tuple[Role, ...]
    concerns: tuple[Concern, ...]
    suites: tuple[SuiteCost, ...]
    commands: tuple[str, ...]
    confidence: Confidence
    claim: Claim
    seen_at: datetime
    created_at: datetime | None
    announced_at: datetime | None
    family: str
    maker: str
    country: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Digest:
    """Items, the most severe first; `silent` counts those that are left out as too mild."""

    items: tuple[Item, ...]
    silent: int
    events: int
    since: datetime | None
    until: datetime

    def only(self, wanted: Callable[[Item], bool]) -> Digest:
        """Return the same digest with the wanted items."""
        return replace(self, items=tuple(item for item in self.items if wanted(item)))
