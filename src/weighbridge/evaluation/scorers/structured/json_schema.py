"""Mark structured output: strict JSON that follows the item's JSON Schema and holds the expected values."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Outcome
from weighbridge.evaluation.scorers.structured.json_values import NotJson, accepts, at_pointer, read_json, unfenced
from weighbridge.evaluation.suite import Score, Unscored

if TYPE_CHECKING:
    from collections.abc import Callable

    from jsonschema_rs import Validator

    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.suite import Item

__all__ = ["compile_schema", "json_schema", "schema_check"]

_SAID = 200


def json_schema(item: Item, completion: Completion) -> Score | Unscored:
    """Read the answer as JSON, alone or alone in a code fence; hold it against `data.schema`, then `data.values`.

    `data.values` maps JSON Pointers to values, or to `{"any": [...]}`. `said` names the first thing that is wrong.
    Schemas are checked by `jsonschema-rs`, offline, with patterns that take linear time (extra `structured`).
    """
    schema, values = item.data.get("schema"), item.data.get("values") or {}
    if not isinstance(schema, dict | bool) or not isinstance(values, dict):
        return Unscored("the item has no schema")
    if completion.outcome is Outcome.TRUNCATED:
        return Unscored("truncated")
    validate = schema_check(json.dumps(schema, sort_keys=True))
    if isinstance(validate, str):
        return Unscored(validate)
    text, fenced = unfenced(completion.text)
    trouble = _trouble(text, validate, values)
    where = " (in a fence)" if fenced else ""
    return Score("wrong" if trouble else "right", (trouble or "follows the schema")[:_SAID] + where)


def _trouble(text: str, validate: Callable[[Any], str], values: dict[str, Any]) -> str:
    """Return the first thing that is wrong with an answer, "" for nothing."""
    try:
        document = read_json(text)
    except NotJson as error:
        return f"not JSON: {error}"
    if against := validate(document):
        return f"against the schema: {against}"
    for pointer, expected in values.items():
        try:
            right = accepts(expected, at_pointer(document, pointer))
        except KeyError:
            right = False
        if not right:
            return f"another value at `{pointer}`"
    return ""


@lru_cache(maxsize=256)
def schema_check(schema: str) -> Callable[[Any], str] | str:
    """Return a function that says what is wrong with a document ("" for nothing), or why there is none.

    For schemas of suites alone: they are kept. What callers wrote goes to `stranger_schema`.
    """
    validator = compile_schema(json.loads(schema), pattern_bytes=1 << 20)
    if isinstance(validator, str):
        return validator

    def trouble(document: Any) -> str:
        try:
            first = next(iter(validator.iter_errors(document)), None)
        except ValueError as error:
            return f"cannot be held against it: {error}"
        return "" if first is None else f"{first.message[:120]} at /{'/'.join(map(str, first.instance_path))}"

    return trouble


def compile_schema(
    schema: dict[str, Any] | bool, *, pattern_bytes: int, formats: bool | None = None
) -> Validator | str:
    """Return a validator, or why there is none; `pattern_bytes` is the most that a compiled pattern may take.

    `formats` says whether `format` is checked; None leaves that to the schema's draft.
    """
    try:
        import jsonschema_rs
    except ImportError:
        return "needs `pip install 'weighbridge[structured]'`"
    options = jsonschema_rs.RegexOptions(size_limit=pattern_bytes)
    try:
        return jsonschema_rs.validator_for(schema, offline=True, validate_formats=formats, pattern_options=options)
    except (ValueError, jsonschema_rs.ReferencingError):
        return "the item's schema is none, or needs patterns that look around"
