"""The keeper: clock, reload, store and events, and what the hot path sees of them."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.pilot.access.protocol import Caller
from weighbridge.pilot.route import Leg, UpstreamSettings

if TYPE_CHECKING:
    from weighbridge.pilot.admission.keeper import Keeper

LAST_DAY = datetime(2026, 12, 22, 23, 59, 59, tzinfo=UTC).timestamp()  # 30 days after the decision


def settle(keeper: Keeper, scene: Any, seconds: float = 1.0) -> None:
    """Let the clock go on and the keeper look twice; a file counts once it has been seen alike twice."""
    scene.now += seconds
    keeper.follow()
    keeper.follow()


def test_a_decision_ends_at_midnight_without_any_look(scene: Any, ask: Any) -> None:
    """Open in the last second of its last day in UTC, closed in the next, by the clock alone."""
    scene.one_route(scene.decide(scene.ADDRESS, has_files=False)[7:])
    keeper = scene.keeper()
    keeper.check()
    scene.now = LAST_DAY
    assert ask(keeper).is_open
    scene.now += 1
    assert "expired on 2026-12-22" in ask(keeper).refused
    assert [name for name, _ in scene.events] == ["leg.opened"]
    keeper.follow()
    assert [name for name, _ in scene.events] == ["leg.opened", "leg.refused"]


def test_a_changed_file_is_taken_whole(scene: Any, ask: Any) -> None:
    """A route more, with the old one's leg the same object for requests under way; recorded before it counts."""
    decision = scene.decide(scene.ADDRESS, has_files=False)
    path = scene.one_route(decision[7:])
    keeper = scene.keeper()
    keeper.check()
    keeper.follow()
    held = keeper.admissions.find("tiny").primary
    text = path.read_text()
    scene.write(text + text[text.index("[[route]]") :].replace('"tiny"\ndec', '"more"\ndec'))
    settle(keeper, scene)
    assert keeper.admissions.names() == ("tiny", "more")
    assert keeper.admissions.find("tiny").primary is held
    assert ask(keeper, "more").is_open
    assert [name for name, _ in scene.events] == ["leg.opened", "routes.reloaded", "leg.opened"]
    caller = Caller("k", "t", frozenset(), frozenset({"more", "other"}))
    assert keeper.admissions.names(caller) == ("more",)
    scene.write(text)
    settle(keeper, scene)
    assert keeper.admissions.find("more") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "`route` is missing"),
        ("[[route", "is not TOML"),
        (None, "is not there"),
        ("{}\n[gateway]\nlisten = '127.0.0.1:1'", "takes a restart"),
    ],
)
def test_a_wrong_file_is_refused_and_the_old_stays(scene: Any, ask: Any, text: str | None, why: str) -> None:
    """What is there goes on; the reason is shown and told; the right file clears it."""
    path = scene.one_route(scene.decide(scene.ADDRESS, has_files=False)[7:])
    right = path.read_text()
    keeper = scene.keeper()
    keeper.check()
    keeper.follow()
    if text is None:
        path.unlink()
    else:
        whole = right.partition("\n")[2].partition("\n")[2]
        scene.write(text.replace("{}", whole) if "{}" in text else text)
    settle(keeper, scene)
    assert why in keeper.problem
    assert ask(keeper).is_open
    assert scene.events[-1][0] == "routes.refused"
    scene.write(right + "\n")
    settle(keeper, scene)
    assert not keeper.problem


def test_a_new_price_asks_no_server_anew(scene: Any, ask: Any) -> None:
    """What was checked does not depend on prices, time limits or conditions: the route is open throughout."""
    subject = scene.make_mirror()
    scene.fingerprint(subject)
    path = scene.one_route(scene.decide(subject)[7:], 'mirror = "mirror"\nfingerprint = "weighed"')
    scene.served = scene.print_of()
    keeper = scene.keeper()
    keeper.check()
    scene.served = None
    scene.write(path.read_text().replace(" }", ", idle_s = 7.0, price = { input = 1, output = 2 } }"))
    settle(keeper, scene)
    assert keeper.admissions.find("tiny").primary.upstream.price.usd_per_mtok_output == 2
    assert ask(keeper).is_open
    assert [name for name, _ in scene.events] == ["leg.opened", "routes.reloaded"]
    scene.write(path.read_text().replace(scene.URL, "http://127.0.0.1:8001/v1"))
    settle(keeper, scene)
    assert "it is being checked" in ask(keeper).refused


def test_a_file_that_is_being_written_is_waited_for(scene: Any) -> None:
    """Cut short it may be a valid file with fewer routes: only what was seen alike twice is read."""
    decision = scene.decide(scene.ADDRESS, has_files=False)
    path = scene.one_route(decision[7:])
    text = path.read_text()
    more = text + text[text.index("[[route]]") :].replace('"tiny"\ndec', '"more"\ndec')
    scene.write(more)
    keeper = scene.keeper()
    keeper.check()
    settle(keeper, scene)
    scene.write(text)
    keeper.follow()
    scene.write(more + "# saved\n")
    settle(keeper, scene)
    assert keeper.admissions.names() == ("tiny", "more")
    assert not keeper.problem


def test_an_upstream_that_cannot_be_asked_refuses_the_file(scene: Any) -> None:
    """A key that the environment does not hold is seen at the reload, not at the first request."""
    path = scene.one_route(scene.decide(scene.ADDRESS, has_files=False)[7:])
    keeper = scene.keeper()
    keeper.check()

    def vet(upstream: UpstreamSettings) -> None:
        if upstream.key_variable:
            raise UsageError(f"`{upstream.key_variable}` is not set")

    keeper._vet = vet
    scene.write(path.read_text().replace(" }", ', key_env = "NO_KEY" }'))
    settle(keeper, scene)
    assert "`NO_KEY` is not set" in keeper.problem
    assert not keeper.admissions.find("tiny").primary.upstream.key_variable


def test_a_reload_that_cannot_be_recorded_is_not_done(scene: Any) -> None:
    """Whoever changes the file leaves a trace, or changes nothing; what happens by itself happens all the same."""
    path = scene.one_route(scene.decide(scene.ADDRESS, has_files=False)[7:])
    keeper = scene.keeper()

    def full(_event: str, _facts: object) -> None:
        raise WeighbridgeError("the disk is full")

    keeper._record = full
    assert keeper.check()[0].is_open
    scene.write(path.read_text().replace('"tiny"\ndec', '"other"\ndec'))
    settle(keeper, scene)
    assert "the disk is full" in keeper.problem
    assert keeper.admissions.names() == ("tiny",)


def test_what_the_store_learns_counts_at_the_next_look(scene: Any, ask: Any) -> None:
    """A decision that comes, an event that overtakes it, and a decision in view of that."""
    scene.one_route("latest", f'reference = "{scene.URL}#{scene.MODEL}"\npolicy = "gate"')
    keeper = scene.keeper()
    keeper.check()
    assert "the evidence cannot be read" in ask(keeper).refused
    decision = scene.decide(scene.ADDRESS, has_files=False)
    settle(keeper, scene)
    assert ask(keeper).is_open
    scene.mark_stale(scene.ADDRESS, decision)
    settle(keeper, scene)
    assert "is stale" in ask(keeper).refused
    anew = scene.decide(scene.ADDRESS, has_files=False)
    settle(keeper, scene)
    assert (ask(keeper).is_open, keeper.admissions.find("tiny").primary.decision) == (True, anew)
    told = [facts["decision"] for name, facts in scene.events if name == "leg.opened"]
    assert told == [decision, anew]


def test_completions_are_no_news(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that keeps its answers in the same store does not make the gateway read all decisions again."""
    scene.one_route(scene.decide(scene.ADDRESS, has_files=False)[7:])
    keeper = scene.keeper()
    keeper.check()
    monkeypatch.setattr(keeper, "_refresh", lambda: pytest.fail("read again"))
    with scene.store() as store:
        store.add_completions({"sha256:" + "0" * 64: {"text": "x"}})
        settle(keeper, scene)


def test_a_store_that_goes_away_is_waited_for(scene: Any, ask: Any) -> None:
    """Five minutes, for a backup or a move; then nothing is open, until it is back."""
    scene.one_route(scene.decide(scene.ADDRESS, has_files=False)[7:])
    keeper = scene.keeper()
    keeper.check()
    place = scene.folder / "work"
    place.rename(scene.folder / "away")
    settle(keeper, scene)
    assert ask(keeper).is_open
    settle(keeper, scene, 300.0)
    assert "the evidence cannot be read" in ask(keeper).refused
    (scene.folder / "away").rename(place)
    settle(keeper, scene)
    assert ask(keeper).is_open


def test_a_leg_is_known_by_what_it_is(scene: Any) -> None:
    """Two routes alike but for the conditions they accept do not open each other; a copy of a leg opens nothing."""
    decision = scene.decide(scene.ADDRESS, has_files=False, licence=None)
    path = scene.one_route(decision[7:], f'accept_conditions = ["{scene.CONDITION}"]')
    text = path.read_text()
    strict = text[text.index("[[route]]") :].replace('"tiny"\ndec', '"strict"\ndec').replace("accept_conditions", "# ")
    scene.write(text + strict)
    keeper = scene.keeper()
    keeper.check()
    tiny, other = (keeper.admissions.find(name).primary for name in ("tiny", "strict"))
    assert tiny == other
    assert keeper.admissions.admission(tiny).is_open
    assert not keeper.admissions.admission(other).is_open
    assert not keeper.admissions.admission(Leg(UpstreamSettings(scene.URL, scene.MODEL), decision)).is_open


def test_reloads_under_load_fail_no_request(scene: Any) -> None:
    """Every request sees one whole file: find and admission together are never refused while legs stay the same."""
    path = scene.one_route(scene.decide(scene.ADDRESS, has_files=False)[7:])
    text = path.read_text()
    extra = text + text[text.index("[[route]]") :].replace('"tiny"\ndec', '"more"\ndec')
    keeper = scene.keeper()
    keeper.check()
    seen: list[str] = []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            leg = keeper.admissions.find("tiny").primary
            seen.append(keeper.admissions.admission(leg).refused)
            time.sleep(0.0001)

    worker = threading.Thread(target=load)
    worker.start()
    for number in range(20):
        scene.write((extra if number % 2 else text) + f"# {number}\n")
        settle(keeper, scene)
    stop.set()
    worker.join()
    assert len([name for name, _ in scene.events if name == "routes.reloaded"]) == 20
    assert set(seen) == {""}


def test_its_threads_keep_watch(scene: Any, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open at once where no file has to be read; a mirror is checked behind, a listener that raises ends nothing."""
    monkeypatch.setattr("weighbridge.pilot.admission.keeper._ROUND_S", 0.02)
    address = scene.decide(scene.ADDRESS, has_files=False)
    text = scene.one_route(address[7:]).read_text()
    mirrored = (
        text[text.index("[[route]]") :].replace('"tiny"\ndec', '"copy"\ndec').replace(address[7:], scene.decide()[7:])
    )
    scene.write(f'{text}{mirrored}mirror = "mirror"\n')
    keeper = scene.keeper()

    def broken(_event: str, _facts: object) -> None:
        raise ValueError

    keeper._listeners = (broken,)
    keeper.start()
    try:
        assert ask(keeper).is_open
        _until(lambda: ask(keeper, "copy").is_open)
        scene.mark_stale(scene.ADDRESS, address)
        _until(lambda: not ask(keeper).is_open)
        assert ask(keeper, "copy").is_open
    finally:
        keeper.close()
    assert not any(thread.is_alive() for thread in keeper._threads)


def _until(holds: Any) -> None:
    """Wait until something holds, ten seconds at most."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
