"""The OpenAI-compatible wire format: requests out, completions in. Pure; whatever a server says is hostile input."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weighbridge.engine.protocol import Completion, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from weighbridge.engine.protocol import Request

__all__ = ["Stream", "parse_answer", "payload", "route", "said_why"]

_MAX_TEXT = 1 << 20
_MAX_TOP = 64
_MAX_FINISH = 64
_MAX_DETAIL = 300


def route(request: Request) -> str:
    """Return the path below the base URL."""
    return "/chat/completions" if request.form == "chat" else "/completions"


def payload(request: Request, model: str) -> bytes:
    """Return the JSON body of a request."""
    body: dict[str, Any] = {"model": model, "max_tokens": request.max_tokens, "temperature": request.temperature}
    if request.form == "chat":
        system = [{"role": "system", "content": request.system}] if request.system else []
        body["messages"] = [*system, {"role": "user", "content": request.text}]
        if request.top_logprobs:
            body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    else:
        body["prompt"] = request.text
        if request.top_logprobs:
            body["logprobs"] = request.top_logprobs
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def parse_answer(data: bytes, request: Request) -> Completion:
    """Read a whole answer; what is not an answer is Outcome.FAILED with the reason."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return Completion(Outcome.FAILED, detail=f"the server answered {_looks_like(data)}, not JSON")
    choice = _first_choice(value)
    if choice is None:
        return Completion(Outcome.FAILED, detail=f"the answer holds no choice: {_clip(said_why(data))}")
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    top = _top_logprobs(choice.get("logprobs"))
    usage = value.get("usage")
    finish = choice.get("finish_reason")
    finish = _clean(finish)[:_MAX_FINISH] or None
    clean = _clean(text)
    return Completion(
        outcome=_outcome(clean, finish, read=bool(request.top_logprobs and top)),
        text=clean,
        finish_reason=finish,
        top_logprobs=top,
        prompt_tokens=_count(usage, "prompt_tokens"),
        cached_tokens=_cached(usage),
        completion_tokens=_count(usage, "completion_tokens"),
    )


def said_why(data: bytes) -> str:
    """Return the message of an error body, as short text."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return _looks_like(data)
    error = value.get("error", value) if isinstance(value, dict) else value
    message = error.get("message", error) if isinstance(error, dict) else error
    return _clip(message if isinstance(message, str) else json.dumps(message, ensure_ascii=False))


@dataclass(slots=True)
class Stream:
    """Reads server-sent events chunk by chunk; `feed` returns how many pieces of text a chunk brought."""

    text: str = ""
    finish_reason: str | None = None
    pieces: int = 0
    done: bool = False
    trouble: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    _rest: bytes = b""

    def feed(self, chunk: bytes) -> int:
        """Take one network chunk."""
        before = self.pieces
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _MAX_TEXT:
            self.trouble, self._rest = "a line of the stream is longer than 1 MiB", b""
        for event in _events(lines):
            self._take(event)
        return self.pieces - before

    def _take(self, event: bytes) -> None:
        """Take one event."""
        if event == b"[DONE]":
            self.done = True
            return
        try:
            value = json.loads(event)
        except (ValueError, RecursionError):
            self.trouble = self.trouble or "an event of the stream is not JSON"
            return
        if isinstance(value, dict) and isinstance(value.get("usage"), dict):
            self.usage = value["usage"]
        choice = _first_choice(value)
        if choice is None:
            return
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        thought = delta.get("reasoning_content")
        text = _clean(delta.get("content") or choice.get("text"))
        if text or (isinstance(thought, str) and thought):
            self.pieces += 1
        if len(self.text) < _MAX_TEXT:
            self.text += text
        self.finish_reason = _clean(choice.get("finish_reason"))[:_MAX_FINISH] or self.finish_reason

    def completion(self, first_token_s: float | None, total_s: float) -> Completion:
        """Return what came; a stream that broke off is Outcome.FAILED."""
        if self.trouble or not (self.done or self.finish_reason):
            return Completion(Outcome.FAILED, self.text, detail=self.trouble or "the stream broke off")
        return Completion(
            outcome=_outcome(self.text, self.finish_reason, read=False),
            text=self.text,
            finish_reason=self.finish_reason,
            prompt_tokens=_count(self.usage, "prompt_tokens"),
            cached_tokens=_cached(self.usage),
            completion_tokens=_count(self.usage, "completion_tokens") or self.pieces,
            first_token_s=first_token_s,
            total_s=total_s,
        )


def _events(lines: list[bytes]) -> Iterator[bytes]:
    """Yield the data of server-sent events; comments and other fields are skipped."""
    for line in lines:
        if line.startswith(b"data:"):
            yield line[5:].strip()


def _first_choice(value: Any) -> dict[str, Any] | None:
    """Return the first choice of an answer, if it has one."""
    choices = value.get("choices") if isinstance(value, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def _top_logprobs(value: Any) -> tuple[tuple[str, float], ...]:
    """Read the first token's distribution, in today's form (`content`) or the legacy one (`top_logprobs`)."""
    if not isinstance(value, dict):
        return ()
    content, legacy = value.get("content"), value.get("top_logprobs")
    pairs: list[tuple[Any, Any]] = []
    if isinstance(content, list) and content and isinstance(content[0], dict):
        rows = content[0].get("top_logprobs")
        rows = rows if isinstance(rows, list) else []
        pairs = [(row.get("token"), row.get("logprob")) for row in rows if isinstance(row, dict)]
    elif isinstance(legacy, list) and legacy and isinstance(legacy[0], dict):
        pairs = list(legacy[0].items())
    return tuple(
        (_clean(token), float(logprob))
        for token, logprob in pairs[:_MAX_TOP]
        if isinstance(token, str) and isinstance(logprob, int | float) and -1e6 < logprob <= 1e-6  # noqa: PLR2004
    )


def _outcome(text: str, finish: str | None, *, read: bool) -> Outcome:
    """Say what became of an answer; `read` means that the distribution asked for is there, which is all of it."""
    if read:
        return Outcome.ANSWERED
    if finish == "content_filter":
        return Outcome.FILTERED
    if finish == "length":
        return Outcome.TRUNCATED
    return Outcome.ANSWERED if text.strip() else Outcome.EMPTY


def _clean(text: Any) -> str:
    """Return text that can be written as UTF-8, bounded."""
    return text[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8") if isinstance(text, str) else ""


def _count(usage: Any, key: str) -> int | None:
    """Return a token count, if the server gives a sane one."""
    value = usage.get(key) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40 else None


def _cached(usage: Any) -> int | None:
    """Return how many prompt tokens came from the server's cache, if it says so."""
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    return _count(details, "cached_tokens")


def _looks_like(data: bytes) -> str:
    """Name what a body looks like that is not JSON."""
    head = data[:200].lstrip().lower()
    if not head:
        return "nothing"
    return "HTML" if head.startswith((b"<!doctype", b"<html", b"<head", b"<body")) else "something else"


def _clip(text: str) -> str:
    """Bound a message that comes from outside."""
    return _clean(" ".join(text.split()))[:_MAX_DETAIL]
