"""Decided endpoints: what a gateway wants before it serves, for tests and measurements."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from weighbridge.core.artefact import digest_of_endpoint
from weighbridge.core.evidence import OURS, Evidence
from weighbridge.core.kinds import KINDS
from weighbridge.decision.policy import parse_policy
from weighbridge.pilot.admission.keeper import STORE_FILE
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.workflow.judge import judge

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["decide_on", "leg_of"]

_POLICY = """
[policy]
name = "gate"
version = "1"
title = "Gate"
valid_days = 30
[use]
description = "A trial"
audience = "internal"
[[rule]]
id = "licence"
kind = "card/v1"
measure = "licence"
operator = "present"
on_fail = "reject"
because = "It must be known."
"""
_LEG = """\
decision = "{decision}"
unverified = "allow"
unverified_because = "a double"
unverified_until = {until}
upstream = {{ url = "{url}", model = "{model}"{more} }}
"""
_TRUSTED_DAYS = 3


def decide_on(work: Path, subject: str, on: date | None = None) -> str:
    """Let the house adopt a subject for its licence, in the evidence of a workspace; return the decision's id."""
    on = on or datetime.now(UTC).date()
    card = KINDS["card/v1"].model_validate({"source": "README.md", "licence": "mit"})
    with closing(SQLiteStore(work / STORE_FILE)) as store:
        store.add(Evidence(subject, "card/v1", card.model_dump(mode="json", by_alias=True), (), OURS, on))
        return judge(parse_policy(_POLICY, "gate.toml"), subject, store=store, on=on)[1].id


def leg_of(work: Path, url: str, model: str, more: str = "") -> str:
    """Decide on an endpoint, and return the lines of the gateway's file that make it a leg, to stand in a table.

    `more` are further keys of its upstream, such as `price = { input = 1.0, output = 2.0 }`.
    """
    decision = decide_on(work, digest_of_endpoint(url, model))
    until = datetime.now(UTC).date() + timedelta(days=_TRUSTED_DAYS)
    return _LEG.format(decision=decision, until=until, url=url, model=model, more=more and f", {more}")
