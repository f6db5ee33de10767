"""The Messages API of Anthropic: requests out, completions in, whole and streamed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.engine.wire.answer import held, outcome_of
from weighbridge.engine.wire.ask import malformed
from weighbridge.engine.wire.bounds import MAX_TEXT, clean, clip, count, looks_like, read_json, said_why
from weighbridge.engine.wire.choices import ENUM_TOKENS, enum_schema
from weighbridge.engine.wire.stream import Events

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Request
    from weighbridge.engine.wire.stream import Timing

__all__ = ["MessageStream", "impossible_here", "message_body", "parse_message"]

_MAX_NAME = 256
_MAX_BLOCKS = 64
_FINISH = {  # https://docs.anthropic.com/en/api/handling-stop-reasons
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def impossible_here(request: Request) -> str | None:
    """Say why this request cannot be put to the Messages API; None where it can."""
    reasons = (
        (request.form == "completion", "the Messages API has no raw completions"),
        (request.top_logprobs, "the Messages API gives no log-probabilities"),
        (request.seed is not None, "the Messages API takes no seed"),
        (request.thinking, "thinking takes a budget on the Messages API, which a request does not carry"),
    )
    return next((why for is_so, why in reasons if is_so), None) or malformed(request)


def message_body(request: Request, model: str) -> dict[str, Any]:
    """Return the JSON body as a dict: https://docs.anthropic.com/en/api/messages."""
    earlier = [{"role": role, "content": text} for role, text in request.turns if role != "system"]
    system = [request.system or "", *(text for role, text in request.turns if role == "system")]
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "messages": [*earlier, {"role": "user", "content": request.text}],
    }
    if any(system):
        body["system"] = "\n\n".join(filter(None, system))
    if request.stream:
        body["stream"] = True
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.thinking is False:
        body["thinking"] = {"type": "disabled"}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in json.loads(request.tools)]
    if request.schema or request.choices:
        schema = enum_schema(request.choices) if request.choices else json.loads(request.schema)
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        body["max_tokens"] += ENUM_TOKENS if request.choices else 0
    return body


def _tool(tool: Any) -> Any:
    """Return a tool of the OpenAI form in Anthropic's: name, description, input_schema."""
    function = tool.get("function", tool) if isinstance(tool, dict) else tool
    if not isinstance(function, dict) or "input_schema" in function:
        return function
    told = {key: function[key] for key in ("name", "description") if key in function}
    return {**told, "input_schema": function.get("parameters", {"type": "object"})}


def parse_message(data: bytes, request: Request) -> Completion:
    """Read a whole answer; what is not an answer is Outcome.FAILED with the reason."""
    value = read_json(data)
    if not isinstance(value, dict):
        said = looks_like(data) if value is None else "something else"
        return Completion(Outcome.FAILED, detail=f"the server answered {said}, not a message")
    blocks = value.get("content")
    if not isinstance(blocks, list) or value.get("type") == "error":
        return Completion(Outcome.FAILED, detail=f"the answer holds no message: {clip(said_why(data))}")
    blocks = [block for block in blocks[:_MAX_BLOCKS] if isinstance(block, dict)]
    calls = tuple(
        (clean(block.get("name"))[:_MAX_NAME], json.dumps(block.get("input"), ensure_ascii=False)[:MAX_TEXT])
        for block in blocks
        if block.get("type") == "tool_use"
    )
    text = "".join(clean(block.get("text")) for block in blocks if block.get("type") == "text")
    thinking = "".join(clean(block.get("thinking")) for block in blocks if block.get("type") == "thinking")
    return _finished(
        _Read(text, thinking, calls, value.get("stop_reason"), value.get("usage"), value.get("model")), request
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of an answer, before it is judged."""

    text: str
    thinking: str
    calls: tuple[tuple[str, str], ...]
    stop_reason: Any
    usage: Any
    model: Any


def _finished(read: _Read, request: Request, timing: Timing | None = None) -> Completion:
    """Return the completion in the common terms."""
    reason = clean(read.stop_reason)[:_MAX_NAME]
    finish = _FINISH.get(reason, reason) or None
    parts = [
        count(read.usage, key) for key in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    ]
    whole = Completion(
        outcome=outcome_of(read.text, finish, whole=bool(read.calls and finish != "length")),
        text=read.text,
        finish_reason=finish,
        prompt_tokens=None if parts[0] is None else sum(part or 0 for part in parts),
        cached_tokens=parts[1],
        completion_tokens=count(read.usage, "output_tokens"),
        first_token_s=timing.first_token_s if timing else None,
        total_s=timing.total_s if timing else None,
        thinking=read.thinking,
        tool_calls=read.calls,
        longest_gap_s=timing.longest_gap_s if timing else None,
        served_model=clean(read.model)[:_MAX_NAME] or None,
    )
    return held(whole, request)


@dataclass(slots=True)
class MessageStream(Events):
    """The stream of the Messages API: blocks that start, grow and stop."""

    blocks: dict[int, tuple[str, str, list[str]]] = field(default_factory=dict)  # index: type, name, pieces
    usage: dict[str, Any] = field(default_factory=dict)
    stop_reason: Any = None
    model: Any = None
    _size: int = 0

    def take(self, value: dict[str, Any]) -> None:
        """Take the data of one event."""
        kind = value.get("type")
        if kind == "message_start" and isinstance(value.get("message"), dict):
            self.model = value["message"].get("model")
            self._count(value["message"].get("usage"))
        elif kind == "message_delta":
            delta = value.get("delta")
            self.stop_reason = delta.get("stop_reason") if isinstance(delta, dict) else None
            self._count(value.get("usage"))
        elif kind == "message_stop":
            self.done = True
        elif kind in {"content_block_start", "content_block_delta"}:
            self._take_block(value)

    def _count(self, usage: Any) -> None:
        """Keep the newest counts: those of the output are cumulative."""
        if isinstance(usage, dict):
            self.usage |= {key: number for key, number in usage.items() if isinstance(number, int)}

    def _take_block(self, value: dict[str, Any]) -> None:
        """Open a block, or add to one."""
        index = count(value, "index")
        block, delta = value.get("content_block"), value.get("delta")
        if index is None or index >= _MAX_BLOCKS:
            return
        if isinstance(block, dict):
            self.blocks[index] = (clean(block.get("type"))[:_MAX_NAME], clean(block.get("name"))[:_MAX_NAME], [])
        if index in self.blocks and isinstance(delta, dict):
            piece = next((clean(delta[key]) for key in ("text", "thinking", "partial_json") if delta.get(key)), "")
            self.pieces += bool(piece)
            self._size += len(piece)
            if self._size < MAX_TEXT:
                self.blocks[index][2].append(piece)

    def completion(self, timing: Timing, request: Request) -> Completion:
        """Return what came; a stream that broke off is Outcome.FAILED."""
        kinds: dict[str, str] = {"text": "", "thinking": ""}
        calls = []
        for _, (kind, name, pieces) in sorted(self.blocks.items()):
            if kind == "tool_use":
                calls.append((name, "".join(pieces) or "{}"))
            elif kind in kinds:
                kinds[kind] += "".join(pieces)
        if self.trouble or not (self.done or self.stop_reason):
            return Completion(Outcome.FAILED, kinds["text"], detail=self.trouble or "the stream broke off")
        read = _Read(kinds["text"], kinds["thinking"], tuple(calls), self.stop_reason, self.usage, self.model)
        return _finished(read, request, timing)
