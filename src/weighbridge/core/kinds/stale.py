"""A decision that an event has overtaken: on a hub, or in a pilot."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body

__all__ = ["StaleV1"]


class StaleV1(Body):
    """That a decision no longer speaks of what its hub publishes, or of what is served; its inputs are its id."""

    decision: str = Field(description="Id of the decision")
    reference: str = Field(description="What was weighed, as a reference")
    event: str = Field(description="Id of the event in the watch's log, or of the pilot's alarm")
    event_kind: str = Field(description="What changed")
    severity: Literal["low", "medium", "high", "critical"]
    why: str = Field(description="The rule that makes it matter, in one sentence")
    next_step: Literal["nothing", "re-evaluate", "legal review", "freeze", "roll back"]
    suites: list[str] = Field(default_factory=list, description="Suites to run again")
    seen_at: str = Field(description="When it was seen (RFC 3339)")
    closes_at: str | None = Field(
        default=None, description="Until when a pilot may still serve on the decision (RFC 3339); None: not any more"
    )
