"""Stakes: what a team has decided on, or keeps a copy of, and so has something to lose by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from weighbridge.core.event import ReleaseEvent
    from weighbridge.inspection.licence.answer.use import IntendedUse

__all__ = ["Copy", "Demand", "Stake", "Standing", "settled"]

Standing = Literal["adopted", "held", "rejected", "undecided"]
Copy = Literal["verified", "local", "none"]


@dataclass(frozen=True, slots=True)
class Demand:
    """One rule of the policy that a decision was made by: what it asks of which evidence, and why."""

    rule: str
    kind: str
    measure: str
    operator: str
    threshold: Any
    because: str
    suite: str = ""


@dataclass(frozen=True, slots=True)
class Stake:
    """One model of ours: the repository that it came from, the pin, the newest decision, and what that rests on.

    `repository` is a reference without revision (`hf:Qwen/Qwen3-8B`), `commit` the pin ("" where none is recorded, so
    that whoever loads it follows the default branch), `subject` the digest of what was weighed. `bases` are
    `maker/model` without a hub, as the files declare them. `copy` says whether the files are kept: a mirror whose
    digests were checked, a folder on this machine, or nothing that is known. `digests` are the SHA-256 (64 hex digits)
    of the files that were weighed, `task` is what the card says it is for; `answered` names events (id, seen) that the
    decision was made in view of.
    """

    repository: str
    subject: str
    name: str
    reference: str = ""
    commit: str = ""
    standing: Standing = "undecided"
    decision: str = ""
    decided_on: date | None = None
    expires_on: date | None = None
    policy: str = ""
    demands: tuple[Demand, ...] = ()
    bases: tuple[str, ...] = ()
    digests: frozenset[str] = frozenset()
    answered: frozenset[tuple[str, str]] = frozenset()
    task: str = ""
    copy: Copy = "none"
    use: IntendedUse | None = None

    @property
    def suites(self) -> tuple[str, ...]:
        """Return the suites that the decision asked for, in the order of the rules."""
        return tuple(dict.fromkeys(one.suite for one in self.demands if one.suite))


def settled(stakes: Sequence[Stake], events: Sequence[ReleaseEvent]) -> tuple[Stake, ...]:
    """Return the stakes with what their pin had behind it as answered: events before the one that led to its commit.

    `events` are in the order of the log. Days alone would not tell: a commit may be pushed, seen and weighed in one.
    """
    return tuple(_settled(stake, events) if stake.commit else stake for stake in stakes)


def _settled(stake: Stake, events: Sequence[ReleaseEvent]) -> Stake:
    own = [event for event in events if event.subject == stake.repository]
    last = max((place for place, event in enumerate(own) if event.commit == stake.commit), default=0)
    before = {(event.id, event.seen_at.isoformat()) for event in own[:last] if event.commit != stake.commit}
    return replace(stake, answered=stake.answered | before) if before else stake
