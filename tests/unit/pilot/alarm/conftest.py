"""A workspace with one decision that the house itself made, and a deliverer of notices about it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.pilot.admission.configuration.plan import AlarmPlan
from weighbridge.pilot.alarm.deliver import Deliverer
from weighbridge.pilot.audit.record import facts_body
from weighbridge.pilot.journal.protocol import Notice
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.gate import decide_on

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUBJECT = "sha256:" + "a" * 64
ON = date(2026, 11, 22)
AT = 1_795_000_000.0  # 2026-11-18T11:06:40Z


@dataclass
class Scene:
    """A workspace in `folder`; `now` is what the clock says, `records` what the audit log was told."""

    folder: Path
    decision: str = ""
    now: float = AT
    records: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def store(self) -> closing[SQLiteStore]:
        """Open the evidence."""
        return closing(SQLiteStore(self.folder / "evidence.sqlite"))

    def decide(self) -> None:
        """Let the house decide."""
        self.decision = decide_on(self.folder, SUBJECT, ON)

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        """Return the bodies of a kind."""
        with self.store() as store:
            return [one.body for one in store.select(kind=kind)]

    def record(self, event: str, facts: Mapping[str, object]) -> None:
        """Take a record, if the audit log would."""
        facts_body(facts)
        self.records.append((event, facts))

    def deliverer(self, plan: AlarmPlan | None = None) -> Deliverer:
        """Return a deliverer that records here."""
        return Deliverer(
            self.folder / "evidence.sqlite",
            plan or AlarmPlan(),
            self.secrets.get,
            self.record,
            clock=lambda: self.now,
        )

    def notice(self, number: int = 1, **other: Any) -> Notice:
        """Return an alarm of drift, or something `other`."""
        known: dict[str, Any] = {
            "id": f"drift/qwen/5f2c:{number}:drift.alarm",
            "at": AT + number,
            "route": "qwen",
            "event": "drift.alarm",
            "severity": "alarm",
            "why": "refusals rose from 2% to 6%",
            "subject": self.decision,
            "facts": {"stream": "refused", "rate": 0.06},
        }
        return Notice(**(known | other))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Return a workspace with a decision."""
    made = Scene(tmp_path)
    made.decide()
    return made
