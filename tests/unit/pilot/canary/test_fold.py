"""The canary's way: up on evidence, down on evidence, and what must not move it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.kinds import CanaryV1
from weighbridge.pilot.canary.fold import CanaryFold, canary_name
from weighbridge.pilot.canary.standing import read_standing
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.route import CanarySettings, Price, Route

from .conftest import TERMS, Traffic, leg, route

if TYPE_CHECKING:
    from weighbridge.pilot.journal.protocol import Notice


def test_an_equal_candidate_goes_all_the_way(traffic: Traffic) -> None:
    """The primary is timed first, then every step passes on new evidence and after its time, and the share stays."""
    shares = []
    traffic.at_once = 5
    while traffic.body["state"] != "done":
        traffic.exchange(0.02)
        shares.append(traffic.body["share"])
        assert traffic.number < 6000
    assert sorted(set(shares)) == [0.0, 0.05, 0.25, 0.5]
    assert shares == sorted(shares)
    assert traffic.events == ["canary.advanced", "canary.advanced", "canary.done"]
    assert all(later.at - sooner.at >= 60 for sooner, later in pairwise(traffic.notices))
    done = CanaryV1.model_validate(traffic.notices[-1].facts["evidence"]["body"])
    assert (done.outcome, done.candidate, done.baseline) == ("passed", "sha256:new", "sha256:old")
    assert min(sign.safe for sign in done.signs) >= 1 / TERMS.alpha
    assert len({notice.id for notice in traffic.notices}) == 3


@pytest.mark.parametrize("sign", [{"failed": True}, {"refused": True}, {"in_form": False}, {"same_language": False},
                                  {"chars": None}, {"total_s": 9.0}, {"is_left": True, "total_s": 3.0}])  # fmt: skip
def test_a_candidate_that_is_always_bad_is_rolled_back_within_twenty_answers(
    traffic: Traffic, sign: dict[str, object]
) -> None:
    """Whatever is wrong with it; its notice is an alarm about its decision, and the share is 0 at once."""
    while not traffic.notices:
        traffic.at += 0.2
        arm = "canary" if traffic.body["share"] and traffic.number % 2 else "primary"
        traffic.tell("seen", traffic.observe(arm, **(sign if arm == "canary" else {})).to_facts())
        assert traffic.seen["canary"] <= 20
    (alarm,) = traffic.notices
    assert (alarm.event, alarm.severity, alarm.subject) == ("canary.rolled_back", "alarm", "sha256:new")
    assert "of the candidate's last" in alarm.why
    assert traffic.body["share"] == 0
    assert CanaryV1.model_validate(alarm.facts["evidence"]["body"]).outcome == "rolled back"


def test_a_rollback_stays_until_the_next_start(traffic: Traffic) -> None:
    """What still comes in changes nothing, nor does a stop; a start is a new trial that begins with measuring."""
    for _ in range(400):
        traffic.exchange(0.9)
    assert traffic.body["state"] == "rolled back"
    traffic.order("stop")
    for _ in range(100):
        traffic.exchange(0.0)
    assert traffic.events == ["canary.rolled_back"]
    traffic.order("start")
    assert (traffic.body["state"], traffic.body["trial"], traffic.body["share"]) == ("measuring", 2, 0)
    assert (traffic.notices[-1].event, traffic.notices[-1].facts["by"]) == ("canary.started", "kim")
    for _ in range(60):
        traffic.exchange(0.02)
    assert (traffic.body["state"], traffic.body["share"]) == ("stepping", 0.05)


def test_a_regress_after_the_last_step_is_rolled_back_too(traffic: Traffic) -> None:
    """`done` is no promise: a candidate that turns bad later is found by bets that are fresh."""
    traffic.at_once = 10
    while traffic.body["state"] != "done":
        traffic.exchange(0.02)
    before = traffic.seen["canary"]
    while traffic.body["state"] == "done":
        traffic.exchange(0.5)
    assert traffic.body["state"] == "rolled back"
    assert traffic.seen["canary"] - before <= 100


def test_what_strikes_both_models_is_no_harm(traffic: Traffic) -> None:
    """Refusals that jump from 2% to 40% and back with the callers' questions roll nothing back."""
    traffic.at_once = 10
    for number in range(1500):
        rate = 0.4 if number // 300 % 2 else 0.02
        traffic.exchange(rate, rate)
    assert "canary.rolled_back" not in traffic.events


def test_answers_that_hang_are_no_evidence_of_safety(traffic: Traffic) -> None:
    """A third hangs for 40 s and is told of then: no step is passed before, and the failures are found after."""
    late: list[tuple[float, dict[str, object]]] = []
    while not traffic.notices:
        traffic.at += 0.2
        while late and late[0][0] <= traffic.at:
            traffic.tell("seen", late.pop(0)[1])
        arm = "canary" if traffic.body["share"] and traffic.draw.random() < 0.5 else "primary"
        if arm == "canary" and traffic.draw.random() < 0.33:
            late.append((traffic.at + 40, traffic.observe(arm, failed=True, total_s=40.0).to_facts()))
        else:
            traffic.tell("seen", traffic.observe(arm).to_facts())
    assert traffic.events == ["canary.rolled_back"]


def test_one_caller_counts_five_times_at_once(traffic: Traffic) -> None:
    """A caller who is always refused, on the candidate only, does not roll it back by asking again and again."""
    for _ in range(60):
        traffic.exchange(0.0, 0.0)
    for _ in range(300):
        traffic.at += 0.2
        traffic.tell("seen", traffic.observe("canary", refused=True, user="one").to_facts())
        traffic.tell("seen", traffic.observe("primary").to_facts())
    assert traffic.events == []
    standing = read_standing(traffic.body)
    assert standing is not None
    refused = next(row.candidate for row in standing.rows if row.metric == "refused")
    assert refused is not None
    assert round(refused.value * refused.n) == 5


def test_few_callers_prove_nothing_of_others(traffic: Traffic) -> None:
    """Nineteen callers of the candidate pass no step, however often they ask; the twentieth does."""
    for _ in range(40):
        traffic.exchange(0.0, 0.0)
    for number in range(620):
        traffic.at += 1800.0
        user = str(number % 19 if number < 600 else number)
        traffic.tell("seen", traffic.observe("canary", user=f"canary {user}").to_facts())
        traffic.tell("seen", traffic.observe("primary").to_facts())
        assert traffic.events == [] or number >= 600
    assert traffic.events == ["canary.advanced"]


def test_an_operator_stops_it(traffic: Traffic) -> None:
    """The order is obeyed at its entry, with who and why; an order to another room is not ours."""
    for _ in range(100):
        traffic.exchange(0.0)
    traffic.order("stop", to="drift")
    assert traffic.body["state"] == "stepping"
    traffic.order("stop")
    traffic.order("stop")
    assert (traffic.body["state"], traffic.body["share"]) == ("stopped", 0)
    assert (traffic.body["by"], traffic.body["why"]) == ("kim", "it rhymes")
    assert traffic.events == ["canary.stopped"]
    assert traffic.notices[0].facts["by"] == "kim"


def test_only_these_models_count(traffic: Traffic) -> None:
    """Exchanges under other decisions, of other legs, and facts that are none leave the document as it is."""
    for _ in range(60):
        traffic.exchange(0.0)
    before = traffic.body
    for wrong in (
        replace(traffic.observe("canary"), decision="sha256:older", failed=True),
        replace(traffic.observe("canary"), leg="fallback-1", failed=True),
    ):
        traffic.tell("seen", wrong.to_facts())
    traffic.tell("seen", {"leg": "canary"})
    traffic.tell("pair", {})
    assert traffic.body == before


def test_portions_do_not_matter(traffic: Traffic) -> None:
    """The document is the same in whatever portions the entries come: any node may take them."""
    entries = []
    draw = traffic.draw
    for number in range(1, 600):
        traffic.at += 0.2
        arm = "canary" if number > 60 and draw.random() < 0.5 else "primary"
        facts = traffic.observe(arm, failed=arm == "canary" and number > 500).to_facts()
        entries.append(Entry(traffic.at, "qwen", "seen", facts, number))
    whole, notices = traffic.fold.take(traffic.fold.begin(), entries)
    body = traffic.fold.begin()
    told: list[Notice] = []
    for start in range(0, len(entries), 37):
        body, more = traffic.fold.take(json.loads(json.dumps(body)), entries[start : start + 37])
        told += more
    assert json.loads(json.dumps(whole)) == json.loads(json.dumps(body))
    assert [notice.id for notice in notices] == [notice.id for notice in told]
    assert told[-1].event == "canary.rolled_back"


def test_a_clock_that_was_ahead_does_not_blind_it(traffic: Traffic) -> None:
    """One entry from a year ahead: after fifty exchanges of today a bad candidate is rolled back as ever."""
    for _ in range(60):
        traffic.exchange(0.0)
    traffic.tell("seen", traffic.observe("primary").to_facts(), at=traffic.at + 3e7)
    for _ in range(200):
        traffic.exchange(1.0)
    assert traffic.events == ["canary.rolled_back"]


def test_only_another_candidate_is_another_canary() -> None:
    """The name changes with what is served, and with nothing else: not terms, decision, primary, price or place."""
    one = route()
    assert one.canary is not None
    priced = leg("new", price=Price(1, 2, "here"), idle_s=3.0)
    same = (
        replace(one, canary=CanarySettings(priced, TERMS), retries=3),
        replace(one, primary=leg("older")),
        replace(one, canary=CanarySettings(replace(leg("new"), decision="sha256:again"), TERMS)),
        replace(one, canary=CanarySettings(leg("new"), replace(TERMS, steps=(0.1,), hold_s=1.0))),
    )
    assert {canary_name(other) for other in same} == {canary_name(one)}
    assert canary_name(replace(one, canary=CanarySettings(leg("newer"), TERMS))) != canary_name(one)
    with pytest.raises(ValueError, match="no canary"):
        CanaryFold(Route("qwen", leg("old")))


def test_without_a_digest_the_reference_and_the_place_are_the_candidate() -> None:
    """Deciding again about the same endpoint begins nothing anew; another endpoint is another candidate."""
    one = route()

    def named(reference: str, model: str, decision: str) -> str:
        bare = replace(leg(model), digest="", reference=reference, decision=decision)
        return canary_name(replace(one, canary=CanarySettings(bare, TERMS)))

    assert named("hf:a", "new", "sha256:1") == named("hf:a", "new", "sha256:2")
    assert len({named("hf:a", "new", "d"), named("hf:b", "new", "d"), named("hf:a", "newer", "d")}) == 3


def test_a_step_of_all_callers_ends_it() -> None:
    """With nothing left to compare, the step to 100% is the last, taken on the evidence of the one before."""
    traffic = Traffic(CanaryFold(route(replace(TERMS, steps=(0.5, 1.0), hold_s=0.0))))
    while traffic.body["state"] != "done":
        traffic.exchange(0.02)
    assert (traffic.body["share"], traffic.events) == (1.0, ["canary.done"])


def test_a_document_of_another_version_is_a_stopped_canary(traffic: Traffic) -> None:
    """It serves nobody until an operator starts the next trial; nothing is forgotten into a new beginning."""
    traffic.at_once = 1
    for _ in range(60):
        traffic.exchange(0.0)
    traffic.body = {name: value for name, value in traffic.body.items() if name != "harm"}
    traffic.exchange(0.0)
    assert (traffic.body["state"], traffic.body["share"], traffic.body["trial"]) == ("stopped", 0, 1)
    traffic.order("start")
    assert (traffic.body["state"], traffic.body["trial"]) == ("measuring", 2)


def test_what_is_late_can_be_said() -> None:
    """A candidate that is slower by design is held to a time that somebody set, and begins without measuring."""
    for late_s, ends in ((5.0, "canary.done"), (1.5, "canary.rolled_back")):
        traffic = Traffic(CanaryFold(route(replace(TERMS, steps=(0.5, 1.0), hold_s=0.0, late_s=late_s))), at_once=1)
        traffic.exchange(0.0)
        assert traffic.body["share"] == 0.5
        while not traffic.notices:
            traffic.at += 0.2
            arm = "canary" if traffic.number % 2 else "primary"
            traffic.tell("seen", traffic.observe(arm, total_s=2.0 if arm == "canary" else 1.0).to_facts())
        assert traffic.events == [ends]


def test_a_standing_is_read_with_care(traffic: Traffic) -> None:
    """It is JSON, says what is needed, and is None for what is no canary's document."""
    for _ in range(200):
        traffic.exchange(0.02)
    standing = read_standing(traffic.body)
    assert standing is not None
    assert (standing.state, standing.step, standing.share) == ("stepping", 0, 0.05)
    assert standing.needed > 0
    assert standing.wait_s > 0
    assert json.loads(json.dumps(standing.to_json()))["rows"][0]["metric"] == "failed"
    for broken in ({}, {"state": "stepping"}, {**traffic.body, "harm": {}}, {**traffic.body, "total": None}):
        assert read_standing(broken) is None
