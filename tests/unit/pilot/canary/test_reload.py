"""A reload of the gateway's file, and orders: what was rolled back stays so until somebody starts this candidate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from weighbridge.pilot.canary.fold import CanaryFold
from weighbridge.pilot.route import CanarySettings, Route

from .conftest import TERMS, Traffic, leg, route

DECIDED_AGAIN = replace(leg("new"), decision="sha256:again")
RELOADS = {
    "hold_s": route(replace(TERMS, hold_s=61.0)),
    "late_s": route(replace(TERMS, late_s=9.0)),
    "steps": route(replace(TERMS, steps=(0.1, 0.5))),
    "margin": route(replace(TERMS, margin=0.2)),
    "alpha": route(replace(TERMS, alpha=0.01)),
    "primary": replace(route(), primary=replace(leg("older"), decision="sha256:old")),
    "decision": replace(route(), canary=CanarySettings(DECIDED_AGAIN, TERMS)),
}


@pytest.fixture(params=RELOADS)
def reloaded(request: pytest.FixtureRequest) -> Route:
    """Return the route with something else in its table."""
    return RELOADS[request.param]


def test_nothing_but_a_start_brings_back_what_was_rolled_back(traffic: Traffic, reloaded: Route) -> None:
    """Neither other terms nor another primary nor deciding again about the same artefact."""
    traffic.at_once = 10
    for _ in range(200):
        traffic.exchange(0.9)
    assert traffic.events == ["canary.rolled_back"]
    traffic.fold = CanaryFold(reloaded)
    for _ in range(60):
        traffic.exchange(0.0)
    assert (traffic.body["state"], traffic.body["share"]) == ("rolled back", 0)
    traffic.at_once = 1
    traffic.order("start")
    assert (traffic.body["state"], traffic.body["trial"]) == ("measuring", 2)


@pytest.mark.parametrize("what", RELOADS)
def test_other_terms_begin_the_evidence_of_the_step_anew(traffic: Traffic, what: str) -> None:
    """At the greatest share that the new steps have and the old one had; what no evidence rests on changes nothing."""
    is_anew = what in {"margin", "alpha", "steps", "primary"}
    traffic.at_once = 10
    while traffic.body["share"] < 0.25:
        traffic.exchange(0.0)
    for _ in range(40):
        traffic.exchange(0.0)
    before = traffic.body
    traffic.fold = CanaryFold(RELOADS[what])
    for _ in range(10):
        traffic.exchange(0.0)
    assert traffic.body["state"] == "stepping"
    assert traffic.body["share"] == (0.1 if what == "steps" else 0.25)
    assert (traffic.body["step_since"] > before["step_since"]) is is_anew
    assert (traffic.body["seen"]["primary"][0] < before["seen"]["primary"][0]) is is_anew
    assert traffic.body["trial"] == 1


def test_another_primary_makes_evidence_of_harm_anothers(traffic: Traffic) -> None:
    """What was held against the candidate beside one model says nothing beside another; new terms take none away."""
    traffic.at_once = 10
    for _ in range(60):
        traffic.exchange(0.0)
    for _ in range(30):
        traffic.exchange(0.2)
    blocks = traffic.body["harm"]["refused"]["blocks"]
    assert blocks
    for what, is_anew in (("margin", False), ("primary", True)):
        body, fold = traffic.body, CanaryFold(RELOADS[what])
        traffic.number += 1
        entry = traffic.observe("primary").to_facts()
        other = Traffic(fold, at=traffic.at, body={}, at_once=1)
        other.body = body
        other.tell("seen", entry)
        assert (other.body["harm"]["refused"]["blocks"] < blocks) is is_anew


def test_orders_about_another_candidate_are_not_ours(traffic: Traffic) -> None:
    """A candidate that comes back reads what was ordered meanwhile: it was about others, and changes nothing."""
    for _ in range(60):
        traffic.exchange(0.0)
    other = CanaryFold(replace(route(), canary=CanarySettings(leg("other"), TERMS))).name
    traffic.order("stop", about=other)
    assert traffic.body["state"] == "stepping"
    traffic.order("stop")
    traffic.order("start", about=other)
    traffic.tell("order", {"to": "canary", "do": "start", "by": "kim"})
    assert (traffic.body["state"], traffic.body["trial"]) == ("stopped", 1)


def test_an_operators_stop_is_no_alarm(traffic: Traffic) -> None:
    """Who ordered it knows; nobody has to answer it."""
    for _ in range(60):
        traffic.exchange(0.0)
    traffic.order("stop")
    assert [(notice.event, notice.severity) for notice in traffic.notices] == [("canary.stopped", "info")]


def test_one_clock_that_is_ahead_keeps_nobody_from_counting(traffic: Traffic) -> None:
    """A month ahead, one entry in five: the others go on, the candidate fails, and is rolled back the same minute."""
    for _ in range(60):
        traffic.exchange(0.0)
    began = traffic.at
    while not traffic.notices:
        traffic.exchange(1.0)
        if traffic.number % 5 == 0:
            ahead = replace(traffic.observe("primary"), at=traffic.at + 30 * 86_400.0)
            traffic.tell("seen", ahead.to_facts(), at=ahead.at)
        assert traffic.at - began < 60
    assert traffic.events == ["canary.rolled_back"]
    assert traffic.body["clock"]["aside"] > 0
    assert traffic.body["now"] < began + 60
