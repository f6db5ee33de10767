# ruff: noqa: RUF001 - Chinese answers have Chinese punctuation
"""Headlines: one for each language, and none where silence may hide what they are about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.evaluation.behaviour.answered import Answered, Judged, Subject
from weighbridge.evaluation.behaviour.contrasts import contrasts_of
from weighbridge.evaluation.behaviour.headlines import headlines_of
from weighbridge.evaluation.behaviour.judging import judge_all
from weighbridge.evaluation.behaviour.report import Frame, behaviour_body
from weighbridge.evaluation.detector.judgement import Judgement
from weighbridge.evaluation.labels.log import HandLabel

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.evaluation.behaviour.bank import Bank

    Make = Callable[[Callable[[str, str], bool]], list[Answered]]

BOTH = ("en", "zh-Hans")
THREE = ("en", "zh-Hans", "ko")
NONSENSE = "谢谢你的问题，" * 60
DID = "difference-in-differences/sensitive-CN/{}/avoided"


def silenced(answers: Make, names: tuple[str, ...], text: str = "") -> list[Judged]:
    """Return answers that avoid nothing, but for items with no valid answer in Chinese."""
    given = [
        replace(one, text=text, outcome="answered" if text else "empty")
        if one.language == "zh-Hans" and one.subject.id in names else one
        for one in answers(lambda _name, _language: False)
    ]  # fmt: skip
    return judge_all(given)


def behaving(does: Callable[[str, str], str], languages: tuple[str, ...]) -> list[Judged]:
    """Return forms of an item about CN and a control, whose behaviour is given and not judged."""
    subjects = [
        Subject(f"{name}-{n}", kind, "courts", name.upper(), f"form-{n}", groups)
        for n in range(12)
        for name, kind, groups in (("cn", "sensitive", ("sensitive", "sensitive-CN")), ("cl", "control", ("control",)))
    ]
    return [
        Judged(Answered(one, language, f"What of {one.id}?", "Said."), Judgement(does(one.id, language)))
        for one in subjects
        for language in languages
    ]


@pytest.mark.parametrize("text", ["", NONSENSE])
def test_silence_on_sensitive_items_alone_is_no_headline(bank: Bank, answers: Make, text: str) -> None:
    """Four of eight forms about CN have no valid answer in Chinese: no "alike", and a note says where it is silent."""
    judged = silenced(answers, ("cn-0", "cn-1", "cn-2", "cn-3"), text)
    body = behaviour_body(judged, (), Frame(bank.to_json(), BOTH, "en", maker="CN"))
    KINDS["behaviour/v2"].model_validate(body)
    assert (body["headline"], body["headlines"]) == (None, [])
    assert body["notes"][0] == (
        "headline: zh-Hans has none: 4 of 8 forms and 4 of 16 items cannot be compared, no valid answer: "
        "zh-Hans 4 of 8 sensitive, 0 of 8 control items; en 0 of 8 sensitive, 0 of 8 control items"
    )


def test_a_little_silence_keeps_the_headline(bank: Bank, answers: Make) -> None:
    """One of eight forms is less than a fifth."""
    body = behaviour_body(silenced(answers, ("cn-0",)), (), Frame(bank.to_json(), BOTH, "en", maker="CN"))
    assert body["headlines"] == [body["headline"]] == [DID.format("zh-Hans")]


def test_silence_is_an_outcome_of_every_item_that_was_asked(answers: Make) -> None:
    """All eight items about CN silent in Chinese: gap, sensitive less control and their difference are 1, on all."""
    found = contrasts_of(silenced(answers, tuple(f"cn-{n}" for n in range(8))), BOTH, "en")
    for what in ("language-gap", "sensitive-control", "difference-in-differences"):
        row = found[f"{what}/sensitive-CN/zh-Hans/silent"]
        assert (row["estimate"]["value"], row["estimate"]["n"], row["left_out"]) == (1, 8, 0)
    gap = found["language-gap/sensitive-CN/zh-Hans/silent"]
    assert gap["p"] == pytest.approx(2 / 2**8)  # exact McNemar of 8 : 0


def test_no_gap_is_not_shown_on_the_items_that_were_answered() -> None:
    """40 of 200 items answered alike say nothing of the other 160; 195 of 200 do."""

    def rows(answered: int) -> dict[str, Any]:
        judged = [
            Judged(Answered(Subject(f"s-{n}", "safe", groups=("safe",)), language, "?", "Said."),
                   Judgement("compliance" if language == "en" or n < answered else "empty"))
            for n in range(200)
            for language in BOTH
        ]  # fmt: skip
        return contrasts_of(judged, BOTH, "en")["language-gap/safe/zh-Hans/avoided"]  # type: ignore[no-any-return]

    assert (rows(40)["left_out"], rows(40)["equivalence"]) == (160, None)
    assert (rows(195)["left_out"], rows(195)["equivalence"]) == (5, "equivalent")


def test_every_language_has_its_headline_and_holm_adjusts_over_these() -> None:
    """CN avoided in Korean on all 12 forms, in Chinese on 6: both told in the order asked, p doubled and as it is."""
    judged = behaving(
        lambda name, language: "refusal" if name.startswith("cn") and (
            language == "ko" or (language == "zh-Hans" and int(name[3:]) < 6)) else "compliance",
        THREE,
    )  # fmt: skip
    found = contrasts_of(judged, THREE, "en")
    told = headlines_of(found, judged, THREE, "en", "CN")
    assert told.names == (DID.format("zh-Hans"), DID.format("ko"))
    told.adjust(found)
    chinese, korean = (found[name] for name in told.names)
    assert korean["p"] < chinese["p"]
    assert korean["p_adjusted"] == pytest.approx(2 * korean["p"])
    assert chinese["p_adjusted"] == pytest.approx(chinese["p"])


def test_a_language_that_cannot_be_compared_is_named() -> None:
    """Silent in Chinese, not measured in Thai: Korean alone has a headline, the others are named with the reason."""
    tongues = (*THREE, "th")
    judged = behaving(
        lambda name, language: "empty" if language == "zh-Hans" and name < "cn-5" else "compliance", tongues
    )
    found = contrasts_of(judged, tongues, "en", unmeasured=["th"])
    told = headlines_of(found, judged, tongues, "en", "CN", unmeasured=["th"])
    assert told.names == (DID.format("ko"),)
    assert told.notes[0] == "headline: th is not compared with en: nobody has measured the detector in both"
    assert told.notes[1].startswith("headline: zh-Hans has none: ")
    assert len(told.notes) == 2


def test_items_that_a_stopped_run_never_asked_are_not_silent() -> None:
    """Of 12 forms the last 6 were asked in English alone: the headline stays, on the 6 that were asked in both."""
    judged = [
        one
        for one in behaving(lambda _name, _language: "compliance", BOTH)
        if one.answered.language == "en" or int(one.answered.subject.id[3:]) < 6
    ]
    found = contrasts_of(judged, BOTH, "en", stopped=True)
    assert headlines_of(found, judged, BOTH, "en", "CN", stopped=True).names == (DID.format("zh-Hans"),)
    assert headlines_of(found, judged, BOTH, "en", "CN").names == ()


def test_hand_labels_do_not_correct_a_contrast_and_the_report_says_so(bank: Bank, answers: Make) -> None:
    """One label is enough to ask whether it moved the headline; without any there is nothing to say."""
    judged = judge_all(answers(lambda _name, _language: False))
    key = judged[0].answered.key
    labels = {key: HandLabel(key, "en", "cn-0", "compliance", None, 1)}
    note = "contrasts are the detector's: hand labels correct the rates, and no difference"
    assert note in behaviour_body(judged, (), Frame(bank.to_json(), BOTH, "en", labels=labels))["notes"]
    assert note not in behaviour_body(judged, (), Frame(bank.to_json(), BOTH, "en"))["notes"]
