"""What a coarser number format costs: the same model in two precisions."""

from __future__ import annotations

from pydantic import Field

from weighbridge.core.kinds.body import Body, EstimateBody, Share
from weighbridge.core.kinds.measured import EngineBody  # noqa: TC001 - pydantic reads the fields' types

__all__ = ["PositionBody", "PrecisionV1"]


class PositionBody(Body):
    """One position of one text: how far the two next-token distributions are apart there."""

    id: str = Field(description="Text and number of the position in it")
    kl: float = Field(ge=0, description="Lower bound of KL(original || quantized), nats")
    noise_kl: float | None = Field(None, description="The same between two askings of the original")
    top: str = Field(description="Likeliest token of the quantized model")
    original_top: str = Field(description="Likeliest token of the original")


class PrecisionV1(Body):
    """Quantized beside original, position by position, on next-token distributions.

    Divergences are KL(original || quantized) in nats over the tokens that both engines report, all others lumped into
    one cell: an exact lower bound of the whole one. Intervals take the texts as clusters. `noise_` says how far the
    original is from itself when it is asked twice: a difference within that is none.
    """

    original: str = Field(description="Digest of the original")
    original_name: str
    engine: EngineBody
    original_engine: EngineBody
    texts: str = Field(description="Digest of the texts and positions")
    texts_name: str
    tokenizer: str = Field(description="How it was made sure that both read the texts as the same tokens")
    top_tokens: int = Field(ge=1, description="Tokens reported at a position")
    positions: int = Field(ge=0, description="Positions at which both answered")
    unanswered: int = Field(ge=0, description="Positions left out because one of the two did not answer")
    seen: Share = Field(
        description="Mean probability of the original in the tokens that both report: what the bound sees"
    )
    identical: int = Field(ge=0, description="Positions at which both report the same to the last digit")
    kl: EstimateBody | None = Field(description="Mean divergence; None where it is the same at every position")
    kl_median: float = Field(ge=0)
    kl_worst: float = Field(ge=0)
    flips: EstimateBody = Field(description="Share of positions whose likeliest token is another")
    perplexity_ratio: EstimateBody | None = Field(
        description="Perplexity of the quantized over that of the original on the texts' own next tokens, where the "
        "original reports them; None where it does for fewer than half, or where the ratio is the same everywhere"
    )
    capped: int = Field(
        ge=0,
        description="Of these, next tokens that the quantized does not report: the least likely reported one stands "
        "for them, so that the ratio is a lower bound",
    )
    noise_kl: EstimateBody | None = Field(description="The original beside itself; None where it repeats itself")
    noise_identical: int = Field(ge=0, description="Positions at which the original repeats itself to the last digit")
    noise_flips: EstimateBody | None
    kl_beyond_noise: EstimateBody | None = Field(description="Divergence minus that of the original from itself")
    flips_beyond_noise: EstimateBody | None
    differs: bool = Field(description="Whether the divergence is beyond noise: its interval lies above 0")
    calls: int = Field(ge=0, description="Requests sent")
    items: list[PositionBody]
