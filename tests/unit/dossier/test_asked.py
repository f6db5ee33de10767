from __future__ import annotations

from typing import Any

import pytest

from weighbridge.dossier import html, markdown
from weighbridge.dossier.asked import Part, asserted_engines, part_of
from weighbridge.dossier.compose import compose

ADDRESS = "http://127.0.0.1:8080/v1"


def _sampled(weighed: Any) -> Any:
    """Return a score of 10 questions, one of them without a mark, out of a suite that holds 120."""
    body = weighed.score("knowledge-en", "en", 3, 8).body
    return weighed.stated("score/v1", body | {"suite": body["suite"] | {"size": 120}})


def test_part_of_a_suite_is_told_from_the_whole() -> None:
    """Ten of 120 is a part; all of them, or a suite of unknown size, is not said to be one."""
    calls = {"asked": 10}
    assert part_of({"suite": {"size": 120}, "calls": calls}) == Part(10, 120)
    assert part_of({"suite": {"size": 10}, "calls": calls}) is None
    assert part_of({"suite": {"size": 0}, "calls": calls}) is None
    assert part_of({"source": "README.md"}) is None
    assert part_of({"suite": {"size": 120}, "difference": {"n": 8, "unscored": 2}}) == Part(10, 120)


@pytest.mark.parametrize(("language", "text"), [("en", "10 of 120 asked"), ("zh", "120 题中提问了 10 题")])
def test_every_figure_says_that_a_part_was_asked(weighed: Any, outline: Any, language: str, text: str) -> None:
    """The rule's observed figure, the table, the measurement and the Markdown all say it beside the count."""
    score = _sampled(weighed)
    demand = ("score/v1", "accuracy", "at-least", 0.4)
    ruling = weighed.ruling("knows", "fail", demand, "b", evidence=[score.id], observed=score.body["accuracy"])
    dossier = compose(weighed.decision(rulings=[ruling]), [score])
    estimates = outline(html.render(dossier, language)).of_class("estimate")
    assert len(estimates) == 3
    assert all(text in one.text for one in estimates)
    assert markdown.render(dossier, language).decode().count(text) == 2


def test_a_whole_suite_is_not_called_a_part(dossier: Any) -> None:
    """Where everything was asked, nothing is added to the count."""
    assert dossier.parts == {}
    assert " asked</span>" not in html.render(dossier).decode()


def test_what_was_not_asked_is_left_out(weighed: Any) -> None:
    """110 of the suite were never asked and two answers have no mark: 112 left out."""
    looks = {look.area: look for look in compose(weighed.decision(), [_sampled(weighed)]).looks}
    assert (looks["score"].looked, looks["score"].left) == (10, 112)


@pytest.mark.parametrize(("language", "text"), [("en", "is asserted, not proven"), ("zh", "未经证实")])
def test_an_asserted_engine_stands_right_under_the_verdict(
    weighed: Any, outline: Any, language: str, text: str
) -> None:
    """The reader of the verdict alone learns that nobody saw which weights answered; each engine once."""
    engine = weighed.engine() | {"name": "openai", "address": ADDRESS, "asserted": True}
    bodies = [weighed.score(name, "en", 3, 10).body | {"engine": engine} for name in ("one", "two")]
    dossier = compose(weighed.decision(), [weighed.files(), *(weighed.stated("score/v1", body) for body in bodies)])
    assert dossier.asserted == (ADDRESS,)
    verdict = outline(html.render(dossier, language)).find("section")[0]
    assert text in verdict.text
    assert verdict.text.count(ADDRESS) == 1
    above, _ = markdown.render(dossier, language).decode().split("\n- ", 1)
    assert text in above
    assert markdown.escape(ADDRESS) in above


def test_an_engine_that_loaded_the_files_is_not_asserted(dossier: Any) -> None:
    """Weighbridge loaded these files itself: no warning. An engine without an address goes by its name."""
    assert dossier.asserted == ()
    assert "asserted, not proven" not in html.render(dossier).decode() + markdown.render(dossier).decode()
    named = {"engine": {"name": "other", "address": None, "asserted": True}}
    assert asserted_engines([named, {"form": "chat"}, named]) == ("other",)


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "no rate possible: too few valid answers"), ("zh", "有效回答太少")],
)
def test_a_rate_that_is_not_possible_keeps_its_row(weighed: Any, outline: Any, language: str, text: str) -> None:
    """Behaviour without any valid answer is said so in table and Markdown, once a measure, and does not vanish."""
    nothing = dict.fromkeys(("over_refusal", "harmful_refusal", "nonsense"))
    behaviour = weighed.stated("behaviour/v1", weighed.behaviour("refusals-en", "en", (5, 23, 2)).body | nothing)
    dossier = compose(weighed.decision(), [behaviour])
    table = next(one for one in outline(html.render(dossier, language)).of_class("shares") if one.tag == "table")
    assert table.text.count(text) == 3
    assert markdown.render(dossier, language).decode().count(text) == 3
