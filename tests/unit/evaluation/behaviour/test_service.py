# ruff: noqa: RUF001 - Chinese answers have Chinese punctuation
"""Two hosts of one model: what is noise, what is a filter, and what is another model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.kinds import ServiceBody
from weighbridge.evaluation.behaviour.answered import Answered, Subject
from weighbridge.evaluation.behaviour.judging import judge_all
from weighbridge.evaluation.behaviour.service import service_body
from weighbridge.statistics.behaviour.equivalence import paired_equivalence
from weighbridge.statistics.paired import mcnemar_exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.evaluation.behaviour.answered import Judged

REFUSAL = {"en": "I'm sorry, but I can't help with that.", "zh-Hans": "抱歉，我无法回答这个问题。"}


def said(number: int, language: str) -> str:
    """Answer a question plainly, each in words of its own."""
    if language == "en":
        return f"The court decided case {number} in {1900 + number}, and its report was published the year after."
    return f"法院在{1900 + number}年裁定了第{number}号案件，报告在第二年公开发表。"


def asked(
    n: int, answer: Callable[[int, str], str], languages: Sequence[str] = ("en",), outcome: str = "", draw: int = 0
) -> list[Answered]:
    """Ask n questions; what is answered "" was filtered."""
    found = []
    for number in range(n):
        for language in languages:
            text = answer(number, language)
            became = outcome or ("answered" if text else "filtered")
            question = f"Who decided case {number}?" if language == "en" else f"案件{number}是谁裁定的？"
            found.append(Answered(Subject(f"q{number}"), language, question, text, outcome=became, draw=draw))
    return found


def judged(answers: list[Answered]) -> list[Judged]:
    """Judge as a run does."""
    return judge_all(answers)


def compared(here: list[Answered], there: list[Answered], twice: list[Answered] | None = None) -> dict[str, Any]:
    """Compare two hosts, of which the first repeats itself unless `twice` says otherwise."""
    first = here[:40]
    again = [*first, *(replace(one, draw=1) for one in first)] if twice is None else twice
    body = service_body(judged(here), judged(there), judged(again), margin=0.1)
    ServiceBody.model_validate(body)
    return body


def test_the_same_answers_are_the_same_behaviour() -> None:
    """120 answers alike, and the first host repeats itself: shown, with the words counted."""
    body = compared(asked(120, said), asked(120, said))
    assert body["verdict"] == "same behaviour"
    assert (body["items"], body["identical"]["value"], body["agreeing"]["value"]) == (120, 1, 1)
    assert (body["filter_p"], body["filtered_there"], body["canned_there"]) == (1, 0, 0)
    assert "no fewer than one host repeats" in body["reason"]


def test_few_questions_show_nothing() -> None:
    """Ten answers alike are no proof: the interval of the difference is wider than the margin."""
    assert paired_equivalence(0, 0, 10, margin=0.1).verdict == "not shown"
    body = compared(asked(10, said), asked(10, said))
    assert body["verdict"] == "not shown"


def test_without_asking_twice_nothing_is_shown() -> None:
    """Noise that nobody measured excuses nothing and proves nothing."""
    body = compared(asked(120, said), asked(120, said), twice=[])
    assert body["verdict"] == "not shown"
    assert body["noise"] is None


@pytest.mark.parametrize("kept", ["filtered", "canned"])
def test_a_filter_in_front_is_found_on_its_side(kept: str) -> None:
    """Ten of 60 questions are filtered or refused with one sentence by the second host: exact McNemar of 0 and 10."""

    def filtered(number: int, language: str) -> str:
        return said(number, language) if number >= 10 else "" if kept == "filtered" else REFUSAL[language]

    body = compared(asked(60, said), asked(60, filtered))
    assert body["verdict"] == "filter in front"
    assert body[f"{kept}_there"] == 10
    assert body[f"{kept}_here"] == 0
    assert body["filter_p"] == pytest.approx(mcnemar_exact(0, 10))
    assert "the second host" in body["reason"]
    turned = compared(asked(60, filtered), asked(60, said))
    assert (turned[f"{kept}_here"], turned["verdict"]) == (10, "filter in front")


def test_one_question_filtered_in_two_languages_is_one_item() -> None:
    """Languages of one question err together: five items are too few, though ten answers are missing."""

    def filtered(number: int, language: str) -> str:
        return said(number, language) if number >= 5 else ""

    body = compared(asked(60, said, ("en", "zh-Hans")), asked(60, filtered, ("en", "zh-Hans")))
    assert body["filtered_there"] == 10
    assert body["filter_p"] == pytest.approx(mcnemar_exact(0, 5))
    assert body["verdict"] != "filter in front"


def test_a_model_that_refuses_in_its_own_words_is_another_behaviour() -> None:
    """Refusals that are not canned are no filter, but the share avoided differs."""
    words = ["bells", "jars", "maps", "hats", "cups", "keys", "nets", "pens", "rugs", "toys", "vans", "webs"]

    def refuses(number: int, language: str) -> str:
        if number >= len(words):
            return said(number, language)
        return f"I'm sorry, but I can't help you with questions about {words[number]} and case {number}."

    body = compared(asked(60, said), asked(60, refuses))
    assert body["canned_there"] == 0
    assert body["verdict"] == "different behaviour"


def test_noise_of_the_host_itself_is_no_difference() -> None:
    """Where one host words every second answer anew, another host may, too."""

    def reworded(number: int, language: str) -> str:
        return said(number, language) + (" Nobody objected." if number % 2 else "")

    first = asked(40, said)
    twice = [*first, *(replace(one, draw=1) for one in asked(40, reworded))]
    body = compared(asked(120, said), asked(120, reworded), twice)
    assert body["verdict"] == "same behaviour"
    assert body["noise"]["value"] == 0.5
    assert "no fewer than one host repeats" in body["reason"]
    steady = compared(asked(120, said), asked(120, reworded))
    assert steady["verdict"] == "same behaviour"
    assert "other weights, another precision or other settings" in steady["reason"]


def test_what_failed_is_left_out() -> None:
    """A request that failed on one side is neither alike nor filtered."""
    there = [replace(one, text="", outcome="failed") if one.subject.id in {"q1", "q2"} else one
             for one in asked(60, said)]  # fmt: skip
    body = compared(asked(60, said), there)
    assert body["items"] == 58
    assert (body["filtered_there"], body["canned_there"]) == (0, 0)


def test_nothing_to_compare_is_not_shown() -> None:
    """Two hosts that answered nothing in common have no verdict, and no figure."""
    body = compared(asked(3, said), asked(3, lambda _n, _l: "", outcome="failed"))
    assert (body["items"], body["identical"], body["verdict"]) == (0, None, "not shown")
