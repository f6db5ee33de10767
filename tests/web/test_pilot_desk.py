"""Keys and the audit log on the pages of the pilot: what an operator makes and ends, finds and takes away."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import time
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.pilot.access.keys import digest_of_key
from weighbridge.pilot.access.pepper import load_pepper
from weighbridge.pilot.audit.export import Wanted, select
from weighbridge.pilot.state.protocol import UsageRow
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import SimpleNamespace

ME = "ann"


@pytest.fixture(scope="module")
def boss(enter: Callable[..., Any]) -> Any:
    """Return an operator."""
    return enter()


def _twin(guest: Any, path: str) -> Any:
    answer = guest.ask(path)
    assert answer.status == 200, answer.text
    return json.loads(answer.text)


def test_a_key_is_made_shown_once_rotated_and_revoked(boss: Any, pilot: SimpleNamespace) -> None:
    """The text opens what the state holds; a form sent twice makes one key; each act is noted for the audit log."""
    once = re.search(r'name="once" value="([^"]+)"', boss.ask("/pilot/keys/new").text)
    assert once is not None
    form = {"name": "nightly", "scope": ["inference"], "models": "team/coder, other", "days": "30", "concurrent": "4",
            "usd_per_day": "2.5", "once": once[1]}  # fmt: skip
    made = boss.ask("/pilot/keys/new", form)
    text = re.findall(r"wb_[a-z2-7]{12}_[\w-]{43}", made.text)[0]
    assert boss.ask("/pilot/keys/new", form).status == 400
    (key,) = [one for one in _twin(boss, "/pilot/keys.json")["keys"] if one["name"] == "nightly"]
    assert (key["models"], key["scopes"], key["limits"]["concurrent"]) == (["other", "team/coder"], ["inference"], 4)
    assert key["budgets"][0] == {"span": "day", "usd": 0.0, "of_usd": 2.5, "share": 0.0}
    assert text not in boss.ask("/pilot/keys").text

    def digests() -> set[bytes]:
        with closing(SQLiteState(pilot.folder / STATE_FILE)) as state:
            (found,) = [one for one in state.keys()[1] if one.id == key["id"]]
        return {one.digest for one in found.secrets}

    pepper = load_pepper(pilot.folder)
    assert digests() == {digest_of_key(pepper, text.encode())}
    rotated = boss.ask(f"/pilot/keys/{key['id']}/rotate", {"grace": "1h", "once": "r1"})
    fresh = re.findall(r"wb_[a-z2-7]{12}_[\w-]{43}", rotated.text)[0]
    assert digests() == {digest_of_key(pepper, one.encode()) for one in (fresh, text)}
    assert "cannot be undone" in boss.ask(f"/pilot/keys/{key['id']}/revoke").text
    assert boss.ask(f"/pilot/keys/{key['id']}/revoke", {"once": "v1"}).leads.endswith("note=revoked")
    assert digests() == set()
    notes: list[tuple[str, Any]] = []
    with closing(SQLiteState(pilot.folder / STATE_FILE)) as state:
        state.hand_over(lambda event, facts: notes.append((event, facts["by"])))
    assert {("key.created", ME), ("key.rotated", ME), ("key.revoked", ME)} <= set(notes)


def test_a_key_without_a_budget_shows_what_it_spent(boss: Any, pilot: SimpleNamespace) -> None:
    """Nothing is charged to it, and its requests cost money all the same: here three weeks ago."""
    with closing(SQLiteState(pilot.folder / STATE_FILE)) as state:
        state.add_usage([UsageRow(date(2026, 11, 1), pilot.keys[1], "team/coder", 1, 1, 1, 42_900)])
    (key,) = [one for one in _twin(boss, "/pilot/keys.json")["keys"] if one["id"] == pilot.keys[1]]
    assert [row["usd"] for row in key["budgets"]] == [0.0, 0.0000429, 0.0000429]
    assert "0.0000429 USD" in boss.ask("/pilot/keys").text


@pytest.mark.parametrize(
    "form",
    [
        {"name": ""}, {"name": "x", "days": "-1"}, {"name": "x", "days": "1e3"}, {"name": "x", "concurrent": "0"},
        {"name": "x", "usd_per_day": "nan"}, {"name": "x", "usd_per_day": "inf"}, {"name": "x", "scope": "root"},
        {"name": "x", "tenant": "../x"}, {"name": "x" * 200}, {"name": "x\ny"},
    ],
)  # fmt: skip
def test_a_form_that_makes_no_sense_makes_no_key(boss: Any, form: dict[str, str]) -> None:
    """The rules of the desk hold for forms: 400 in one sentence, and nothing is made."""
    before = len(_twin(boss, "/pilot/keys.json?all=yes")["keys"])
    assert boss.ask("/pilot/keys/new", {**form, "once": f"bad{form}"}).status == 400
    assert len(_twin(boss, "/pilot/keys.json?all=yes")["keys"]) == before


def test_records_are_listed_filtered_and_taken_away(boss: Any, pilot: SimpleNamespace) -> None:
    """The newest first; each filter narrows; the files hold what `audit export` gives, the oldest first."""
    every = list(select(pilot.folder / "audit", Wanted()))
    shown = _twin(boss, "/pilot/audit.json")
    assert shown["records"] == every[::-1]
    assert (shown["is_whole"], shown["damaged"]) == (True, 0)
    assert len(_twin(boss, "/pilot/audit.json?event=exchange&key=k1&route=team%2Fcoder")["records"]) == 4
    assert _twin(boss, "/pilot/audit.json?key=nobody")["records"] == []
    assert boss.ask("/pilot/audit?since=yesterday").status == 400
    lines = boss.ask("/pilot/audit/export?form=jsonl").text.splitlines()
    assert [json.loads(line) for line in lines] == every
    answer = boss.ask("/pilot/audit/export?form=csv&event=exchange")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert [row["event"] for row in csv.DictReader(io.StringIO(answer.text))] == ["exchange"] * 4


def test_the_log_is_verified_at_a_click_and_a_change_is_found(boss: Any, pilot: SimpleNamespace) -> None:
    """The button reads all of it; one byte that was altered is told, in verifying and in the list."""

    def verified() -> Any:
        assert boss.ask("/pilot/audit/verify", {}).leads == "/pilot/audit"
        until = time.monotonic() + 20
        while (found := _twin(boss, "/pilot/audit.json")["verification"])["runs"] and time.monotonic() < until:
            threading.Event().wait(0.05)
        return found["result"]

    assert verified()["holds"] is True
    page = boss.ask("/pilot/audit").text
    assert "whole and in order" in page
    assert re.search(r'Verified: <time datetime="20[^"]+">', page)
    (path,) = (pilot.folder / "audit").glob("audit-*.jsonl")
    whole = path.read_bytes()
    try:
        path.write_bytes(whole.replace(b'"status":200', b'"status":500', 1))
        assert verified()["holds"] is False
        page = boss.ask("/pilot/audit").text
        assert "does not hold" in page
        assert _twin(boss, "/pilot/audit.json")["damaged"] == 1
    finally:
        path.write_bytes(whole)
