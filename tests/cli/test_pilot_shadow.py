"""`weighbridge pilot shadow`, over the state that a gateway shares."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

from weighbridge.pilot.journal.bookkeeper import Bookkeeper
from weighbridge.pilot.journal.protocol import Document, Entry
from weighbridge.pilot.route import JudgeTerms, Leg, Route, ShadowSettings, ShadowTerms, UpstreamSettings
from weighbridge.pilot.shadow.fold import ShadowFold
from weighbridge.pilot.shadow.pair import Pair, Spent, settings_of
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import CommandLine


def served(name: str) -> UpstreamSettings:
    """Return where a model is served."""
    return UpstreamSettings("http://127.0.0.1:9/v1", name)


SHADOW = ShadowSettings(Leg(served("new"), "sha256:new"), ShadowTerms(0.1, judge=JudgeTerms(served("judge"))))
ROUTE = Route("qwen", Leg(served("old"), "sha256:old"), shadow=SHADOW)


def opened(folder: Path) -> SQLiteState:
    """Open the state of the workspace."""
    workspace = folder / "weighbridge-work"
    workspace.mkdir(exist_ok=True)
    return SQLiteState(workspace / STATE_FILE)


def fill(folder: Path, count: int) -> None:
    """Let a node score so many pairs, a third the same, a third won by the candidate, a third not judged."""
    with closing(opened(folder)) as state:
        keeper = Bookkeeper(state, lambda: [ShadowFold(ROUTE)], lambda _: None)
        keeper.work()
        test = settings_of(ROUTE)
        for n in range(count):
            same, asked = n % 3 == 0, n % 3 == 1
            pair = Pair(
                f"x{n}", test, same=same, agreement=1.0 if same else 0.42, measure="words", refused=(False, n % 4 == 0),
                chars=(100, 150), total_s=(1.0, 2.0), first_s=(0.1, 0.1), settled="tie" if same else "",
                chance=0.0 if same else 0.5, judged="win" if asked else "", first=n % 2 == 0 if asked else None,
                spent=Spent(1, 0.001, int(asked), 0.002 * asked),
            )  # fmt: skip
            keeper.put(Entry(1e9 + n, "qwen", "pair", pair.to_facts()))
        keeper.work()


def test_the_verdict_and_all_that_it_rests_on_are_shown(weighbridge: CommandLine) -> None:
    """A line for each route, everything for one; the same as JSON, alone on stdout."""
    fill(weighbridge.folder, 90)
    done = weighbridge("pilot", "shadow")
    assert done.returncode == 0, done.stderr
    assert "worse       qwen: new beside old" in done.stdout
    assert "refused on 25.6" in done.stdout  # which the judge, who likes it, does not make up for
    assert "preference 0.833" in done.stdout
    assert "the same" not in done.stdout
    assert done.stderr.splitlines()[-1] == "Next: `weighbridge pilot shadow qwen`"
    whole = weighbridge("pilot", "shadow", "qwen").stdout
    for text in ("refused", "25.6% [", "the same", "0.4 to 0.5", "1.54 [1.48, 1.61]", "30 pairs, 0 replies", "$0.1500"):
        assert text in whole, text
    told = json.loads(weighbridge("pilot", "shadow", "qwen", "--json").stdout)
    (one,) = told["shadows"]
    assert (one["route"], one["verdict"], one["pairs"], one["margin"]) == ("qwen", "worse", 90, 0.05)
    assert 0.45 < one["preference"]["low"] < one["preference"]["value"] < one["preference"]["high"] <= 1


def test_a_route_without_a_shadow_is_said_so(weighbridge: CommandLine) -> None:
    """Whatever its name holds, and what another version wrote is left out."""
    with closing(opened(weighbridge.folder)) as state:
        assert state.put(Document("shadow/old/0123", {"pairs": "many"}))
    for words in (("qwen\x1b[2J",), ()):
        done = weighbridge("pilot", "shadow", *words)
        assert done.returncode == 3
        assert "has begun" in done.stderr
        assert "\x1b" not in done.stderr
    assert "another version" in done.stderr
