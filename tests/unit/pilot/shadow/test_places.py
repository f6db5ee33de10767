"""A judge that goes by the place of an answer makes no candidate "not worse": neither soon enough, nor for good."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.pilot.shadow.asking.judging import read_reply, showing
from weighbridge.pilot.shadow.fold import ShadowFold
from weighbridge.pilot.shadow.standing import read_standing
from weighbridge.pilot.shadow.tally import Tally
from weighbridge.pilot.shadow.verdict import ALPHA, verdict_now

from .test_fold import ROUTE, folded, pair, wins

if TYPE_CHECKING:
    from weighbridge.pilot.journal.protocol import Entry


def by_place(count: int, first: int, **known: object) -> list[Entry]:
    """Return pairs of a judge that names what it sees first, whichever it is: each answer in turns."""
    return [
        pair(first + n, chance=0.5, judged="win" if n % 2 else "loss", first=bool(n % 2), **known) for n in range(count)
    ]


@pytest.mark.parametrize(("word", "share"), [("A", 1.0), ("B", 0.0)])
def test_a_judge_that_goes_by_place_has_not_looked(word: str, share: float) -> None:
    """It names what it sees first, or second, always: the drawn order makes that a tie, which would be "not worse"."""
    answer = json.dumps({"choices": [{"message": {"content": word}}]}).encode()
    entries = []
    for n in range(400):
        first = showing("judge", ("prompt", "ours", "theirs"), b"secret", f"x{n}").first
        entries.append(pair(n, chance=0.5, judged=read_reply(answer, first=first), first=first))
    body, notices = folded(entries)
    won = sum(entry.facts["judged"] == "win" for entry in entries)
    assert 170 < won < 230  # the order is drawn: three standard deviations of 400 fair draws
    now = read_standing(body)
    assert (now.verdict, now.code, now.preference, notices) == ("not looked at", "shadow.by_place", None, [])
    assert now.shown_first is not None
    assert now.shown_first.value == share


def test_a_judge_with_some_liking_for_a_place_still_judges() -> None:
    """Six of ten decisive verdicts for the first: the order, being drawn, makes it nobody's gain."""
    entries = [pair(n, chance=0.5, judged=("win", "loss")[n % 2], first=n % 10 < 6) for n in range(600)]
    now = read_standing(folded(entries)[0])
    assert now.preference is not None
    assert now.preference.low < 0.5 < now.preference.high


def test_a_verdict_falls_with_its_judge() -> None:
    """Measured by another hand: a judge shown to go by place after "not worse" left verdict and evidence as they were.

    It is withdrawn once, for good, with a statement that no policy takes for "not worse", nor its preference for one.
    """
    body, (told, withdrawn) = folded([*wins(120), *by_place(900, 200)], size=50)
    assert (told.event, told.facts["verdict"], told.severity) == ("shadow.concluded", "not worse", "info")
    assert (withdrawn.event, withdrawn.severity, withdrawn.subject) == ("shadow.withdrawn", "warning", "decision-new")
    assert "the judge goes by what it is shown first" in withdrawn.why
    evidence = withdrawn.facts["evidence"]
    report = KINDS[evidence["kind"]].model_validate(evidence["body"]).model_dump()
    assert (report["verdict"], report["preference"]) == ("not looked at", None)
    assert report["until"] > told.facts["evidence"]["body"]["until"]
    now = read_standing(body)
    assert (now.verdict, now.code, now.preference) == ("not looked at", "shadow.by_place", None)
    assert now.concluded_at == withdrawn.at
    later, more = ShadowFold(ROUTE).take(body, wins(2000, 2000))
    assert more == []
    assert read_standing(later).code == "shadow.by_place"


def test_a_verdict_that_an_earlier_version_kept_is_read_as_withdrawn() -> None:
    """Its document says "not worse" beside a judge that names the first place always; the next pair withdraws it."""
    body, _ = folded(by_place(300, 1))
    old = {**body, "concluded": {"verdict": "not worse", "at": 1e9, "number": 40}}
    now = read_standing(old)
    assert (now.verdict, now.preference) == ("not looked at", None)
    _, (notice,) = ShadowFold(ROUTE).take(json.loads(json.dumps(old)), by_place(1, 900))
    assert notice.event == "shadow.withdrawn"


def test_harm_stays_where_a_judge_goes_by_place() -> None:
    """A drawn order hides harm and makes none: "worse" was told, and is."""
    failed = [pair(n, settled="loss", failed="timeout") for n in range(1, 101)]
    body, (notice,) = folded([*failed, *by_place(600, 200)], size=50)
    assert notice.facts["verdict"] == "worse"
    assert read_standing(body).verdict == "worse"


def test_not_worse_waits_until_the_judge_is_known_to_look() -> None:
    """Seven of ten wins were shown first: all else is shown, and why it waits is said."""
    settled = [pair(n, settled="tie", same=True, in_form=(True, True)) for n in range(1000, 1400)]
    judged = [pair(n, chance=0.5, judged="win", first=n % 10 < 7) for n in range(300)]
    body, notices = folded([*settled[:200], *judged, *settled[200:]], size=50)
    now = read_standing(body)
    assert (now.verdict, now.code, notices) == ("not yet", "shadow.place_open", [])
    assert "not shown yet that the judge goes by the answers: 70.0% [" in now.why
    fair = [pair(n, chance=0.5, judged="win", first=n % 2 > 0) for n in range(300)]
    assert read_standing(folded([*settled[:200], *fair, *settled[200:]], size=50)[0]).verdict == "not worse"


def test_a_judge_that_ties_names_no_place() -> None:
    """So few decisive verdicts that all might be losses do not hold a verdict back."""
    entries = [pair(n, chance=0.5, judged="tie") for n in range(400)]
    assert read_standing(folded([*entries, *by_place(4, 900)], size=50)[0]).verdict == "not worse"


@pytest.mark.parametrize("share", [0.75, 0.25])
def test_a_judge_by_place_passes_as_seldom_as_stated(share: float) -> None:
    """It names one place on exactly three quarters of its verdicts: "not worse" in at most ALPHA of the runs.

    By simulation of the rule itself, the candidate winning all: 200 runs of 1,000 pairs, looked at every 25.
    """
    generator = np.random.default_rng(7)
    wrong = 0
    for _ in range(200):
        places = (generator.random(1000) < share).cumsum()
        for count in range(25, 1001, 25):
            first = int(places[count - 1])
            body = Tally.empty() | {
                "about": {"judge": "judge", "margin": 0.05}, "pairs": count, "cells": {"1 win": count},
                "judge": {"asked": count, "first": first, "second": count - first},
            }  # fmt: skip
            if verdict_now(body) == "not worse":
                wrong += 1
                break
    assert wrong <= 200 * ALPHA + 3 * math.sqrt(200 * ALPHA * (1 - ALPHA))
