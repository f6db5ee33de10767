"""Whether a model fits on devices: what it needs beside what there is, and how fast it could at most be."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body

__all__ = ["AskedBody", "FitV1", "SpanBody", "SpeedBody"]


class SpanBody(Body):
    """Bytes between two bounds; one number twice where it is exact."""

    low: int
    high: int


class AskedBody(Body):
    """What was to be served, and on what."""

    device: str = Field(description="Id of the device, such as `h100-sxm`")
    devices: int = Field(ge=1, description="How many of it")
    engine: str
    context: int = Field(description="Tokens of one sequence")
    sequences: int = Field(description="Sequences at once")
    quantization: str
    cache_type: str | None = None


class SpeedBody(Body):
    """Upper bounds from bytes moved and FLOPs done; no engine reaches them."""

    tokens_per_s_alone: float = Field(description="Decoding one sequence")
    tokens_per_s_together: float = Field(description="Decoding all sequences at once")
    prompt_seconds: float | None = Field(default=None, description="Reading one prompt of the context asked")
    binds: Literal["memory", "compute"] = Field(description="What binds the decoding of all sequences")
    usd_per_million_output: float | None = Field(default=None, description="At least, where a price was given")
    usd_per_million_input: float | None = None


class FitV1(Body):
    """Whether a model fits on devices with an engine, a context and so many sequences."""

    asked: AskedBody
    verdict: Literal["fits", "does not fit", "unknown"]
    reason: str
    confidence: str | None = Field(default=None, description="Of what is known of the device")
    weights: SpanBody | None = Field(default=None, description="On the fullest device, as all parts here")
    cache: SpanBody | None = None
    activation: SpanBody | None = None
    overhead: SpanBody | None = None
    room: SpanBody | None = Field(default=None, description="What the engine plans with on one device")
    left: SpanBody | None = Field(default=None, description="What is left of the room; negative: what lacks")
    sequences: int | None = Field(default=None, description="Sequences of the context that fit for certain")
    largest_context: int | None = Field(default=None, description="Longest context at which the sequences fit")
    speed: SpeedBody | None = Field(default=None, description="Upper bounds of speed")
    notes: list[str] = Field(default_factory=list)
