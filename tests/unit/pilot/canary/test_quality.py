"""Quality: a judge's word on both answers to a prompt sends a candidate back, and lets it advance."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.kinds import CanaryV1
from weighbridge.pilot.canary.fold import CanaryFold
from weighbridge.pilot.canary.quality import Quality, quality_terms
from weighbridge.pilot.canary.standing import read_standing
from weighbridge.pilot.route import CanarySettings, JudgeTerms, ShadowSettings, ShadowTerms, UpstreamSettings
from weighbridge.pilot.shadow.pair import Pair, settings_of

from .conftest import TERMS, Traffic, leg, route

if TYPE_CHECKING:
    from weighbridge.pilot.canary.standing import Standing
    from weighbridge.pilot.route import Leg, Route
    from weighbridge.pilot.shadow.pair import Outcome

_BOTH: tuple[Outcome, Outcome] = ("win", "loss")
JUDGE = JudgeTerms(UpstreamSettings("http://127.0.0.1:9/v1", "judge"))
CHANCE = 0.25


def judged_route(candidate: Leg | None = None, judge: JudgeTerms | None = JUDGE) -> Route:
    """Return the route with a shadow beside the canary."""
    return replace(route(), shadow=ShadowSettings(candidate or leg("new"), ShadowTerms(0.1, judge=judge)))


def pair(draw: random.Random, wins: float, ties: float = 0.5) -> Pair:
    """Return a pair: equal answers in that share; of the others the candidate's is better in another, if asked."""
    if draw.random() < ties:
        return Pair("x", "", same=True, settled="tie")
    asked: Outcome = ("win" if draw.random() < wins else "loss") if draw.random() < CHANCE else ""
    return Pair("x", "", chance=CHANCE, judged=asked, first=draw.random() < 0.5)


class Compared(Traffic):
    """Traffic of which every second exchange is shadowed, too."""

    def compare(self, mine: Route, one: Pair, **changed: Any) -> None:
        """Tell of a pair."""
        self.tell("pair", {**one.to_facts(), "test": settings_of(mine), **changed})


def standing_of(traffic: Traffic) -> Standing:
    """Return where the canary stands."""
    standing = read_standing(json.loads(json.dumps(traffic.body)))
    assert standing is not None
    return standing


def test_a_candidate_that_is_only_judged_worse_is_rolled_back() -> None:
    """No other sign differs; three of four decisive verdicts go against it. The notice says by what it was told."""
    mine, draw = judged_route(), random.Random(6)  # noqa: S311 - a simulation
    traffic = Compared(CanaryFold(mine))
    pairs = 0
    while not traffic.notices:
        traffic.exchange(0.02)
        if traffic.body["share"]:
            traffic.compare(mine, pair(draw, wins=0.25, ties=0.2))
            pairs += 1
        assert pairs < 1500
    (alarm,) = traffic.notices
    assert (alarm.event, alarm.severity, alarm.subject) == ("canary.rolled_back", "alarm", "sha256:new")
    assert alarm.why.startswith("judged worse than the primary's answer on ")
    report = CanaryV1.model_validate(alarm.facts["evidence"]["body"])
    assert (report.quality, report.signs[-1].sign) == ("looked at", "quality")
    worse = report.signs[-1].candidate
    assert worse is not None
    assert worse.low > 0.5  # a tie is half, so even answers are the worse ones on half of the prompts
    assert worse.low < 0.7 < worse.high  # 0.2 / 2 + 0.8 x 0.75


def test_an_equal_candidate_is_not_rolled_back() -> None:
    """In at most 5% of 120 streams, looked at after each of 300 pairs, judged fairly at random; ties or none."""
    draw, wrong = random.Random(7), 0  # noqa: S311 - a simulation
    for number in range(120):
        quality = Quality(0.05)
        ties = 0.5 * (number % 2)
        wrong += any(quality.add(pair(draw, 0.5, ties)) and quality.harm >= 20 for _ in range(300))
    assert wrong <= 6


def test_a_step_waits_until_the_judge_has_shown_that_answers_are_not_worse() -> None:
    """Good signs alone pass no step where a judge looks; once pairs show it, also those of earlier steps, they do."""
    mine = judged_route()
    traffic = Compared(CanaryFold(mine))
    traffic.at_once = 20
    for _ in range(700):
        traffic.exchange(0.0, 0.0)
    traffic.at_once = 4
    waiting = standing_of(traffic)
    assert (waiting.state, waiting.step, waiting.needed, waiting.quality) == ("stepping", 0, 0, "looked at")
    assert waiting.pairs_needed > 100
    assert waiting.rows[-1].candidate is None
    assert traffic.events == []
    pairs = 0
    while traffic.body["pairs_needed"]:
        traffic.compare(mine, Pair("x", "", same=True, settled="tie"))
        pairs += 1
    assert waiting.pairs_needed / 10 < pairs < waiting.pairs_needed  # equal answers show it sooner than judged ones
    while len(traffic.events) < 2:
        traffic.exchange(0.0, 0.0)
        assert traffic.number < 3000
    assert traffic.events == ["canary.advanced", "canary.advanced"]
    assert "judged worse than the primary's answer on 50.0% [" in traffic.notices[0].why


def test_what_says_nothing_of_the_answers_does_not_count() -> None:
    """Failures of the candidate (a sign of their own), gaps of the judge, other settings, nonsense, the time before."""
    mine = judged_route()
    traffic = Compared(CanaryFold(mine))
    lost = Pair("x", "", settled="loss")
    traffic.compare(mine, lost)  # before the first step
    for _ in range(60):
        traffic.exchange(0.0, 0.0)
    assert traffic.body["share"]
    for _ in range(60):
        traffic.compare(mine, replace(lost, failed="timeout"))
        traffic.compare(mine, replace(lost, gap=True))
        traffic.compare(mine, lost, test="another judge")
        traffic.compare(mine, lost, chance="0.25")
        traffic.compare(mine, lost, chance=0.01)
        traffic.tell("pair", {"test": settings_of(mine), "spent_out": "judge", "day": "2026-11-22"})
    assert standing_of(traffic).rows[-1].candidate is None
    assert traffic.events == []
    traffic.at_once = 1
    traffic.compare(mine, lost)
    row = standing_of(traffic).rows[-1]
    assert row.candidate is not None
    assert (row.candidate.n, row.candidate.value) == (1, 1.0)


def test_a_reply_that_cannot_be_read_is_on_nobodys_side() -> None:
    """It counts against harm and against safety alike, and is told of."""
    quality = Quality(0.05)
    for _ in range(200):
        quality.add(Pair("x", "", chance=CHANCE, judged="none"))
    assert quality.harm < 1
    assert quality.safe < 1
    worse = quality.worse()
    assert worse is not None
    assert [one.unscored for one in worse] == [200, 200]
    assert worse[1].low < 0.1
    assert worse[1].high > 0.9


def test_a_judge_that_goes_by_place_looks_at_nothing() -> None:
    """It names the first answer, whichever model's it is: any candidate would be "as good" in its eyes."""
    draw, quality = random.Random(10), Quality(0.05)  # noqa: S311 - a simulation
    for _ in range(400):
        first = draw.random() < 0.5
        quality.add(Pair("x", "", chance=1.0, judged="win" if first else "loss", first=first))
    again = Quality.of(json.loads(json.dumps(quality.state())), 0.05)
    assert not again.is_looked_at
    assert (again.safe, again.needed(0.05), again.is_as_good(20.0)) == (1.0, 0, True)
    fair = Quality(0.05)
    for _ in range(400):
        fair.add(Pair("x", "", chance=1.0, judged=draw.choice(_BOTH), first=draw.random() < 0.5))
    assert fair.is_looked_at


def test_pairs_of_one_key_among_several_let_nothing_advance() -> None:
    """Nine of ten prompts are one key's, whose answers are all alike; the others are judged worse: no step passes."""
    mine, draw = judged_route(), random.Random(11)  # noqa: S311 - a simulation
    traffic = Compared(CanaryFold(mine), at_once=20)
    for _ in range(900):
        traffic.exchange(0.0, 0.0, key=draw.choice(("odd", "plain")))
        if traffic.body["share"]:
            key = "plain" if draw.random() < 0.1 else "odd"
            one = Pair("x", "", same=True, settled="tie") if key == "odd" else pair(draw, 0.3)
            traffic.compare(mine, replace(one, key=key, user=str(traffic.number)))
    assert traffic.events == []
    assert traffic.body["pairs_needed"] > 0


@pytest.mark.parametrize(
    "mine", [route(), judged_route(judge=None), judged_route(leg("other"))], ids=["no shadow", "no judge", "another"]
)
def test_without_a_judge_of_this_candidate_quality_is_not_looked_at(mine: Route) -> None:
    """Nothing is claimed: there is no row, the standing and the evidence say so, and the other signs decide."""
    assert quality_terms(mine) is None
    traffic = Compared(CanaryFold(replace(mine, canary=CanarySettings(leg("new"), replace(TERMS, steps=(0.5, 1.0))))))
    while not traffic.notices:
        traffic.exchange(0.0, 0.0)
        if mine.shadow is not None and traffic.number % 10 == 0:
            traffic.compare(mine, Pair("x", "", settled="loss"))
        assert traffic.number < 2000
    assert traffic.events == ["canary.done"]
    report = CanaryV1.model_validate(traffic.notices[0].facts["evidence"]["body"])
    assert report.quality == standing_of(traffic).quality == "not looked at"
    assert "quality" not in {sign.sign for sign in report.signs}
    assert "judged" not in traffic.notices[0].why


def test_how_many_pairs_are_needed_is_about_what_it_takes() -> None:
    """The forecast for an equal candidate is within a factor of two of the mean of ten streams."""
    draw, taken = random.Random(8), []  # noqa: S311 - a simulation
    for _ in range(10):
        quality, pairs = Quality(0.1), 0
        while quality.needed(0.05):
            quality.add(pair(draw, 0.5))
            pairs += 1
        taken.append(pairs)
    mean = sum(taken) / len(taken)
    assert mean / 2 < Quality(0.1).needed(0.05) < mean * 2


def test_pairs_of_one_key_among_several_roll_nothing_back() -> None:
    """Its prompts are always lost, the others' are even: it is taken back to the primary, and the candidate stays."""
    mine, draw = judged_route(), random.Random(9)  # noqa: S311 - a simulation
    traffic = Compared(CanaryFold(mine), at_once=20)
    while not traffic.notices:
        key = "odd" if traffic.number % 3 == 0 else "plain"
        traffic.exchange(0.0, 0.0, key=key)
        if traffic.body["share"]:
            one = Pair("x", "", settled="loss") if key == "odd" else pair(draw, 0.5)
            traffic.compare(mine, replace(one, key=key, user=str(traffic.number)))
        assert traffic.number < 4000
    assert traffic.events == ["canary.key_set_apart"]
    assert "the key odd" in traffic.notices[0].why


def test_one_caller_has_few_pairs_that_count() -> None:
    """Five at once: who asks again and again is one caller in the judge's eyes, too."""
    mine = judged_route()
    traffic = Compared(CanaryFold(mine))
    while not traffic.body["share"]:
        traffic.exchange(0.0, 0.0)
    for _ in range(50):
        traffic.compare(mine, Pair("x", "", user="one", key="k", settled="loss"))
    row = standing_of(traffic).rows[-1]
    assert row.candidate is not None
    assert row.candidate.n == 5
