"""Two gateways as processes on one PostgreSQL: what ends on one ends on the other, and a budget is one budget."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import CommandLine
from tests.cli.test_serve import CHAT, prepare
from tests.conformance.conftest import database_of
from tests.web.conftest import Guest

from weighbridge.testing.upstream_double import UpstreamDouble, answer, events
from weighbridge.testing.waiting import first_document

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
PRICE = "price = { input = 250.0, output = 250.0 }\n"  # CHAT has four tokens: it costs 0.001 USD


def started(line: CommandLine, stack: ExitStack, *words: str) -> Any:
    """Start a command that serves until it is ended, and return what it says with --json."""
    process: subprocess.Popen[str] = line.start(*words, "--json")

    def end() -> None:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)

    stack.callback(end)
    return first_document(process)


class Node:
    """One gateway of several, with a workspace and an audit log of its own."""

    def __init__(self, line: CommandLine, stack: ExitStack) -> None:
        self.line = line
        self.place = started(line, stack, "serve")["url"].split("/")[2]

    @contextmanager
    def asked(self, method: str, path: str, key: str, content: object) -> Iterator[http.client.HTTPResponse]:
        """Ask, and yield the answer."""
        connection = http.client.HTTPConnection(self.place, timeout=10)
        connection.request(method, path, json.dumps(content), {"Authorization": f"Bearer {key}"})
        yield connection.getresponse()
        connection.close()

    def ask(self, key: str) -> tuple[int, bytes]:
        """Ask for a chat completion."""
        with self.asked(
            "POST", "/v1/chat/completions", key, {"model": "small", "messages": [], "max_tokens": 1}
        ) as got:
            return got.status, got.read()

    def manage(self, method: str, path: str, key: str, content: object = None) -> Any:
        """Ask the admin API."""
        with self.asked(method, path, key, content or {}) as got:
            assert got.status < 300
            return json.loads(got.read())


@pytest.fixture(scope="module")
def nodes(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node, str]]:
    """Start two gateways in front of one model, and yield them with a key that manages keys."""
    tmp_path = tmp_path_factory.mktemp("nodes")
    first = CommandLine(tmp_path / "first")
    first.folder.mkdir()
    address = database_of(postgres, tmp_path)
    first.env |= {"WEIGHBRIDGE_PILOT_DATABASE": address, "WEIGHBRIDGE_PEPPER": "p" * 32, "SMALL_KEY": "sk"}
    second = CommandLine(tmp_path / "second")
    second.env = first.env
    stream = events(*[EVENT] * 1000, gap_s=0.01)
    double = UpstreamDouble(lambda n, _: stream if b'"stream"' in double.asked[n - 1].body else [answer(CHAT)])
    with double.running(), ExitStack() as stack:
        prepare(first, first.folder, double.url)
        with (first.folder / "gateway.toml").open("a") as file:
            file.write(PRICE)
        shutil.copytree(first.folder, second.folder)
        admin = first.json("pilot", "key", "create", "admin", "--scope", "admin:keys", "--scope", "inference")["key"]
        yield Node(first, stack), Node(second, stack), admin


def known(node: Node, key: str) -> None:
    """Wait until a node knows a key."""
    until = time.monotonic() + 10
    while node.ask(key)[0] == 401:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_key_that_ends_on_one_node_ends_on_the_other_within_a_second(nodes: tuple[Node, Node, str]) -> None:
    """New requests are refused there, and a stream that is under way is cut with its reason (CVE-2026-12796)."""
    one, other, admin = nodes
    made = one.manage("POST", "/admin/v1/keys", admin, {"name": "app"})
    key = made["key"]
    known(other, key)
    body = {"model": "small", "messages": [], "stream": True}
    with other.asked("POST", "/v1/chat/completions", key, body) as stream:
        assert stream.read(len(EVENT)) == EVENT
        one.manage("DELETE", f"/admin/v1/keys/{made['id']}", admin)
        ended = time.monotonic()
        last = stream.read().split(b"\n\n")[-2]
        assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "invalid_api_key"
        assert time.monotonic() - ended < 2.0  # a second, and another for a busy machine: bench/gateway_faults measures
    assert other.ask(key)[0] == 401


def test_two_nodes_spend_one_budget(nodes: tuple[Node, Node, str]) -> None:
    """Twenty answers' worth is twenty answers at the most, however they are shared; and each node counts its own."""
    one, other, admin = nodes
    key = one.manage("POST", "/admin/v1/keys", admin, {"name": "app", "budget": {"usd_per_day": 0.02}})["key"]
    known(other, key)
    served = {one.place: 0, other.place: 1}  # `known` asked once
    for node in (one, other) * 12:
        served[node.place] += node.ask(key)[0] == 200
    assert min(served.values()) > 1
    assert sum(served.values()) <= 20
    assert {json.loads(node.ask(key)[1])["error"]["code"] for node in (one, other)} == {"budget_exceeded"}


def test_pages_over_the_database_show_and_steer_both_nodes(nodes: tuple[Node, Node, str]) -> None:
    """`weighbridge ui` beside one node: a key made there opens both, what both did is added up, and it ends on both."""
    one, other, _ = nodes
    with ExitStack() as stack:
        told = started(one.line, stack, "ui", "--operate", "--port", "0")["pilot"].split("/", 3)
        guest = Guest(int(told[2].rpartition(":")[2]))
        assert guest.ask(f"/{told[3]}").leads == "/pilot"
        made = guest.ask("/pilot/keys/new", {"name": "by a page", "once": "1"}).text
        found = re.search(r"wb_([a-z2-7]{12})_[\w-]{43}", made)
        assert found is not None
        key, key_id = found[0], found[1]
        known(one, key)
        known(other, key)

        def spent() -> float:
            rows = json.loads(guest.ask("/pilot/keys.json").text)["keys"]
            return float(next(row["budgets"][2]["usd"] for row in rows if row["id"] == key_id))

        until = time.monotonic() + 10
        while (total := spent()) < 0.002 and time.monotonic() < until:  # an answer of each node
            time.sleep(0.05)
        assert total == pytest.approx(0.002)
        (route,) = json.loads(guest.ask("/pilot.json").text)["routes"]
        assert (route["name"], [leg["state"] for leg in route["legs"]], route["unread"]) == ("small", ["open"], [])
        assert guest.ask("/pilot/route?name=small").status == guest.ask("/pilot/audit").status == 200
        assert guest.ask(f"/pilot/keys/{key_id}/revoke", {"once": "2"}).leads.endswith("note=revoked")
        until = time.monotonic() + 10
        while {node.ask(key)[0] for node in (one, other)} != {401}:
            assert time.monotonic() < until
            time.sleep(0.01)
