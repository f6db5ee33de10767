"""`weighbridge pilot drift` as an operator meets it: how monitors stand, and the two orders."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.pilot.drift.fold import DriftFold
from weighbridge.pilot.journal.protocol import Document, Entry
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.route import Leg, Route, UpstreamSettings
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState

if TYPE_CHECKING:
    from .conftest import CommandLine

DECISION = "d" * 64


class Gateway:
    """The part of a gateway that folds what was seen, over a state in the workspace."""

    def __init__(self, weighbridge: CommandLine) -> None:
        folder = weighbridge.folder / "weighbridge-work"
        folder.mkdir(exist_ok=True)
        self.state = SQLiteState(folder / STATE_FILE)
        self.fold = DriftFold(Route("qwen", Leg(UpstreamSettings("http://127.0.0.1:9/v1", "m"), DECISION)))
        self.draw = random.Random(3)  # noqa: S311 - a simulation
        assert self.state.put(Document(self.fold.name, self.fold.begin()))

    def see(self, count: int, refused: float) -> None:
        """Look at so many exchanges, of which a share declines."""
        seen = Observation("x", 1.0, "qwen", "primary", DECISION, "u", failed=False, total_s=1.0)
        signs = [self.draw.random() < refused for _ in range(count)]
        self.state.append([Entry(1.0, "qwen", "seen", replace(seen, refused=sign).to_facts()) for sign in signs])
        self.obey()

    def obey(self) -> None:
        """Take what is in the journal."""
        before = self.state.document(self.fold.name)
        assert before is not None
        entries = self.state.entries("qwen", before.taken, 10_000)
        body, _ = self.fold.take(before.body, entries)
        assert self.state.put(replace(before, body=body, taken=entries[-1].number))

    def close(self) -> None:
        """Close the state."""
        self.state.close()


def test_from_learning_to_an_alarm_and_its_answer(weighbridge: CommandLine) -> None:
    """The table says what is known; an order without a reason is refused, with one it is obeyed."""
    gateway = Gateway(weighbridge)
    gateway.see(300, 0.02)
    first = weighbridge("pilot", "drift")
    assert first.returncode == 0, first.stderr
    assert "needed: 200 more" in first.stdout
    gateway.see(1700, 0.02)
    gateway.see(400, 0.2)
    (route,) = json.loads(weighbridge("pilot", "drift", "qwen", "--json").stdout)["routes"]
    (refused,) = [stream for stream in route["streams"] if stream["name"] == "refused"]
    assert (route["looked_at"], route["decision"], refused["state"]) == (2400, DECISION, "alarmed")
    assert refused["alarm"]["since"]["low"] < 0.2 < refused["alarm"]["since"]["high"]

    assert weighbridge("pilot", "drift", "qwen", "--acknowledge").returncode == 2
    assert weighbridge("pilot", "drift", "qwen", "--acknowledge", "--learn", "--because", "x").returncode == 2
    shown = weighbridge("pilot", "drift", "qwen", "--acknowledge", "--because", "a new product")
    assert "declines more often" in shown.stdout
    assert "the order is written" in shown.stderr
    gateway.obey()
    (route,) = json.loads(weighbridge("pilot", "drift", "qwen", "--json").stdout)["routes"]
    assert {stream["state"] for stream in route["streams"]} == {"watching"}
    assert weighbridge("pilot", "drift", "qwen", "--learn", "--because", "a new product").returncode == 0
    gateway.obey()
    document = gateway.state.document(gateway.fold.name)
    assert document is not None
    assert document.body["seen"] == 0
    gateway.close()


def test_what_is_not_watched_is_not_found(weighbridge: CommandLine) -> None:
    """No state at all, and a state without this route."""
    assert weighbridge("pilot", "drift").returncode in {2, 3}
    gateway = Gateway(weighbridge)
    missing = weighbridge("pilot", "drift", "other")
    assert missing.returncode == 3
    assert "no route is watched by the name `other`" in missing.stderr
    gateway.close()
