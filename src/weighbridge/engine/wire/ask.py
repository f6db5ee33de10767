"""Requests out: the JSON body that asks a server of the OpenAI API for what a Request says, in its dialect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from weighbridge.engine.wire.bounds import read_json
from weighbridge.engine.wire.choices import ENUM_TOKENS, enum_schema, gbnf, pattern, spaced

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Request
    from weighbridge.engine.wire.dialect import Dialect

__all__ = ["body_of", "encode", "impossible", "malformed", "route", "turns_of"]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def route(request: Request) -> str:
    """Return the path below the base URL."""
    return "/chat/completions" if request.form == "chat" else "/completions"


def impossible(request: Request, dialect: Dialect) -> str | None:
    """Say why this request cannot be put to this server at all; None where it can."""
    if not _is_rarer(request) and not request.turns:
        return None
    raw = request.form == "completion"
    name = f"the completions of `{dialect.name}`" if raw else f"`{dialect.name}`"
    can_choose = dialect.choices not in ({"", "schema"} if raw else {""})
    reasons = (
        (raw and request.turns, "a raw completion has no earlier turns: ask in the chat form"),
        (raw and request.tools, "a raw completion has no tools: ask in the chat form"),
        (raw and request.thinking is not None, "a raw completion has no switch for thinking: ask in the chat form"),
        (request.choices and not can_choose, f"{name} cannot be held to choices"),
        (request.schema and not (dialect.raw_schema if raw else dialect.schema), f"{name} cannot be held to a schema"),
    )
    return next((why for is_so, why in reasons if is_so), None) or malformed(request)


def malformed(request: Request) -> str | None:
    """Say what no server can make sense of in a request; None where there is nothing."""
    if request.choices and (request.schema or request.tools):
        return "choices and a schema or tools exclude one another"
    if request.schema and not isinstance(read_json(request.schema), dict):
        return "the schema is not a JSON object"
    if request.tools and not isinstance(read_json(request.tools), list):
        return "the tools are not a JSON list"
    return None


def body_of(request: Request, model: str, dialect: Dialect) -> dict[str, Any]:
    """Return the JSON body as a dict; `impossible` has said before whether there is one."""
    body: dict[str, Any] = {"model": model, "max_tokens": request.max_tokens, "temperature": request.temperature}
    if request.form == "chat":
        if dialect.max_tokens != "max_tokens":
            body = {"model": model, dialect.max_tokens: request.max_tokens, "temperature": request.temperature}
        body["messages"] = turns_of(request)
        if request.top_logprobs:
            flag = dialect.logprobs == "flag"
            body |= (
                {"logprobs": True, "top_logprobs": request.top_logprobs} if flag else {"logprobs": request.top_logprobs}
            )
    else:
        body["prompt"] = request.text
        if request.top_logprobs:
            body["logprobs"] = request.top_logprobs
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body | _rarer(request, dialect) if _is_rarer(request) else body


def encode(body: dict[str, Any]) -> bytes:
    """Return a body as bytes; a lone surrogate goes through, as the server will judge it."""
    return _encode(body).encode("utf-8", "surrogatepass")


def turns_of(request: Request) -> list[dict[str, str]]:
    """Return the messages of a chat: system, earlier turns, and the user's last."""
    system = [{"role": "system", "content": request.system}] if request.system else []
    earlier = [{"role": role, "content": content} for role, content in request.turns]
    return [*system, *earlier, {"role": "user", "content": request.text}]


def _is_rarer(request: Request) -> bool:
    """Tell whether a request uses a field that few do."""
    return (
        bool(request.stop or request.tools or request.schema or request.choices)
        or not request.seed is request.top_p is request.thinking is None
    )


def _rarer(request: Request, dialect: Dialect) -> dict[str, Any]:
    """Return the fields that few requests use."""
    fields: dict[str, Any] = {}
    if request.stop:
        fields["stop"] = list(request.stop)
    if request.seed is not None:
        fields["seed"] = request.seed
    if request.top_p is not None:
        fields["top_p"] = request.top_p
    if request.tools:
        fields["tools"] = [_wrapped(tool) for tool in json.loads(request.tools)]
    if request.thinking is not None:
        fields |= _thinking(dialect.thinking, on=request.thinking)
    if request.schema:
        raw = dialect.raw_schema if request.form == "completion" else dialect.schema
        schema = json.loads(request.schema)
        fields |= {"json_schema": schema} if raw == "json_schema" else _response_format(schema)
    if request.choices:
        fields |= _choices(request, dialect)
    return fields


def _wrapped(tool: Any) -> Any:
    """Return a tool as the API wants it: `{"type": "function", "function": {...}}`."""
    bare = isinstance(tool, dict) and "function" not in tool and "type" not in tool
    return {"type": "function", "function": tool} if bare else tool


def _response_format(schema: Any) -> dict[str, Any]:
    """Hold the answer to a JSON Schema."""
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    }


def _thinking(way: str, *, on: bool) -> dict[str, Any]:
    """Switch thinking on or off."""
    ways: dict[str, dict[str, Any]] = {
        "template": {"chat_template_kwargs": {"enable_thinking": on}},
        "flag": {"enable_thinking": on},
        "type": {"thinking": {"type": "enabled" if on else "disabled"}},
        "effort": {"reasoning_effort": "medium" if on else "none"},
        "reasoning": {"reasoning": {"enabled": on}},
    }
    return ways[way]


def _choices(request: Request, dialect: Dialect) -> dict[str, Any]:
    """Hold the answer to the choices."""
    if dialect.choices == "grammar":
        return {"grammar": gbnf(request.choices)}
    if dialect.choices == "structured_outputs":
        return {"structured_outputs": {"choice": spaced(request.choices)}}
    if dialect.choices == "regex":
        return {"regex": pattern(request.choices)}
    return {**_response_format(enum_schema(request.choices)), dialect.max_tokens: request.max_tokens + ENUM_TOKENS}
