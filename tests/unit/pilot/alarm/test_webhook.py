"""Telling a webhook: signed, once for each route, event and hour, over restarts, and never lost or redirected."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import sqlite3
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import UsageError
from weighbridge.pilot.admission.configuration.plan import AlarmPlan
from weighbridge.pilot.alarm.outbox import OUTBOX_FILE, Outbox
from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]

_HOUR = 3600.0
_PLAN = AlarmPlan("HOOK", "SIGN")
_SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.fixture
def hook(scene: Any, serve: Serve) -> FaultServer:
    """Return a receiver that takes everything; set `reply` to change that."""
    server = serve(lambda _n, _path: http(b"ok"))
    scene.secrets = {"HOOK": f"{server.url}/secret-part", "SIGN": _SECRET}
    return server


def _drain(deliver: Any) -> None:
    while deliver.send():
        pass


def test_a_message_is_signed_and_reads_in_slack(scene: Any, hook: FaultServer) -> None:
    """Standard Webhooks' headers, checked as a receiver would; a text in which `<!channel>` calls nobody."""
    deliver = scene.deliverer(_PLAN)
    deliver(scene.notice(why="refusals rose <!channel> & 6%"))
    _drain(deliver)
    (body,), (head,) = hook.bodies, hook.heads
    headers = _headers(head)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(int(scene.now))
    message = json.loads(body)
    assert "refusals rose &lt;!channel&gt; &amp; 6%" in message["text"]
    assert message["type"] == "drift.alarm"
    assert message["data"]["decision"] == scene.decision
    assert message["data"]["facts"] == {"stream": "refused", "rate": 0.06}


def test_a_storm_is_one_message_an_hour_for_each_route_and_event(scene: Any, hook: FaultServer) -> None:
    """Fifty alarms at once, and five more: one message, then one that counts the rest; another route is not held up."""
    deliver = scene.deliverer(_PLAN)
    deliver(scene.notice(1))
    _drain(deliver)
    for number in range(2, 51):
        deliver(scene.notice(number))
    deliver(scene.notice(51, route="other"))
    _drain(deliver)
    assert [(one["data"]["route"], one["data"]["more"]) for one in map(json.loads, hook.bodies)] == [
        ("qwen", 0),
        ("other", 0),
    ]
    scene.now += _HOUR - 1
    _drain(deliver)
    assert len(hook.bodies) == 2
    scene.now += 2
    _drain(deliver)
    assert json.loads(hook.bodies[2])["data"]["more"] == 48
    scene.now += 10 * _HOUR
    _drain(deliver)
    assert len(hook.bodies) == 3


def test_an_alarm_waits_for_no_warning(scene: Any, hook: FaultServer) -> None:
    """Found by attack: one key raises a warning with a few exchanges, and an alarm of its route came an hour later."""
    deliver = scene.deliverer(_PLAN)
    deliver(scene.notice(1, severity="warning"))
    _drain(deliver)
    scene.now += 60
    hook.reply = lambda n, _path: http(b"ok") if n > 3 else http(b"", status="503 Busy")
    deliver(scene.notice(2, severity="warning", event="identity.differs"))
    _drain(deliver)
    deliver(scene.notice(3, severity="warning", route="a"))
    deliver(scene.notice(4))
    scene.now += 5
    assert deliver.send()
    assert json.loads(hook.bodies[-1])["data"]["severity"] == "alarm"
    assert [json.loads(body)["data"]["severity"] for body in hook.bodies] == ["warning", "warning", "alarm"]


def test_what_was_not_taken_is_sent_after_a_restart_as_the_same_message(scene: Any, hook: FaultServer) -> None:
    """The receiver is down, the gateway restarts, more alarms come: the same id, the same bytes, and nothing twice."""
    hook.reply = lambda n, _path: http(b"", status="503 Busy") if n < 3 else http(b"ok")
    deliver = scene.deliverer(_PLAN)
    deliver(scene.notice(1))
    _drain(deliver)
    deliver.close()
    again = scene.deliverer(_PLAN)
    again(scene.notice(1))
    again(scene.notice(2))
    for _ in range(4):
        scene.now += 20
        _drain(again)
    assert len(hook.bodies) == 3
    assert len(set(hook.bodies)) == 1
    assert len({_headers(head)["webhook-id"] for head in hook.heads}) == 1
    scene.now += _HOUR
    _drain(again)
    assert [json.loads(body)["data"]["id"] for body in hook.bodies[2:]] == [scene.notice(1).id, scene.notice(2).id]


def test_attempts_thin_out_and_end_after_three_days(
    scene: Any, hook: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    """After 5, 10, 20 ... and at most 900 seconds; given up after three days; no log line holds the address."""
    hook.reply = lambda _n, _path: http(b"", status="302 Found", headers="location: http://127.0.0.1:1/")
    deliver = scene.deliverer(_PLAN)
    deliver(scene.notice())
    pauses = []
    with caplog.at_level(logging.INFO):
        for _ in range(10):
            assert deliver.send()
            pauses.append(next(s for s in range(1, 1000) if _is_due(deliver, scene, s)))
            scene.now += pauses[-1]
        assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
        scene.now += 3 * 86_400
        assert deliver.send()
    assert "given up" in caplog.text
    assert "secret-part" not in caplog.text
    scene.now += 86_400
    assert not deliver.send()
    assert len(hook.bodies) == 11


def _is_due(deliver: Any, scene: Any, seconds: int) -> bool:
    return deliver._outbox.next(scene.now + seconds) is not None


def test_information_is_not_posted(scene: Any, hook: FaultServer) -> None:
    """A canary that advances wakes nobody up; a warning is told."""
    deliver = scene.deliverer(_PLAN)
    deliver(scene.notice(1, severity="info", event="canary.advanced"))
    deliver(scene.notice(2, severity="warning", event="shadow.spent"))
    _drain(deliver)
    assert [json.loads(body)["type"] for body in hook.bodies] == ["shadow.spent"]


def test_of_a_receiver_s_answer_only_the_status_counts(scene: Any, hook: FaultServer) -> None:
    """It says 200 and a body of a gigabyte that never comes: taken, and nothing of it is waited for or held."""
    hook.reply = lambda _n, _path: b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nx"
    deliver = scene.deliverer(_PLAN)
    deliver(scene.notice())
    _drain(deliver)
    assert len(hook.bodies) == 1
    scene.now += _HOUR
    assert not deliver.send()


def test_the_thread_sends_and_ends(scene: Any, hook: FaultServer) -> None:
    """Started as the gateway starts it, it sends what comes, and closing waits for it."""
    deliver = scene.deliverer(_PLAN)
    deliver.start()
    deliver(scene.notice())
    for _ in range(500):
        if hook.bodies:
            break
        deliver._stop.wait(0.01)
    deliver.close()
    assert len(hook.bodies) == 1
    assert not deliver._thread.is_alive()


def test_a_clock_that_was_set_back_holds_nothing_up(scene: Any, hook: FaultServer) -> None:
    """A message that was sent, or is to be tried, in the future counts as if it were not."""
    hook.reply = lambda n, _path: http(b"ok") if n != 2 else http(b"", status="503 Busy")
    deliver = scene.deliverer(_PLAN)
    deliver(scene.notice(1))
    _drain(deliver)
    scene.now -= 10 * _HOUR
    deliver(scene.notice(2))
    _drain(deliver)
    scene.now -= 10 * _HOUR
    _drain(deliver)
    assert len(hook.bodies) == 3


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    """A trigger in a received workspace would run at every alarm."""
    with sqlite3.connect(tmp_path / OUTBOX_FILE) as stranger:
        stranger.executescript("CREATE TABLE x (a); CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; END;")
    stranger.close()
    with pytest.raises(UsageError, match="outbox"):
        Outbox(tmp_path)


def test_the_outbox_is_its_owners_alone(tmp_path: Path) -> None:
    """Found by attack: it was readable by all accounts of the machine; one that is there keeps its mode."""
    Outbox(tmp_path).put("n", 1e9, "kin", {"why": "x"})
    path = tmp_path / OUTBOX_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    Outbox(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_people_read_their_language_and_programs_the_same_codes(scene: Any, hook: FaultServer) -> None:
    """With `language = "zh"` the text is Chinese, made of the event's facts; `data` is as ever."""
    facts = {"distances": {"chat": 0.124}, "usual": {"chat": 0.03}}
    notice = scene.notice(event="identity.changed", severity="alarm", why="another model answers", facts=facts)
    for language in ("en", "zh"):
        deliver = scene.deliverer(AlarmPlan("HOOK", "SIGN", language=language))
        deliver(replace(notice, id=f"identity/{language}:1:identity.changed", route=language))
        _drain(deliver)
    english, chinese = (json.loads(body) for body in hook.bodies)
    assert "first tokens of chats are 12.4% apart" in english["text"]
    for part in ("警报", "应答的模型、量化或模板与评估过的不同", "12.4%"):
        assert part in chinese["text"]
    assert {**english["data"], "id": "", "route": ""} == {**chinese["data"], "id": "", "route": ""}
    assert chinese["data"]["why"] == "another model answers"
    assert (chinese["type"], chinese["data"]["event"]) == ("identity.changed", "identity.changed")
