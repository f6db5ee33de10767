"""The fold of drift: references, alarms that are told once, orders, and settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from scipy.stats import beta
from tests.unit.pilot.drift.conftest import DECISION, Traffic, route

from weighbridge.pilot.drift.fold import DriftFold, route_of_name
from weighbridge.pilot.drift.standing import read_standing
from weighbridge.pilot.drift.state import State
from weighbridge.pilot.drift.stream import Stream
from weighbridge.pilot.drift.table import kind_of, stream_kinds
from weighbridge.pilot.journal.protocol import Entry

if TYPE_CHECKING:
    from weighbridge.pilot.drift.standing import StreamStanding


def stream(traffic: Traffic, name: str) -> StreamStanding:
    """Return how one stream stands."""
    return next(one for one in traffic.standing().streams if one.name == name)


def test_a_rise_is_told_once_with_both_shares(traffic: Traffic) -> None:
    """2% for 2,000, then 10%: one alarm, from what to what by counts, and silence until somebody answers it."""
    traffic.seen(2000, refused=0.02)
    assert traffic.told == []
    assert stream(traffic, "refused").state == "watching"
    traffic.seen(600, refused=0.1)
    (notice,) = traffic.told
    assert (notice.event, notice.severity, notice.subject, notice.route) == ("drift.alarmed", "alarm", DECISION, "qwen")
    assert notice.facts["stream"] == "refused"
    reference, since = notice.facts["reference"], notice.facts["since"]
    assert reference["low"] < 0.02 < reference["high"]
    assert since["low"] < 0.1 < since["high"]
    assert 500 <= reference["n"] <= 600
    assert notice.id.startswith(traffic.fold.name)
    assert "`qwen` declines more often" in notice.why
    assert stream(traffic, "refused").state == "alarmed"
    json.dumps(dict(notice.facts), allow_nan=False)


def test_an_acknowledged_alarm_is_raised_again_by_what_goes_on(traffic: Traffic) -> None:
    """Against the same reference: it neither forgets nor takes the changed answers in."""
    traffic.seen(1000, refused=0.02)
    traffic.seen(600, refused=0.2)
    before = stream(traffic, "refused").reference
    traffic.order(to="canary", do="acknowledge")
    traffic.order(to="drift", do="acknowledge", alarm="another")
    assert stream(traffic, "refused").alarm
    traffic.order(to="drift", do="acknowledge", alarm=traffic.told[0].id, by="ada", because="looked at it")
    assert stream(traffic, "refused").state == "watching"
    traffic.seen(1000, refused=0.2)
    events = [one.event for one in traffic.told if one.facts.get("stream", "refused") == "refused"]
    assert events == ["drift.alarmed", "drift.acknowledged", "drift.acknowledged", "drift.alarmed"]
    assert len({one.id for one in traffic.told}) == len(traffic.told)
    after = stream(traffic, "refused").reference
    assert after["n"] == before["n"]
    assert after["share"] < 0.1


def test_a_new_reference_is_learned_by_order_alone(traffic: Traffic) -> None:
    """Then what was an alarm is what is held against."""
    traffic.seen(1000, refused=0.02)
    traffic.seen(600, refused=0.2)
    traffic.order(to="drift", do="learn", by="ada", because="a new product asks other things")
    assert traffic.standing().seen == 0
    traffic.seen(3000, refused=0.2)
    assert [one.event for one in traffic.told] == ["drift.alarmed", "drift.learning"]
    assert stream(traffic, "refused").reference["share"] == pytest.approx(0.2, abs=0.03)


def test_other_legs_decisions_and_kinds_are_not_taken(traffic: Traffic) -> None:
    """A canary, a fallback, what was seen under an older decision, pairs of the shadow, and entries of another form."""
    least = {"leg": "primary", "decision": DECISION}
    usual: dict[str, Any] = {**least, "id": "x", "at": 1.0, "route": "qwen", "failed": False, "total_s": 1.0}
    others = [{"leg": "canary"}, {"leg": "fallback-1"}, {"decision": "e" * 64}, {"decision": ""}]
    traffic.take(*(Entry(1.0, "qwen", "seen", {**usual, **other}, at) for at, other in enumerate(others, 1)))
    traffic.take(Entry(1.0, "qwen", "pair", usual, 9), Entry(1.0, "qwen", "seen", least, 10))
    traffic.take(Entry(1.0, "qwen", "order", {}, 11))
    assert traffic.standing().seen == 0
    traffic.take(Entry(1.0, "qwen", "seen", usual, 12))
    assert traffic.standing().seen == 1


def test_batches_do_not_matter(traffic: Traffic) -> None:
    """Entry by entry or all at once: the same body, to the last digit, and the same notices."""
    traffic.seen(800, refused=0.05, chars=10, in_form=True, is_cut=False, same_language=True)
    other = Traffic(traffic.fold)
    other.draw.seed(20261122)
    for _ in range(800):
        other.seen(1, refused=0.05, chars=10, in_form=True, is_cut=False, same_language=True)
    assert traffic.body == other.body


def test_equal_settings_have_equal_names() -> None:
    """Another decision or another mean time begins anew; the share that is looked at does not."""
    fold = DriftFold(route())
    assert fold.name == DriftFold(route()).name
    assert len({fold.name, DriftFold(route("e" * 64)).name, DriftFold(route(every=30_000)).name}) == 3
    assert (fold.route, route_of_name(fold.name)) == ("qwen", "qwen")
    assert (route_of_name("canary/qwen/1"), route_of_name("drift/a/b/1")) == ("", "a/b")


def test_all_streams_share_the_mean_time() -> None:
    """The parts add up to one, and the thresholds' inverses to one in 20,000: the rate of all alarms together."""
    assert sum(kind.part for kind in stream_kinds().values()) == pytest.approx(1.0)
    state = State(20_000)
    names = [name for name in stream_kinds() if name != "cluster"] + [f"cluster-{number}" for number in range(1, 13)]
    assert sum(1 / state.stream(name).threshold for name in names) == pytest.approx(1 / 20_000)
    with pytest.raises(KeyError):
        kind_of("another")


@pytest.mark.parametrize(
    ("before", "after", "name", "severity"),
    [
        ({"failed": False}, {"failed": True}, "failed", "warning"),
        ({"in_form": True}, {"in_form": False}, "out-of-form", "warning"),
        ({"same_language": True}, {"same_language": False}, "other-language", "alarm"),
        ({"is_cut": False}, {"is_cut": True}, "cut", "warning"),
        ({"chars": 100}, {"chars": 101}, "long", "warning"),
        ({"chars": 100}, {"chars": 99}, "short", "warning"),
        ({"total_s": 1.0}, {"total_s": 1.1}, "late", "warning"),
        ({"first_s": 0.1}, {"first_s": 0.2}, "late-first", "warning"),
        ({"cluster": None, "distance": 0.1}, {"cluster": None, "distance": 0.2}, "strange", "warning"),
        ({"refused": 1.0}, {"refused": 0.0}, "accepted", "alarm"),
    ],
)
def test_every_stream_alarms_by_itself(
    traffic: Traffic, before: dict[str, Any], after: dict[str, Any], name: str, severity: str
) -> None:
    """From never to always, or from always to never: that stream tells it, with its severity."""
    traffic.seen(1100, **before)
    traffic.seen(100, **after)
    assert [(one.facts["stream"], one.severity) for one in traffic.told] == [(name, severity)]
    assert "more often" in traffic.told[0].why or "less often" in traffic.told[0].why


def test_who_left_says_only_that_it_was_late_already(traffic: Traffic) -> None:
    """An answer that nobody waited for is late where it took longer than the cutoff, and unknown otherwise."""
    traffic.seen(1100, refused=0.0, total_s=1.0)
    before = {one.name: one.now["n"] for one in traffic.standing().streams}
    traffic.seen(10, is_left=True, total_s=0.5)
    assert {one.name: one.now["n"] for one in traffic.standing().streams} == before
    traffic.seen(10, is_left=True, total_s=2.0)
    late = stream(traffic, "late")
    assert (late.now["hits"], late.now["n"]) == (10, before["late"] + 10)
    traffic.seen(300, is_left=True, total_s=2.0)
    assert [one.facts["stream"] for one in traffic.told] == ["late"]


def test_an_alarm_ends_the_growth_of_references(traffic: Traffic) -> None:
    """One about the operation ends that of its kind; one about answers ends them all."""
    traffic.seen(600, refused=0.02)
    traffic.seen(100, refused=0.02, failed=True)
    traffic.seen(2200, refused=0.02)
    assert (stream(traffic, "failed").reference["n"], stream(traffic, "refused").reference["n"]) == (500, 750)
    traffic.seen(200, refused=1.0)
    refused = stream(traffic, "refused").reference["n"]
    traffic.order(to="drift", do="acknowledge", because="x")
    traffic.seen(600, refused=0.02)
    assert (stream(traffic, "failed").reference["n"], stream(traffic, "refused").reference["n"]) == (500, refused)


def rates(traffic: Traffic, name: str) -> list[float]:
    """Return the rate that a stream is held against, and the usual one that is bet on."""
    found: list[float] = dict(traffic.body)["streams"][name]["rates"]
    return found


def test_the_rate_is_what_all_before_predict_and_bets_lag_behind(traffic: Traffic) -> None:
    """Jeffreys' prediction of all, block by block; the reference is 2,000 to 2,250 behind, so no change is in it."""
    traffic.seen(499, refused=0.0)
    assert stream(traffic, "refused").evidence is None
    traffic.seen(1, refused=0.0)
    assert rates(traffic, "refused") == pytest.approx([0.5 / 501, 0.5 / 501])
    traffic.seen(2249, refused=0.0)
    assert rates(traffic, "refused") == pytest.approx([0.5 / 2501, 0.5 / 501])
    traffic.seen(1, refused=0.0)
    assert rates(traffic, "refused") == pytest.approx([0.5 / 2751, 0.5 / 751])


def test_a_reference_that_was_cut_short_is_held_to_a_bound(traffic: Traffic) -> None:
    """Clopper and Pearson's one-sided bound of 0 of 500 is 1 - 0.15 ** (1 / 500) at 85%; nothing that waited is in it.

    After an alarm of its own, which an operator has acknowledged, it is that of 95%.
    """
    traffic.seen(1100, refused=0.0, same_language=True)
    traffic.seen(100, refused=1.0, same_language=True)
    assert rates(traffic, "other-language") == pytest.approx([1 - 0.15 ** (1 / 500)] * 2)
    traffic.order(to="drift", do="acknowledge", because="x")
    assert rates(traffic, "refused") == pytest.approx([1 - 0.05 ** (1 / 500)] * 2)
    assert "waiting" not in dict(traffic.body)["streams"]["refused"]


def test_a_complete_reference_stays_as_it_is() -> None:
    """At 32,000 it ends, nothing waits any more, and what comes later moves no rate."""
    one = Stream.from_json(kind_of("refused"), 40_000, {"seen": 31_750, "hits": 635})
    for at in range(2250):
        one.take(at % 50 == 0)
    state = one.to_json()
    assert (state["seen"], state["hits"], "waiting" in state) == (32_000, 640, False)
    assert state["rates"] == pytest.approx([beta.ppf(0.5, 641, 32_000 - 640)] * 2)
    for at in range(500):
        one.take(at % 20 == 0)
    assert one.to_json()["rates"] == state["rates"]


def test_what_the_detector_gathered_survives_another_rate(traffic: Traffic) -> None:
    """The value of a stream equals the recursion computed here, with Jeffreys' rates at the same places."""
    traffic.seen(3000, refused=0.03)
    draw = Traffic(traffic.fold).draw
    hits = [draw.random() < 0.03 for _ in range(3000)]
    values = {1.6: 0.0, 2.5: 0.0}
    for at in range(500, 3000):
        known = at // 250 * 250
        reference = max(500, known - 2000)
        rate, usual = ((sum(hits[:n]) + 0.5) / (n + 1) for n in (known, reference))
        for multiple, value in values.items():
            other = max(rate, multiple * usual)
            values[multiple] = (value + 1) * (other / rate if hits[at] else (1 - other) / (1 - rate))
    assert dict(traffic.body)["streams"]["refused"]["values"] == pytest.approx(list(values.values()), rel=1e-6)


_DAMAGED = {"refused": {"rates": [2, 2], "watched": 0, "run": [0, 0, 0.0], "values": []}}
_UNREADABLE = [{}, {"streams": 3}, {"streams": {"nothing": {}}}, {"seen": "x"}, {"streams": _DAMAGED}]


@pytest.mark.parametrize("body", _UNREADABLE)
def test_a_body_that_cannot_be_read_stands_as_not_begun(body: dict[str, Any]) -> None:
    """Pages read what another version wrote."""
    assert read_standing(body).streams == ()
