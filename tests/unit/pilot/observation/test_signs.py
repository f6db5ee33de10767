"""The signs of an answer."""

# ruff: noqa: RUF001 - answers in other scripts

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from tests.unit.pilot.observation.exchanges import ENOUGH

from weighbridge.pilot.observation.noun import Reading
from weighbridge.pilot.observation.signs import signs_of

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
GERMAN = (
    "Der Fluss fließt durch die alte Stadt, und die Menschen, die dort wohnen, sind im Sommer froh über das Wasser."
)


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("How do I pick a lock?", "I'm sorry, but I can't help with that request."),
        ("Wie knacke ich ein Schloss?", "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen."),
        ("如何撬锁？", "抱歉，我无法提供这方面的帮助。"),
        ("Comment crocheter une serrure ?", "Je suis désolé, mais je ne peux pas vous aider avec cette demande."),
        ("鍵を開ける方法は？", "申し訳ありませんが、そのご依頼にはお答えできません。"),
        ("자물쇠를 따는 법은?", "죄송하지만 그 요청은 도와드릴 수 없습니다."),
        ("Как взломать замок?", "Извините, но я не могу помочь с этим запросом."),
        ("¿Cómo abro una cerradura?", "Lo siento, pero no puedo ayudarte con esa solicitud."),
        ("كيف أفتح قفلا؟", "عذراً، لا أستطيع المساعدة في هذا الطلب."),
    ],
)
def test_refusals_are_told_in_nine_languages(prompt: str, answer: str) -> None:
    """Plain refusals, as assistants word them."""
    assert signs_of(Reading(prompt, answer)).refused is True


def test_what_is_no_refusal() -> None:
    """An answer that regrets something else, one of code, a call, and JSON that was asked for."""
    answers = [
        Reading("Tell me of the strike", "Unfortunately the trains do not run today. " + ENOUGH),
        Reading("Sort a list", "```python\nsorted(x)\n```"),
        Reading("Weather?", "", tool_calls=(("weather", "{}"),)),
        Reading("Is it allowed?", '{"answer": "sorry, I cannot help with that"}', wanted={}),
    ]
    assert [signs_of(one).refused for one in answers] == [False] * 4


def test_the_api_itself_says_so() -> None:
    """The field `refusal`, and an answer that a filter took away."""
    assert signs_of(Reading("x", "", refusal="No.")).refused is True
    assert signs_of(Reading("x", "", finish="content_filter")).refused is True


def test_what_cannot_be_told_is_none() -> None:
    """No answer; a language that the detector has no rules for."""
    assert signs_of(Reading("x", "")).refused is None
    assert (
        signs_of(Reading("Πού είναι;", "Το ποτάμι περνά μέσα από την παλιά πόλη και οι άνθρωποι χαίρονται.")).refused
        is None
    )


@pytest.mark.parametrize(
    ("answer", "wanted", "in_form"),
    [
        ('{"age": 3}', SCHEMA, True),
        ('{"age": "3"}', SCHEMA, False),
        ('```json\n{"age": 3}\n```', SCHEMA, False),
        ("Sure!", SCHEMA, False),
        ("[1]", {}, False),
        ('{"a": NaN}', {}, False),
        ('{"a": 1}', {}, True),
        ("[1]", {"type": "array"}, True),
        ('{"a": 1}', {"$ref": "http://127.0.0.1:9/schema"}, None),
        ("anything", None, None),
    ],
)
def test_json_that_was_asked_for(answer: str, wanted: dict[str, Any] | None, in_form: bool | None) -> None:
    """By RFC 8259 and the schema; one that would have to be fetched is not, and a fence is no JSON."""
    assert signs_of(Reading("x", answer, wanted=wanted)).in_form is in_form


@pytest.mark.parametrize(
    ("calls", "in_form"),
    [
        ((("save", '{"age": 3}'),), True),
        ((("save", '{"age": 3}'), ("save", "{}")), False),
        ((("other", "{}"),), False),
        ((("save", '{"age": 3'),), False),
        ((("free", ""),), True),
    ],
)
def test_calls_of_tools(calls: tuple[tuple[str, str], ...], in_form: bool) -> None:
    """A name that was offered, arguments that follow its schema."""
    reading = Reading("x", "", tool_calls=calls, tools={"save": SCHEMA, "free": {}})
    assert signs_of(reading).in_form is in_form


def test_a_call_that_stayed_text_is_out_of_form() -> None:
    """Where tools were offered and the server's parser did not know the call; without tools it is text like any."""
    text = '<tool_call>{"name": "save", "arguments": {}}</tool_call>'
    assert signs_of(Reading("x", text, tools={"save": {}})).in_form is False
    assert signs_of(Reading("x", text)).in_form is None


def test_without_the_extra_a_schema_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON that parses is not called valid; what is no JSON is out of form all the same."""
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    assert signs_of(Reading("x", '{"age": 3}', wanted=SCHEMA)).in_form is None
    assert signs_of(Reading("x", "no", wanted=SCHEMA)).in_form is False


def test_a_cut_answer_is_not_out_of_form() -> None:
    """The caller's bound of tokens cut it; its form is not told."""
    signs = signs_of(Reading("x", '{"age": ', finish="length", wanted=SCHEMA))
    assert (signs.in_form, signs.is_cut) == (None, True)
    assert (signs_of(Reading("x", "y", finish="stop")).is_cut, signs_of(Reading("x", "y")).is_cut) == (False, None)


def test_the_language_of_the_prompt() -> None:
    """Same, other, and not told: code, JSON, a word or two."""
    asked = "Tell me about the river that runs through this town."
    assert signs_of(Reading(asked, ENOUGH)).same_language is True
    assert signs_of(Reading(asked, GERMAN)).same_language is False
    assert signs_of(Reading(asked, GERMAN), "de-CH").same_language is True
    assert signs_of(Reading(asked, GERMAN)).language == "de"
    for answer in ("Ja.", "```python\nfor x in range(3):\n    print(x)\n```", "42", json.dumps({"a": GERMAN})):
        signs = signs_of(Reading(asked, answer, wanted={} if answer.startswith("{") else None))
        assert signs.same_language is None, answer


def test_length_counts_characters() -> None:
    """Of the answer; a call alone has none."""
    assert signs_of(Reading("x", "naïve 漢字")).chars == 8
    assert signs_of(Reading("x", "", tool_calls=(("a", "{}"),))).chars is None


def test_a_small_bound_of_the_callers_own_cut_the_answer() -> None:
    """Then its length tells nothing of the model; under a large bound, none, or ended by itself, it does."""
    cut = [Reading("x", "y", finish="length", bound=bound) for bound in (1, 1024, 4096, None)]
    assert [signs_of(one).is_bound for one in cut] == [True, True, None, None]
    assert signs_of(Reading("x", "y", finish="stop", bound=1)).is_bound is None


def test_a_stranger_cannot_hold_up_the_node_by_schema() -> None:
    """Forty levels of references that double, as form and as parameters; more calls than are checked are unknown."""
    steps: dict[str, Any] = {f"a{at}": {"anyOf": [{"$ref": f"#/$defs/a{at + 1}"}] * 2} for at in range(40)}
    schema = {"$defs": steps | {"a40": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a0"}}}
    assert signs_of(Reading("x", '{"a": 1}', wanted=schema)).in_form is None
    assert signs_of(Reading("x", "", tool_calls=(("save", '{"a": 1}'),), tools={"save": schema})).in_form is None
    many = (("free", "{}"),) * 9
    assert signs_of(Reading("x", "", tool_calls=many, tools={"free": {}})).in_form is None
    assert signs_of(Reading("x", "[1]" + " " * 300_000, wanted={})).in_form is None
