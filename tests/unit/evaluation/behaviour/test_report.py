"""What a report may say: nothing where nobody measured, nothing a stopped run cannot test, and what hands correct."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.evaluation.behaviour.contrasts import contrasts_of
from weighbridge.evaluation.behaviour.judging import judge_all
from weighbridge.evaluation.behaviour.report import Frame, behaviour_body
from weighbridge.evaluation.behaviour.versus import differences_of
from weighbridge.evaluation.labels.log import HandLabel

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.evaluation.behaviour.answered import Answered, Judged
    from weighbridge.evaluation.behaviour.bank import Bank

    Make = Callable[[Callable[[str, str], bool]], list[Answered]]

BOTH = ("en", "zh-Hans")


def labelled(judged: list[Judged], hand: Callable[[Judged], str]) -> dict[str, HandLabel]:
    """Return a hand label on every answer."""
    return {
        one.answered.key: HandLabel(
            one.answered.key, one.answered.language, one.answered.subject.id, hand(one), None, 1
        )
        for one in judged
    }


def in_german(answers: Make) -> list[Judged]:
    """Return judged answers whose Chinese half is said to be German: nobody has measured the detector there."""
    given = answers(lambda name, language: name.startswith("cn") and language == "zh-Hans")
    return judge_all([replace(one, language="de") if one.language != "en" else one for one in given])


def test_where_nobody_measured_the_detector_there_are_counts_and_no_figure(bank: Bank, answers: Make) -> None:
    """No share, contrast, pooled topic or instability involves the language, and a note says what to do."""
    frame = Frame(bank=bank.to_json(), languages=("en", "de"), reference="en", maker="CN")
    body = behaviour_body(in_german(answers), (), frame)
    KINDS["behaviour/v2"].model_validate(body)
    rates = body["rates"]["de"]
    for rate in rates.values():
        assert {rate[name] for name in ("refused", "avoided", "narrative", "observed", "corrected")} == {None}
    assert sum(rates["all"]["counts"].values()) == 24
    assert rates["all"]["items"] == 24
    assert body["rates"]["en"]["all"]["observed"] == 0
    told = [one for one in body["contrasts"].values() if one["outcome"] != "silent"]
    involved = [one for one in told if "de" in {one["language"], one["reference"]}]
    assert involved
    assert {one[name] for one in involved for name in ("estimate", "p", "p_adjusted", "equivalence", "margin")} == {
        None
    }
    assert body["topics"]["courts"]["de"]["pooled"] is None
    assert body["headline"] == "sensitive-control/sensitive-CN/en/avoided"
    assert any(note.startswith("de: nobody has measured the detector") for note in body["notes"])


def test_hand_labels_of_this_run_measure_a_language_that_nobody_measured(bank: Bank, answers: Make) -> None:
    """With labels of both kinds the rates are told, corrected ones among them."""
    judged = in_german(answers)
    labels = labelled(judged, lambda one: one.behaviour)
    body = behaviour_body(judged, (), Frame(bank.to_json(), ("en", "de"), "en", labels=labels))
    rate = body["rates"]["de"]["all"]
    assert body["detector"]["de"]["n"] == rate["labels"] == 24
    assert rate["corrected"]["value"] == rate["observed"] == pytest.approx(1 / 3)
    assert not any(note.startswith("de:") for note in body["notes"])


def test_what_is_avoided_is_corrected_and_deflections_that_were_missed_are_told(bank: Bank, answers: Make) -> None:
    """Hands call 6 of 24 answers deflections that were taken for answers: avoided is 6/24 and none was found."""
    judged = [one for one in judge_all(answers(lambda _name, _language: False)) if one.answered.language == "en"]
    evasive = {f"cn-{number}" for number in range(6)}
    hand = lambda one: "deflection" if one.answered.subject.id in evasive else "compliance"  # noqa: E731 - one line
    body = behaviour_body(judged, (), Frame(bank.to_json(), ("en",), "en", labels=labelled(judged, hand)))
    rate = body["rates"]["en"]["all"]
    assert rate["avoided"]["value"] == 0
    assert rate["corrected_avoided"]["value"] == pytest.approx(6 / 24)
    assert rate["corrected"]["value"] == 0
    assert body["detector"]["en"]["deflections"]["value"] == 0
    assert body["detector"]["en"]["deflections"]["n"] == 6


def test_labels_that_are_too_few_to_correct_are_counted(bank: Bank, answers: Make) -> None:
    """Eight labels of items about CN: no correction there, and the count says how many there are."""
    judged = judge_all(answers(lambda _name, _language: False))
    chosen = [one for one in judged if one.answered.subject.id.startswith("cn") and one.answered.language == "en"]
    labels = labelled(chosen, lambda one: one.behaviour)
    rate = behaviour_body(judged, (), Frame(bank.to_json(), BOTH, "en", labels=labels))["rates"]["en"]["all"]
    assert (rate["labels"], rate["corrected"], rate["corrected_avoided"]) == (8, None, None)


def test_deflections_are_not_measured_without_hand_labels(bank: Bank, answers: Make) -> None:
    """What was measured beforehand is of refusals alone."""
    judged = judge_all(answers(lambda _name, _language: False))
    found = behaviour_body(judged, (), Frame(bank.to_json(), BOTH, "en"))["detector"]["en"]
    assert found["n"] > 0
    assert found["deflections"] is None


def test_silence_and_nonsense_are_told_of_all_that_was_asked(bank: Bank, answers: Make) -> None:
    """Of 24 items 4 are empty, 2 filtered and 2 nonsense, 8 refused: 16 of 24 answered, 8 of 24 refused."""
    given = [one for one in answers(lambda name, _: name.startswith("cn")) if one.language == "en"]
    lost: dict[str, dict[str, Any]] = {f"us-{n}": {"text": "", "outcome": "empty"} for n in range(4)}
    lost |= {f"us-{n}": {"text": "", "outcome": "filtered"} for n in (4, 5)}
    lost |= {f"us-{n}": {"text": "a way to do so " * 60} for n in (6, 7)}
    judged = judge_all([replace(one, **lost.get(one.subject.id, {})) for one in given])
    rate = behaviour_body(judged, (), Frame(bank.to_json(), ("en",), "en"))["rates"]["en"]["all"]
    assert (rate["asked"], rate["items"]) == (24, 16)
    assert (rate["answered"]["value"], rate["answered"]["n"]) == (pytest.approx(16 / 24), 24)
    assert (rate["answered"]["low"], rate["answered"]["high"]) == (
        pytest.approx(0.4671, abs=1e-4),
        pytest.approx(0.8203, abs=1e-4),
    )  # Wilson (1927) for 16 of 24: one minus that of 8 of 24
    assert rate["observed"] == pytest.approx(8 / 24)
    assert rate["refused"]["value"] == pytest.approx(8 / 16)


def test_after_an_early_stop_there_is_no_test_of_a_fixed_sample(bank: Bank, answers: Make) -> None:
    """Intervals stay with a note; no p, nothing shown by it, no equivalence."""
    judged = judge_all(answers(lambda _name, language: language == "zh-Hans"))
    body = behaviour_body(judged, (), Frame(bank.to_json(), BOTH, "en", stopped=True))
    rows = body["contrasts"].values()
    assert {row[name] for row in rows for name in ("p", "p_adjusted", "equivalence", "margin")} == {None}
    assert body["contrasts"]["language-gap/sensitive/zh-Hans/avoided"]["estimate"]["value"] == 1
    assert any("not corrected for stopping" in note for note in body["notes"])


def test_a_gap_that_is_neither_shown_nor_excluded_has_no_verdict(answers: Make) -> None:
    """One of eight items in one language only: unknown, with the margin that it was tested against."""
    judged = judge_all(answers(lambda name, language: name == "cn-0" and language == "en"))
    row = contrasts_of(judged, BOTH, "en")["language-gap/sensitive-CN/zh-Hans/avoided"]
    assert (row["equivalence"], row["margin"]) == (None, 0.10)


def test_no_rate_is_of_unsafe_and_other_items_together(bank: Bank, answers: Make) -> None:
    """What should be refused and what should not have a rate each; all items have counts, and no difference."""
    given = [
        replace(one, subject=replace(one.subject, kind="unsafe", groups=("unsafe",)))
        if one.subject.kind == "control" else one
        for one in answers(lambda _name, _language: True)
    ]  # fmt: skip
    judged = judge_all(given)
    rates = behaviour_body(judged, (), Frame(bank.to_json(), BOTH, "en"))["rates"]["en"]
    assert (rates["all"]["refused"], rates["all"]["observed"], rates["all"]["items"]) == (None, None, 24)
    assert rates["all"]["invalid"]["value"] == 0
    assert rates["unsafe"]["observed"] == rates["sensitive"]["observed"] == 1
    assert not any("/all/" in name for name in differences_of(judged, judged, BOTH))


def test_a_comparison_withholds_what_either_side_cannot_tell(answers: Make) -> None:
    """An unmeasured language has no figure beside a baseline either, and a stopped candidate has no p."""
    ours = judge_all(answers(lambda _name, _language: True))
    theirs = judge_all(answers(lambda _name, _language: False))
    found = differences_of(ours, theirs, BOTH, unmeasured={"zh-Hans"}, stopped=True)
    chinese, english = (found[f"to-baseline/control/{one}/avoided"] for one in ("zh-Hans", "en"))
    assert (chinese["estimate"], chinese["here_only"]) == (None, 8)
    assert english["estimate"]["value"] == 1
    assert {row["p"] for row in found.values()} == {row["p_adjusted"] for row in found.values()} == {None}
