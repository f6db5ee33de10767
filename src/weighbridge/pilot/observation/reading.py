"""Read what was asked and what was answered, whichever endpoint, whole or as a stream.

Everything here was written by strangers: what cannot be read is left out, nothing is raised, and nothing is kept.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.thinking import answer_part
from weighbridge.pilot.observation.answers import answer_of
from weighbridge.pilot.observation.events import events_of, gathered
from weighbridge.pilot.observation.noun import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MOST_BYTES", "read_exchange", "read_object", "text_in"]

MOST_BYTES = 1 << 20
"""Longer bodies are not read: of a request then nothing is known but the answer, of an answer nothing."""

_MOST_VALUES = 100_000
_MARKS = (b"{", b"[", b",")
_MOST_TOOLS = 128
_BOUNDS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_TEXT_PARTS = frozenset({"text", "input_text"})
_CHAT, _COMPLETIONS, _RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"


def read_exchange(path: str, request: bytes, answer: bytes, *, is_stream: bool) -> Reading | None:
    """Return the texts of an exchange; None where there are none (embeddings) or the answer cannot be read.

    `path` is the gateway's (`/v1/chat/completions`). Of several choices the first is read; of a stream that breaks off,
    what came. Reasoning is left out, whether a field of its own holds it or marks in the text.
    """
    if path not in (_CHAT, _COMPLETIONS, _RESPONSES):
        return None
    # A body that begins with a brace is whole, whatever was asked for: servers without streams answer so.
    whole = not (is_stream and answer.lstrip()[:1] != b"{")
    said = read_object(answer) if whole else gathered(events_of(answer[:MOST_BYTES]))
    found = answer_of(said)
    if found is None:
        return None
    asked = read_object(request)
    text = answer_part(Completion(Outcome.ANSWERED, found.text)).text if found.text else ""
    return Reading(
        _prompt(path, asked),
        text,
        finish=found.finish,
        refusal=found.refusal,
        tool_calls=found.calls,
        wanted=_wanted(asked),
        tools=_tools(asked),
        bound=_bound(asked),
    )


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; an empty one for anything else, and for what would take much memory."""
    if len(body) > MOST_BYTES or sum(map(body.count, _MARKS)) > _MOST_VALUES:
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _prompt(path: str, asked: Mapping[str, Any]) -> str:
    """Return the user's last message, or the prompt of a completion."""
    if path == _COMPLETIONS:
        prompt = asked.get("prompt")
        first = prompt[0] if isinstance(prompt, list) and prompt else prompt
        return first if isinstance(first, str) else ""
    messages = asked.get("messages" if path == _CHAT else "input")
    if isinstance(messages, str):
        return messages
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            return text_in(message.get("content"))
    return ""


def text_in(content: Any) -> str:
    """Return the text of a message's content: a string, or the text among its parts."""
    if isinstance(content, str):
        return content
    parts = [part for part in (content if isinstance(content, list) else []) if isinstance(part, dict)]
    texts = [part.get("text") for part in parts if part.get("type") in _TEXT_PARTS]
    return "\n".join(text for text in texts if isinstance(text, str))


def _wanted(asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the JSON Schema that was asked for, `{}` for any JSON object, None for none.

    OpenAI's `response_format` and, of responses, `text.format`; vLLM's `guided_json` and `structured_outputs`.
    """
    text = asked.get("text")
    form = asked.get("response_format") or (text.get("format") if isinstance(text, dict) else None)
    if isinstance(form, dict) and form.get("type") == "json_object":
        return {}
    if isinstance(form, dict) and form.get("type") == "json_schema":
        inner = form.get("json_schema")
        return _schema((inner if isinstance(inner, dict) else form).get("schema"))
    structured = asked.get("structured_outputs")
    return _schema(asked.get("guided_json") or (structured.get("json") if isinstance(structured, dict) else None))


def _bound(asked: Mapping[str, Any]) -> int | None:
    """Return the caller's bound of tokens: of several the least, as servers differ in which they obey."""
    said = [asked.get(name) for name in _BOUNDS]
    return min((one for one in said if isinstance(one, int) and not isinstance(one, bool)), default=None)


def _schema(value: Any) -> Mapping[str, Any] | None:
    """Return a schema that says something; servers also take one written as text."""
    if isinstance(value, str):
        value = read_object(value.encode("utf-8", "replace"))
    return value if isinstance(value, dict) and value else None


def _tools(asked: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the schemas of arguments by the names of the tools offered; None where none is."""
    found: dict[str, Mapping[str, Any]] = {}
    for key in ("tools", "functions"):
        listed = asked.get(key)
        for tool in (listed if isinstance(listed, list) else [])[:_MOST_TOOLS]:
            function = tool.get("function", tool) if isinstance(tool, dict) else None
            if isinstance(function, dict) and isinstance(function.get("name"), str):
                parameters = function.get("parameters")
                found[function["name"]] = parameters if isinstance(parameters, dict) else {}
    return found or None
