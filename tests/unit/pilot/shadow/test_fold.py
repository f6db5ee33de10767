"""Pairs in, sums and a verdict out: the same on all nodes, whatever the batches, and only about their own settings."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.pilot.journal.protocol import Entry, Notice
from weighbridge.pilot.route import Route, ShadowSettings
from weighbridge.pilot.shadow.fold import ShadowFold
from weighbridge.pilot.shadow.pair import Pair, Spent, settings_of
from weighbridge.pilot.shadow.standing import read_standing
from weighbridge.pilot.shadow.tally import Tally, preference_of
from weighbridge.pilot.shadow.verdict import ALPHA, verdict_now

from .conftest import shadow_route, upstream

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTE = shadow_route(judge=upstream("judge"))
TEST = settings_of(ROUTE)
DAY = 86_400.0


def pair(number: int, **known: Any) -> Entry:
    """Return a pair as an entry."""
    at = known.pop("at", 1e9 + number)
    test = known.pop("test", TEST)
    return Entry(at, "qwen", "pair", Pair(f"x{number}", test, **known).to_facts(), number)


def folded(entries: list[Entry], route: Route = ROUTE, size: int = 7) -> tuple[Mapping[str, Any], list[Notice]]:
    """Fold entries in batches, each body through JSON as it is kept."""
    fold = ShadowFold(route)
    body = fold.begin()
    notices: list[Notice] = []
    for start in range(0, len(entries), size):
        body, raised = fold.take(json.loads(json.dumps(body)), entries[start : start + size])
        notices += raised
    return body, notices


def wins(count: int, first: int = 1, **known: Any) -> list[Entry]:
    """Return pairs that were judged, won by the candidate; later ones are known to be so by other words."""
    return [pair(first + n, chance=0.5, judged="win", first=bool(n % 2), **known) for n in range(count)]


def test_a_verdict_is_reached_once_and_told_with_its_evidence() -> None:
    """The notice names the candidate's decision and bears a `shadow/v1` that its kind accepts."""
    body, notices = folded(wins(200))
    (notice,) = notices
    now = read_standing(body)
    assert (now.verdict, notice.event, notice.severity) == ("not worse", "shadow.concluded", "info")
    assert (notice.subject, notice.route) == ("decision-new", "qwen")
    evidence = notice.facts["evidence"]
    report = KINDS[evidence["kind"]].model_validate(evidence["body"]).model_dump()
    assert report["verdict"] == "not worse"
    assert report["preference"]["low"] > 0.45
    assert report["shadowed"] == report["counted"] == report["judged"] < 200
    assert (report["baseline"], report["candidate_model"]) == ("decision-old", "new")
    assert now.preference is not None
    assert now.preference.n == 200
    assert now.preference.level == pytest.approx(0.9)
    assert now.shown_first is not None
    assert now.shown_first.value == 0.5  # won from the first place and from the second in turns


def test_batches_and_json_between_them_change_nothing() -> None:
    """One by one or all at once, body and notices are equal: any node may fold any part."""
    entries = [*wins(20), *(pair(100 + n, settled="loss", failed="timeout") for n in range(30)), *wins(20, 200)]
    alone, together = folded(entries, size=1), folded(entries, size=1000)
    assert json.dumps(alone[0], sort_keys=True) == json.dumps(together[0], sort_keys=True)
    assert alone[1] == together[1]


def test_a_candidate_that_fails_loses_and_is_worse() -> None:
    """Answers that did not come are losses, by definition and without a judge."""
    body, notices = folded([pair(n, settled="loss", failed="http_500") for n in range(1, 101)])
    now = read_standing(body)
    assert now.verdict == "worse"
    assert notices[0].severity == "warning"
    assert now.failed is not None
    assert now.failed.value == 1.0
    assert now.failures == {"http_500": 100}


def test_gaps_outages_and_other_settings_do_not_count() -> None:
    """A pair that no judge could have been asked about says nothing, not even where it tied; nor does an outage."""
    entries = [
        *(pair(n, settled="tie", same=True, gap=True) for n in range(1, 200)),
        *(pair(n, failed="unavailable") for n in range(200, 300)),
        *(pair(n, settled="loss", test="another") for n in range(300, 400)),
        Entry(1e9, "qwen", "seen", {"test": TEST}, 400),
    ]
    body, notices = folded(entries)
    now = read_standing(body)
    assert (now.verdict, now.counted, now.preference, notices) == ("not yet", 0, None, [])
    assert (now.pairs, now.gaps, now.unavailable) == (299, 199, 100)
    assert now.failed is not None
    assert now.failed.value == 0.0


def test_without_a_judge_nothing_is_concluded() -> None:
    """Found by a user: 41% declined beside 2%, the rest the same, and "not worse" came of the pairs that are the same.

    Nobody looked at which answers are better: there is no preference and no evidence, and the signs are told.
    """
    route = shadow_route()
    test = settings_of(route)
    same = [pair(n, test=test, same=True, settled="tie", refused=(False, False)) for n in range(1, 591)]
    flips = [pair(n, test=test, refused=(False, True), agreement=0.3) for n in range(591, 1001)]
    body, notices = folded([*same, *flips], route)
    now = read_standing(body)
    assert (now.preference, now.verdict, notices) == (None, "not looked at", [])
    assert "no judge is named" in now.why
    assert "refused on 41.0 [" in now.why
    assert now.only_candidate["refused"].value == 0.41
    assert now.only_primary["refused"].value == 0.0


def test_a_judge_that_said_nothing_has_not_looked() -> None:
    """Pairs are open, and it was drawn for none of them, or said nothing that can be read."""
    open_pairs = [*(pair(n, chance=0.15) for n in range(10)), pair(10, chance=0.5, judged="none")]
    body, notices = folded([*open_pairs, *(pair(n, settled="tie", same=True) for n in range(11, 900))])
    assert (read_standing(body).verdict, notices) == ("not looked at", [])


HARMS: dict[str, dict[str, Any]] = {
    "refused": {"refused": (False, True)},
    "malformed": {"in_form": (True, False)},
    "language": {"same_language": (True, False)},
    "cut": {"cut": (False, True)},
    "failed": {"failed": "timeout"},
}


@pytest.mark.parametrize("sign", HARMS)
def test_no_judge_outvotes_a_sign_of_harm(sign: str) -> None:
    """A judge that prefers the candidate everywhere does not make up for harm on every tenth prompt: it is worse."""
    entries = [
        pair(n, chance=0.5, judged="win", first=bool(n % 2), **(HARMS[sign] if n % 10 == 0 else {}))
        for n in range(2500)
    ]
    body, (notice,) = folded(entries, size=500)
    now = read_standing(body)
    assert (now.verdict, notice.severity) == ("worse", "warning")
    assert now.excess[sign].low > 0.05
    assert now.preference is not None
    assert now.preference.low > 0.45
    assert "of 100 prompts more" in notice.why


def test_harm_that_the_primary_does_as_often_is_no_excess() -> None:
    """The margin is one of differences: each declines another twentieth of the prompts."""
    flags = {0: {"refused": (False, True)}, 10: {"refused": (True, False)}}
    entries = [pair(n, chance=0.5, judged="tie", **flags.get(n % 20, {})) for n in range(3000)]
    now = read_standing(folded(entries, size=500)[0])
    assert now.verdict == "not worse"
    assert abs(now.excess["refused"].value) < 0.001
    assert now.excess["refused"].high < 0.05


def test_signs_that_are_not_clear_yet_hold_a_verdict_back() -> None:
    """The preference would do; too few prompts say that refusals are no more than the margin allows."""
    now = read_standing(folded(wins(60))[0])
    assert now.verdict == "not yet"
    assert "not shown yet to be within 5 of 100 prompts more: failed up to" in now.why


def test_excess_is_at_most_the_margin_as_seldom_as_stated_where_it_is_not() -> None:
    """Refusals on exactly 5% more of the prompts, the judge all for it: "not worse" in at most ALPHA of the runs.

    By simulation of the rule itself; 200 runs of 1,500 prompts, looked at every 50.
    """
    generator = np.random.default_rng(5)
    wrong = 0
    for _ in range(200):
        flips = (generator.random(1500) < 0.05).cumsum()
        for count in range(50, 1501, 50):
            theirs = int(flips[count - 1])
            body = Tally.empty() | {
                "about": {"judge": "judge", "margin": 0.05}, "pairs": count, "cells": {"1 win": count},
                "refused": {"theirs": theirs, "neither": count - theirs},
                "judge": {"first": count // 2, "second": count // 2},
            }  # fmt: skip
            if verdict_now(body) == "not worse":
                wrong += 1
                break
    assert wrong <= 200 * ALPHA + 3 * math.sqrt(200 * ALPHA * (1 - ALPHA))


def test_replies_that_cannot_be_read_count_against_both_sides() -> None:
    """They widen the interval on either side, and settle nothing."""
    ties = [pair(n, settled="tie") for n in range(51, 351)]
    body, notices = folded([pair(0, chance=0.5, judged="tie"),
                            *(pair(n, chance=0.5, judged="none") for n in range(1, 51)), *ties])  # fmt: skip
    now = read_standing(body)
    assert body["cells"] == {"0.5 tie": 1, "0.5 none": 50, "tie": 300}
    assert now.unread == 50
    assert now.preference is not None
    assert now.preference.low < 0.4
    assert now.preference.high > 0.6
    assert (now.verdict, notices) == ("not yet", [])
    assert read_standing(folded([*wins(1), *ties, *(pair(n, settled="tie") for n in range(400, 700))])[0]).verdict == (
        "not worse"
    )


def test_the_preference_is_that_of_all_prompts() -> None:
    """Three losses of pairs judged with chance 0.5, three that the draw passed over, six ties: 0.25 on the mean.

    (6 x 0.5 + 3 x (0.5 - 0.5 / 0.5) + 3 x 0.5) / 12, by hand.
    """
    mean = preference_of({"tie": 6, "0.5 loss": 3, "0.5": 3}, "tie")
    assert mean.mean == pytest.approx((6 * 0.5 + 3 * -0.5 + 3 * 0.5) / 12)
    assert mean.n == 12


def test_signs_become_rates_bands_and_ratios() -> None:
    """Counts of flags in two by two, bands of agreement, and how many times as long and as slow."""
    entries = [
        pair(
            n, same=n % 4 == 0, agreement=1.0 if n % 4 == 0 else 0.55, measure="words", in_form=(True, n % 2 == 0),
            same_language=(True, True), chars=(100, 200), total_s=(1.0, 3.0), first_s=(0.1, None),
        )
        for n in range(1, 101)
    ]  # fmt: skip
    now = read_standing(folded(entries)[0])
    assert now.only_candidate["malformed"].value == 0.5
    assert now.only_candidate["malformed"].low < 0.5 < now.only_candidate["malformed"].high
    assert now.only_candidate["language"].value == 0.0
    assert [(band.low, band.count) for band in now.agreement if band.count] == [(0.5, 75), (1.0, 25)]
    assert now.length is not None
    assert now.total_time is not None
    assert now.length.median[1] == 2.0
    assert now.total_time.median[0] <= 3.0 <= now.total_time.median[2] < 3.3
    assert now.first_token is None


def test_costs_are_kept_by_day_and_an_empty_purse_is_told_once_a_day() -> None:
    """Whichever node says it, and however often; the newest 31 days stay."""
    spent = Spent(1, 0.01, 1, 0.02, 1, 0.001)
    entries = [pair(n, at=1e9 + n * DAY, spent=spent) for n in range(40)]
    for whose, day in (("judge", "2026-11-22"), ("judge", "2026-11-22"), ("candidate", "2026-11-22"), ("x", "y"),
                       ("judge", "2026-11-23"), ("judge", "2026-11-22")):  # fmt: skip
        facts = {"test": TEST, "spent_out": whose, "day": day}
        entries.append(Entry(2e9, "qwen", "pair", facts, 100 + len(entries)))
    body, notices = folded(entries)
    assert [(notice.event, notice.facts) for notice in notices] == [
        ("shadow.budget_spent", {"route": "qwen", "of": "judge", "day": "2026-11-22"}),
        ("shadow.budget_spent", {"route": "qwen", "of": "candidate", "day": "2026-11-22"}),
        ("shadow.budget_spent", {"route": "qwen", "of": "judge", "day": "2026-11-23"}),
    ]
    assert len(body["days"]) == 31
    assert body["cost"]["usd"] == pytest.approx(40 * 0.011)
    assert body["cost"]["judge_calls"] == 40


def test_pairs_of_another_version_are_counted_and_passed_over() -> None:
    """A value that is none, a cell that cannot be: the fold goes on."""
    values: tuple[dict[str, Any], ...] = (
        {"chars": 3}, {"spent": {"yen": 1}}, {"total_s": [1, 2, 3]}, {"judged": "perhaps", "chance": 0.5},
        {"settled": "draw"}, {"chance": 0.01}, {"agreement": "much"}, {"chars": ["a", 2]}, {"spent": {"usd": -1.0}},
        {"failed": 3}, {"settled": []},
    )  # fmt: skip
    wrong = [Entry(1e9, "qwen", "pair", {"test": TEST, "id": "x", **facts}, 1) for facts in values]
    body, _ = folded([*wrong, *wins(3)])
    assert body["unreadable"] == len(wrong)
    assert read_standing(body).counted == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"margin": 0.1},
        {"judge": None},
        {"embedding": upstream("embedder")},
    ],
)
def test_other_settings_are_another_comparison_and_other_amounts_are_not(changed: dict[str, Any]) -> None:
    """What a score means is in the document's name; how many there are is not."""
    assert ROUTE.shadow is not None

    def with_terms(**terms: Any) -> Route:
        shadow = ROUTE.shadow
        assert shadow is not None
        return replace(ROUTE, shadow=ShadowSettings(shadow.leg, replace(shadow.terms, **terms)))

    assert ShadowFold(with_terms(**changed)).name != ShadowFold(ROUTE).name
    assert ShadowFold(with_terms(share=0.1, keep_texts=True)).name == ShadowFold(ROUTE).name
    with pytest.raises(ValueError, match="no shadow"):
        ShadowFold(replace(ROUTE, shadow=None))


def test_what_is_put_is_what_is_read_back() -> None:
    """Found by attack: tuples come back as lists, so a batch whose end was not heard of was written twice."""
    facts = Pair("x", "t", refused=(True, None), chars=(3, 4), spent=Spent(calls=1)).to_facts()
    assert json.loads(json.dumps(facts)) == facts
