"""What one key can do to a route where others ask too: it warns, and closes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.pilot.drift.admission import Admission
from weighbridge.pilot.drift.standing import read_standing
from weighbridge.pilot.observation.noun import Observation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.pilot.drift.conftest import Traffic


def honest(traffic: Traffic, count: int, refused: float = 0.02, keys: int = 3) -> list[dict[str, Any]]:
    """Return exchanges of several keys that name no users."""
    return [
        {"key": f"k{at % keys}", "user": f"k{at % keys}", "refused": traffic.draw.random() < refused, "chars": 100}
        for at in range(count)
    ]


def hostile(number: int, **signs: Any) -> dict[str, Any]:
    """Return an exchange of one key that invents a user for each."""
    return {"key": "bad", "user": f"invented{number}", "refused": True, **signs}


def mixed(attack: Iterator[dict[str, Any]], beside: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one hostile exchange before each honest one."""
    return [one for pair in zip(attack, beside, strict=False) for one in pair]


def severities(traffic: Traffic, stream: str = "refused") -> list[str]:
    """Return how severe the alarms of a stream were, in order."""
    return [one.severity for one in traffic.told if one.facts.get("stream") == stream]


@pytest.mark.parametrize(
    ("stream", "before", "after"),
    [("refused", {}, {}), ("other-language", {"same_language": True}, {"same_language": False})],
)
def test_one_key_of_several_warns_and_closes_nothing(
    traffic: Traffic, stream: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """It has whatever it likes in every answer, under a thousand users: one warning, which names it."""
    traffic.tell([{**one, **before} for one in honest(traffic, 1200)])
    beside = [{**one, **before} for one in honest(traffic, 1000)]
    traffic.tell(mixed((hostile(at, **after) for at in range(1000)), beside))
    assert severities(traffic, stream) == ["warning"]
    (notice,) = [one for one in traffic.told if one.facts.get("stream") == stream]
    assert notice.facts["key"] == "bad"
    assert "the key `bad` alone shows it" in notice.why


@pytest.mark.parametrize("keys", [2, 5, 40])
def test_keys_that_the_reference_does_not_know_close_nothing(traffic: Traffic, keys: int) -> None:
    """Found by an attacker: a dozen refused answers of two new keys were an alarm, since it stood without either."""
    traffic.tell(honest(traffic, 1200))
    new = ({**hostile(at), "key": f"new{at % keys}"} for at in range(400))
    traffic.tell(mixed(new, honest(traffic, 400)))
    assert severities(traffic) == ["warning"]
    assert "only keys that its reference does not know show it" in next(iter(traffic.told)).why
    traffic.tell(honest(traffic, 600, refused=0.3))
    assert severities(traffic) == ["warning", "alarm"]


def test_new_keys_count_once_those_of_the_reference_have_gone(traffic: Traffic) -> None:
    """Every key was changed for another: after two days these are the route's, and what they see is an alarm."""
    traffic.tell(honest(traffic, 1200))
    traffic.number = 3 * 86_400
    moved = [
        {**one, "key": f"new-{one['key']}", "user": f"new-{one['key']}"} for one in honest(traffic, 600, refused=0.2)
    ]
    traffic.tell(moved)
    assert severities(traffic) == ["alarm"]


def test_keys_that_a_tenant_has_made_are_one(traffic: Traffic) -> None:
    """Ten keys of one tenant, all declined: one warning, which names the tenant; they count no more than one key."""
    traffic.tell(honest(traffic, 1200))
    made = ({**hostile(at), "key": f"made{at % 10}", "speaks_for": "team-a/*"} for at in range(1000))
    traffic.tell(mixed(made, honest(traffic, 1000)))
    assert severities(traffic) == ["warning"]
    (notice,) = [one for one in traffic.told if one.facts.get("stream") == "refused"]
    assert notice.facts["key"] == "team-a/*"


def test_what_the_others_see_too_is_an_alarm(traffic: Traffic) -> None:
    """After a warning that one key brought about, a change that all see is told as what it is."""
    traffic.tell(honest(traffic, 1200))
    traffic.tell(mixed((hostile(at) for at in range(300)), honest(traffic, 300)))
    assert severities(traffic) == ["warning"]
    traffic.tell(mixed((hostile(at) for at in range(600)), honest(traffic, 600, refused=0.3)))
    assert severities(traffic) == ["warning", "alarm"]
    assert next(one for one in traffic.standing().streams if one.name == "refused").state == "alarmed"


def test_a_change_that_all_see_is_an_alarm_at_once(traffic: Traffic) -> None:
    """No warning goes before it: the detectors without one key are given the little time that they need more."""
    traffic.tell(honest(traffic, 1200))
    traffic.tell(honest(traffic, 600, refused=0.2))
    assert severities(traffic) == ["alarm"]


def test_one_key_hides_no_large_change(traffic: Traffic) -> None:
    """Half of what counts is its own, under invented users and never declined: the others' rise is seen still."""
    traffic.tell(honest(traffic, 1200))
    traffic.tell(mixed((hostile(at, refused=False) for at in range(1200)), honest(traffic, 1200, refused=0.15)))
    assert severities(traffic) == ["alarm"]


def test_a_key_that_lowered_the_reference_and_left_raises_nothing(traffic: Traffic) -> None:
    """Half of the reference is its and has no refusals; without it, the others are as they always were."""
    good = ({"key": "bad", "user": "bad", "refused": False} for _ in range(2000))
    traffic.tell(mixed(good, honest(traffic, 2000, refused=0.1)))
    traffic.tell(honest(traffic, 2500, refused=0.1))
    assert "alarm" not in severities(traffic)


def test_few_users_of_the_only_key_do_not_speak_for_it(traffic: Traffic) -> None:
    """Four of a hundred users are declined always: a warning. Five and more: an alarm."""
    traffic.tell(
        [{"key": "app", "user": f"u{at % 100}", "refused": at % 50 == 0, "at": at * 60.0} for at in range(1200)]
    )
    for users, said in ((4, ["warning"]), (8, ["warning", "alarm"])):
        start = 80_000.0 + users * 100_000
        traffic.tell(
            [{"key": "app", "user": f"u{at % users}", "refused": True, "at": start + at * 60.0} for at in range(60)]
        )
        assert severities(traffic) == said


def test_one_user_among_many_of_the_only_key_closes_nothing(traffic: Traffic) -> None:
    """All its answers decline, five at once and then twenty an hour: with the others as ever, that is no alarm."""
    usual = [{"user": f"u{at % 300}", "refused": traffic.draw.random() < 0.02, "at": at * 9.0} for at in range(1600)]
    traffic.tell([{"key": "app", **one} for one in usual[:1200]])
    attack = ({"key": "app", "user": "one", "refused": True, "at": 1200 * 9.0 + at * 9.0} for at in range(400))
    traffic.tell(mixed(attack, [{"key": "app", **one} for one in usual[1200:]]))
    assert "alarm" not in severities(traffic)


def test_small_bounds_of_callers_say_nothing_of_length(traffic: Traffic) -> None:
    """An answer that ended at `max_tokens` 1 is neither cut nor short (finding 3)."""
    usual = {"is_cut": False, "chars": 400}
    traffic.tell([{**one, **usual} for one in honest(traffic, 1200)])
    traffic.tell([{**one, "is_cut": True, "chars": 3, "is_bound": True} for one in honest(traffic, 500)])
    assert traffic.told == []
    traffic.tell([{**one, "is_cut": True, "chars": 3} for one in honest(traffic, 100)])
    assert {one.severity for one in traffic.told} == {"warning"}
    assert {one.facts["stream"] for one in traffic.told} == {"cut", "short"}


def test_a_key_that_comes_later_has_no_more_than_all_others() -> None:
    """Three keys ask; then nine of ten exchanges are another's: it counts as often as they do, and 100 more."""
    admission, counted = Admission(), {"k": 0, "many": 0}
    for at in range(10_000):
        key = f"k{at % 3}" if at < 600 or at % 10 == 0 else "many"
        counted[key if key == "many" else "k"] += admission.admit(seen(key, key, float(at)))
        if at % 500 == 0:
            admission = Admission().restore(json.loads(json.dumps(admission.state())))
    assert counted["k"] == 600 + 940
    assert counted["many"] <= 600 + 940 + 100


def test_the_key_that_leads_counts_whole_whoever_else_asks() -> None:
    """Found by a measurer: 25 exchanges of a second key left all but 125 of the first one's out, for two days."""
    admission = Admission()
    assert all(admission.admit(seen("app", "app", float(at))) for at in range(800))
    assert all(admission.admit(seen("probe", "probe", 800.0 + at)) for at in range(25))
    assert all(admission.admit(seen("app", "app", 900.0 + at)) for at in range(3000))
    assert admission.leader() == "app"
    assert admission.speaks_for_all() == ("app",)
    assert not admission.is_one_of_several("app")
    assert admission.is_one_of_several("probe")


def test_who_comes_later_cannot_lead_nor_unseat_who_does() -> None:
    """Found by an attacker: a key that asked most for a day led on the next, closed the route or hid a change."""
    admission = Admission()
    for at in range(1000):
        admission.admit(seen("app" if at % 4 else "probe", "", float(at)))
    assert admission.leader() == "app"
    for day in range(1, 4):
        for at in range(3000):
            admission.admit(seen("new" if at % 10 else "app", "", 86_400.0 * day + at))
        assert admission.leader() == "app"
        assert admission.is_one_of_several("new")


def test_a_key_that_led_leads_no_more_once_another_of_the_first_has_its_place() -> None:
    """It had most of the first 500, and has a third of what the first keys brought yesterday."""
    admission = Admission()
    for at in range(600):
        admission.admit(seen("app" if at % 4 else "other", "", float(at)))
    for at in range(900):
        admission.admit(seen("app" if at % 3 == 0 else "other", "", 86_400.0 + at))
    assert admission.leader() == "app"
    admission.admit(seen("app", "", 86_400.0 * 2))
    assert admission.leader() is None


@pytest.mark.parametrize("second", [0, 25, 200])
def test_a_change_for_the_key_that_leads_is_an_alarm(traffic: Traffic, second: int) -> None:
    """One application asks, and now and then a probe: that it is declined is no rumour."""
    app = {"key": "app", "user": "app", "chars": 100}
    traffic.tell([{**app, "refused": at % 50 == 0} for at in range(1200)])
    traffic.tell([{"key": "probe", "user": "probe", "chars": 100, "refused": False} for _ in range(second)])
    traffic.tell([{**app, "refused": True} for _ in range(60)])
    assert severities(traffic) == ["alarm"]


def test_a_key_is_alone_again_after_two_days() -> None:
    """Others that ask no more bound nobody."""
    admission = Admission()
    for at in range(500):
        admission.admit(seen(f"k{at % 2}", "", float(at)))
    assert admission.is_one_of_several("k0")
    later = [admission.admit(seen("k0", "k0", 86_400.0 * 3 + at)) for at in range(500)]
    assert all(later)
    assert not admission.is_one_of_several("k0")


def test_a_user_counts_a_few_times() -> None:
    """Of a hundred at once, few: repeats of one caller are no evidence about others. What is left out is shown."""
    admission = Admission()
    assert sum(admission.admit(seen("app", "u1", 5.0)) for _ in range(100)) < 10
    assert admission.admit(seen("app", "u2", 5.0))
    assert read_standing({"left_out": 3}).left_out == 3


def seen(key: str, user: str, at: float) -> Observation:
    """Return an observation of nothing but who asked, and when."""
    return Observation("x", at, "qwen", "primary", "d", user, failed=False, total_s=1.0, key=key)
