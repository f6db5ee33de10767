"""Logs of chats as rows: `messages` with the reply at their end, or beside them as the server of an API gave it.

Read are replies of OpenAI's chat completions, completions, responses and batch APIs
(platform.openai.com/docs/api-reference) and of Anthropic's messages API (docs.anthropic.com/en/api/messages). A row
with neither messages nor such a reply stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weighbridge.engine.wire.filters import is_filter
from weighbridge.evaluation.imports.answers.cells import chat_in, part_of
from weighbridge.evaluation.imports.reading import message_text, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.evaluation.datasets.table import Row

__all__ = ["chat_rows"]

_REQUESTS = ("request", "body", "input")
_REPLIES = ("answer", "completion", "response", "output")
_QUESTIONS = ("prompt", "question", "input", "query")
_NAMES = ("id", "item_id", "item", "question_id", "custom_id")
_THOUGHT = {"thinking": "thinking", "reasoning": "reasoning"}
_SAID = {"text": "text", "output_text": "text", "refusal": "refusal"}
_BAD_STATUS = 400
_MOST_CHOICES = 128


def chat_rows(row: Row) -> Iterator[Row]:
    """Yield the answers of one row: as it is, or one for each choice of the reply that it holds."""
    cells = {name.strip().lower(): value for name, value in row.cells.items()}
    request: dict[str, Any] = next((cells[name] for name in _REQUESTS if isinstance(cells.get(name), dict)), {})
    messages = _messages(cells, request)
    known: dict[str, Any] = {}
    prompt = next((cells[name] for name in _QUESTIONS if isinstance(cells.get(name), str)), None)
    if prompt is not None or messages:
        known["prompt"] = message_text(messages) if prompt is None else chat_in(prompt, row.place)
    if name := next((text_of(cells[name]) for name in _NAMES if cells.get(name) is not None), ""):
        known["id"] = name
    if request.get("model"):
        known["model"] = text_of(request["model"])
    replies = _replies(cells, messages)
    for draw, found in enumerate(replies):
        yield replace(row, cells=cells | known | found | ({"draw": draw} if len(replies) > 1 else {}))


def _messages(cells: dict[str, Any], request: dict[str, Any]) -> list[Any]:
    """Return the messages of a chat, [] where the row has none."""
    places = (cells.get("messages"), request.get("messages"), request.get("input"), cells.get("prompt"),
              cells.get("input"))  # fmt: skip
    return next((one for one in places if isinstance(one, list) and one and isinstance(one[0], dict)), [])


def _replies(cells: dict[str, Any], messages: list[Any]) -> list[dict[str, Any]]:
    """Return the cells that each answer of the row adds; [{}] where its columns say all."""
    held = next((cells[name] for name in _REPLIES if isinstance(cells.get(name), dict | list)), None)
    held = cells if held is None and isinstance(cells.get("choices"), list) else held
    if isinstance(held, dict):
        return _of_server(held)
    if isinstance(held, list) and held and isinstance(held[0], dict):
        return [_of_parts(held)]
    last = messages[-1] if messages else None
    if any(name in cells for name in _REPLIES) or not (isinstance(last, dict) and last.get("role") == "assistant"):
        return [{}]
    return [_of_message(last)]


def _of_server(reply: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the answers in what a server sent: one a choice, or one that says what went wrong."""
    status = reply.get("status_code")
    body = reply["body"] if isinstance(reply.get("body"), dict) else reply
    shared = {"model": body["model"]} if isinstance(body.get("model"), str) else {}
    error = body.get("error")
    if error or (isinstance(status, int) and status >= _BAD_STATUS):
        said = text_of(error) or f"HTTP {status}"
        return [shared | {"answer": "", "error": said, "finish_reason": "content_filter" if is_filter(body) else ""}]
    choices = body.get("choices")
    if isinstance(choices, list):
        found = [_of_choice(one) for one in choices[:_MOST_CHOICES] if isinstance(one, dict)]
    elif isinstance(body.get("output"), list):
        incomplete = body.get("incomplete_details")
        why = incomplete.get("reason") if isinstance(incomplete, dict) else ""
        found = [_of_parts(body["output"]) | {"finish_reason": text_of(why)}]
    elif not {"content", "refusal"} & body.keys():
        return [{}]
    else:
        found = [_of_message(body) | {"finish_reason": text_of(body.get("stop_reason") or body.get("finish_reason"))}]
    return [shared | one for one in found] or [shared | {"answer": ""}]


def _of_choice(choice: dict[str, Any]) -> dict[str, Any]:
    """Read one choice of a chat completion, or of a completion."""
    message = choice.get("message")
    found = _of_message(message) if isinstance(message, dict) else {"answer": text_of(choice.get("text"))}
    return found | {"finish_reason": text_of(choice.get("finish_reason"))}


def _of_message(message: dict[str, Any]) -> dict[str, Any]:
    """Read a message of the model: a text or parts, a refusal apart, reasoning apart."""
    content = message.get("content")
    said = part_of(message, _SAID) if isinstance(content, list) else text_of(content)
    thought = message.get("reasoning_content") or message.get("reasoning") or part_of(message, _THOUGHT)
    found = {"answer": said or text_of(message.get("refusal"))}
    return found if thought is None else found | {"reasoning": text_of(thought)}


def _of_parts(output: list[Any]) -> dict[str, Any]:
    """Read the output of the responses API: items, of which the messages hold parts."""
    items = [one for one in output if isinstance(one, dict)]
    said = [part_of(one, _SAID) or "" for one in items if one.get("type") == "message"]
    plain = part_of({"content": items}, _SAID) or ""
    thought = [text_of(one.get("summary") or one.get("content")) for one in items if one.get("type") == "reasoning"]
    return {"answer": "\n".join([*said, *([plain] if plain else [])])} | (
        {"reasoning": "\n".join(thought)} if thought else {}
    )
