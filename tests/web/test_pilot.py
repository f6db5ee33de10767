"""The pages of the pilot on this machine: what they show, who may see them, and what an operator can do."""

from __future__ import annotations

import json
import re
import runpy
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from weighbridge.errors import WeighbridgeError
from weighbridge.pilot.admission.told import ToldLegs, read_told
from weighbridge.pilot.alarm.alarms import read_alarms
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.web.pages.pilot.legs import Legs

if TYPE_CHECKING:
    from collections.abc import Callable

ROUTE = "/pilot/route?name=team%2Fcoder"
_ADMISSION = Path(__file__).parents[1] / "unit" / "pilot" / "admission" / "conftest.py"
ME = "ann"


@pytest.fixture(scope="module")
def boss(enter: Callable[..., Any]) -> Any:
    """Return an operator."""
    return enter()


@pytest.fixture(scope="module")
def viewer(enter: Callable[..., Any]) -> Any:
    """Return somebody who may look."""
    return enter(operates=False)


def _twin(guest: Any, path: str) -> Any:
    answer = guest.ask(path)
    assert answer.status == 200, answer.text
    return json.loads(answer.text)


def test_the_card_of_a_route_says_what_each_room_concluded(boss: Any, pilot: SimpleNamespace) -> None:
    """Alarm, legs, canary, shadow, drift, the last day and money, as the rooms' own readers tell them."""
    (route,) = _twin(boss, "/pilot.json")["routes"]
    assert (route["name"], route["open_alarms"], route["unread"]) == ("team/coder", 1, [])
    assert [(one["severity"], one["is_open"]) for one in route["alarms"]] == [("alarm", True), ("warning", True)]
    assert [(leg["leg"], leg["state"]) for leg in route["legs"]] == [("primary", "open"), ("canary", "refused")]
    assert {leg["decision"] for leg in route["legs"]} == {pilot.decision}
    assert [step["share"] for step in route["canary"]["ladder"]] == [0.01, 0.05, 0.25, 1.0]
    assert route["canary"]["quality"] == "not looked at"  # its shadow has no judge
    assert route["shadow"]["pairs"] == 100
    assert route["drift"]["seen"] == 200
    ((leg, checks, verdict, evidence),) = [
        (one["leg"], one["checks"], one["verdict"], one["evidence"]) for one in route["identity"]
    ]
    assert (leg, checks, verdict) == ("primary", 5, "same")
    assert 0 < evidence < 1
    assert {leg: board["day"]["looked_at"] for leg, board in route["board"].items()} == {"canary": 100, "primary": 200}
    assert len(route["days"]) == 14
    assert sum(day["usd"] for day in route["days"]) == pytest.approx(6.25)  # five days of 1.25 USD
    page = boss.ask("/pilot").text
    assert "Quality is not looked at" in page
    assert "未考察质量" in boss.ask("/pilot?language=zh").text
    for text in ("team/coder", "Stop the canary", f"/decision/{pilot.decision}", "6.25 USD", 'http-equiv="refresh"'):
        assert text in page


def test_an_alarm_is_named_in_the_reader_s_language(boss: Any) -> None:
    """The event has a word, and facts have a sentence; of a notice without facts there is what its monitor wrote."""
    page = boss.ask("/pilot?language=zh").text
    assert "漂移 <code>drift.alarmed</code>" in page
    assert "<code>team/coder</code> declines more often: 9.0%" in page
    assert "有未答复的警报。" in page
    assert "更常达到词元上限" in boss.ask(f"{ROUTE}&language=zh").text


def test_many_routes_are_listed_and_the_first_are_shown(pilot: SimpleNamespace, enter: Callable[..., Any]) -> None:
    """Of 130 routes a hundred have cards, the one with an alarm first, and the others are named with their links."""
    leg = 'upstream = { url = "http://127.0.0.1:1/v1", model = "m" }'
    text = "".join(f'[[route]]\nname = "r{number:03d}"\ndecision = "{"a" * 12}"\n{leg}\n' for number in range(129))
    path = pilot.folder.parent / "many.toml"
    path.write_text(f'[gateway]\nworkspace = "{pilot.folder.name}"\n{text}')
    guest = enter(operates=False, config=path)
    facts = _twin(guest, "/pilot.json")
    assert (len(facts["routes"]), len(facts["more"])) == (100, 30)
    assert facts["routes"][0]["name"] == "team/coder"
    assert guest.ask("/pilot").text.count('class="card tone-act"') == 100
    assert guest.ask("/pilot/route?name=r128").status == 200


def test_every_page_is_read_and_nothing_in_it_runs(boss: Any) -> None:
    """Each page has its twin, its style alone, escaped texts of strangers, in English and Chinese."""
    for path in ("/pilot", ROUTE, "/pilot/keys", "/pilot/audit"):
        first, _, query = path.partition("?")
        assert _twin(boss, f"{first}.json{'?' + query if query else ''}")["schema"].startswith("weighbridge/ui/pilot")
        for language in ("en", "zh"):
            answer = boss.ask(f"{path}{'&' if query else '?'}language={language}")
            assert answer.status == 200
            assert f'<html lang="{language}">' in answer.text
            assert "<script" not in answer.text
            assert "<b>A</b>" not in answer.text
            assert "script-src" not in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "no-store"
    assert (
        "有效" in boss.ask("/pilot/keys?language=zh&all=yes").text or "密钥" in boss.ask("/pilot/keys?language=zh").text
    )
    assert "&lt;script&gt;" in boss.ask("/pilot").text


def test_charts_are_drawn_beside_their_tables(boss: Any) -> None:
    """Latency and shares of both legs, agreement and cost: each an image with a name for screen readers."""
    page = boss.ask(ROUTE).text
    named = [text[:7] for text in re.findall(r'<svg role="img" aria-label="([^"]{15,})"', page)]
    both = ["Seconds", "Shares "] * 2
    assert [one for one in named if one in {"Histogr", "Seconds", "Shares ", "US doll"}] == [
        "Histogr",
        *both,
        "US doll",
    ]
    assert page.count("<caption>") >= 6


def test_strangers_see_no_key_no_record_and_no_route(boss: Any, pilot: SimpleNamespace) -> None:
    """Another account of this machine reaches the port: without the ticket it gets nothing of the pilot."""
    stranger = type(boss)(boss.port)
    welcome = stranger.ask("/pilot")
    assert welcome.status == 200
    assert "team/coder" not in welcome.text
    for path in ("/pilot.json", ROUTE, "/pilot/keys", "/pilot/keys.json", "/pilot/audit", "/pilot/audit.json",
                 "/pilot/audit/export?form=csv", "/pilot/keys/new", "/pilot/order?do=stop&route=team%2Fcoder",
                 f"/pilot/alarm?id={quote(pilot.alarm)}", f"/pilot/keys/{pilot.keys[0]}/revoke"):  # fmt: skip
        assert stranger.ask(path).status == 401, path
    for path in ("/pilot/keys/new", "/pilot/order", "/pilot/alarm", "/pilot/audit/verify",
                 f"/pilot/keys/{pilot.keys[0]}/revoke"):  # fmt: skip
        assert stranger.ask(path, {"route": "team/coder", "do": "stop"}).status == 401, path
    for ticket in ("", "x", "é", "a" * 43):
        assert stranger.ask(f"/enter?ticket={quote(ticket)}").status == 401
    assert not stranger.jar


def test_a_viewer_finds_no_button_and_no_way(viewer: Any, pilot: SimpleNamespace) -> None:
    """Without `--operate` there is nothing that changes anything, neither shown nor served."""
    for path in ("/pilot", ROUTE, "/pilot/keys"):
        page = viewer.ask(path).text
        assert "Stop the canary" not in page
        assert "Revoke" not in page
    for path in ("/pilot/keys/new", "/pilot/order", "/pilot/alarm", f"/pilot/keys/{pilot.keys[0]}/revoke"):
        assert viewer.ask(path, {"route": "team/coder", "do": "stop", "id": pilot.alarm}).status == 404, path
    with closing(SQLiteState(pilot.folder / STATE_FILE)) as state:
        assert not [one for one in state.entries("team/coder", 0, 100) if one.kind == "order"]


def test_the_stop_button_asks_first_and_writes_an_order(boss: Any, pilot: SimpleNamespace) -> None:
    """Looking at the question changes nothing; the answer is an entry of the journal with who and why."""
    assert "nobody any more" in boss.ask("/pilot/order?do=stop&route=team%2Fcoder").text
    assert boss.ask("/pilot/order?do=stop&route=nobody").status == 404
    assert boss.ask("/pilot/order", {"do": "explode", "route": "team/coder"}).status == 400
    with closing(SQLiteState(pilot.folder / STATE_FILE)) as state:
        assert not [one for one in state.entries("team/coder", 0, 100) if one.kind == "order"]
        told = boss.ask("/pilot/order", {"do": "stop", "route": "team/coder", "because": "it looks odd"})
        assert "told-stop" in told.leads
        (order,) = [one for one in state.entries("team/coder", 0, 100) if one.kind == "order"]
        (canary,) = [one.name for one in state.documents()[1] if one.name.startswith("canary/")]
        notes: list[Any] = []
        state.hand_over(lambda event, facts: notes.append((event, facts.get("route"), facts.get("by"))))
    facts = {"to": "canary", "about": canary, "do": "stop", "by": ME, "because": "it looks odd"}
    assert dict(order.facts) == facts
    assert ("canary.ordered", "team/coder", ME) in notes
    assert "order to stop" in boss.ask(told.leads).text


def test_an_alarm_is_answered_with_words(boss: Any, pilot: SimpleNamespace) -> None:
    """The answer is evidence; an alarm that has one is answered no second time, and none is answered in silence."""
    form = {"id": pilot.alarm, "because": "a new team asks about medicine"}
    assert boss.ask(f"/pilot/alarm?id={quote(pilot.alarm)}").status == 200
    assert boss.ask("/pilot/alarm", {**form, "because": " "}).status == 400
    assert "note=answered" in boss.ask("/pilot/alarm", form).leads
    assert boss.ask("/pilot/alarm", form).status == 404
    with closing(SQLiteStore(pilot.folder / "evidence.sqlite", read_only=True)) as store:
        (alarm,) = [one for one in read_alarms(store) if one.severity == "alarm"]
    assert (alarm.because, alarm.is_open) == ("a new team asks about medicine", False)
    assert "a new team asks about medicine" in boss.ask(ROUTE).text


def test_the_dashboard_comes_back_by_itself_when_the_database_does(
    enter: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is away the page says so, and asks again; a page with a form does not, for what was typed is in it."""
    guest = enter(operates=False)

    def fail(*_: object, **__: object) -> None:
        raise WeighbridgeError("the pilot's database cannot be reached", hint="see whether PostgreSQL runs")

    with monkeypatch.context() as away:
        away.setattr("weighbridge.web.pages.pilot.room.open_state", fail)
        lost, keys = guest.ask("/pilot"), guest.ask("/pilot/keys")
    assert (lost.status, keys.status) == (500, 500)
    assert "database cannot be reached" in lost.text
    assert ('http-equiv="refresh"' in lost.text, 'http-equiv="refresh"' in keys.text) == (True, False)
    assert guest.ask("/pilot").status == 200


def test_an_empty_workspace_says_what_to_do_next(
    tmp_path: Path, pilot: SimpleNamespace, enter: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No state, no log, no file: each page names the next command."""
    with closing(SQLiteStore(tmp_path / "evidence.sqlite")):
        pass
    monkeypatch.setattr(pilot, "folder", tmp_path)
    guest = enter(operates=False)
    assert "weighbridge pilot key create" in guest.ask("/pilot").text
    assert "weighbridge pilot key create" in guest.ask("/pilot/keys").text
    assert "weighbridge serve" in guest.ask("/pilot/audit").text
    assert guest.ask(ROUTE).status == 404
    assert not (tmp_path / STATE_FILE).exists()


def test_a_document_of_another_version_is_told_not_shown(boss: Any, pilot: SimpleNamespace) -> None:
    """What a room wrote and this version cannot read is named, and the rest of the card stays."""
    with closing(SQLiteState(pilot.folder / STATE_FILE)) as state:
        (document,) = [one for one in state.documents()[1] if one.name.startswith("canary/")]
        broken = type(document)(document.name, {"state": "of the future"}, document.taken, document.version)
        assert state.put(broken)
        (route,) = _twin(boss, "/pilot.json")["routes"]
        assert (route["canary"], route["unread"]) == (None, ["canary"])
        assert boss.ask("/pilot").status == boss.ask(ROUTE).status == 200
        (now,) = [one for one in state.documents()[1] if one.name == document.name]
        assert state.put(type(document)(document.name, document.body, document.taken, now.version))


def test_legs_are_told_from_the_file_the_evidence_and_what_a_gateway_recorded(tmp_path: Path) -> None:
    """Open by its address; not known where only a gateway checks, until one has recorded it; a wrong file is told."""
    scene = SimpleNamespace(**runpy.run_path(str(_ADMISSION))).Scene(tmp_path)
    by_address = scene.decide(scene.ADDRESS, has_files=False)
    by_files = scene.decide()
    scene.fingerprint(scene.make_mirror())
    leg = f'upstream = {{ url = "{scene.URL}", model = "{scene.MODEL}" }}'
    text = f"""[gateway]
workspace = "work"
[[route]]
name = "near"
decision = "{by_address}"
{leg}
[[route]]
name = "printed"
decision = "{by_files}"
fingerprint = "weighed"
{leg}
[[route]]
name = "gone"
decision = "{"a" * 12}"
{leg}
"""
    path = scene.write(text)
    state = SQLiteState(tmp_path / "work" / STATE_FILE)
    tell, legs = ToldLegs(state), Legs(path)

    def table() -> tuple[dict[str, list[dict[str, Any]]], str]:
        return legs.table(read_told(state.documents()[1]))

    def states() -> dict[str, str]:
        return {name: row["state"] for name, (row,) in table()[0].items()}

    assert states() == {"near": "open", "printed": "unknown", "gone": "refused"}
    facts = {"route": "printed", "leg": "primary", "decision": by_files, "verdict": "adopt", "until": "", "why": ""}
    tell("leg.opened", facts)
    assert states()["printed"] == "open"
    tell("leg.refused", {**facts, "why": "the server answers otherwise"})
    tell("leg.opened", {**facts, "decision": "sha256:" + "b" * 64, "route": "gone"})
    tell("leg.opened", {**facts, "leg": "canary"})
    elsewhere = Legs(None).table(read_told(state.documents()[1]))[0]
    assert [(row["leg"], row["state"]) for row in elsewhere["printed"]] == [("primary", "refused"), ("canary", "open")]
    assert states() == {"near": "open", "printed": "refused", "gone": "refused"}
    scene.write("= nonsense")
    states()
    states()
    assert "refused" in table()[1]
    assert states()["near"] == "open"
    state.close()
