"""Schemas that strangers wrote: counted with references expanded, held against documents only where that is little."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.evaluation.scorers.structured import stranger_schema
from weighbridge.evaluation.scorers.structured.stranger_schema import (
    MOST_NODES,
    MOST_WORK,
    Unbounded,
    bulk_of_schema,
    follows,
    work_of,
)

ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
        "Item": {
            "type": "object",
            "properties": {"sku": {"type": "string", "pattern": "^[A-Z]{2}-\\d{3}$"}, "count": {"minimum": 1}},
            "required": ["sku", "count"],
            "additionalProperties": False,
        },
        "a/b": {"enum": ["EUR", "USD"]},
    },
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}, "uniqueItems": True},
        "currency": {"$ref": "#/$defs/a~1b"},
        "price": {"multipleOf": 0.5},
        "$ref": {"type": "string"},
    },
    "required": ["items"],
}


def doubling(levels: int, keyword: str = "anyOf") -> dict[str, Any]:
    """Return a schema of a few hundred bytes a level whose references double the work at each (finding 1)."""
    steps = {f"a{at}": {keyword: [{"$ref": f"#/$defs/a{at + 1}"}] * 2} for at in range(levels)}
    return {"$defs": {**steps, f"a{levels}": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a0"}}}


def expanded(schema: Any, value: Any) -> int:
    """Count values, names and references' targets by plain recursion, as long as that ends."""
    if isinstance(value, list):
        return 1 + sum(expanded(schema, one) for one in value)
    if not isinstance(value, dict):
        return 1
    count = 1 + sum(1 + expanded(schema, one) for one in value.values())
    if isinstance(value.get("$ref"), str):
        count += expanded(schema, schema["$defs"][value["$ref"].rpartition("/")[2]])
    return count


@pytest.mark.parametrize("keyword", ["anyOf", "allOf", "oneOf"])
def test_references_that_double_the_work_are_refused(keyword: str) -> None:
    """Forty levels would take years; the answer is that nobody can tell, and it comes at once."""
    began = time.monotonic()
    assert follows(doubling(40, keyword), {"a": 1}) is None
    assert time.monotonic() - began < 5
    assert follows(doubling(3, keyword), {"a": 1}) is False


@given(st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=3), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_the_count_is_that_of_the_expanded_schema(edges: list[list[int]]) -> None:
    """Over random graphs of references without circles: as plain recursion counts, or refused where that is more."""
    names = [f"a{at}" for at in range(len(edges) + 1)]
    defs: dict[str, Any] = {names[-1]: {"type": "string"}}
    for at, steps in enumerate(edges):
        to = [names[min(at + step, len(edges))] for step in steps]
        defs[names[at]] = {"allOf": [{"$ref": f"#/$defs/{name}"} for name in to]}
    schema = {"$defs": defs, "$ref": "#/$defs/a0"}
    count = expanded(schema, schema)
    if count > MOST_NODES:
        with pytest.raises(Unbounded):
            bulk_of_schema(schema)
    else:
        assert bulk_of_schema(schema).nodes == count


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"},
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#name", "$defs": {"a": {"$anchor": "name"}}},
        {"$ref": "#/%24defs/a", "$defs": {"a": {}}},
        {"$ref": "#/$defs/b", "$defs": {"a": {}}},
        {"properties": {"a": {"$id": "http://x/y", "$ref": "#/$defs/a"}}},
        {"$dynamicRef": "#a"},
        {"$recursiveRef": "#"},
        {"unevaluatedProperties": False},
        {"contentMediaType": "application/json"},
        {"$schema": "http://json-schema.org/draft-04/schema#", "id": "x"},
        {"patternProperties": {f"^a{at}": {} for at in range(2000)}},
        {"properties": {f"a{at}": {"pattern": "a"} for at in range(9)}},
        {"pattern": "a" * 129},
        {"maximum": 10**4000},
        {"multipleOf": 1e-300},
        {"enum": ["x" * 70_000]},
        {"enum": list(range(4000))},
        json.loads('{"not":' * 100 + "{}" + "}" * 100),
    ],
)
def test_what_cannot_be_bounded_is_not_held_against(schema: dict[str, Any]) -> None:
    """Circles, references to elsewhere, what evaluates again, many or long patterns, odd numbers, depth, mass."""
    with pytest.raises(Unbounded):
        bulk_of_schema(schema)
    assert follows(schema, {}) is None


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        ({"items": {"anyOf": [{"maximum": 5.5}] * 50}}, [-(10**4200)] * 200),
        ({"items": {"multipleOf": 0.1}}, [1e307] * 1000),
        ({"items": {"enum": [at + 0.5 for at in range(200)]}}, list(range(1000))),
        ({"items": {"pattern": "(?:a|b)*a(?:a|b){20}x"}}, ["ab" * 500] * 50),
        ({"propertyNames": {"pattern": "(?:a|b)*a(?:a|b){20}x"}}, {"ab" * 5000 + str(at): 1 for at in range(9)}),
        ({"allOf": [{"uniqueItems": True}] * 50}, [float(at) for at in range(5000)]),
        ({"allOf": [{"maxLength": 10**7}] * 500}, "x" * 250_000),
        ({"minItems": 3}, [[]] * 100_000),
    ],
)
def test_documents_that_would_take_long_are_not_held_against(schema: dict[str, Any], document: Any) -> None:
    """Each took between 40 ms and 21 s with jsonschema-rs 0.60, under a schema that is small by itself, or would."""
    bulk = bulk_of_schema(schema)
    with contextlib.suppress(Unbounded):
        assert work_of(bulk, document) > MOST_WORK
    assert follows(schema, document) is None


def test_large_numbers_and_patterns_are_never_compiled_away() -> None:
    """A pattern whose machine is large is no pattern here: its states are what a text is led through."""
    assert follows({"pattern": "[\\w]{200}x1"}, "a") is None
    assert follows({"pattern": "(?=a)a"}, "a") is None


_ORDERS: list[Any] = [
    {"items": [{"sku": "AB-123", "count": 2}], "currency": "EUR", "price": 2.5},
    {"items": [{"sku": "AB-123", "count": 0}]},
    {"items": [{"sku": "ab", "count": 1}]},
    {"items": [{"sku": "AB-123", "count": 1, "more": 1}]},
    {"items": [{"sku": "AB-123", "count": 1}] * 2},
    {"items": [], "currency": "GBP"},
    {"items": [], "price": 2.25},
    {"items": [], "$ref": 1},
    {"items": []},
    {},
    [],
]


@pytest.mark.parametrize("document", _ORDERS)
def test_what_is_bounded_is_told_as_the_reference_implementation_tells_it(document: Any) -> None:
    """`jsonschema`, the implementation of the specification's authors' suite in Python, says the same."""
    assert follows(ORDER, document) is jsonschema.Draft202012Validator(ORDER).is_valid(document)


def test_honest_schemas_are_within_the_bounds() -> None:
    """A form of sixty fields with an answer of 120 values and 24,000 characters."""
    field = {"type": "object", "properties": {"value": {"type": "string"}, "sure": {"type": "boolean"}}}
    schema = {"type": "object", "properties": {f"field_{at}": {"$ref": "#/$defs/f"} for at in range(60)}}
    schema["$defs"] = {"f": {**field, "required": ["value"], "additionalProperties": False}}
    document = {f"field_{at}": {"value": "x" * 400, "sure": True} for at in range(60)}
    assert follows(schema, document) is True
    document["field_7"] = {"sure": True}
    assert follows(schema, document) is False


def test_nothing_of_a_strangers_schema_is_kept() -> None:
    """No function of the module remembers; the schemas of suites are remembered elsewhere."""
    kept = [name for name, one in vars(stranger_schema).items() if hasattr(one, "cache_info")]
    assert kept == []
