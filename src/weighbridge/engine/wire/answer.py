"""Completions in: what a server of the OpenAI API answered, whole or in part.

Thinking is what the server reports apart; marks inside the text stay there for whoever scores it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.engine.wire.bounds import clean, clip, count, looks_like, read_json, said_why
from weighbridge.engine.wire.choices import unwrap
from weighbridge.engine.wire.logprobs import first_distribution

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Request

__all__ = ["cached_tokens", "first_choice", "held", "outcome_of", "parse_answer", "reasoning_of", "text_of", "unheld"]

_MAX_NAME = 256
_MAX_FINISH = 64
_MAX_CALLS = 64
_MAX_PARTS = 4096
_UNHELD = "the server did not hold the answer to the"


def parse_answer(data: bytes, request: Request) -> Completion:
    """Read a whole answer; what is not an answer is Outcome.FAILED with the reason."""
    value = read_json(data)
    if value is None and data.strip() != b"null":
        return Completion(Outcome.FAILED, detail=f"the server answered {looks_like(data)}, not JSON")
    choice = first_choice(value)
    if choice is None:
        return Completion(Outcome.FAILED, detail=f"the answer holds no choice: {clip(said_why(data))}")
    message = choice.get("message")
    message = message if isinstance(message, dict) else None
    text = text_of(message) if message is not None else clean(choice.get("text"))
    thinking = reasoning_of(message) if message is not None else ""
    calls = _tool_calls(message) if message is not None else ()
    top = first_distribution(choice.get("logprobs")) if request.top_logprobs else ()
    usage = value.get("usage")
    finish = clean(choice.get("finish_reason"))[:_MAX_FINISH] or None
    read = Completion(
        outcome=outcome_of(text, finish, whole=bool(top) or bool(calls and finish != "length")),
        text=text,
        finish_reason=finish,
        top_logprobs=top,
        prompt_tokens=count(usage, "prompt_tokens"),
        cached_tokens=cached_tokens(usage),
        completion_tokens=count(usage, "completion_tokens"),
        thinking=thinking,
        tool_calls=calls,
        served_model=clean(value.get("model"))[:_MAX_NAME] or None,
    )
    return held(read, request) if request.choices or request.schema or request.thinking is False else read


def held(completion: Completion, request: Request) -> Completion:
    """Check what was asked of the server, not of the model: a constraint that was ignored makes no answer."""
    if completion.outcome is not Outcome.ANSWERED or completion.tool_calls:
        return completion
    if request.choices:
        choice = unwrap(completion.text, request.choices)
        if choice is None:
            return unheld(completion, "choices")
        return completion if choice == completion.text else replace(completion, text=choice)
    if request.schema and read_json(completion.text) is None and completion.text.strip() != "null":
        return unheld(completion, "schema")
    if request.thinking is False and completion.thinking.strip():
        return replace(completion, outcome=Outcome.FAILED, detail="the server did not switch thinking off")
    return completion


def unheld(completion: Completion, what: str) -> Completion:
    """Turn an answer that ignores a constraint into a failure that says so."""
    return replace(completion, outcome=Outcome.FAILED, detail=f"{_UNHELD} {what}: {clip(completion.text)[:80]}")


def first_choice(value: Any) -> dict[str, Any] | None:
    """Return the first choice of an answer, if it has one; llama.cpp's native answer is brought into that form."""
    if not isinstance(value, dict):
        return None
    choices = value.get("choices")
    if choices is None and isinstance(value.get("content"), str):
        cut = value.get("stop_type") == "limit" or value.get("stopped_limit") is True
        logprobs = value.get("completion_probabilities")
        return {"text": value["content"], "finish_reason": "length" if cut else "stop", "logprobs": logprobs}
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def text_of(message: dict[str, Any]) -> str:
    """Return what a message says: its text, the text of its parts, or the refusal that stands in its place."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part for part in content[:_MAX_PARTS] if isinstance(part, dict) and part.get("type") in {"text", None}]
        content = "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    return clean(content) or clean(message.get("refusal"))


def reasoning_of(message: dict[str, Any]) -> str:
    """Return the thinking: DeepSeek's field, vLLM's and OpenRouter's, Ollama's, or Mistral's parts."""
    for name in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(message.get(name), str) and message[name]:
            return clean(message[name])
    content = message.get("content")
    if not isinstance(content, list):
        return ""
    inner = [
        part["thinking"] for part in content[:_MAX_PARTS] if isinstance(part, dict) and part.get("type") == "thinking"
        if "thinking" in part
    ]  # fmt: skip
    return clean("".join(text_of({"content": part}) if isinstance(part, list) else clean(part) for part in inner))


def _tool_calls(message: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the calls: (name, arguments as JSON text)."""
    calls = message.get("tool_calls")
    if not calls and not message.get("function_call"):
        return ()
    calls = calls if isinstance(calls, list) else []
    functions = [call.get("function") for call in calls[:_MAX_CALLS] if isinstance(call, dict)]
    legacy = message.get("function_call")
    return tuple(
        (clean(function.get("name"))[:_MAX_NAME], _arguments(function.get("arguments")))
        for function in (*functions, legacy)
        if isinstance(function, dict) and isinstance(function.get("name"), str)
    )


def _arguments(value: Any) -> str:
    """Return arguments as JSON text; some servers send the object itself."""
    if isinstance(value, dict):
        return clean(json.dumps(value, ensure_ascii=False))
    return clean(value)


def outcome_of(text: str, finish: str | None, *, whole: bool) -> Outcome:
    """Say what became of an answer; `whole`: the distribution or the calls that are there are all of it."""
    if whole:
        return Outcome.ANSWERED
    if finish == "content_filter":
        return Outcome.FILTERED
    if finish == "length":
        return Outcome.TRUNCATED
    return Outcome.ANSWERED if text.strip() else Outcome.EMPTY


def cached_tokens(usage: Any) -> int | None:
    """Return how many prompt tokens came from the server's cache, if it says so (OpenAI, DeepSeek, Moonshot)."""
    if not isinstance(usage, dict):
        return None
    details = usage.get("prompt_tokens_details")
    for holder, key in ((details, "cached_tokens"), (usage, "prompt_cache_hit_tokens"), (usage, "cached_tokens")):
        if (found := count(holder, key)) is not None:
            return found
    return None
