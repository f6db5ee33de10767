# ruff: noqa: RUF001 - Chinese answers have Chinese punctuation
"""Contrasts over answers whose behaviour is plain, so that every difference is known by counting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from weighbridge.core.kinds import KINDS
from weighbridge.evaluation.behaviour.contrasts import contrasts_of, name_of
from weighbridge.evaluation.behaviour.headlines import headlines_of
from weighbridge.evaluation.behaviour.judging import judge_all
from weighbridge.evaluation.behaviour.report import Frame, behaviour_body
from weighbridge.evaluation.behaviour.versus import differences_of, pairs_of, topics_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.evaluation.behaviour.answered import Answered
    from weighbridge.evaluation.behaviour.bank import Bank

    Make = Callable[[Callable[[str, str], bool]], list[Answered]]

BOTH = ("en", "zh-Hans")


def test_a_model_that_avoids_its_own_state_in_its_own_language_shows_in_the_headline(answers: Make) -> None:
    """Refusing CN in Chinese only: gap 1 there, 0 for US and controls, and a difference in differences of 1."""
    judged = judge_all(answers(lambda name, language: name.startswith("cn") and language == "zh-Hans"))
    found = contrasts_of(judged, BOTH, "en")

    def value(what: str, group: str, language: str = "zh-Hans") -> float:
        estimate = found[name_of(what, group, language, "avoided")]["estimate"]
        return float(estimate["value"])

    assert value("language-gap", "sensitive-CN") == 1
    assert value("language-gap", "sensitive-US") == 0
    assert value("language-gap", "control") == 0
    assert value("sensitive-control", "sensitive-CN") == 1
    assert value("sensitive-control", "sensitive-CN", "en") == 0
    assert value("difference-in-differences", "sensitive-CN") == 1
    assert value("difference-in-differences", "sensitive") == pytest.approx(0.5)  # one of two sensitive items a form
    (headline,) = headlines_of(found, judged, BOTH, "en", "CN").names
    assert headline == "difference-in-differences/sensitive-CN/zh-Hans/avoided"
    assert found[headline]["estimate"]["low"] > 0


def test_hedging_on_all_politics_is_no_bias(answers: Make) -> None:
    """A model that refuses everything in both languages has no gap, and no difference to its controls."""
    judged = judge_all(answers(lambda _name, _language: True))
    found = contrasts_of(judged, BOTH, "en")
    assert {row["estimate"]["value"] for row in found.values() if row["outcome"] == "avoided"} == {0.0}
    assert all(row["p_adjusted"] is None or row["p_adjusted"] > 0.5 for row in found.values())


def test_the_discordant_items_are_counted_on_either_side(answers: Make) -> None:
    """Exact McNemar's two counts: 5 items refused in Chinese only and 2 in English only of 8 about CN."""
    chinese, english = {f"cn-{n}" for n in range(5)}, {"cn-5", "cn-6"}
    judged = judge_all(answers(lambda name, language: name in (chinese if language == "zh-Hans" else english)))
    row = contrasts_of(judged, BOTH, "en")["language-gap/sensitive-CN/zh-Hans/avoided"]
    assert (row["here_only"], row["there_only"]) == (5, 2)
    assert row["p"] == pytest.approx(0.453125)  # two-sided binomial of 2 in 7, by hand: 2 (1 + 7 + 21) / 128
    assert row["estimate"]["value"] == pytest.approx(3 / 8)


def test_nonsense_leaves_the_pair_and_is_counted(answers: Make) -> None:
    """An item whose Chinese answer is a loop counts on neither side of the gap."""
    given = answers(lambda _name, _language: False)
    loop = "谢谢你的问题，" * 60
    broken = [
        one if (one.subject.id, one.language) != ("cn-0", "zh-Hans") else type(one)(
            one.subject, one.language, one.question, loop
        )
        for one in given
    ]  # fmt: skip
    judged = judge_all(broken)
    assert sum(one.behaviour == "nonsense" for one in judged) == 1
    row = contrasts_of(judged, BOTH, "en")["language-gap/sensitive-CN/zh-Hans/avoided"]
    assert row["estimate"]["n"] == 7
    assert row["left_out"] == 1


def test_the_report_is_of_its_kind_and_nonsense_is_in_no_rate(bank: Bank, answers: Make) -> None:
    """The body validates; eight refusals of 24 in one language are a third, with Wilson's interval."""
    judged = judge_all(answers(lambda name, _language: name.startswith("cn")))
    body = behaviour_body(judged, (), Frame(bank=bank.to_json(), languages=BOTH, reference="en", maker="CN"))
    KINDS["behaviour/v2"].model_validate(body)
    rate = body["rates"]["en"]["all"]
    assert rate["counts"] == {"compliance": 16, "refusal": 8}
    assert rate["refused"]["value"] == pytest.approx(1 / 3)
    assert (rate["refused"]["low"], rate["refused"]["high"]) == (
        pytest.approx(0.1797, abs=1e-4),
        pytest.approx(0.5329, abs=1e-4),
    )  # fmt: skip - Wilson (1927) for 8 of 24
    assert body["rates"]["en"]["sensitive-CN"]["observed"] == 1
    assert body["topics"]["courts"]["en"]["avoided"] == 8
    assert body["detector"]["en"]["n"] > 0


def test_repeated_draws_tell_the_instability(bank: Bank, answers: Make) -> None:
    """Of two items drawn twice, the one that refuses once has changed: one half."""
    first = judge_all(answers(lambda _name, _language: False))
    repeated = [
        type(one.answered)(one.answered.subject, "en", one.answered.question, text, draw=draw)
        for one in first[:4:2]
        for draw, text in enumerate([one.answered.text, "I cannot answer that." if one is first[0] else ANSWER])
    ]
    body = behaviour_body(first, judge_all(repeated), Frame(bank=bank.to_json(), languages=BOTH, reference="en"))
    assert body["instability"]["en"]["value"] == pytest.approx(0.5)


ANSWER = "The court ruled on 4 May 1970 that the officers had acted without orders, and four people died."


def test_two_models_are_paired_by_item(answers: Make) -> None:
    """A candidate that refuses four items more: +4/24 in English, the four pairs shown, and the topic's counts."""
    ours = judge_all(answers(lambda name, language: name in {"cn-0", "cn-1", "us-0", "cl-0"} and language == "en"))
    theirs = judge_all(answers(lambda _name, _language: False))
    row = differences_of(ours, theirs, BOTH)["to-baseline/all/en/avoided"]
    assert row["estimate"]["value"] == pytest.approx(4 / 24)
    assert (row["here_only"], row["there_only"]) == (4, 0)
    assert row["p"] == pytest.approx(0.125)  # 2 / 2^4
    differing, pairs = pairs_of(ours, theirs)
    assert differing == 4
    assert {pair["id"] for pair in pairs} == {"cn-0", "cn-1", "us-0", "cl-0"}
    assert topics_of(ours, theirs)["courts"]["en"] == {"items": 24, "candidate": 4.0, "baseline": 0.0}


def test_one_text_for_many_questions_is_canned_and_unsure(answers: Make) -> None:
    """Whatever it says, one text cannot answer eight questions: a reader should look."""
    given = answers(lambda _name, _language: False)
    same = "Our company was founded in 1998 and sells garden tools in four countries."
    sold = [type(one)(one.subject, one.language, one.question, same) if one.language == "en" else one for one in given]
    judged = [one for one in judge_all(sold) if one.answered.language == "en"]
    assert all("canned" in one.flags and one.judgement.unsure for one in judged if one.behaviour == "compliance")
    assert judged
