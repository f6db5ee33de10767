"""What a judge is shown of a request: the system's words and the conversation's end, not its last message alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.evaluation.arena.quoting import MOST_CHARACTERS
from weighbridge.pilot.observation.reading import read_object, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["conversation_of"]

_MESSAGES = {"/v1/chat/completions": "messages", "/v1/responses": "input"}
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_RULES = frozenset({"system", "developer"})
_MOST_RULES = 2_000
_MOST = MOST_CHARACTERS - 200  # what a judge reads of a prompt, less what is put between
_LEFT_OUT = "(earlier messages are left out)"


def conversation_of(path: str, request: bytes) -> str:
    """Return the text that a judge compares answers to; "" where a request has no messages.

    The first words of the system or developer, then as many of the last messages as fit in 12,000 characters, each
    after its role; calls of tools and what they returned among them. A single message of the user stands alone, whole.
    """
    asked = read_object(request) if path in _MESSAGES else {}
    listed = asked.get(_MESSAGES.get(path, ""))
    messages = [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]
    rules = asked.get("instructions") if path == "/v1/responses" else None
    if isinstance(rules, str) and rules:
        messages.insert(0, {"role": "system", "content": rules})
        if isinstance(listed, str):
            messages.append({"role": "user", "content": listed})
    if len(messages) == 1 and _role(messages[0]) == "user":
        return text_in(messages[0].get("content"))
    begun, rest = "", messages
    if messages and _role(messages[0]) in _RULES:
        begun, rest = _shown(messages[0], _MOST_RULES), messages[1:]
    return "\n\n".join(part for part in (begun, *_last(rest, _MOST - len(begun))) if part)


def _last(messages: list[dict[str, Any]], most: int) -> list[str]:
    """Return the last messages that fit, in their order; of the very last as much as fits."""
    found: list[str] = []
    for message in reversed(messages):
        text = _shown(message, most)
        if found and len(text) + 2 > most:
            return [_LEFT_OUT, *reversed(found)]
        found.append(text)
        most -= len(text) + 2
    return found[::-1]


def _shown(message: Mapping[str, Any], most: int) -> str:
    """Return a message after its role, cut."""
    return f"{_role(message)}:\n{_words(message)}"[: max(0, most)]


def _role(message: Mapping[str, Any]) -> str:
    """Return who speaks: what has no role of its own is of a tool."""
    role = message.get("role")
    return role if isinstance(role, str) and role in _ROLES else "tool"


def _words(message: Mapping[str, Any]) -> str:
    """Return the text of a message and its calls of tools, in chat's form and in that of responses."""
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in (calls if isinstance(calls, list) else []) if isinstance(call, dict)]
    functions += [message] if message.get("type") == "function_call" else []
    told = [f"{one.get('name')}({one.get('arguments')})" for one in functions if isinstance(one, dict)]
    output = message.get("output")
    return "\n".join(part for part in (text_in(message.get("content")), text_in(output), *told) if part)
