"""A node that is killed in the middle of a delivery: whoever delivers again loses nothing and says it once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.pilot.admission.configuration.plan import AlarmPlan
from weighbridge.pilot.alarm.deliver import Deliverer
from weighbridge.pilot.alarm.outbox import Outbox
from weighbridge.testing.fault_server import FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve = Callable[[Callable[[int, str], bytes | None]], FaultServer]


class Killed(BaseException):
    """The process ends here: nothing catches it, and nothing after it is done."""


def _told(deliver: Deliverer, notice: Any) -> None:
    """Deliver a notice, and send what is to be sent."""
    deliver(notice)
    while deliver.send():
        pass


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize(
    ("owner", "step"),
    [(Outbox, "put"), (Deliverer, "_state"), (Outbox, "recorded"), (Outbox, "taken"), (Deliverer, "_post")],
)
def test_a_notice_outlasts_a_kill_at_every_step(
    scene: Any, serve: Serve, monkeypatch: pytest.MonkeyPatch, owner: type, step: str, is_done: bool
) -> None:
    """Before and after each thing that is written or sent; one statement of each kind, one message by its id."""
    server = serve(lambda _n, _path: http(b"ok"))
    scene.secrets = {"HOOK": server.url}
    work = getattr(owner, step)

    def killing(*args: Any) -> Any:
        if is_done:
            work(*args)
        raise Killed

    plan = AlarmPlan("HOOK")
    with monkeypatch.context() as patched:
        patched.setattr(owner, step, killing)
        deliver = scene.deliverer(plan)
        with pytest.raises(Killed):
            _told(deliver, scene.notice())
        deliver.close()
    again = scene.deliverer(plan)
    _told(again, scene.notice())
    again.close()
    assert (len(scene.bodies("alarm/v1")), len(scene.bodies("stale/v1"))) == (1, 1)
    assert {facts["notice"] for _, facts in scene.records} == {scene.notice().id}
    assert len(scene.records) == (2 if (step, is_done) == ("recorded", False) else 1)
    assert len({head.lower().partition(b"webhook-id:")[2].partition(b"\r\n")[0] for head in server.heads}) == 1
    assert 1 <= len(server.bodies) <= 2
    assert all(json.loads(body)["data"]["more"] == 0 for body in server.bodies)
