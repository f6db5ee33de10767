"""The engine protocol: one method, `complete(request) -> Completion`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from weighbridge.core.digest import digest_of

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["STORED", "Completion", "Engine", "EngineIdentity", "Outcome", "Request"]

Form = Literal["chat", "completion"]


class Outcome(StrEnum):
    """What became of a request. Only ANSWERED carries a whole answer; nothing else is ever "wrong"."""

    ANSWERED = "answered"
    TRUNCATED = "truncated"  # the token limit cut the answer
    EMPTY = "empty"
    FILTERED = "filtered"  # a filter in front of the weights
    TIMEOUT = "timeout"
    FAILED = "failed"  # no usable answer after all retries; `detail` says why
    NOT_ASKED = "not-asked"  # the run stopped before


STORED = frozenset({Outcome.ANSWERED, Outcome.TRUNCATED, Outcome.EMPTY, Outcome.FILTERED})
"""The outcomes that are kept; whatever else became of a request, the next run asks again."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `form` "chat" sends `text` as the user's last message, "completion" as the raw prompt.

    `top_logprobs` asks for the distribution of the first token (0 for none); `stream` times the tokens. `turns` are
    earlier messages, (role, content) each; `tools` and `schema` are JSON text: the tools a chat may call, the JSON
    Schema its answer must follow; `choices` are the only answers allowed; `thinking` switches reasoning on or off
    where the chat template knows the switch. An engine that cannot honour a field answers FAILED and says so.
    """

    form: Form
    text: str
    max_tokens: int
    system: str | None = None
    temperature: float = 0.0
    top_logprobs: int = 0
    stream: bool = False
    draw: int = 0  # tells repeated draws of one question apart
    turns: tuple[tuple[str, str], ...] = ()
    stop: tuple[str, ...] = ()
    seed: int | None = None
    top_p: float | None = None
    tools: str = ""
    schema: str = ""
    choices: tuple[str, ...] = ()
    thinking: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what identifies the request, as JSON values; a later field stands there only where it is used."""
        later = {
            "turns": [list(turn) for turn in self.turns],
            "stop": list(self.stop),
            "seed": self.seed,
            "top_p": self.top_p,
            "tools": self.tools,
            "schema": self.schema,
            "choices": list(self.choices),
            "thinking": self.thinking,
        }
        return {
            "form": self.form,
            "text": self.text,
            "max_tokens": self.max_tokens,
            "system": self.system,
            "temperature": self.temperature,
            "top_logprobs": self.top_logprobs,
            "stream": self.stream,
            "draw": self.draw,
            **_used(later),
        }


def _used(later: dict[str, Any]) -> dict[str, Any]:
    """Drop fields that say nothing: recipes and answer digests made before a field existed stay what they were."""
    return {key: value for key, value in later.items() if value is not None and value not in ("", [])}


@dataclass(frozen=True, slots=True)
class Completion:
    """An engine's answer to one request; times in seconds, counts in tokens, None where not reported.

    `thinking` is what a reasoning model wrote before its answer; `tool_calls` are (name, arguments as JSON text);
    `longest_gap_s` is the longest wait between two pieces of a streamed answer; `served_model` is the name that the
    server gave with the answer.
    """

    outcome: Outcome
    text: str = ""
    finish_reason: str | None = None
    top_logprobs: tuple[tuple[str, float], ...] = ()
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_s: float | None = None
    total_s: float | None = None
    attempts: int = 1
    detail: str = ""
    thinking: str = ""
    tool_calls: tuple[tuple[str, str], ...] = ()
    longest_gap_s: float | None = None
    served_model: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the completion as JSON values; a later field stands there only where it is used."""
        later = {
            "thinking": self.thinking,
            "tool_calls": [list(call) for call in self.tool_calls],
            "longest_gap_s": self.longest_gap_s,
            "served_model": self.served_model,
        }
        return {
            "outcome": self.outcome.value,
            "text": self.text,
            "finish_reason": self.finish_reason,
            "top_logprobs": [list(pair) for pair in self.top_logprobs],
            "prompt_tokens": self.prompt_tokens,
            "cached_tokens": self.cached_tokens,
            "completion_tokens": self.completion_tokens,
            "first_token_s": self.first_token_s,
            "total_s": self.total_s,
            "attempts": self.attempts,
            "detail": self.detail,
            **_used(later),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Completion:
        """Read what `to_json` gave."""
        pairs = tuple((str(token), float(logprob)) for token, logprob in value["top_logprobs"])
        called = tuple((str(name), str(arguments)) for name, arguments in value.get("tool_calls", ()))
        return cls(**{**value, "outcome": Outcome(value["outcome"]), "top_logprobs": pairs, "tool_calls": called})


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """What must be equal for two completions to be the same measurement.

    `asserted` is True where only the user says that this engine serves the artefact.
    """

    name: str
    model: str
    version: str | None = None
    address: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    asserted: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the identity as JSON values (the shape of `EngineBody`)."""
        return {
            "name": self.name,
            "version": self.version,
            "model": self.model,
            "address": self.address,
            "settings": self.settings,
            "asserted": self.asserted,
        }

    @property
    def digest(self) -> str:
        """Digest of the identity: part of every recipe that this engine's answers are stored under."""
        return digest_of(self.to_json())


class Engine(Protocol):
    """What answers prompts.

    Used as an asynchronous context manager; `identity` is known after entering. `complete` raises nothing
    for what happens to a request: that is an Outcome.
    """

    identity: EngineIdentity

    def lanes(self, *, generates: bool) -> int:
        """Return how many requests to keep in flight, for answers that are generated or read off one distribution."""
        ...

    async def complete(self, request: Request) -> Completion:
        """Answer one request."""
        ...

    async def __aenter__(self) -> Self:
        """Start or reach the engine; raises EngineUnreachable or ExtraMissing."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started."""
        ...
