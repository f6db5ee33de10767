"""The anatomy of a model: parts, active parameters, cache and bytes, each with where its figure comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body

__all__ = ["ActiveBody", "AnatomyV2", "DisagreementBody", "KVCacheBody", "ParametersBody", "Status", "VendorBody",
           "WeightsBody"]  # fmt: skip

Status = Literal["exact", "from checkpoint", "estimated", "unknown"]

_STATUS = (
    "exact: a formula that equals the reference implementation to the unit; "
    "from checkpoint: summed from tensor tables; "
    "estimated: a formula that nothing confirms, or an assumption; unknown"
)


class ActiveBody(Body):
    """Parameters of the language model that one token uses, by the three conventions that vendors follow."""

    all: int = Field(description="All weights that a token touches")
    without_input_embedding: int = Field(description="Without the input embedding; a tied one is the head and stays")
    without_embeddings: int = Field(description="Without input embedding and output head")


class VendorBody(Body):
    """A figure that the publisher gives, and what it counts."""

    said: str = Field(description="As written, such as `30B-A3B`")
    quantity: Literal["total", "active"]
    value: int = Field(description="The figure in parameters")
    counts: str | None = Field(description="Which of our figures rounds to it; None where none does")
    source: str = Field(description="Where it was read")


class ParametersBody(Body):
    """How many parameters, of what."""

    total: int | None = Field(
        default=None,
        description="Parameters as the reference library builds the model: language model, and vision or audio "
        "where the config has them; without MTP modules, buffers and quantization scales",
    )
    status: Status = Field(default="unknown", description=_STATUS)
    text: int | None = Field(default=None, description="Parameters of the language model alone")
    active: ActiveBody | None = Field(
        default=None, description="Active parameters by three conventions; None where not known"
    )
    parts: dict[str, int] = Field(
        default_factory=dict,
        description="Parameters by part; `mtp`, `mtp_copies`, `buffers` and `scales` are stored beside the total",
    )
    stored: int | None = Field(
        default=None, description="Elements of all stored weight tensors, summed from the tensor tables"
    )
    vendor: list[VendorBody] = Field(default_factory=list, description="The publisher's figures, and what they count")
    reason: str | None = Field(default=None, description="Why the total is not known")


class KVCacheBody(Body):
    """What a sequence keeps in memory, in bf16, with absorbed MLA where the model has it."""

    status: Status = Field(default="unknown", description=_STATUS)
    bytes_per_token: float | int | None = Field(
        default=None,
        description="Bytes that one more token adds at full context: sliding layers are full by then and add none",
    )
    bytes_at: dict[str, int] = Field(
        default_factory=dict, description="Bytes of one sequence at a context length, without constant state"
    )
    decompressed_bytes_per_token: float | int | None = Field(
        default=None, description="For MLA: the same in an engine that keeps decompressed keys and values"
    )
    state_elements_per_sequence: int | None = Field(
        default=None,
        description="Elements of constant state that a sequence keeps in layers of linear attention or Mamba",
    )
    layers: dict[str, int] = Field(default_factory=dict, description="Layers by kind: full, sliding, delta, mamba ...")
    windows: list[int] = Field(
        default_factory=list, description="Window lengths of sliding or chunked layers, in tokens"
    )


class WeightsBody(Body):
    """The stored weights."""

    bytes: int | None = Field(
        default=None, description="Bytes of all stored tensors, or of those that the config describes"
    )
    status: Status = Field(default="unknown", description=_STATUS)
    bits_per_weight: float | None = Field(default=None, description="8 x bytes / parameters stored")
    tensors: int | None = Field(default=None, description="Number of tensors")
    dtypes: dict[str, int] = Field(default_factory=dict, description="Elements by data type, from the tensor tables")
    quantization: str | None = Field(default=None, description="Quantization that the files declare")


class DisagreementBody(Body):
    """Two sources that do not say the same, by name."""

    name: str = Field(description="Such as `tied-head-stored`, `mtp-included`, `scales-counted`, `packed-4-bit`")
    message: str


class AnatomyV2(Body):
    """What the model is made of, read from its files without running it."""

    status: Status = Field(description="Of the figures as a whole: " + _STATUS)
    format: Literal["gguf", "safetensors", "config"] = Field(description="Where the figures come from")
    architecture: str | None = Field(default=None, description="The architecture's own name, e.g. `llama`")
    layers: int | None = None
    hidden_size: int | None = None
    heads: int | None = Field(default=None, description="Query heads of a layer")
    kv_heads: int | None = Field(default=None, description="Key-value heads of a layer")
    attention: str | None = Field(default=None, description="MHA, GQA, MQA, MLA, or None where the files do not say")
    experts: int | None = Field(default=None, description="Routed experts of a layer; 0 for a dense model")
    experts_used: int | None = Field(default=None, description="Routed experts a token visits")
    context_length: int | None = Field(default=None, description="Longest sequence in tokens that the files declare")
    vocabulary: int | None = Field(default=None, description="Tokens in the vocabulary")
    chat_template: bool | None = Field(default=None, description="Whether a chat template is stored with the model")
    parameters: ParametersBody = Field(description="How many parameters, of what")
    kv_cache: KVCacheBody = Field(description="What a sequence keeps in memory")
    weights: WeightsBody = Field(description="The stored weights")
    disagreements: list[DisagreementBody] = Field(default_factory=list, description="Where two sources differ, by name")
    notes: list[str] = Field(default_factory=list, description="What else to know of the figures, assumptions included")
