"""`weighbridge watch` as a user runs it, against the tests' hub."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.testing.hub_server import Fault, HubServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import CommandLine

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def hub(tmp_path: Path, weighbridge: CommandLine) -> Iterator[HubServer]:
    """Return a hub with two models, which the command line asks."""
    (tmp_path / "hub").mkdir()
    with HubServer(tmp_path / "hub") as server:
        weighbridge.env |= {"HF_ENDPOINT": server.url, "MODELSCOPE_ENDPOINT": server.url}
        for name in ("a", "b"):
            card = b"---\nlicense: mit\n---\n"
            server.write(f"acme/{name}", {"README.md": card, "chat_template.jinja": b"{{ messages }}\n"})
        yield server


def test_add_run_change_run(weighbridge: CommandLine, hub: HubServer) -> None:
    """From the first subscription to the first event, in the form that machines read."""
    added = weighbridge.json("watch", "add", "hf:acme")
    assert added["subscriptions"] == [{"reference": "hf:acme", "is_new": True}]
    first = weighbridge.json("watch", "run", "--once")
    assert (first["events"], first["unknown"], first["is_whole"]) == ([], [], True)
    hub.write("acme/a", {"README.md": b"---\nlicense: other\nlicense_name: acme-1\n---\n"})
    hub.write("acme/b", {"README.md": b"---\nlicense: mit\n---\nMore words"})
    second = weighbridge.json("watch", "run", "--once")
    shown = [(event["kind"], event["severity"], event["subject"]) for event in second["events"]]
    assert shown == [
        ("licence-tag", "high", "hf:acme/a"), ("card", "silent", "hf:acme/a"), ("card", "silent", "hf:acme/b")
    ]  # fmt: skip
    event: dict[str, Any] = second["events"][0]
    assert event["before"] == {"licence": "mit"}
    assert event["after"] == {"licence": "other", "licence_name": "acme-1"}
    assert event["commit"] == hub.commit("acme/a") != event["commit_before"]
    assert {"seen_at", "created_at", "announced_at", "confidence", "evidence", "notes", "id"} <= event.keys()
    assert second["polled"][0]["target"] == "hf:acme"
    assert weighbridge.json("watch", "run", "--once")["calls"] == 1
    assert weighbridge.json("watch", "events", "--subject", "hf:acme/b")["events"] == second["events"][2:]
    read = weighbridge("watch", "events")
    assert "licence mit -> licence other" in read.stdout
    assert "card" not in read.stdout
    assert "2 of them silent" in read.stderr
    assert read.stderr.strip().splitlines()[-1].startswith("Next: ")


def test_list_and_remove(weighbridge: CommandLine, hub: HubServer) -> None:
    """What is followed, whom it asks, since when; what is removed is asked for no more."""
    weighbridge("watch", "add", "hf:acme", "family:deepseek", "ms:acme/a")
    weighbridge("watch", "remove", "ms:acme/a")
    rows = weighbridge.json("watch", "list")["subscriptions"]
    assert [row["reference"] for row in rows] == ["family:DeepSeek", "hf:acme"]
    assert rows[0]["asks"] == ["hf:deepseek-ai", "ms:deepseek-ai"]
    assert rows[1]["looked_at"] is None
    again = weighbridge("watch", "remove", "hf:acme2")
    assert again.returncode == 3
    assert "hf:acme" in again.stderr
    assert hub.seen == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add", "Qwen"), 2, "nothing that can be watched"),
        (("run", "--once"), 2, "nothing is watched yet"),
        (("run", "--every", "1s"), 2, "a minute is the least"),
        (("events",), 3, "nothing is watched"),
    ],
)
def test_mistakes_are_told(weighbridge: CommandLine, words: tuple[str, ...], code: int, said: str) -> None:
    """Each with its exit code and a hint."""
    done = weighbridge("watch", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "hint:" in done.stderr


def test_a_hub_that_fails_leaves_a_partial_round(weighbridge: CommandLine, hub: HubServer) -> None:
    """One publisher cannot be listed: the other's events are kept, and the exit code says that some is left."""
    hub.write("beta/c", {"README.md": b"x"})
    weighbridge("watch", "add", "hf:acme", "hf:beta")
    weighbridge("watch", "run", "--once")
    hub.write("acme/new", {"README.md": b"x"})
    hub.faults.append(Fault("author=beta", status=429, headers={"Retry-After": "600"}))
    done = weighbridge("watch", "run", "--once", "--json")
    assert done.returncode == 4
    report = json.loads(done.stdout)
    assert [event["kind"] for event in report["events"]] == ["release"]
    assert report["skipped"][0]["target"] == "hf:beta"


def test_offline_asks_nobody(weighbridge: CommandLine, hub: HubServer) -> None:
    """The switch holds for the watch too."""
    weighbridge("watch", "add", "hf:acme")
    done = weighbridge("watch", "run", "--once", WEIGHBRIDGE_OFFLINE="1")
    assert done.returncode == 3
    assert "offline" in done.stderr
    assert hub.seen == []


def test_a_killed_run_loses_and_doubles_nothing(weighbridge: CommandLine, hub: HubServer) -> None:
    """Killed while it reads the second of two changed models; the next run says what the first did not."""
    weighbridge("watch", "add", "hf:acme")
    weighbridge("watch", "run", "--once")
    for name in ("a", "b"):
        hub.write(f"acme/{name}", {"chat_template.jinja": b"other"})
    hub.faults.append(Fault("acme/b/commits", slow_s=5.0))
    hub.seen.clear()
    run = weighbridge.start("watch", "run", "--once")
    deadline = time.monotonic() + 60
    while not any("acme/b/commits" in seen.line for seen in hub.seen) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.kill()
    run.communicate()
    hub.faults.clear()
    rest = weighbridge.json("watch", "run", "--once")["events"]
    assert [event["subject"] for event in rest] == ["hf:acme/b"]
    everything = weighbridge.json("watch", "events")["events"]
    assert [event["subject"] for event in everything] == ["hf:acme/a", "hf:acme/b"]
