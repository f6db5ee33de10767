"""Capabilities: what an engine can do, found by a handful of small requests; what cannot be found stays unknown."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from weighbridge.engine.discovery.pages import Pages, read_pages
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.engine.protocol import STORED, Completion, Outcome, Request

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Engine

__all__ = ["Capabilities", "discover"]

_TOP = 20  # the most that vLLM and the OpenAI API give
_TEXT = "What is the weather in Lima today? Use the tool if you have one."
_TOOL = {
    "name": "get_weather",
    "description": "Return the weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
_WORD = "zq-17"  # nobody answers so unless held to it
_SCHEMA = {
    "type": "object",
    "properties": {"code": {"type": "string", "enum": [_WORD]}},
    "required": ["code"],
    "additionalProperties": False,
}
_NO = re.compile(r"HTTP (400|404|405|415|422|501)\b|the server did not hold")
_SAMPLED = Request("chat", "Write a list of ten unusual words.", 16, temperature=2.0, seed=17)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do: True, False, or None where it could not be found out.

    `completion_logprobs` and `chat_logprobs` are how many alternatives of the first token come (0: none); `echo`,
    whether a prompt's own log-probabilities come back when asked for; `cache_reported`, whether answers say how
    much of the prompt was cached. `calls` is what finding out took.
    """

    server: str | None = None
    version: str | None = None
    models: tuple[str, ...] = ()
    context_tokens: int | None = None
    template_digest: str | None = None
    chat: bool | None = None
    completion: bool | None = None
    chat_logprobs: int | None = None
    completion_logprobs: int | None = None
    echo: bool | None = None
    choices: bool | None = None
    schema: bool | None = None
    tools: bool | None = None
    seed: bool | None = None
    cache_reported: bool | None = None
    calls: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {**asdict(self), "models": list(self.models)}


_KNOWN: WeakKeyDictionary[Engine, Capabilities] = WeakKeyDictionary()


async def discover(engine: Engine) -> Capabilities:
    """Find out what an entered engine can do, once in its life; at most ten requests of a few tokens each.

    Raises nothing for what an engine answers: what fails for a reason of its own (a timeout, an overload) is unknown.
    """
    if engine in _KNOWN:
        return _KNOWN[engine]
    connection = connection_of(engine)
    pages = await read_pages(connection) if connection else Pages()
    calls: list[int] = []

    async def ask(request: Request) -> Completion:
        completion = await engine.complete(request)
        calls.append(completion.attempts)
        return completion

    raw, chat = await asyncio.gather(
        ask(Request("completion", "The capital of France is", 1, top_logprobs=_TOP)),
        ask(Request("chat", _TEXT, 1, top_logprobs=_TOP)),
    )
    if can(chat) is not True:  # some refuse log-probabilities and answer without them
        chat = await ask(Request("chat", _TEXT, 1))
    found = Capabilities(
        server=pages.server, version=pages.version, models=pages.models, context_tokens=pages.context_tokens,
        template_digest=pages.template_digest, chat=can(chat), completion=can(raw), chat_logprobs=_alternatives(chat),
        completion_logprobs=_alternatives(raw),
        cache_reported=None if not (chat.prompt_tokens or raw.prompt_tokens)
        else chat.cached_tokens is not None or raw.cached_tokens is not None,
    )  # fmt: skip
    if found.chat:
        held, formed, called, drawn = await asyncio.gather(
            ask(Request("chat", _TEXT, 24, choices=(_WORD,))),
            ask(Request("chat", _TEXT, 48, schema=json.dumps(_SCHEMA))),
            ask(Request("chat", _TEXT, 48, tools=json.dumps([_TOOL]))),
            _seed(ask),
        )
        found = replace(
            found,
            choices=_is(held, held.text == _WORD),
            schema=_is(formed, _fits(formed.text)),
            tools=_tools(called, chat),
            seed=drawn,
        )
    if connection and found.completion:
        calls.append(1)
        found = replace(found, echo=await _echoes(connection))
    found = replace(found, calls=sum(calls))
    _KNOWN[engine] = found
    return found


def connection_of(engine: Any) -> OpenAIEngine | None:
    """Return the connection that an engine asks over, where it speaks the OpenAI API."""
    inner = getattr(engine, "client", engine)
    return inner if isinstance(inner, OpenAIEngine) else None


def can(completion: Completion) -> bool | None:
    """Tell from an answer whether a request is possible: answered, refused for good, or neither."""
    if completion.outcome in STORED:
        return True
    refused = completion.attempts == 0 or _NO.match(completion.detail) is not None
    return False if completion.outcome is Outcome.FAILED and refused else None


def _is(completion: Completion, fits: bool) -> bool | None:
    """Tell whether what was asked for was done: a whole answer shows it, a cut one does not."""
    if completion.outcome is Outcome.ANSWERED:
        return fits
    return None if can(completion) else can(completion)


def _alternatives(completion: Completion) -> int | None:
    """Return how many alternatives of the first token came; None where the request failed for another reason."""
    return len(completion.top_logprobs) if can(completion) else (0 if can(completion) is False else None)


def _fits(text: str) -> bool:
    """Tell whether a text is the one object that the schema admits."""
    try:
        return bool(json.loads(text) == {"code": _WORD})
    except (ValueError, RecursionError):
        return False


def _tools(called: Completion, plain: Completion) -> bool | None:
    """Tell whether tools reach the model: it calls one, or else its prompt grew by them."""
    if any(name == _TOOL["name"] for name, _ in called.tool_calls):
        return True
    if can(called) and plain.prompt_tokens and called.prompt_tokens == plain.prompt_tokens:
        return False
    return False if can(called) is False else None


async def _seed(ask: Any) -> bool | None:
    """Tell whether a seed fixes the draw: the same text twice, and another one with another seed."""
    first, second = [await ask(_SAMPLED) for _ in range(2)]
    if not (first.text and second.text) or {first.outcome, second.outcome} - STORED:
        return None
    if first.text != second.text:
        return False
    other = await ask(replace(_SAMPLED, seed=18))
    return True if other.text and other.text != first.text else None


async def _echoes(connection: OpenAIEngine) -> bool | None:
    """Tell whether `echo` gives the prompt's own log-probabilities; llama.cpp ignores it without a word."""
    prompt = "one two three four five"
    body = {"model": connection.model, "prompt": prompt, "max_tokens": 1, "echo": True, "logprobs": 1, "temperature": 0}
    reply = await connection.post("/completions", body)
    if reply.status != 200:  # noqa: PLR2004 - OK
        return False if _NO.match(f"HTTP {reply.status}") else None
    try:
        choice = json.loads(reply.body)["choices"][0]
        numbers = choice["logprobs"]["token_logprobs"]
        return bool(choice["text"].startswith(prompt) and sum(isinstance(one, float) for one in numbers) > 1)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False
