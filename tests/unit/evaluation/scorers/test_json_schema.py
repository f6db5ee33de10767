"""Structured output: strict JSON, the item's schema, the expected values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.scorers.structured.json_schema import json_schema
from weighbridge.evaluation.scorers.structured.json_values import NotJson, at_pointer, json_equal, read_json
from weighbridge.evaluation.suite import Item, Score, Unscored

pytest.importorskip("jsonschema_rs")
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
GOOD = '{"name": "Ada", "age": 36}'


def mark(text: str, outcome: Outcome = Outcome.ANSWERED, **data: Any) -> Score | Unscored:
    """Mark an answer."""
    return json_schema(Item("q", "?", data={"schema": SCHEMA, **data}), Completion(outcome, text))


def label(text: str, **data: Any) -> str:
    """Return the label of a mark."""
    found = mark(text, **data)
    return found.label if isinstance(found, Score) else found.reason


@pytest.mark.parametrize("text", [GOOD, f"\n{GOOD} ", f"```json\n{GOOD}\n```", f"```\n{GOOD}\n```\n"])
def test_json_that_follows_the_schema_is_right(text: str) -> None:
    """Alone, or alone in a fence."""
    assert label(text) == "right"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ada, 36",
        f"Here it is: {GOOD}",
        f"```json\n{GOOD}\n```\nDone.",
        "{'name': 'Ada', 'age': 36}",
        GOOD[:-1],
        GOOD + GOOD,
        '{"name": "Ada"}',
        '{"name": "Ada", "age": -1}',
        '{"name": "Ada", "age": "36"}',
        '{"name": "ada", "age": 36}',
        '{"name": "Ada", "age": 36, "x": 1}',
        '{"name": "Ada", "age": NaN}',
        '{"name": "Ada", "age": 36, "age": 37}',
        "[]",
        "null",
        '{"name": "Ada", "age": 36,}',
        '{"name": "Ada", "age": 36} // done',
        '{"name": "\\ud800", "age": 1}',
        '{"name": "Ada", "age": 1' + "0" * 5_000 + "}",
    ],
)
def test_everything_else_is_wrong(text: str) -> None:
    """Words around it, another syntax, a name twice, NaN, and every breach of the schema."""
    assert label(text) == "wrong"


def test_values_are_held_against_pointers() -> None:
    """RFC 6901 pointers; alternatives; a value that is not there is wrong."""
    assert label(GOOD, values={"/name": "Ada", "/age": {"any": [36, 37]}}) == "right"
    assert mark(GOOD, values={"/age": 35}) == Score("wrong", "another value at `/age`")
    assert label(GOOD, values={"/born": 1815}) == label(GOOD, values={"/age": True}) == "wrong"
    document = {"a/b": {"m~n": [1, {"": 2}]}}  # as in RFC 6901, section 5
    assert at_pointer(document, "/a~1b/m~0n/1/") == 2
    assert at_pointer(document, "") == document
    for pointer in ("/a~1b/m~0n/01", "/a~1b/m~0n/-", "a", "/a~1b/m~0n/1/x/y"):
        with pytest.raises(KeyError):
            at_pointer(document, pointer)


def test_what_cannot_be_marked() -> None:
    """No schema, one that is none, and a cut answer; a reference into the network is never followed."""
    assert json_schema(Item("q", "?"), Completion(Outcome.ANSWERED, GOOD)) == Unscored("the item has no schema")
    assert mark(GOOD, schema={"type": "nonsense"}).__class__ is Unscored
    assert mark(GOOD, schema={"$ref": "http://127.0.0.1:1/schema.json"}).__class__ is Unscored
    assert mark(GOOD, Outcome.TRUNCATED) == Unscored("truncated")


def test_hostile_documents_come_back() -> None:
    """Deep nesting, many keys, and a string against a pattern that backtracks elsewhere."""
    assert label("[" * 100_000) == label("[" * 100_000 + "]" * 100_000) == label('{"a":' * 100_000) == "wrong"
    slow = {"schema": {"type": "string", "pattern": "^(a+)+$"}}
    assert label(json.dumps("a" * 50_000 + "b"), **slow) == "wrong"


@settings(deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**60), 2**60)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_values_equal_themselves_through_text(value: Any) -> None:
    """Writing and reading keeps a value; wrapping it changes it."""
    assert json_equal(read_json(json.dumps(value)), value)
    assert not json_equal([value], value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        (None, False, False),
        ([1, 2], [2, 1], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
    ],
)
def test_equality_is_of_json_values(one: object, other: object, same: bool) -> None:
    """Python's own equality takes True for 1."""
    assert json_equal(one, other) is same


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_json_or_not(text: str) -> None:
    """Reading raises NotJson and nothing else."""
    try:
        read_json(text)
    except NotJson:
        assert label(text) == "wrong"
