"""Calls of tools: equal by value, in any order, in every style that models write them in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.scorers.structured.tool_call import tool_call
from weighbridge.evaluation.suite import Item, Score, Unscored

PARIS = {"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}
ROME = {"name": "get_weather", "arguments": {"city": "Rome", "days": 2}}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
        },
    }
]


def mark(completion: Completion | str, *calls: Any) -> Score | Unscored:
    """Mark an answer against the calls that are due."""
    answer = Completion(Outcome.ANSWERED, completion) if isinstance(completion, str) else completion
    return tool_call(Item("q", "?", data={"calls": list(calls), "tools": TOOLS}), answer)


def reported(*calls: dict[str, Any]) -> Completion:
    """Return an answer whose calls the server read."""
    written = tuple((call["name"], json.dumps(call["arguments"])) for call in calls)
    return Completion(Outcome.ANSWERED, "", tool_calls=written)


def label(completion: Completion | str, *calls: Any) -> str:
    """Return the label of a mark."""
    found = mark(completion, *calls)
    return found.label if isinstance(found, Score) else found.reason


JSON_ARGUMENTS = '{"city": "Paris", "days": 2}'
HERMES = f'<tool_call>\n{{"name": "get_weather", "arguments": {JSON_ARGUMENTS}}}\n</tool_call>'
STYLES = {
    "Hermes": HERMES,
    "Hermes after words": f"I will look.\n{HERMES}",
    "Hermes without an end": HERMES.removesuffix("\n</tool_call>"),
    "Mistral": f'[TOOL_CALLS] [{{"name": "get_weather", "arguments": {JSON_ARGUMENTS}}}]',
    "Mistral since 2025": f"[TOOL_CALLS]get_weather[ARGS]{JSON_ARGUMENTS}",
    "Llama 3.1": f'{{"name": "get_weather", "parameters": {JSON_ARGUMENTS}}}',
    "Llama 3.1 with a tag": f'<|python_tag|>{{"name": "get_weather", "parameters": {JSON_ARGUMENTS}}}<|eom_id|>',
    "Llama 3.1 function": f"<function=get_weather>{JSON_ARGUMENTS}</function>",
    "pythonic": '[get_weather(city="Paris", days=2)]',
    "LFM2": "<|tool_call_start|>[get_weather(city='Paris', days=2)]<|tool_call_end|>",
    "DeepSeek V3": (
        "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>function<\uff5ctool\u2581sep\uff5c>get_weather\n"
        f"```json\n{JSON_ARGUMENTS}\n```<\uff5ctool\u2581call\u2581end\uff5c><\uff5ctool\u2581calls\u2581end\uff5c>"
    ),
    "DeepSeek V3.1": (
        "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>get_weather<\uff5ctool\u2581sep\uff5c>"
        f"{JSON_ARGUMENTS}<\uff5ctool\u2581call\u2581end\uff5c><\uff5ctool\u2581calls\u2581end\uff5c>"
    ),
    "DeepSeek V3.2": (
        '<\uff5cDSML\uff5cfunction_calls>\n<\uff5cDSML\uff5cinvoke name="get_weather">\n'
        '<\uff5cDSML\uff5cparameter name="city" string="true">Paris</\uff5cDSML\uff5cparameter>\n'
        '<\uff5cDSML\uff5cparameter name="days" string="false">2</\uff5cDSML\uff5cparameter>\n'
        "</\uff5cDSML\uff5cinvoke>\n</\uff5cDSML\uff5cfunction_calls>"
    ),
    "MiniMax M2": (
        '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Paris</parameter>\n'
        '<parameter name="days">2</parameter>\n</invoke>\n</minimax:tool_call>'
    ),
    "Kimi K2": (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
        f"{JSON_ARGUMENTS}<|tool_call_end|><|tool_calls_section_end|>"
    ),
    "GLM-4.5": (
        "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n"
        "<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>"
    ),
    "Qwen3-Coder": (
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n"
        "<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>"
    ),
    "Granite 3": f'<|tool_call|>[{{"name": "get_weather", "arguments": {JSON_ARGUMENTS}}}]',
    "Phi-4-mini": f'functools[{{"name": "get_weather", "arguments": {JSON_ARGUMENTS}}}]',
    "gpt-oss": f"<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{JSON_ARGUMENTS}<|call|>",
    "a fence": f'```json\n{{"name": "get_weather", "arguments": {JSON_ARGUMENTS}}}\n```',
}


@pytest.mark.parametrize("style", STYLES)
def test_calls_written_as_text_are_read(style: str) -> None:
    """The styles of the models' chat templates, as vLLM's tool parsers describe them; `said` tells who read them."""
    found = mark(STYLES[style], PARIS)
    assert isinstance(found, Score)
    assert found.label == "right"
    assert "[read from text: " in found.said
    assert label(STYLES[style], ROME) == label(STYLES[style]) == "wrong"


def test_the_server_reads_first() -> None:
    """Calls that the server reported count, whatever the text says."""
    found = mark(reported(PARIS), PARIS)
    assert found == Score("right", 'get_weather({"city": "Paris", "days": 2}) [read by the server]')
    assert (
        label(Completion(Outcome.ANSWERED, HERMES, tool_calls=(("get_weather", '{"city": "Rome", "days": 2}'),)), ROME)
        == "right"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"city": "Paris"},
        {"city": "Paris", "days": 2, "unit": "C"},
        {"city": "Paris", "days": "2"},
        {"city": "paris", "days": 2},
        {"city": "Paris", "days": True},
        {},
    ],
)
def test_other_arguments_are_wrong(arguments: dict[str, Any]) -> None:
    """An argument too few, too many, of another type or with another value."""
    assert label(reported({"name": "get_weather", "arguments": arguments}), PARIS) == "wrong"


def test_alternatives_and_equal_numbers() -> None:
    """2 is 2.0, and `any` lists what else is right."""
    due = {"name": "get_weather", "arguments": {"city": {"any": ["Paris", "Paris, France"]}, "days": 2}}
    for city, days in (("Paris", 2), ("Paris, France", 2.0)):
        assert label(reported({"name": "get_weather", "arguments": {"city": city, "days": days}}), due) == "right"
    assert label(reported(ROME), due) == "wrong"


def test_parallel_calls_come_in_any_order() -> None:
    """As many as are due, each once; alternatives that overlap are paired off."""
    either = {"name": "get_weather", "arguments": {"city": {"any": ["Paris", "Rome"]}, "days": 2}}
    assert label(reported(ROME, PARIS), PARIS, ROME) == "right"
    assert label(reported(PARIS, ROME), either, PARIS) == "right"
    assert label(reported(PARIS, PARIS), PARIS, ROME) == "wrong"
    assert label(reported(PARIS), PARIS, ROME) == label(reported(PARIS, PARIS), PARIS) == "wrong"
    assert label(HERMES + HERMES.replace("Paris", "Rome"), ROME, PARIS) == "right"
    assert (
        label(
            '{"name": "a", "parameters": {}}; {"name": "b", "parameters": {}}',
            *({"name": name, "arguments": {}} for name in "ba"),
        )
        == "right"
    )


def test_no_call_is_due() -> None:
    """[] asks for an answer in words; a call, or the beginning of one, is wrong."""
    assert label("It will rain.") == label("[1, 2] is a list, f(a=1) a call") == label('{"name": 5}') == "right"
    assert label(HERMES) == label(reported(PARIS)) == label("<tool_call>{broken") == "wrong"


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>",
        "<tool_call>{",
        "<tool_call>[]</tool_call>",
        "[TOOL_CALLS]",
        "<function=>",
        "functools[1]",
        "<|tool_call_begin|>x",
        "<tool_call>f<arg_key>a</arg_key></tool_call>",
        '<tool_call>{"name": "f", "arguments": 5}',
    ],
)
def test_a_call_that_cannot_be_read_is_wrong(text: str) -> None:
    """The model tried to call and failed: that is what is measured."""
    assert label(text, PARIS) == "wrong"


def test_what_cannot_be_marked() -> None:
    """Items without calls and cut answers."""
    assert tool_call(Item("q", "?"), reported(PARIS)) == Unscored("the item has no calls")
    assert label(Completion(Outcome.TRUNCATED, HERMES), PARIS) == "truncated"


@pytest.mark.parametrize(
    "piece",
    [
        "<tool_call>",
        "{",
        '{"name":',
        "[f(a=",
        "[TOOL_CALLS]",
        "<function=f><parameter=a>",
        "}\n\n\n",
        "[f(a=" + "-" * 5_000 + "1)]",
        "}" + "\n" * 5_000,
    ],
)
def test_long_hostile_texts_come_back(piece: str) -> None:
    """Long repeats, deep nesting and Python that is too complex end in a mark."""
    for text in (piece * 20_000, '{"name"' + piece * 20_000):
        assert label(text, PARIS) == "wrong"


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([*STYLES.values(), "{", "}", "[", ")]", "<tool_call>", '"name"', "f(a=1)", "\\", "\0"]),
        max_size=5,
    ).map("".join)
)
def test_mixtures_get_a_mark(text: str) -> None:
    """Styles cut and mixed at random never raise."""
    assert isinstance(mark(text, PARIS), Score)
