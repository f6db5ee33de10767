"""`weighbridge pilot`: keys and what they spent, as an operator meets them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from weighbridge.pilot.access.gatekeeper import MemoryGatekeeper
from weighbridge.pilot.access.pepper import load_pepper
from weighbridge.pilot.access.protocol import Refusal
from weighbridge.pilot.state.protocol import UsageRow
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState

if TYPE_CHECKING:
    from .conftest import CommandLine


def test_a_key_from_its_making_to_its_end(weighbridge: CommandLine) -> None:
    """The key alone is on stdout, and it opens the gateway until it is revoked."""
    done = weighbridge(
        "pilot", "key", "create", "the app", "--usd-per-day", "5", "--model", "qwen", "--expires-in", "90d"
    )
    assert done.returncode == 0, done.stderr
    text = done.stdout.strip()
    assert text not in done.stderr
    workspace = weighbridge.folder / "weighbridge-work"
    state = SQLiteState(workspace / STATE_FILE)
    gate = MemoryGatekeeper(state, load_pepper(workspace, {}))
    caller = gate.identify(b"Bearer " + text.encode())
    assert not isinstance(caller, Refusal)
    assert caller.models == frozenset({"qwen"})
    state.add_usage([UsageRow(datetime.now(UTC).date(), caller.key_id, "qwen", 2, 1500, 20, 1_250_000_000)])

    (listed,) = json.loads(weighbridge("pilot", "key", "list", "--json").stdout)["keys"]
    assert (listed["id"], listed["state"], listed["budget"]["usd_per_day"]) == (caller.key_id, "live", 5)
    words = ("--usd-per-day", "none", "--usd-total", "7.5", "--model", "*", "--expires-in", "none")
    assert weighbridge("pilot", "key", "change", caller.key_id, *words).returncode == 0
    shown = weighbridge("pilot", "key", "show", caller.key_id)
    assert "$7.50" in shown.stdout
    assert "$5.00" not in shown.stdout
    assert text not in shown.stdout
    (row,) = json.loads(weighbridge("pilot", "spend", "--by", "route", "--json").stdout)["rows"]
    assert row == {"route": "qwen", "requests": 2, "input_tokens": 1500, "output_tokens": 20, "usd": 1.25}

    by_key = weighbridge("pilot", "spend")
    assert by_key.stdout.splitlines()[-1].split() == [caller.key_id, "the", "app", "2", "1,500", "20", "1.25"]
    assert {len(text) for text in by_key.stdout.splitlines()} == {80}

    new = weighbridge("pilot", "key", "rotate", caller.key_id, "--grace", "1h").stdout.strip()
    assert weighbridge("pilot", "key", "revoke", caller.key_id).returncode == 0
    gate.refresh()
    for old in (text, new):
        assert isinstance(gate.identify(b"Bearer " + old.encode()), Refusal)
    assert "revoked" in weighbridge("pilot", "key", "list", "--all").stdout
    state.close()


def test_small_money_is_written_out_and_a_route_that_is_not_there_is_told(weighbridge: CommandLine) -> None:
    """A budget of $0.0004 is not $0.00; a key for a route that the file does not have is made with a warning."""
    (weighbridge.folder / "gateway.toml").write_text(
        '[[route]]\nname = "qwen"\ndecision = "latest"\nreference = "o/m"\npolicy = "pilot"\nfingerprint = "weighed"\n'
        'upstream = { url = "http://127.0.0.1:9/v1", model = "m" }\n'
    )
    words = ("--usd-total", "0.0004", "--model", "qwen", "--model", "nosuchroute")
    done = weighbridge("pilot", "key", "create", "app", *words)
    assert done.returncode == 0
    assert "no route `nosuchroute`" in done.stderr
    assert "`qwen`" not in done.stderr
    key_id = done.stdout.split("_")[1]
    state = SQLiteState(weighbridge.folder / "weighbridge-work" / STATE_FILE)
    state.add_usage([UsageRow(datetime.now(UTC).date(), key_id, "qwen", 1, 1, 1, 42_900)])
    state.close()
    assert "$0.0004" in weighbridge("pilot", "key", "show", key_id).stdout
    assert "0.0000429" in weighbridge("pilot", "spend").stdout


def test_what_was_done_waits_for_the_audit_log(weighbridge: CommandLine) -> None:
    """No gateway runs: the notes lie in the store, without the secret, until one takes them."""
    text = weighbridge("pilot", "key", "create", "app").stdout.strip()
    with closing(sqlite3.connect(weighbridge.folder / "weighbridge-work" / STATE_FILE)) as database:
        ((event, facts),) = database.execute("SELECT event, facts FROM notes").fetchall()
    assert event == "key.created"
    assert json.loads(facts)["by"] == "command line"
    assert text.split("_", 2)[2] not in facts


def test_wrong_words_are_said_to_be_wrong(weighbridge: CommandLine) -> None:
    """Exit code 2 for what cannot be, 3 for what is not there, and nothing is made by looking."""
    assert weighbridge("pilot", "key", "list").returncode == 3
    assert not (weighbridge.folder / "weighbridge-work").exists()
    for words in (("--scope", "god"), ("--expires-in", "soon")):
        done = weighbridge("pilot", "key", "create", "app", *words)
        assert done.returncode == 2, words
        assert done.stdout == ""


def test_another_pepper_is_refused(weighbridge: CommandLine) -> None:
    """Keys made under one pepper would all be dead under another."""
    assert weighbridge("pilot", "key", "create", "app").returncode == 0
    other = weighbridge("pilot", "key", "list", WEIGHBRIDGE_PEPPER="x" * 32)
    assert (other.returncode, "pepper" in other.stderr) == (2, True)
