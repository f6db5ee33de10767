"""Mark calls of tools: the right functions with the right arguments, or no call where none is due."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Outcome
from weighbridge.evaluation.scorers.structured.call_formats import Call, Malformed, read_calls
from weighbridge.evaluation.scorers.structured.json_values import NotJson, accepts, read_json
from weighbridge.evaluation.suite import Score, Unscored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.engine.protocol import Completion
    from weighbridge.evaluation.suite import Item

__all__ = ["tool_call"]

_MAX_CALLS = 64
_SAID = 300


def tool_call(item: Item, completion: Completion) -> Score | Unscored:
    """Compare the calls of an answer with `data.calls`; `said` shows them and who read them.

    Each expected call is `{"name", "arguments"}`; the value of an argument may be `{"any": [...]}`; [] means that no
    call is due. Arguments are equal by JSON value, all of them and no others; several calls may come in any order.
    Where the server reported no calls, those written in the text are read (`call_formats`).
    """
    expected = item.data.get("calls")
    if not isinstance(expected, list) or len(expected) > _MAX_CALLS or not all(map(_is_call, expected)):
        return Unscored("the item has no calls")
    if completion.outcome is Outcome.TRUNCATED:
        return Unscored("truncated")
    try:
        calls, reader = _calls(completion, _types(item.data.get("tools")))
    except (Malformed, NotJson) as error:
        return Score("wrong", f"a call that cannot be read: {error}"[:_SAID])
    shown = "; ".join(f"{call.name}({_shown(call.arguments)})" for call in calls[:_MAX_CALLS]) or "no call"
    right = len(calls) == len(expected) and _match(expected, calls)
    return Score("right" if right else "wrong", f"{shown[: _SAID - 40]} [{reader}]")


def _calls(completion: Completion, types: Mapping[str, Mapping[str, str]]) -> tuple[list[Call], str]:
    """Return the calls that the server reported, else those in the text, and who read them."""
    if completion.tool_calls:
        reported = [(name, read_json(arguments.strip() or "{}")) for name, arguments in completion.tool_calls]
        if not all(isinstance(arguments, dict) for _, arguments in reported):
            raise Malformed("arguments are no object")
        return [Call(name, arguments) for name, arguments in reported], "read by the server"
    calls, style = read_calls(completion.text, types)
    return calls, f"read from text: {style}" if style else "plain text"


def _is_call(value: Any) -> bool:
    """Say whether an expected call has a name and arguments."""
    return isinstance(value, dict) and isinstance(value.get("name"), str) and isinstance(value.get("arguments"), dict)


def _types(tools: Any) -> dict[str, dict[str, str]]:
    """Return the JSON types of parameters by function, from tools as OpenAI's API or a plain list gives them."""
    found: dict[str, dict[str, str]] = {}
    for tool in tools if isinstance(tools, list) else []:
        function = tool.get("function", tool) if isinstance(tool, dict) else {}
        parameters = function.get("parameters") if isinstance(function, dict) else None
        properties = parameters.get("properties") if isinstance(parameters, dict) else None
        if isinstance(properties, dict):
            found[str(function.get("name"))] = {
                name: str(schema.get("type")) for name, schema in properties.items() if isinstance(schema, dict)
            }
    return found


def _shown(arguments: Mapping[str, Any]) -> str:
    """Write arguments as JSON, cut."""
    return json.dumps(arguments, ensure_ascii=False)[:_SAID]


def _match(expected: list[dict[str, Any]], calls: list[Call]) -> bool:
    """Say whether calls and expectations pair off one to one (augmenting paths; alternatives may overlap)."""
    fits = [[at for at, call in enumerate(calls) if _fits(wanted, call)] for wanted in expected]
    owner: dict[int, int] = {}

    def place(wanted: int, seen: set[int]) -> bool:
        for at in fits[wanted]:
            if at not in seen:
                seen.add(at)
                if at not in owner or place(owner[at], seen):
                    owner[at] = wanted
                    return True
        return False

    return all(place(wanted, set()) for wanted in range(len(expected)))


def _fits(wanted: dict[str, Any], call: Call) -> bool:
    """Say whether a call is the expected one."""
    arguments = wanted["arguments"]
    return (
        call.name == wanted["name"]
        and call.arguments.keys() == arguments.keys()
        and all(accepts(value, call.arguments[name]) for name, value in arguments.items())
    )
