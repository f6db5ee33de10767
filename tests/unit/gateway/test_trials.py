"""A whole gateway with a canary: what is seen decides who is served, on this node and after a restart."""

from __future__ import annotations

import http.client
import json
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Literal

import pytest
import uvicorn

from weighbridge.errors import WeighbridgeError
from weighbridge.gateway import trials
from weighbridge.gateway.assembly import assembled
from weighbridge.gateway.wire import bounded_protocol
from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.orders import KeyOrder
from weighbridge.pilot.access.pepper import load_pepper
from weighbridge.pilot.admission.file import load_gateway_file
from weighbridge.pilot.audit.export import Wanted, select
from weighbridge.pilot.audit.segments import AUDIT_FOLDER
from weighbridge.pilot.board.fold import read_board
from weighbridge.pilot.canary.order import canary_order
from weighbridge.pilot.journal.order import give_order
from weighbridge.pilot.state.choose import open_state
from weighbridge.pilot.state.journal import SQLJournal
from weighbridge.testing.gate import leg_of
from weighbridge.testing.upstream_double import UpstreamDouble, answer
from weighbridge.testing.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CANARY = """
[route.canary]
steps = [0.5]
hold_s = 0.0
"""
SHADOW = """
[route.shadow]
share = 1.0
"""
OBSERVE = """
[route.observe]
share = 1.0
most_per_minute = 100000
"""


def said(text: str) -> list[Any]:
    """Return what an upstream sends for a good answer."""
    message = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return [answer(json.dumps({"id": "c", "object": "chat.completion", "choices": [message], "usage": usage}).encode())]


class Pilot:
    """A workspace with decided endpoints, a key, and a file that names them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir()
        with closing(open_state(self.work)) as state:
            desk = KeyDesk(state, load_pepper(self.work))
            order = KeyOrder.read(b'{"name": "app", "scopes": ["inference", "metrics", "stop"]}')
            self.key = desk.create("", order).text

    def write(self, primary: UpstreamDouble, candidate: UpstreamDouble | None = None, how: str = CANARY) -> None:
        """Write the gateway's file; `how` are the lines of the candidate's table before those of its leg."""
        table = how + leg_of(self.work, candidate.url, "new") if candidate else ""
        route = f'[[route]]\nname = "qwen"\nretries = 0\n{leg_of(self.work, primary.url, "old")}{OBSERVE}{table}'
        (self.folder / "gateway.toml").write_text(f'[gateway]\nworkspace = "work"\n{route}', encoding="utf-8")

    def order(self, do: Literal["stop", "start"]) -> None:
        """Order as an operator does, past any gateway."""
        with closing(open_state(self.work)) as state:
            (canary,) = [one.name for one in state.documents()[1] if one.name.startswith("canary/qwen/")]
            give_order(state, "qwen", canary_order(canary, do, "ada", "a test"))

    def body(self, room: str) -> Mapping[str, Any]:
        """Return what is kept of a room."""
        with closing(open_state(self.work)) as state:
            found = [one.body for one in state.documents()[1] if one.name.startswith(f"{room}/qwen")]
        return found[0] if found else {}


class Served:
    """A gateway that runs."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.key = key

    def ask(self, user: int) -> str:
        """Ask as one of many users; return what the model said."""
        body = {"model": "qwen", "user": f"user-{user}", "messages": [{"role": "user", "content": "Say something"}]}
        status, text = self.call("POST", "/v1/chat/completions", json.dumps(body).encode())
        assert status == 200, text
        return str(json.loads(text)["choices"][0]["message"]["content"])

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
        """Send a request with the key."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            connection.request(method, path, body, {"Authorization": f"Bearer {self.key}"})
            response = connection.getresponse()
            return response.status, response.read().decode()


@contextmanager
def serving(pilot: Pilot) -> Iterator[Served]:
    """Run the gateway of a file, as `weighbridge serve` puts it together."""
    file = load_gateway_file(pilot.folder / "gateway.toml")
    with assembled(file, lambda _name: None) as parts:
        config = uvicorn.Config(
            parts.app, port=0, http=bounded_protocol(parts.bounds), log_config=None, log_level="critical", ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        wait_for(lambda: server.started)
        try:
            yield Served(server.servers[0].sockets[0].getsockname()[1], pilot.key)
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def pilot(tmp_path: Path) -> Pilot:
    """Return an empty workspace with a key."""
    return Pilot(tmp_path)


def test_a_candidate_that_fails_is_rolled_back_and_stays_so(pilot: Pilot) -> None:
    """Its callers are served by the primary meanwhile; another start does not begin again; audit and metrics tell."""
    broken = UpstreamDouble(
        lambda *_: [b"HTTP/1.1 500 X\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"]
    )
    with UpstreamDouble(lambda *_: said("old")).running() as primary, broken.running():
        pilot.write(primary, broken)
        with serving(pilot) as gateway:
            user = 0

            def ask_some() -> str:
                nonlocal user
                for _ in range(10):
                    user += 1
                    assert gateway.ask(user) == "old"
                return str(pilot.body("canary").get("state"))

            wait_for(lambda: ask_some() == "rolled back", 40)
            wait_for(lambda: 'weighbridge_canary_share{route="qwen"} 0\n' in gateway.call("GET", "/metrics")[1])
            wait_for(lambda: 'event="canary.rolled_back"' in gateway.call("GET", "/metrics")[1])
            asked = len(broken.asked)
            assert asked > 0
            for one in range(30):
                gateway.ask(one)
            assert len(broken.asked) == asked
            wait_for(lambda: "canary" in pilot.body("board").get("legs", {}))
        with serving(pilot) as gateway:
            for one in range(30):
                gateway.ask(one)
            assert len(broken.asked) == asked
    assert pilot.body("canary")["state"] == "rolled back"
    legs = read_board(pilot.body("board"), time.time())["legs"]
    assert legs["canary"]["day"]["failed"] == legs["canary"]["day"]["looked_at"] > 0
    assert legs["primary"]["day"]["failed"] == 0
    events = [one["event"] for one in select(pilot.work / AUDIT_FOLDER, Wanted())]
    assert events.count("canary.rolled_back") == 1


def test_a_shadow_is_asked_and_answers_nobody(pilot: Pilot) -> None:
    """Callers get the primary's words; pairs reach the shadow's document and the metrics; the drift monitor counts."""
    old, new = UpstreamDouble(lambda *_: said("old")), UpstreamDouble(lambda *_: said("new"))
    with old.running(), new.running():
        pilot.write(old, new, SHADOW)
        with serving(pilot) as gateway:
            assert {gateway.ask(one) for one in range(12)} == {"old"}
            wait_for(lambda: pilot.body("drift").get("seen") == 12)
            wait_for(lambda: pilot.body("shadow").get("pairs") == len(new.asked) > 0)  # the rest were dropped
            sent = f'weighbridge_shadow_total{{route="qwen",event="sent"}} {len(new.asked)}\n'
            assert sent in gateway.call("GET", "/metrics")[1]
    assert not any(b"wb_" in asked.head for asked in new.asked)
    assert list(read_board(pilot.body("board"), time.time())["legs"]) == ["primary"]


def _gone(*_: object) -> None:
    """Stand for a database that is away."""
    raise WeighbridgeError("the database is gone")


def test_an_order_stops_a_canary_within_two_seconds(pilot: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The candidate is good and serves a half; after the order nobody gets it. Nor while nobody watches."""
    old, new = UpstreamDouble(lambda *_: said("old")), UpstreamDouble(lambda *_: said("new"))
    with old.running(), new.running():
        pilot.write(old, new)
        with serving(pilot) as gateway:
            user = 0

            def ask_some() -> set[str]:
                nonlocal user
                user += 10
                return {gateway.ask(one) for one in range(user - 10, user)}

            wait_for(lambda: "new" in ask_some(), 40)
            sticky = {one: gateway.ask(one) for one in range(20)}
            assert {one: gateway.ask(one) for one in range(20)} == sticky
            with monkeypatch.context() as patch:  # as where the journal was not read for a while
                patch.setattr(trials, "_STALE_S", 0.0)
                assert {gateway.ask(one) for one in range(20)} == {"old"}
            pilot.order("stop")
            ordered = time.monotonic()
            wait_for(lambda: pilot.body("canary")["state"] == "stopped")
            wait_for(lambda: "new" not in {gateway.ask(one) for one in range(20)})
            assert time.monotonic() - ordered < 8  # a second on a quiet machine
        pilot.order("start")
        with serving(pilot) as gateway:
            wait_for(lambda: pilot.body("canary")["state"] != "stopped")
            wait_for(lambda: "new" in ask_some(), 40)
            with monkeypatch.context() as patch:
                patch.setattr(SQLJournal, "append", _gone)
                assert gateway.call("POST", "/stop", b'{"route": "qwen"}')[0] == 503
                assert "new" not in ask_some() | ask_some()  # this node obeys all the same
            wait_for(lambda: pilot.body("canary")["state"] == "stopped")  # the order was kept until it could be written
            pilot.order("start")
            wait_for(lambda: "new" in ask_some(), 40)


def test_a_route_with_nothing_configured_is_looked_at(pilot: Pilot) -> None:
    """Observation and board are there, no canary, and a reload that adds one is followed."""
    old, new = UpstreamDouble(lambda *_: said("old")), UpstreamDouble(lambda *_: said("new"))
    with old.running(), new.running():
        pilot.write(old)
        with serving(pilot) as gateway:
            for one in range(10):
                assert gateway.ask(one) == "old"
            wait_for(lambda: pilot.body("board").get("legs"))
            assert pilot.body("canary") == {}
            pilot.write(old, new)
            wait_for(lambda: pilot.body("canary"))
            assert "weighbridge_journal_dropped_total 0" in gateway.call("GET", "/metrics")[1]
    day = read_board(pilot.body("board"), time.time())["legs"]["primary"]["day"]
    assert (day["looked_at"], day["failed"], day["tokens_mean"]) == (10, 0, 2)
