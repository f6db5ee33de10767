"""What an endpoint can do, and what it really serves."""

from __future__ import annotations

from pydantic import Field

from weighbridge.core.kinds.body import Body
from weighbridge.core.kinds.measured import EngineBody  # noqa: TC001 - pydantic reads it

__all__ = ["CapabilitiesBody", "EndpointV1", "FingerprintBody"]


class CapabilitiesBody(Body):
    """What was found by asking; None where it could not be found out."""

    server: str | None = Field(description="Kind of server: `vllm`, `sglang`, `llama.cpp`, a vendor, or its header")
    version: str | None = Field(description="Version that the server states")
    models: list[str] = Field(description="Names in its list of models")
    context_tokens: int | None = Field(description="Context length that the server states")
    template_digest: str | None = Field(description="SHA-256 of the chat template that the server shows")
    chat: bool | None = Field(description="Answers chats")
    completion: bool | None = Field(description="Answers raw completions")
    chat_logprobs: int | None = Field(description="Alternatives of the first token in a chat; 0: none")
    completion_logprobs: int | None = Field(description="Alternatives of the first token in a completion; 0: none")
    echo: bool | None = Field(description="Gives a prompt's own log-probabilities when asked to echo it")
    choices: bool | None = Field(description="Holds an answer to a list of choices")
    schema_: bool | None = Field(alias="schema", description="Holds an answer to a JSON Schema")
    tools: bool | None = Field(description="Tools reach the model")
    seed: bool | None = Field(description="A seed fixes the draw")
    cache_reported: bool | None = Field(description="Says how much of a prompt it had cached")
    calls: int = Field(ge=0, description="Requests that finding out took")


class FingerprintBody(Body):
    """Answers to fixed prompts: distributions of the first token, or greedy texts."""

    prompts: str = Field(description="Version of the prompts")
    form: str = Field(description="Prompt form")
    rows: list[list[tuple[str, float]]] = Field(description="For each prompt (token, log-probability in nats)")
    texts: list[str] = Field(description="For each prompt the text, where no log-probabilities are given")
    noise: float | None = Field(
        description="Largest difference between asking twice, nats; of texts, the share changed"
    )
    mean_noise: float | None = Field(description="Mean difference between asking twice")
    calls: int = Field(ge=0)


class EndpointV1(Body):
    """An endpoint on the day it was asked."""

    engine: EngineBody
    capabilities: CapabilitiesBody
    fingerprint: FingerprintBody | None = Field(None, description="None where it was not asked for")
    chat_fingerprint: FingerprintBody | None = Field(
        default=None, description="The same prompts as chats, where `fingerprint` asks without the chat template"
    )
