"""`weighbridge pilot alarms`: from an alarm that a gateway delivered to its answer, as an operator types it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.pilot.admission.configuration.plan import AlarmPlan
from weighbridge.pilot.alarm.deliver import Deliverer
from weighbridge.pilot.journal.protocol import Document, Notice
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState

if TYPE_CHECKING:
    from pathlib import Path


def test_an_alarm_is_listed_answered_and_ordered(weighbridge: Any, tmp_path: Path) -> None:
    """The queue shows the decision, `routes` the doubt; the answer is evidence, an order and a note for the log."""
    mirror, decision = weighbridge.adopt_mirror()
    work = tmp_path / "weighbridge-work"
    statement = weighbridge.json("evidence", "list", "--kind", "decision/v1")["evidence"][0]["id"]
    deliver = deliver_of(work)
    notice = "drift/qwen/5f2c:7:drift.alarm"
    deliver(Notice(notice, 4e9, "qwen", "drift.alarm", "alarm", "refusals rose \x1b[31m", statement))
    deliver.close()

    listed = weighbridge("pilot", "alarms")
    assert "qwen: drift.alarm" in listed.stdout
    assert "\x1b" not in listed.stdout
    assert listed.stderr.splitlines()[-1].startswith("Next: `weighbridge pilot alarms acknowledge")
    (tmp_path / "gateway.toml").write_text(
        f'[[route]]\nname = "qwen"\ndecision = "{statement}"\nmirror = "{mirror}"\n'
        'upstream = { url = "http://127.0.0.1:9/v1", model = "m" }\n'
    )
    (row,) = weighbridge.json("pilot", "routes")["routes"]
    assert row["is_open"]
    assert "refusals rose" in row["doubt"]
    (waiting,) = weighbridge.json("watch", "queue")["waiting"]
    assert (waiting["subject"], waiting["events"]) == (decision["subject"], [notice])

    (alarm,) = weighbridge.json("pilot", "alarms")["alarms"]
    assert weighbridge("pilot", "alarms", "acknowledge", "0" * 12, "--because", "x").returncode == 3
    assert weighbridge("pilot", "alarms", "acknowledge", alarm["id"][7:19], "--because", " ").returncode == 2
    answered = weighbridge.json("pilot", "alarms", "acknowledge", alarm["id"][7:19], "--because", "a campaign began")
    assert (answered["is_open"], answered["because"]) == (False, "a campaign began")
    assert weighbridge.json("pilot", "alarms")["alarms"] == []
    assert "a campaign began" in weighbridge("pilot", "alarms", "--all").stdout
    assert "answered on" in weighbridge("pilot", "alarms", "acknowledge", alarm["id"], "--because", "y").stderr

    state = SQLiteState(work / STATE_FILE)
    _answer_by_the_drift_command(weighbridge, state, deliver_of(work), statement)
    order, _, _ = state.entries("qwen", 0, 10)
    assert order.kind == "order"
    assert (order.facts["to"], order.facts["do"], order.facts["alarm"]) == ("drift", "acknowledge", notice)
    notes: list[str] = []
    state.hand_over(lambda event, _facts: notes.append(event))
    state.close()
    assert notes == ["alarm.answered"] * 3


def deliver_of(work: Path) -> Deliverer:
    """Return what delivers notices in a gateway over this workspace."""
    return Deliverer(work / "evidence.sqlite", AlarmPlan(), lambda _name: None, lambda _event, _facts: None)


def _answer_by_the_drift_command(weighbridge: Any, state: SQLiteState, deliver: Deliverer, statement: str) -> None:
    """`pilot drift ROUTE --acknowledge` answers the drift alarms of its route, and no other's."""
    for notice, severity in (("drift/qwen/5f2c:9:drift.alarm", "alarm"), ("canary/qwen/1:stopped", "warning")):
        deliver(Notice(notice, 4e9, "qwen", notice.rpartition(":")[2], severity, "why", statement))  # type: ignore[arg-type]
    deliver.close()
    state.put(Document("drift/qwen/5f2c", {"decision": statement}))
    done = weighbridge("pilot", "drift", "qwen", "--acknowledge", "--because", "a new product")
    assert "1 alarm answered by it" in done.stderr
    (left,) = weighbridge.json("pilot", "alarms")["alarms"]
    assert left["notice"].startswith("canary/")
    stopped = weighbridge("pilot", "alarms", "acknowledge", left["id"], "--because", "it was me")
    assert stopped.stderr.splitlines()[-1] == "Next: `weighbridge pilot alarms`"  # a warning re-opened no decision
