"""What a canary's answers show: a change is found, noise is none."""

from __future__ import annotations

import random

import pytest

from weighbridge.evaluation.behaviour.answered import Answered, Judged, Subject
from weighbridge.evaluation.behaviour.canary.check import check_canary
from weighbridge.evaluation.behaviour.canary.rows import CanaryRow, recorded
from weighbridge.evaluation.detector.judgement import Judgement
from weighbridge.statistics.behaviour.discordant import DiscordantTest
from weighbridge.statistics.paired import mcnemar_exact

ROWS = [
    CanaryRow.model_validate({"id": f"q{n}", "language": "en", "prompt": f"Who decided case {n}?"}) for n in range(30)
]


def judged(number: int, behaviour: str, text: str, draw: int = 0, outcome: str = "answered") -> Judged:
    """Return an answer to row `number`."""
    row = ROWS[number]
    return Judged(Answered(Subject(row.id), "en", row.prompt, text, outcome, draw), Judgement(behaviour))


def drawn(behaviours: list[str], draw: int = 0, text: str = "A court did.") -> list[Judged]:
    """Return an answer a row."""
    return [judged(number, behaviour, f"{text} {behaviour}", draw) for number, behaviour in enumerate(behaviours)]


REFERENCED = recorded(ROWS, drawn(["compliance"] * 20 + ["refusal"] * 10), "test")


def test_the_same_answers_are_no_change() -> None:
    """Every share is 0 or 1, whatever the number of draws."""
    behaviours = ["compliance"] * 20 + ["refusal"] * 10
    for answers in (drawn(behaviours), drawn(behaviours) + drawn(behaviours, 1)):
        check = check_canary(REFERENCED, answers)
        assert check.verdict == "no change shown"
        assert check.identical is not None
        assert check.identical.value == 1.0
        assert check.changes == ()


def test_seven_refusals_more_are_a_change() -> None:
    """Seven rows flip and none by itself: exact McNemar of 7 and 0, doubled by Holm; e as its formula says."""
    behaviours = ["refusal"] * 7 + ["compliance"] * 13 + ["refusal"] * 10
    check = check_canary(REFERENCED, drawn(behaviours) + drawn(behaviours, 1))
    assert check.verdict == "behaviour changed"
    assert check.p_flips == pytest.approx(2 * mcnemar_exact(7, 0))
    assert (check.stopped, check.started) == (7, 0)
    test = DiscordantTest()
    for _ in range(7):
        test.add("first_only")
    assert check.e_value == pytest.approx(test.e_value)
    assert [(one.before, one.now) for one in check.changes] == [("compliance", "refusal")] * 7


def test_other_words_alone_are_another_verdict() -> None:
    """All answers are worded anew and behave as before: not the same weights, engine or host."""
    behaviours = ["compliance"] * 20 + ["refusal"] * 10
    check = check_canary(REFERENCED, drawn(behaviours, 0, "It was B.") + drawn(behaviours, 1, "It was B."))
    assert check.verdict == "words changed"
    assert check.flipped is not None
    assert check.flipped.value == 0


def test_a_host_that_words_everything_anew_is_noise() -> None:
    """Each draw differs from each other and from the reference: that says nothing."""
    behaviours = ["compliance"] * 20 + ["refusal"] * 10
    check = check_canary(REFERENCED, drawn(behaviours, 0, "It was B.") + drawn(behaviours, 1, "It was C."))
    assert check.verdict == "no change shown"
    assert check.noise_identical is not None
    assert check.noise_identical.value == 0


def test_one_draw_tells_no_noise() -> None:
    """Changed answers of one draw leave it open; five rows are too few; what was never heard is lost."""
    other = drawn(["refusal"] * 30)
    assert check_canary(REFERENCED, other).verdict == "not known"
    few = check_canary(REFERENCED, [*other[:5], judged(9, "", "", outcome="failed")])
    assert (few.verdict, few.rows, few.lost) == ("not known", 5, 25)
    assert check_canary(ROWS, other).verdict == "not known"  # no reference


def test_a_filter_in_front_is_a_change() -> None:
    """Filtered where it was answered: the transport outcome is what became of the question."""
    now = [judged(n, "", "", draw, "filtered") for n in range(30) for draw in (0, 1)]
    check = check_canary(REFERENCED, now)
    assert check.verdict == "behaviour changed"
    assert {one.now for one in check.changes} == {"filtered"}


def test_false_alarms_stay_below_five_percent() -> None:
    """Simulation: rows that refuse with a chance of their own, reference and draws alike; 5% of 400 at most."""
    draw = random.Random(1)  # noqa: S311 - a simulation, no secret
    alarms = 0
    for _ in range(400):
        chances = [draw.random() for _ in range(30)]
        three = [["refusal" if draw.random() < chance else "compliance" for chance in chances] for _ in range(3)]
        rows = recorded(ROWS, drawn(three[0]), "test")
        alarms += check_canary(rows, drawn(three[1]) + drawn(three[2], 1)).verdict != "no change shown"
    assert alarms <= 0.05 * 400
