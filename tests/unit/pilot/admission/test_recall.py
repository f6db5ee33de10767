"""Checks that outlive a restart: they count for the very same thing only, not for long, and are made again."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from weighbridge.pilot.admission.recall import CHECKS_FILE

MINUTE = 60.0


@pytest.fixture
def checked(scene: Any) -> Any:
    """Return a scene whose mirror and server were checked, and matched; the server is away from now on."""
    subject = scene.make_mirror()
    scene.fingerprint(subject)
    scene.one_route(scene.decide(subject)[7:], 'mirror = "mirror"\nfingerprint = "weighed"')
    scene.served = scene.print_of()
    assert scene.row().is_open
    scene.served = None
    return scene


def started(scene: Any, ask: Any) -> Any:
    """Start a gateway's keeper, stop its threads before they check, and return the admission."""
    keeper = scene.keeper()
    keeper._check_served = lambda: None
    keeper.start()
    keeper.close()
    return ask(keeper)


def test_a_restart_closes_nothing(checked: Any, ask: Any) -> None:
    """Found by a user: each restart took fingerprinted routes away for a minute. Now what counted before counts on."""
    checked.now += 119 * MINUTE
    assert started(checked, ask).is_open
    checked.now += 2 * MINUTE
    assert "it is being checked" in started(checked, ask).refused


def test_a_server_swapped_while_the_gateway_was_down_is_found_at_its_start(checked: Any) -> None:
    """The check of a minute ago opens the route at once, and is made again at once: another model closes it."""
    checked.now += MINUTE
    checked.served = checked.print_of(2.0)
    keeper = checked.keeper()
    assert not keeper._examiner.due()
    keeper.start()
    keeper.close()
    keeper._check_served()
    (row,) = keeper.rows()
    assert (row.is_open, "otherwise than what was weighed" in row.why) == (False, True)


def test_a_check_of_a_clock_that_ran_ahead_gives_way(checked: Any, ask: Any) -> None:
    """Found by a user: one look under a clock of next month, and every restart closed the route until then."""
    checked.now += 31 * 24 * 60 * MINUTE
    checked.served = checked.print_of()
    checked.row()
    checked.now -= 31 * 24 * 60 * MINUTE
    assert "it is being checked" in started(checked, ask).refused
    assert checked.row().is_open
    assert started(checked, ask).is_open


def test_a_fresh_check_is_not_made_again(checked: Any) -> None:
    """Within ten minutes no server is asked (this one is away); the row says when it was."""
    asked: list[int] = []

    def probe(*_: object) -> Any:
        asked.append(1)
        return checked.print_of()

    checked.probe = probe
    checked.now += 9 * MINUTE
    (row,) = checked.keeper().check()
    assert (row.is_open, asked) == (True, [])
    assert "(at 12:00 UTC)" in row.checked
    checked.now += 2 * MINUTE
    (row,) = checked.keeper().check()
    assert (row.is_open, len(asked)) == (True, 1)
    assert "UTC" not in row.checked


def test_a_check_that_finds_another_model_ends_an_older_match(checked: Any, ask: Any) -> None:
    """A restart must not bring back what was seen to differ, nor does a reading of before."""
    checked.now += 11 * MINUTE
    checked.served = checked.print_of(2.0)
    assert "otherwise than what was weighed" in checked.keeper().check()[0].why
    assert not started(checked, ask).is_open


@pytest.mark.parametrize("change", ["weights", "address", "decision", "file", "clock"])
def test_another_thing_is_checked_anew(checked: Any, ask: Any, change: str) -> None:
    """Other bytes of the same size and time, another address, another decision, a file of checks that is none."""
    if change == "weights":
        path = checked.mirror / "model.safetensors"
        before = path.stat()
        path.write_bytes(b"WEIGHTS")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "address":
        text = (checked.folder / "gateway.toml").read_text()
        checked.write(text.replace(checked.URL, "http://127.0.0.1:8001/v1"))
    elif change == "decision":
        other = checked.decide(checked.ADDRESS, has_files=False)
        checked.fingerprint(checked.ADDRESS)
        checked.one_route(other[7:], f'fingerprint = "{checked.fingerprint(checked.ADDRESS)[7:]}"')
    elif change == "file":
        (checked.folder / "work" / CHECKS_FILE).write_text('{"checks": {"x": [1], "y": {"at": "now"}}}')
    else:
        checked.now -= MINUTE  # a check of the future is none
    assert "it is being checked" in started(checked, ask).refused


def test_the_file_is_its_owners_and_tells_nothing_secret(checked: Any) -> None:
    """Mode 0600, written whole; it holds times, results and digests."""
    path = checked.folder / "work" / CHECKS_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    (check,) = json.loads(path.read_text())["checks"].values()
    assert (check["at"], check["matches"]) == (checked.now, True)
    assert not list(path.parent.glob(f".{CHECKS_FILE}*"))
