"""What becomes of a notice: evidence, a stale decision and an audit record, each once, whatever fails between."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from weighbridge.core.kinds import AlarmV1, StaleV1
from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.pilot.admission.configuration.plan import AlarmPlan
from weighbridge.pilot.alarm.deliver import Deliverer
from weighbridge.workflow.following.marking import stale_decisions
from weighbridge.workflow.following.stakes import stakes_of


def test_an_alarm_is_evidence_and_reopens_the_decision(scene: Any) -> None:
    """The alarm is stated about the decided subject; the decision is stale from then on, and closes 72 hours later."""
    scene.deliverer()(scene.notice())
    (alarm,) = [AlarmV1.model_validate(body) for body in scene.bodies("alarm/v1")]
    assert (alarm.decision, alarm.route, alarm.facts) == (scene.decision, "qwen", {"stream": "refused", "rate": 0.06})
    (stale,) = [StaleV1.model_validate(body) for body in scene.bodies("stale/v1")]
    assert (stale.decision, stale.why, stale.next_step) == (scene.decision, alarm.why, "re-evaluate")
    at, closes_at = (datetime.fromisoformat(text or "") for text in (stale.seen_at, stale.closes_at))
    assert at == datetime.fromtimestamp(scene.notice().at, UTC)
    assert (closes_at - at).total_seconds() == 72 * 3600
    with scene.store() as store:
        assert [one.body.event for one in stale_decisions(store, stakes_of(store))[scene.decision]] == [alarm.notice]


def test_another_model_closes_at_once(scene: Any) -> None:
    """What answers is not what was decided on: no grace, whatever the file says."""
    notice = scene.notice(event="identity.changed", id="identity/qwen/1:4:identity.changed")
    scene.deliverer(AlarmPlan(grace_s=1e6))(notice)
    (stale,) = scene.bodies("stale/v1")
    assert "closes_at" not in stale
    assert (stale["severity"], stale["next_step"]) == ("critical", "roll back")


def test_where_alarms_do_not_reopen_the_evidence_is_there_all_the_same(scene: Any) -> None:
    """`reopens = false`: the decision holds."""
    scene.deliverer(AlarmPlan(reopens=False))(scene.notice())
    assert len(scene.bodies("alarm/v1")) == 1
    assert scene.bodies("stale/v1") == []


@pytest.mark.parametrize(("severity", "stated"), [("info", 0), ("warning", 1)])
def test_what_is_no_alarm_reopens_nothing(scene: Any, severity: str, stated: int) -> None:
    """A canary that advances is recorded; a warning is evidence, too, so that it can be answered."""
    scene.deliverer()(scene.notice(severity=severity, event="canary.advanced"))
    assert [body["severity"] for body in scene.bodies("alarm/v1")] == ["warning"] * stated
    assert scene.bodies("stale/v1") == []
    ((event, facts),) = scene.records
    assert (event, facts["severity"], facts["rate"]) == ("canary.advanced", severity, 0.06)


def test_a_notice_that_comes_again_changes_nothing(scene: Any) -> None:
    """Twice by one process, and once more after a restart: one statement of each kind, one record."""
    first = scene.deliverer()
    first(scene.notice())
    first(scene.notice())
    first.close()
    scene.deliverer()(scene.notice())
    assert len(scene.bodies("alarm/v1")) == len(scene.bodies("stale/v1")) == len(scene.records) == 1


def test_a_record_that_could_not_be_written_is_written_later(scene: Any) -> None:
    """The disk of the audit log is full: the notice is not done, and its second delivery makes the record good."""
    is_full = True

    def record(event: str, facts: Any) -> None:
        if is_full:
            raise WeighbridgeError("the disk is full")
        scene.records.append((event, facts))

    deliver = Deliverer(scene.folder / "evidence.sqlite", AlarmPlan(), lambda _name: None, record)
    with pytest.raises(WeighbridgeError, match="full"):
        deliver(scene.notice())
    is_full = False
    deliver(scene.notice())
    assert len(scene.records) == len(scene.bodies("alarm/v1")) == 1


def test_a_report_is_stated_about_the_same_subject_and_never_a_decision(scene: Any) -> None:
    """Who can write into the pilot's database must not thereby decide: other kinds than reports are refused."""
    with scene.store() as store:
        forged = store.get(scene.decision).body
    for kind in ("decision/v1", "stale/v1", "files/v1", "made-up/v1"):
        facts = {"evidence": {"kind": kind, "body": forged}}
        scene.deliverer()(scene.notice(severity="info", id=kind, facts=facts))
        assert "evidence of kind" in scene.records[-1][1]["problem"]
    assert len(scene.bodies("decision/v1")) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"subject": ""},
        {"subject": "sha256:" + "b" * 64},
        {"facts": {"rate": math.nan}},
        {"facts": {"rate": {1: 2}}},
        {"facts": {"text": "x" * 20_000}},
        {"why": "\x00" * 100_000, "facts": {"text": "x" * 16_000}},
        {"at": 1e18},
        {"at": -5.0},
        {"facts": {"evidence": "no report"}},
        {"facts": {"evidence": {"kind": "canary/v1", "body": {"no": "body"}}}},
    ],
)
def test_no_notice_holds_up_those_behind_it(scene: Any, other: dict[str, Any]) -> None:
    """What no second attempt would cure is recorded and not raised, so that the next notice comes to its turn."""
    scene.deliverer()(scene.notice(**other))
    assert [event for event, _ in scene.records] == ["drift.alarm"]


def test_a_damaged_store_stops_no_record(scene: Any) -> None:
    """The store's file is no database any more: the audit log and the webhook still hear of the alarm."""
    for path in scene.folder.glob("evidence.sqlite*"):
        path.write_bytes(b"not a database" * 1000)
    scene.deliverer()(scene.notice())
    assert scene.records[0][1]["problem"]


def test_evidence_that_cannot_be_written_now_is_written_later(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: people are told and the record is written at once; the evidence when there is room."""

    def full(*_: object, **__: object) -> None:
        raise WeighbridgeError("the disk is full")

    deliver = scene.deliverer()
    with monkeypatch.context() as patched:
        patched.setattr("weighbridge.store.sqlite.SQLiteStore.add", full)
        with pytest.raises(WeighbridgeError, match="full"):
            deliver(scene.notice())
    assert [facts["problem"] for _, facts in scene.records] == ["the disk is full"]
    deliver(scene.notice())
    assert len(scene.bodies("stale/v1")) == len(scene.records) == 1


@pytest.mark.parametrize(
    ("secrets", "named"),
    [
        ({}, "`HOOK`, which is not set"),
        ({"HOOK": "http://hooks.example/secret-part"}, "not `https"),
        ({"HOOK": "ftp://hooks.example/secret-part"}, "not `https"),
        ({"HOOK": "https://hooks.example/secret-part"}, "`SIGN`, which is not set"),
        ({"HOOK": "https://hooks.example/secret-part", "SIGN": "secret-part"}, "shorter"),
    ],
)
def test_a_webhook_that_could_never_be_told_is_refused_at_the_start(
    scene: Any, secrets: dict[str, str], named: str
) -> None:
    """Nobody finds out at the first alarm; the error holds no secret."""
    scene.secrets = secrets
    with pytest.raises(UsageError, match=named) as caught:
        scene.deliverer(AlarmPlan("HOOK", "SIGN"))
    assert "secret-part" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(("zone", "day"), [("UTC", "2026-11-18"), ("America/Los_Angeles", "2026-11-17")])
def test_an_alarm_is_dated_by_the_calendar_on_the_wall(
    scene: Any, monkeypatch: pytest.MonkeyPatch, zone: str, day: str
) -> None:
    """As decisions are: one made the same evening has it in view, west of Greenwich, too."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        scene.deliverer()(scene.notice(at=datetime(2026, 11, 18, 3, tzinfo=UTC).timestamp()))
    finally:
        monkeypatch.undo()
        time.tzset()
    with scene.store() as store:
        assert {one.made_on.isoformat() for one in store.select(kind="stale/v1")} == {day}
        assert {one.made_on.isoformat() for one in store.select(kind="alarm/v1")} == {day}
