"""The answer in a whole body: of chat, of completions, of responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Answer", "answer_of"]

_MOST_CALLS = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `finish` is the reason for its end as the API names it, "" where it does not."""

    text: str
    finish: str = ""
    refusal: str = ""
    calls: tuple[tuple[str, str], ...] = ()


def answer_of(body: Mapping[str, Any]) -> Answer | None:
    """Return the first answer in a body, None where there is none."""
    choices = body.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return _of_choice(choices[0])
    output = body.get("output")
    return _of_response(body, output) if isinstance(output, list) else None


def _of_choice(choice: Mapping[str, Any]) -> Answer:
    """Read a choice of chat (`message`) or of completions (`text`)."""
    message = choice.get("message")
    if not isinstance(message, dict):
        return Answer(_string(choice.get("text")), _string(choice.get("finish_reason")))
    listed = message.get("tool_calls")
    calls = [call.get("function") for call in _objects(listed)]
    calls.append(message.get("function_call"))
    return Answer(
        _content(message.get("content")),
        _string(choice.get("finish_reason")),
        _string(message.get("refusal")),
        _calls(calls),
    )


def _of_response(body: Mapping[str, Any], output: list[Any]) -> Answer:
    """Read the items of a response."""
    texts, refusals, calls = [], [], []
    for item in _objects(output):
        if item.get("type") == "function_call":
            calls.append(item)
        elif item.get("type") == "message":
            texts.append(_content(item.get("content")))
            refusals += [_string(part.get("refusal")) for part in _objects(item.get("content"))]
    details = body.get("incomplete_details")
    reason = _string(details.get("reason")) if isinstance(details, dict) else ""
    return Answer("".join(texts), reason or _string(body.get("status")), "".join(refusals), _calls(calls))


def _content(content: Any) -> str:
    """Return a text, or the texts among parts."""
    if isinstance(content, str):
        return content
    return "".join(_string(part.get("text")) for part in _objects(content))


def _calls(functions: list[Any]) -> tuple[tuple[str, str], ...]:
    """Return names and arguments; a call without a name has an empty one."""
    found = [(_string(one.get("name")), _string(one.get("arguments"))) for one in functions if isinstance(one, dict)]
    return tuple(found[:_MOST_CALLS])


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _string(value: Any) -> str:
    """Return a string, "" for anything else."""
    return value if isinstance(value, str) else ""
