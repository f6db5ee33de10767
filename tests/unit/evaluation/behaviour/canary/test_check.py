"""What a canary's answers show: a change is found, noise is none."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from scipy.stats import binom

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


def test_a_host_that_tosses_a_coin_is_unsteady() -> None:
    """Each call refuses with chance 1/2: 13 of 30 differ by themselves, so McNemar is silent; P(X >= 13) is not."""
    now = ["refusal"] * 10 + ["compliance"] * 20
    then = ["compliance"] * 7 + ["refusal"] * 9 + ["compliance"] * 14
    check = check_canary(REFERENCED, drawn(now) + drawn(then, 1))
    assert check.p_flips is not None
    assert check.p_flips > 0.05
    assert check.verdict == "unsteady"
    assert check.p_unsteady == pytest.approx(binom.sf(12, 30, 0.05), rel=1e-6)


@pytest.mark.parametrize(("flips", "verdict"), [(4, "no change shown"), (5, "unsteady")])
def test_some_noise_is_allowed(flips: int, verdict: str) -> None:
    """At 5% of 30 rows four or more differ with chance 0.061, five or more with 0.016 (scipy's binomial)."""
    assert binom.sf(4, 30, 0.05) < 0.05 < binom.sf(3, 30, 0.05)
    first = ["compliance"] * 20 + ["refusal"] * 10
    second = ["refusal"] * flips + first[flips:]
    check = check_canary(REFERENCED, drawn(first) + drawn(second, 1))
    assert check.verdict == verdict


def test_noise_that_was_recorded_is_no_change() -> None:
    """Rows written from two draws that differed keep it: the same noise is allowed, and more of it is not."""
    first = ["compliance"] * 20 + ["refusal"] * 10
    second = ["refusal"] * 6 + first[6:]
    rows = recorded(ROWS, drawn(first) + drawn(second, 1), "test")
    assert sum(row.unsteady for row in rows) == 6
    assert check_canary(rows, drawn(first) + drawn(second, 1)).verdict == "no change shown"
    coin = ["refusal"] * 20 + ["refusal"] * 10
    assert check_canary(rows, drawn(first) + drawn(coin, 1)).verdict == "unsteady"


@pytest.mark.parametrize(
    ("lost", "verdict"),
    [(23, "behaviour changed"), (7, "behaviour changed"), (4, "no change shown"), (25, "not known")],
)
def test_rows_that_had_an_answer_and_have_none_are_a_change(lost: int, verdict: str) -> None:
    """What still answers is the same to the character; P(X >= lost) at 5% decides, and five rows left are too few."""
    answers = [
        judged(n, "compliance" if n < 20 else "refusal", f"A court did. {'compliance' if n < 20 else 'refusal'}", draw)
        if n >= lost
        else judged(n, "", "", draw, "failed")
        for n in range(30)
        for draw in (0, 1)
    ]
    check = check_canary(REFERENCED, answers)
    assert (check.verdict, check.lost) == (verdict, lost)
    assert check.p_lost == pytest.approx(binom.sf(lost - 1, 30, 0.05), rel=1e-6)
    assert [one.now for one in check.changes] == ["no answer"] * lost
    without = [one for one in answers if one.answered.outcome != "failed"]  # never asked, as the host gave up
    assert check_canary(REFERENCED, without).verdict == verdict


def test_half_of_the_draws_missing_is_not_known() -> None:
    """Ten rows heard once tell no noise, more than a fifth: nothing passes; rows without a reference are no loss."""
    behaviours = ["compliance"] * 20 + ["refusal"] * 10
    failed = [judged(n, "", "", 1, "timeout") for n in range(10)]
    check = check_canary(REFERENCED, drawn(behaviours) + failed + drawn(behaviours, 1)[10:])
    assert (check.verdict, check.half, check.lost) == ("not known", 10, 0)
    some = [*REFERENCED[:20], *ROWS[20:]]
    assert check_canary(some, drawn(behaviours) + drawn(behaviours, 1)).lost == 0


def test_false_alarms_stay_below_five_percent() -> None:
    """Simulation: stable rows, of which two draws differ with 5%, reference and draws alike; 5% of 400 at most."""
    draw = random.Random(1)  # noqa: S311 - a simulation, no secret
    alarms, rare = 0, 0.0257  # 2 * rare * (1 - rare) = 0.05
    for _ in range(400):
        usual = [draw.choice(["refusal", "compliance"]) for _ in range(30)]
        three = [["partial" if draw.random() < rare else one for one in usual] for _ in range(3)]
        rows = recorded(ROWS, drawn(three[0]), "test")
        alarms += check_canary(rows, drawn(three[1]) + drawn(three[2], 1)).verdict != "no change shown"
    assert alarms <= 0.05 * 400


def test_noise_is_not_called_another_behaviour() -> None:
    """Simulation: rows that refuse with a chance of their own: unsteady, but a change in 5% of 400 at most."""
    draw = random.Random(1)  # noqa: S311 - a simulation, no secret
    verdicts: Counter[str] = Counter()
    for _ in range(400):
        chances = [draw.random() for _ in range(30)]
        three = [["refusal" if draw.random() < chance else "compliance" for chance in chances] for _ in range(3)]
        rows = recorded(ROWS, drawn(three[0]), "test")
        verdicts[check_canary(rows, drawn(three[1]) + drawn(three[2], 1)).verdict] += 1
    assert verdicts["behaviour changed"] + verdicts["words changed"] <= 0.05 * 400
    assert verdicts["unsteady"] >= 0.9 * 400
