"""Streams: server-sent events read chunk by chunk, each piece of the answer timed by whoever reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.engine.wire.answer import cached_tokens, first_choice, held, outcome_of, reasoning_of, text_of
from weighbridge.engine.wire.bounds import MAX_TEXT, clean, clip, count, read_json, said_why
from weighbridge.engine.wire.logprobs import first_distribution

if TYPE_CHECKING:
    from weighbridge.engine.protocol import Request

__all__ = ["Events", "Stream", "Timing"]

_MAX_NAME = 256
_MAX_FINISH = 64
_MAX_CALLS = 64


@dataclass(frozen=True, slots=True)
class Timing:
    """When the pieces of a streamed answer came: seconds to the first, to the last, and the longest wait between."""

    first_token_s: float | None
    total_s: float
    longest_gap_s: float | None = None


@dataclass(slots=True)
class Events:
    """Splits chunks into server-sent events; the data of each is handed to `take`."""

    pieces: int = 0
    done: bool = False
    trouble: str = ""
    _rest: bytes = b""

    def feed(self, chunk: bytes) -> int:
        """Take one network chunk; return how many pieces of the answer it brought."""
        before = self.pieces
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MAX_TEXT:
            self.trouble, self._rest = "a line of the stream is longer than 1 MiB", b""
        for line in lines:
            if line.startswith(b"data:"):  # comments and other fields are skipped
                self._event(line[5:].strip())
        return self.pieces - before

    def _event(self, event: bytes) -> None:
        """Take one event."""
        if event == b"[DONE]":
            self.done = True
            return
        value = read_json(event)
        if value is None and event != b"null":
            self.trouble = self.trouble or "an event of the stream is not JSON"
        elif isinstance(value, dict):
            if value.get("error"):
                self.trouble = self.trouble or f"the stream ended with an error: {clip(said_why(event))}"
            self.take(value)

    def take(self, value: dict[str, Any]) -> None:
        """Take the data of one event."""
        raise NotImplementedError

    def completion(self, timing: Timing, request: Request) -> Completion:
        """Return what came."""
        raise NotImplementedError


@dataclass(slots=True)
class Stream(Events):
    """The stream of the OpenAI API: text, thinking and tool calls in pieces."""

    text: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    calls: dict[int, list[str]] = field(default_factory=dict)  # index: name, then pieces of the arguments
    finish_reason: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    top: tuple[tuple[str, float], ...] = ()
    model: str | None = None
    _size: int = 0

    def take(self, value: dict[str, Any]) -> None:
        """Take the data of one event."""
        if isinstance(value.get("usage"), dict):
            self.usage = value["usage"]
        self.model = self.model or clean(value.get("model"))[:_MAX_NAME] or None
        choice = first_choice(value)
        if choice is None:
            return
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        text = text_of(delta) or clean(choice.get("text"))
        thought = reasoning_of(delta)
        called = self._take_calls(delta.get("tool_calls"))
        if text or thought or called:
            if not self.pieces and not thought:
                self.top = first_distribution(choice.get("logprobs"))
            self.pieces += 1
        self._size += len(text) + len(thought)
        if self._size < MAX_TEXT:
            self.text.append(text)
            self.thinking.append(thought)
        self.finish_reason = clean(choice.get("finish_reason"))[:_MAX_FINISH] or self.finish_reason

    def _take_calls(self, deltas: Any) -> bool:
        """Join the pieces of tool calls; return whether there were any."""
        found = False
        for place, delta in enumerate(deltas[:_MAX_CALLS] if isinstance(deltas, list) else []):
            function = delta.get("function") if isinstance(delta, dict) else None
            index = count(delta, "index") if isinstance(delta, dict) else None
            index = place if index is None else index
            if not isinstance(function, dict) or index >= _MAX_CALLS:
                continue
            call = self.calls.setdefault(index, [""])
            call[0] = call[0] or clean(function.get("name"))[:_MAX_NAME]
            piece = clean(function.get("arguments"))
            self._size += len(piece)
            if self._size < MAX_TEXT:
                call.append(piece)
            found = True
        return found

    def completion(self, timing: Timing, request: Request) -> Completion:
        """Return what came; a stream that broke off is Outcome.FAILED."""
        text, thinking = "".join(self.text), "".join(self.thinking)
        if self.trouble or not (self.done or self.finish_reason):
            return Completion(Outcome.FAILED, text, detail=self.trouble or "the stream broke off")
        calls = tuple((call[0], "".join(call[1:])) for _, call in sorted(self.calls.items()) if call[0])
        top = self.top if request.top_logprobs else ()
        whole = bool(top) or bool(calls and self.finish_reason != "length")
        read = Completion(
            outcome=outcome_of(text, self.finish_reason, whole=whole),
            text=text,
            finish_reason=self.finish_reason,
            top_logprobs=top,
            prompt_tokens=count(self.usage, "prompt_tokens"),
            cached_tokens=cached_tokens(self.usage),
            completion_tokens=count(self.usage, "completion_tokens") or self.pieces,
            first_token_s=timing.first_token_s,
            total_s=timing.total_s,
            thinking=thinking,
            tool_calls=calls,
            longest_gap_s=timing.longest_gap_s,
            served_model=self.model,
        )
        return held(read, request)
