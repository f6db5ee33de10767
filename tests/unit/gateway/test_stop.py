"""A key with the scope `stop` stops canaries, and does nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.gateway.hooks import Mount
from weighbridge.gateway.stop import STOP_PATH, STOP_SCOPE, CanaryStop
from weighbridge.pilot.access.protocol import Caller
from weighbridge.pilot.canary.order import canary_order
from weighbridge.pilot.route import CanarySettings, CanaryTerms, Route

from .conftest import KEY, Running, leg_to, run_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Orders:
    """Takes orders, or cannot."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Mapping[str, Any]]] = []
        self.halted: list[str] = []
        self.is_gone = False

    def __call__(self, route: str, facts: Mapping[str, Any]) -> None:
        """Take one."""
        if self.is_gone:
            raise WeighbridgeError("the database is gone")
        self.taken.append((route, facts))


@pytest.fixture
def orders() -> Orders:
    """Return where orders go."""
    return Orders()


@pytest.fixture
def gateway(orders: Orders) -> Iterator[Running]:
    """Run a gateway with one canary, and one route without."""
    leg = leg_to("http://127.0.0.1:9/v1")
    routes = {
        "qwen": Route("qwen", leg, canary=CanarySettings(leg, CanaryTerms((0.05,)))),
        "plain": Route("plain", leg),
    }
    stop = CanaryStop(routes.get, orders.halted.append, orders)
    with run_gateway(routes, mounts=(Mount(STOP_PATH, stop.app, STOP_SCOPE),)) as running:
        as_caller(running, scopes=frozenset({"stop"}))
        yield running


def as_caller(gateway: Running, **fields: Any) -> None:
    """Give the key other rights."""
    name = f"Bearer {KEY}".encode()
    gateway.keys.callers[name] = replace(Caller("key-1", "tenant-1", frozenset()), **fields)


def test_the_order_is_written_with_who_gave_it(gateway: Running, orders: Orders) -> None:
    """202 once it is in the journal; what it says is what a command line's would."""
    status, _, answer = gateway.ask({"route": "qwen", "because": "the pager rang"}, STOP_PATH)
    assert (status, json.loads(answer)) == (202, {"route": "qwen", "ordered": "stop"})
    (name, facts), *more = orders.taken
    assert (name, more) == ("qwen", [])
    assert str(facts["about"]).startswith("canary/qwen/")
    assert {**facts, "about": ""} == canary_order("", "stop", "key key-1", "the pager rang")


def test_who_may_not_stop_stops_nothing(gateway: Running, orders: Orders) -> None:
    """No key, no scope, another's route; a route without a canary looks like one that is not there."""
    assert gateway.ask({"route": "qwen"}, STOP_PATH, key="wb_other")[0] == 401
    as_caller(gateway, scopes=frozenset({"inference", "admin:keys"}))
    assert gateway.ask({"route": "qwen"}, STOP_PATH)[0] == 403
    as_caller(gateway, scopes=frozenset({"stop"}), models=frozenset({"plain"}))
    missing = [gateway.ask({"route": name}, STOP_PATH) for name in ("qwen", "plain", "nowhere")]
    assert {(status, answer) for status, _, answer in missing} == {(404, missing[0][2])}
    assert orders.taken == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"[]", 400), (b"{}", 400), (b'{"route": 5}', 400), (b'{"route": "qwen", "do": "start"}', 400),
        (b'{"route": "qwen", "route": "plain"}', 400), (b'{"route": "qwen", "because": null}', 400),
        (b'{"route": "qwen", "because": "' + b"x" * 501 + b'"}', 400), (b"x" * 5000, 413), (b"[" * 4000, 400),
    ],
)  # fmt: skip
def test_what_is_no_order_is_refused(gateway: Running, orders: Orders, body: bytes, status: int) -> None:
    """Other fields, other types, one name twice, too long, too deep."""
    assert gateway.ask(body, STOP_PATH)[0] == status
    assert orders.taken == []


def test_other_methods_and_paths_are_nothing(gateway: Running, orders: Orders) -> None:
    """Nothing below, and POST only."""
    headers = {"Authorization": f"Bearer {KEY}"}
    assert gateway.call("GET", STOP_PATH, None, headers)[0] == 405
    assert gateway.ask({"route": "qwen"}, f"{STOP_PATH}/qwen")[0] == 404
    assert orders.taken == []


def test_an_order_that_cannot_be_written_is_not_said_to_be(gateway: Running, orders: Orders) -> None:
    """503, so that whoever asked tries again; this node has obeyed before it tried to write."""
    orders.is_gone = True
    status, headers, _ = gateway.ask({"route": "qwen"}, STOP_PATH)
    assert (status, headers["retry-after"]) == (503, "1")
    assert [name.rpartition("/")[0] for name in orders.halted] == ["canary/qwen"]
