"""Several nodes over one journal: every entry counts once in every document, whichever node is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from tests.conformance.conftest import database_of

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.journal.bookkeeper import Bookkeeper
from weighbridge.pilot.journal.protocol import Entry, Notice
from weighbridge.pilot.state.choose import DATABASE, open_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from weighbridge.pilot.state.protocol import PilotState

_EACH = 400


class Ledger:
    """A fold that remembers who wrote what, in the order in which it was taken."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.route = "qwen"

    def begin(self) -> Mapping[str, Any]:
        """Begin with nothing."""
        return {"taken": []}

    def take(self, body: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Mapping[str, Any], Sequence[Notice]]:
        """Remember, and tell of each hundredth."""
        told = [Notice(f"{self.name}:{one.number}:ledger.told", one.at, self.route, "ledger.told", "info", "")
                for one in entries if one.facts["x"] % 100 == 0]  # fmt: skip
        return {"taken": [*body["taken"], *([one.facts["node"], one.facts["x"]] for one in entries)]}, told


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Return the environment that names one database for all nodes of a test."""
    if request.param == "sqlite":
        return {}
    return {DATABASE: database_of(request.getfixturevalue("postgres"), tmp_path)}


def taken(state: PilotState, name: str) -> list[tuple[str, int]]:
    """Return what a ledger has taken."""
    document = state.document(name)
    return [(node, x) for node, x in document.body["taken"]] if document else []


def work_now(node: Bookkeeper) -> None:
    """Do a round, without the rest that a fold takes where another node was faster."""
    for work in tuple(node._folding._works.values()):
        work.rests_until = 0.0
    node.work()


def test_every_entry_counts_once_whoever_folds(shared: dict[str, str], tmp_path: Path) -> None:
    """Three nodes write and fold at once, two folds each: both ledgers hold every entry once, in one same order."""
    states = [open_state(tmp_path, shared) for _ in range(3)]
    folds = (Ledger("a"), Ledger("b"))
    told: list[str] = []
    nodes = [Bookkeeper(state, lambda: folds, lambda notice: told.append(notice.id)) for state in states]
    for node in nodes:
        node.work()

    def live(number: int) -> None:
        for x in range(_EACH):
            nodes[number].put(Entry(time.time(), "qwen", "seen", {"node": str(number), "x": x}))
            if x * (number + 2) % 29 == 0:  # each at its own pace
                work_now(nodes[number])

    threads = [threading.Thread(target=live, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for node in (*nodes, nodes[0]):
        work_now(node)
    every = sorted((str(number), x) for number in range(3) for x in range(_EACH))
    assert sorted(taken(states[0], "a")) == every
    assert taken(states[0], "a") == taken(states[0], "b")
    assert [node.dropped for node in nodes] == [0, 0, 0]
    notices = {notice.id for document in states[0].documents()[1] for notice in document.notices}
    assert len(notices) == 2 * 3 * _EACH // 100
    for state in states:
        state.close()


_NODE = """
import sys, time
from pathlib import Path
from tests.conformance.test_pilot_journals import Ledger
from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.journal.bookkeeper import Bookkeeper
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.state.choose import open_state

folds = (Ledger("a"), Ledger("b"))
node = Bookkeeper(open_state(Path(sys.argv[1])), lambda: folds, lambda notice: None)
node.start()
x = 0
while True:
    node.put(Entry(time.time(), "qwen", "seen", {"node": "killed", "x": x}))
    x += 1
    if x % 50 == 0:
        print(x - node.waiting - 1, flush=True)  # one may be on its way from the queue to its batch
    time.sleep(0.001)
"""


def test_a_killed_node_loses_no_more_than_what_it_had_not_written(shared: dict[str, str], tmp_path: Path) -> None:
    """SIGKILL in the midst: what was written is folded by another node, each entry once, in both ledgers alike."""
    state = open_state(tmp_path, shared)
    process = subprocess.Popen(
        [sys.executable, "-c", _NODE, str(tmp_path)], stdout=subprocess.PIPE, text=True, env={**os.environ, **shared}
    )
    assert process.stdout is not None
    written = 0
    while written < 300:
        written = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    folds = (Ledger("a"), Ledger("b"))
    other = Bookkeeper(state, lambda: folds, lambda _notice: None)
    for _ in range(2):
        other.work()
    found = taken(state, "a")
    assert found == [("killed", x) for x in range(len(found))]
    assert len(found) >= written
    assert taken(state, "b") == found
    state.close()


def test_connections_that_break_lose_and_double_nothing(postgres: str, tmp_path: Path) -> None:
    """PostgreSQL ends the node's connections again and again, in the midst of transactions: each entry counts once."""
    import psycopg

    state = open_state(tmp_path, {DATABASE: database_of(postgres, tmp_path)})
    folds = (Ledger("a"),)
    node = Bookkeeper(state, lambda: folds, lambda _notice: None)
    node.work()
    ends = threading.Event()

    def cut() -> None:
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weighbridge pilot'"
        with psycopg.connect(postgres, autocommit=True) as connection:
            while not ends.wait(0.003):
                connection.execute(kill)

    cutter = threading.Thread(target=cut)
    cutter.start()
    broken = 0
    for x in range(600):
        node.put(Entry(time.time(), "qwen", "seen", {"node": "only", "x": x}))
        try:
            if x % 3 == 0:
                work_now(node)
        except WeighbridgeError:
            broken += 1
    ends.set()
    cutter.join()
    while node.waiting or len(taken(state, "a")) < 600:
        with suppress(WeighbridgeError):
            work_now(node)
    assert broken
    assert taken(state, "a") == [("only", x) for x in range(600)]
    state.close()
