"""Whether an answer has the form that was asked for: a JSON object, a JSON Schema, calls of the tools offered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.scorers.structured.json_values import NotJson, read_json
from weighbridge.evaluation.scorers.structured.stranger_schema import follows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.pilot.observation.noun import Reading

__all__ = ["is_in_form"]

_LONGEST_JSON = 256 << 10  # characters; reading more at once would hold up others
_MOST_CHECKED = 8  # calls of one answer
# How chat templates have models write calls; in an answer they stand where the server's parser did not know them.
_CALL_AS_TEXT = re.compile(
    r"<tool_call>|\[TOOL_CALLS\]|<function=|<\|python_tag\|>|<\|tool_call|<invoke name=|<\uff5ctool\u2581call"
)
_SHOWN = 20_000


def is_in_form(reading: Reading) -> bool | None:
    """Say whether an answer has the form asked for; None where none was, or where nobody can tell.

    Calls count first: a name that was offered, and arguments that follow its schema. Where a schema cannot be checked
    (`stranger_schema` says which), JSON that parses is unknown, and text that is none is out of form.
    """
    tools = reading.tools
    if reading.tool_calls:
        if tools is None:
            return None
        checked = [_call_fits(name, arguments, tools) for name, arguments in reading.tool_calls[:_MOST_CHECKED]]
        return _all([*checked, *([None] * (len(reading.tool_calls) > _MOST_CHECKED))])
    if tools is not None and _CALL_AS_TEXT.search(reading.answer[:_SHOWN]):
        return False
    if reading.wanted is None or reading.refusal:
        return None
    return _json_fits(reading.answer, reading.wanted or {"type": "object"})


def _call_fits(name: str, arguments: str, tools: Mapping[str, Mapping[str, Any]]) -> bool | None:
    """Say whether one call is of a tool that was offered, with arguments that follow its schema."""
    if name not in tools:
        return False
    return _json_fits(arguments.strip() or "{}", {"type": "object", **tools[name]})


def _json_fits(text: str, schema: Mapping[str, Any]) -> bool | None:
    """Say whether a text is one JSON document that follows a schema."""
    if len(text) > _LONGEST_JSON:
        return None
    try:
        value = read_json(text)
    except NotJson:
        return False
    if schema.get("type") == "object" and not isinstance(value, dict):
        return False
    if schema.keys() == {"type"} and schema["type"] == "object":
        return True
    return follows(schema, value)


def _all(outcomes: list[bool | None]) -> bool | None:
    """Combine: False where one is, else None where one is not known."""
    return False if False in outcomes else None if None in outcomes else True
