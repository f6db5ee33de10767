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


def muted(n: int, outcome: str, languages: Sequence[str] = ("en",)) -> list[Answered]:
    """Answer 120 questions, but for the first n, on which the host is silent in one of its ways."""
    return [
        one if int(one.subject.id[1:]) >= n else replace(one, text="", outcome=outcome.partition(" ")[0],
                                                         open=outcome == "truncated open")
        for one in asked(120, said, languages)
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", ["empty", "failed", "timeout", "truncated", "truncated open", "answered"])
def test_a_host_that_is_silent_where_the_other_answers_is_no_same_behaviour(outcome: str) -> None:
    """HTTP 200 without a word, HTTP 400 that names no filter, a timeout: 20 items of 120, exact McNemar of 0 and 20."""
    body = compared(asked(120, said), muted(20, outcome))
    assert (body["verdict"], body["silent_there"], body["silent_here"]) == ("filter in front", 20, 0)
    assert body["filter_p"] == pytest.approx(mcnemar_exact(0, 20))
    assert "20 items answered by one host and silent at the other (the second)" in body["reason"]
    turned = compared(muted(20, outcome), asked(120, said))
    assert (turned["verdict"], turned["silent_here"]) == ("filter in front", 20)
    assert "(the first)" in turned["reason"]


def test_few_silent_items_forbid_sameness_and_show_no_filter() -> None:
    """Three of 120 are too few for exact McNemar, in two languages too: not shown, and the reason counts items."""
    for languages in (("en",), ("en", "zh-Hans")):
        body = compared(asked(120, said, languages), muted(3, "empty", languages))
        assert body["verdict"] == "not shown"
        assert body["silent_there"] == 3 * len(languages)
        assert "3 items answered by one host and silent at the other" in body["reason"]


def test_silence_on_both_sides_is_neither_ones() -> None:
    """What no host answers tells them not apart; the other 100 are alike."""
    body = compared(muted(20, "empty"), muted(20, "failed"))
    assert (body["verdict"], body["silent_here"], body["silent_there"]) == ("same behaviour", 0, 0)


def test_a_question_put_to_one_host_only_forbids_sameness() -> None:
    """A service that gave up before the end leaves questions that nobody compared."""
    body = compared(asked(120, said), asked(110, said))
    assert body["verdict"] == "not shown"
    assert "10 questions put to one host only" in body["reason"]


def test_what_failed_is_not_alike() -> None:
    """A request that failed on one side is neither alike nor filtered: it is counted by itself."""
    body = compared(asked(120, said), muted(2, "failed"))
    assert body["items"] == 118
    assert (body["filtered_there"], body["silent_there"], body["canned_there"]) == (0, 2, 0)


def test_nothing_to_compare_is_not_shown() -> None:
    """Two hosts that answered nothing in common have no verdict, and no figure."""
    body = compared(asked(3, said), asked(3, lambda _n, _l: "", outcome="failed"))
    assert (body["items"], body["identical"], body["verdict"]) == (0, None, "not shown")
