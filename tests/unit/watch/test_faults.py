"""No fault loses or invents an event: with faults at random, and killed on the way, the log is that of a clean run."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from weighbridge.hub.catalogue.protocol import Entry
from weighbridge.testing.hub_server import HubServer, RandomFaults
from weighbridge.watch.log import EventLog, append_events
from weighbridge.watch.snapshot import entry_from_json, entry_to_json

from .conftest import World, model, weights

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
STEPS = 4
MOST_ROUNDS = 60
Log = list[tuple[str, str, str]]


def advance(hub: HubServer, step: int) -> None:
    """Let the publishers do what they do: publish, change, rename, delete, squash, close."""
    write = hub.write
    if step == 0:
        for name in ("acme/a", "acme/b", "acme/c", "beta/a", "beta/b", "beta/c"):
            write(name, model(ord(name[-1])))
    elif step == 1:
        write("acme/a", {"model.safetensors": weights(9)})
        write("acme/b", {"README.md": b"---\nlicense: other\nlicense_name: acme-1\nlicense_link: LICENSE\n---\nx"})
        write("beta/a", {"tokenizer_config.json": b'{"chat_template": "{% if tools %}{{ messages }}{% endif %}"}'})
        write("beta/new", {"README.md": b"---\nlicense: other\nlicense_name: beta-1\n---\nx"})
        hub.squash("acme/c")
    elif step == 2:
        hub.rename("acme/c", "acme/d")
        hub.delete("beta/b")
        hub.repository("acme/a").facts["gated"] = "manual"  # type: ignore[union-attr]
        write("beta/c", {"LICENSE": b"All rights reserved", "modeling.py": b"1"})
    else:
        hub.rename("beta/a", "acme/moved")
        write("acme/d", {"generation_config.json": b'{"temperature": 1}'})


def play(folder: Path, hub_name: str, seed: int | None) -> Log:
    """Return the log after all steps, each followed until a round missed nothing."""
    (folder / "hub").mkdir(parents=True)
    with HubServer(folder / "hub") as hub:
        world = World(hub, folder / "work")
        world.follow(f"{hub_name}:acme", f"{hub_name}:beta", f"{hub_name}:beta/c")
        for step in range(STEPS):
            advance(hub, step)
            hub.chance = None if seed is None else RandomFaults(seed * STEPS + step, 0.4, in_a_row=12)
            assert any(world.watcher.run().is_whole for _ in range(MOST_ROUNDS)), "it never came through"
        with EventLog(folder / "work") as log:
            return [(event.id, event.kind, event.subject) for event in log.events()]


@pytest.fixture(scope="module", params=["hf", "ms"])
def clean(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[tuple[str, str, str]]]:
    """Return a hub and the log of a run without faults."""
    return request.param, play(tmp_path_factory.mktemp(request.param), request.param, None)


def test_the_clean_log_holds_what_was_done(clean: tuple[str, Log]) -> None:
    """Each step of the story is in it once, so that the law below speaks of something."""
    hub, log = clean
    told = {(kind, subject.removeprefix(f"{hub}:")) for _, kind, subject in log}
    done = {("weights", "acme/a"), ("licence-tag", "acme/b"), ("chat-template", "beta/a"), ("release", "beta/new"),
            ("deletion", "beta/b"), ("gating", "acme/a"), ("licence-text", "beta/c"), ("code", "beta/c"),
            ("generation-config", "acme/d")}  # fmt: skip
    assert done <= told
    assert len(log) == len(set(log))
    if hub == "hf":
        assert {("rename", "acme/c"), ("rename", "beta/a"), ("history-rewritten", "acme/c")} <= told


@pytest.mark.parametrize("seed", range(int(os.environ.get("WEIGHBRIDGE_WATCH_SEEDS", "1"))))
def test_faults_change_neither_the_events_nor_their_order(clean: tuple[str, Log], seed: int, tmp_path: Path) -> None:
    """Four in ten requests fail, up to twelve in a row; `WEIGHBRIDGE_WATCH_SEEDS=100` does so a hundred times."""
    hub, log = clean
    assert play(tmp_path, hub, seed) == log


class _Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("place", [2, 6])
def test_a_round_that_is_killed_goes_on_without_loss(
    clean: tuple[str, Log], place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of a transaction: its look and its events are both undone, and come in the next run."""
    hub, log = clean
    put, left = append_events, place

    def dying(*arguments: object) -> None:
        nonlocal left
        left -= 1
        put(*arguments)  # type: ignore[arg-type]
        if left == 0:
            raise _Killed

    monkeypatch.setattr("weighbridge.watch.state.append_events", dying)
    run = World.watcher.fget  # type: ignore[attr-defined]

    class Again:
        """Starts the round again where it was killed."""

        def __init__(self, world: World) -> None:
            self.world = world

        def run(self) -> object:
            """Run, and once more."""
            try:
                return run(self.world).run()
            except _Killed:
                return run(self.world).run()

    monkeypatch.setattr(World, "watcher", property(Again))
    assert play(tmp_path, hub, None) == log


def test_an_entry_survives_being_kept() -> None:
    """What is remembered is what was listed, to the last field."""
    row = Entry(
        "hf", "a/b", "id", "1" * 40, datetime(2026, 1, 1, tzinfo=UTC), None, "mit", "n", "l", "auto", False, None, 0, 5,
        None, "t", "lib", ("x", "y"), ("en",), (("finetune", "q/w"),), 7, (("BF16", 7),),
    )  # fmt: skip
    assert entry_from_json(entry_to_json(row)) == row
