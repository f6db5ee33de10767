"""`weighbridge pilot canary`, over the state that a gateway shares."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.pilot.canary.fold import CanaryFold
from weighbridge.pilot.journal.bookkeeper import Bookkeeper
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.route import (
    CanarySettings,
    CanaryTerms,
    JudgeTerms,
    Leg,
    Route,
    ShadowSettings,
    ShadowTerms,
    UpstreamSettings,
)
from weighbridge.pilot.shadow.pair import Pair, settings_of
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import CommandLine


def leg(name: str) -> Leg:
    """Return a leg of that model."""
    return Leg(UpstreamSettings("http://127.0.0.1:9/v1", name), f"sha256:{name}")


ROUTE = Route("qwen", leg("old"), canary=CanarySettings(leg("new"), CanaryTerms((0.05, 1.0), hold_s=0.0)))


def opened(folder: Path) -> SQLiteState:
    """Open the state of the workspace."""
    workspace = folder / "weighbridge-work"
    workspace.mkdir(exist_ok=True)
    return SQLiteState(workspace / STATE_FILE)


def worked(state: SQLiteState, seen: int = 0, route: Route = ROUTE) -> None:
    """Let a node see so many exchanges of each model, a second apart, and do what it does twice a second."""
    keeper = Bookkeeper(state, lambda: [CanaryFold(route)], lambda _: None)
    keeper.work()
    for number in range(seen):
        for arm, decision in (("primary", "sha256:old"), ("canary", "sha256:new")):
            facts = Observation("x", 1e9 + number, "qwen", arm, decision, f"{arm}{number}", failed=False, total_s=1.0)
            keeper.put(Entry(1e9 + number, "qwen", "seen", facts.to_facts()))
    keeper.work()


def test_status_says_where_it_stands_and_what_is_needed(weighbridge: CommandLine) -> None:
    """In words with both rates, their intervals and counts; the same as JSON, alone on stdout."""
    with closing(opened(weighbridge.folder)) as state:
        worked(state, seen=90)
    done = weighbridge("pilot", "canary", "status", "qwen")
    assert done.returncode == 0, done.stderr
    assert "stepping" in done.stdout
    assert "5% of the callers" in done.stdout
    assert "more looked-at answers of the candidate" in done.stdout
    assert "failed             0.0% [0.0, " in done.stdout
    assert done.stderr.splitlines()[-1] == "Next: `weighbridge pilot canary stop qwen`"
    told = json.loads(weighbridge("pilot", "canary", "status", "qwen", "--json").stdout)
    assert (told["schema"], told["route"], told["state"]) == ("weighbridge/pilot-canary/v1", "qwen", "stepping")
    assert {row["candidate"]["n"] for row in told["rows"]} == {51}  # the 40th answer of the primary began it
    assert "quality: not looked at" in done.stdout
    assert "[route.shadow.judge]" in done.stdout
    assert told["quality"] == "not looked at"


def test_status_shows_what_a_judge_says_of_the_answers(weighbridge: CommandLine) -> None:
    """A row of its own, with how many prompts it still takes; nothing is said to be missing then."""
    judge = JudgeTerms(UpstreamSettings("http://127.0.0.1:9/v1", "judge"))
    route = replace(ROUTE, shadow=ShadowSettings(leg("new"), ShadowTerms(0.1, judge=judge)))
    with closing(opened(weighbridge.folder)) as state:
        worked(state, seen=90, route=route)
        keeper = Bookkeeper(state, lambda: [CanaryFold(route)], lambda _: None)
        for number in range(8):
            pair = Pair(f"p{number}", settings_of(route), chance=0.25, judged="win" if number % 2 else "loss")
            keeper.put(Entry(1e9 + 90, "qwen", "pair", pair.to_facts()))
        keeper.work()
    done = weighbridge("pilot", "canary", "status", "qwen")
    assert "judged worse       50.0% [" in done.stdout
    assert "more prompts compared by the shadow" in done.stdout
    assert "not looked at" not in done.stdout
    told = json.loads(weighbridge("pilot", "canary", "status", "qwen", "--json").stdout)
    assert told["quality"] == "looked at"
    assert told["rows"][-1]["candidate"]["n"] == 8


def test_status_without_a_route_tells_of_all_and_every_table_fits_80_columns(weighbridge: CommandLine) -> None:
    """The usual width of a terminal; what was rolled back is looked into first."""
    other = replace(ROUTE, name="team/answers-of-the-help-desk")
    with closing(opened(weighbridge.folder)) as state:
        worked(state, seen=90)
        worked(state, route=other)
        done = weighbridge("pilot", "canary", "status", COLUMNS="80")
        both = weighbridge.json("pilot", "canary", "status")["canaries"]
        one = weighbridge("pilot", "canary", "status", "qwen", COLUMNS="80")
    assert [(row["route"], row["state"]) for row in both] == [("qwen", "stepping"), (other.name, "measuring")]
    assert done.stderr.splitlines()[-1] == "Next: `weighbridge pilot canary status qwen`"
    assert max(len(text) for text in (done.stdout + one.stdout).splitlines()) <= 80
    assert len(one.stdout.splitlines()) > 15


def test_stop_and_start_are_obeyed_by_a_running_node(weighbridge: CommandLine) -> None:
    """The command returns once the node has obeyed; the reason is kept; what is stopped cannot be stopped again."""
    with closing(opened(weighbridge.folder)) as state:
        worked(state, seen=90)
        ends = threading.Event()

        def run() -> None:
            while not ends.wait(0.1):
                worked(state)

        node = threading.Thread(target=run)
        node.start()
        try:
            stopped = weighbridge("pilot", "canary", "stop", "qwen", "--because", "the pager rang")
            again = weighbridge("pilot", "canary", "stop", "qwen")
            started = weighbridge("pilot", "canary", "start", "qwen", "--json")
        finally:
            ends.set()
            node.join()
    assert stopped.returncode == 0, stopped.stderr
    assert "stopped" in stopped.stdout
    assert "the pager rang" in stopped.stdout
    assert "nothing to do" in again.stderr
    told = json.loads(started.stdout)
    assert (told["state"], told["trial"]) == ("measuring", 2)


def test_a_route_without_a_canary_is_not_found(weighbridge: CommandLine) -> None:
    """Exit code 3 with what to do; also for a route whose name begins alike."""
    with closing(opened(weighbridge.folder)) as state:
        worked(state)
    for name in ("other", "qw", "canary/qwen"):
        done = weighbridge("pilot", "canary", "stop", name)
        assert done.returncode == 3
        assert "no canary" in done.stderr
        assert "[route.canary]" in done.stderr
