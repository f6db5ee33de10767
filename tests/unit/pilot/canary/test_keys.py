"""Keys: what one of several does decides nothing for the others."""

from __future__ import annotations

from typing import Any

import pytest

from weighbridge.pilot.canary.chooser import CanaryChooser
from weighbridge.pilot.canary.fold import CanaryFold
from weighbridge.pilot.canary.standing import read_standing
from weighbridge.pilot.exchange import Exchange
from weighbridge.pilot.journal.protocol import Document, Entry

from .conftest import Traffic, route

BAD: dict[str, Any] = {"failed": True}


def told(traffic: Traffic, arm: str, key: str, **facts: Any) -> None:
    """Let an exchange of a user of that key happen."""
    traffic.at += 0.2
    traffic.tell("seen", traffic.observe(arm, key=key, **facts).to_facts())


def begun(traffic: Traffic, keys: str = "ab") -> None:
    """Time the primary, with users of these keys."""
    traffic.at_once = 20
    for number in range(60):
        told(traffic, "primary", keys[number % len(keys)])
    assert traffic.body["state"] == "stepping"


def test_one_key_of_several_rolls_nothing_back(traffic: Traffic) -> None:
    """160 users that it invents fail on the candidate only: its callers get the primary, the others go on."""
    begun(traffic)
    for number in range(160):
        told(traffic, "canary", "bad", **BAD)
        told(traffic, "primary", "bad")
        for arm in ("canary", "primary"):
            told(traffic, arm, "ab"[number % 2])
    assert "canary.rolled_back" not in traffic.events
    (apart,) = [notice for notice in traffic.notices if notice.event == "canary.key_set_apart"]
    assert (apart.severity, traffic.body["apart"]) == ("warning", ["bad"])
    assert "the key bad alone" in apart.why
    assert traffic.body["total"]["canary"][1] == 0
    standing = read_standing(traffic.body)
    assert standing is not None
    assert standing.to_json()["apart"] == ["bad"]
    document = Document(traffic.fold.name, {**traffic.body, "share": 1.0})
    choose = CanaryChooser({traffic.fold.name: document}.get)
    legs = {
        key: choose(route(), Exchange("i", 0.0, key, "default", "qwen", "", "", "/"))[0] for key in ("a", "bad", "new")
    }
    assert legs == {"a": "canary", "bad": "primary", "new": "canary"}


def test_what_all_keys_show_is_rolled_back(traffic: Traffic) -> None:
    """A candidate that fails for everybody: no key is set apart, though each has brought a third of it."""
    begun(traffic, "abc")
    for number in range(60):
        told(traffic, "canary", "abc"[number % 3], **BAD)
        told(traffic, "primary", "abc"[number % 3])
    assert traffic.events == ["canary.rolled_back"]
    assert traffic.seen["canary"] <= 60


def test_a_single_key_speaks_for_all_where_the_others_have_brought_next_to_nobody(traffic: Traffic) -> None:
    """An operator's own key beside the application's leaves its evidence whole: rolled back as with one key."""
    begun(traffic, "a")
    told(traffic, "canary", "trial", user="operator")
    traffic.tell("order", {})
    standing = read_standing(traffic.body)
    assert standing is not None
    assert standing.speaks_for_all == ("a",)
    traffic.at_once = 1
    while not traffic.notices:
        told(traffic, "canary", "a", **BAD)
        told(traffic, "primary", "a")
        assert traffic.seen["canary"] <= 21
    assert traffic.events == ["canary.rolled_back"]


@pytest.mark.parametrize(("keys", "ends"), [("ab", "canary.rolled_back"), ("a", "canary.key_set_apart")])
def test_one_key_of_several_makes_no_bad_candidate_advance(traffic: Traffic, keys: str, ends: str) -> None:
    """Honest callers see it fail half of the time; one key, twice as busy, hides it by failing on the primary.

    Two honest keys that show it end it; a single one is taken back, and the other alone lets nothing advance.
    """
    begun(traffic, keys)
    for _ in range(400):
        arm = "canary" if traffic.draw.random() < 0.5 else "primary"
        told(traffic, arm, keys[traffic.number % len(keys)], failed=arm == "canary" and traffic.draw.random() < 0.5)
        told(traffic, "primary", "bad", failed=traffic.draw.random() < 0.5)
        told(traffic, "canary", "bad")
        if traffic.body["state"] == "rolled back":
            break
    assert "canary.advanced" not in traffic.events
    assert traffic.events[-1] == ends


def test_invented_users_hide_no_failures(traffic: Traffic) -> None:
    """After 6,000 exchanges of users that one key invented, of which none failed, the others' evidence stands."""
    begun(traffic)
    entries = []
    for number in range(6000):
        traffic.at += 0.01
        observation = traffic.observe(("canary", "primary")[number % 2], key="bad", user=f"invented {number}")
        entries.append(Entry(traffic.at, "qwen", "seen", observation.to_facts(), number))
    traffic.body, _ = traffic.fold.take(traffic.body, entries)
    for number in range(120):
        told(traffic, "canary", "ab"[number % 2], **BAD)
        told(traffic, "primary", "ab"[number % 2])
        if traffic.body["state"] == "rolled back":
            break
    assert "canary.rolled_back" in traffic.events


def test_what_both_models_fail_counts_for_neither(traffic: Traffic) -> None:
    """A request that no server answers is the request's doing: the fallback to the primary has failed as well."""
    begun(traffic)
    before = traffic.body["total"]
    for _ in range(50):
        for arm in ("canary", "primary"):
            told(traffic, arm, "a", is_shared=True, **BAD)
    assert (traffic.events, traffic.body["total"]) == ([], before)


def test_who_leaves_at_once_tells_nothing_of_the_answer(traffic: Traffic) -> None:
    """Nobody has read an answer within two seconds of asking, so nobody has left because of it."""
    begun(traffic)
    before = traffic.body["total"]
    for _ in range(50):
        told(traffic, "canary", "a", is_left=True, total_s=1.9)
    assert (traffic.events, traffic.body["total"]) == ([], before)


def test_further_keys_share_seats() -> None:
    """Beyond three keys the others share four seats: what rests on one key takes back its seat, and no named key."""
    traffic = Traffic(CanaryFold(route()))
    begun(traffic, "abc")
    others = [f"other {number}" for number in range(12)]
    for number in range(160):
        told(traffic, "canary", others[1], **BAD)
        told(traffic, "primary", others[1])
        for arm in ("canary", "primary"):
            told(traffic, arm, "abc"[number % 3])
    standing = read_standing(traffic.body)
    assert standing is not None
    assert standing.apart == ("*",)
    document = Document(traffic.fold.name, {**traffic.body, "share": 1.0})
    choose = CanaryChooser({traffic.fold.name: document}.get)
    legs = {key: choose(route(), Exchange("i", 0.0, key, "default", "qwen", "", "", "/"))[0] for key in ("a", *others)}
    assert (legs["a"], legs[others[1]]) == ("canary", "primary")
    assert 6 <= sum(legs[key] == "canary" for key in others) <= 11


def test_what_strikes_ten_keys_alike_ends_it() -> None:
    """No seat holds most of them, so the evidence stands without any, and nobody is set apart first."""
    traffic = Traffic(CanaryFold(route()))
    begun(traffic, "abc")
    for number in range(400):
        key = f"key {number % 10}"
        told(traffic, "canary", key, refused=number % 4 == 0)
        told(traffic, "primary", key, refused=number % 40 == 0)
    assert [event for event in traffic.events if event != "canary.advanced"] == ["canary.rolled_back"]


def test_two_keys_that_show_it_end_it_and_the_figures_are_those_it_rests_on(traffic: Traffic) -> None:
    """The first is set apart, then the second shows it, too, and ends it: told are the second one's own answers."""
    begun(traffic)
    traffic.at_once = 4
    waits, number = set[str](), 0
    while traffic.body["state"] == "stepping" and number < 400:
        number += 1
        for key in "ab":
            shows = key == "a" or "canary.key_set_apart" in traffic.events
            told(traffic, "canary", key, refused=shows and number % 3 == 0)
            told(traffic, "primary", key)
        standing = read_standing(traffic.body)
        assert standing is not None
        waits.add(standing.rests_on)
    assert waits > {""}
    assert traffic.events == ["canary.key_set_apart", "canary.rolled_back"]
    bad, answers = traffic.notices[-1].facts["recent"]["canary"]
    assert answers >= 20
    assert 0.1 < bad / answers < 0.4  # a third, and what came before


def test_keys_that_a_tenant_has_made_are_one(traffic: Traffic) -> None:
    """Forty keys of one tenant, each with users of its own, fail on the candidate only: the tenant is set apart."""
    begun(traffic)
    for number in range(160):
        told(traffic, "canary", f"k{number % 40}", speaks_for="team-a/*", **BAD)
        told(traffic, "primary", f"k{number % 40}", speaks_for="team-a/*")
        for arm in ("canary", "primary"):
            told(traffic, arm, "ab"[number % 2])
    assert traffic.body["apart"] == ["team-a/*"]
    assert "canary.rolled_back" not in traffic.events
    document = Document(traffic.fold.name, {**traffic.body, "share": 1.0})
    choose = CanaryChooser({traffic.fold.name: document}.get)
    legs = {t: choose(route(), Exchange("i", 0.0, "new", t, "qwen", "", "", "/"))[0] for t in ("team-a", "default")}
    assert legs == {"team-a": "primary", "default": "canary"}


def test_what_was_shown_with_a_key_that_was_set_apart_passes_no_step(traffic: Traffic) -> None:
    """The step begins anew, and every panel has to show it: one honest key set apart, another masked by a third."""
    begun(traffic, "ab")
    shares = set()
    for _ in range(700):
        arm = "canary" if traffic.draw.random() < 0.5 else "primary"
        told(traffic, arm, "ab"[traffic.number % 2], failed=traffic.draw.random() < (0.3 if arm == "canary" else 0.01))
        told(traffic, "primary", "k", failed=traffic.draw.random() < 0.3)
        told(traffic, "canary", "k")
        shares.add(traffic.body["share"])
        if traffic.body["state"] == "rolled back":
            break
    assert shares <= {0.0, 0.05}
    assert traffic.events[-1] == "canary.rolled_back"
