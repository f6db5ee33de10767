"""Alarms of a pilot about a decided model, and what people said to them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body

__all__ = ["AlarmAnswerV1", "AlarmV1"]


class AlarmV1(Body):
    """That a monitor of a running pilot found a decided model to be other than it was; its input is the decision."""

    notice: str = Field(description="Id of the alarm: room, route, settings, entry of the journal, and event")
    route: str = Field(description="Name under which callers ask for the model")
    severity: Literal["warning", "alarm"] = Field(description="Whether it only warns, or re-opens the decision")
    event: str = Field(description="What was found: `identity.changed`, `drift.alarmed`, `canary.rolled_back` ...")
    decision: str = Field(description="Id of the decision that the model is served on")
    why: str = Field(description="What was seen, in one sentence")
    facts: dict[str, Any] = Field(description="The figures that it rests on; no prompt and no answer")
    seen_at: str = Field(description="When the monitor raised it (RFC 3339)")


class AlarmAnswerV1(Body):
    """That somebody has looked into an alarm; its input is the alarm. The decision stays to be made again."""

    alarm: str = Field(description="Id of the statement of the alarm")
    because: str = Field(description="What was found out, in the words of who looked")
    by: str = Field(description="Who: `operator` for one who can write in the workspace, or the id of a key")
    answered_at: str = Field(description="When that was (RFC 3339)")
