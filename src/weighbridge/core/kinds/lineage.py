"""Where a model comes from: what its files declare, and what its weights say beside a base."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from weighbridge.core.kinds.body import Body

__all__ = [
    "ComparedBody", "DeclaredBody", "LayerBody", "LineageV1", "Origin", "Relation", "SimilarityBody", "TokenizerBody",
    "TwiceQuantizedBody",
]  # fmt: skip

Relation = Literal["adapter", "finetune", "merge", "quantized"]
Origin = Literal["consistent with", "not consistent with", "cannot tell"]


class DeclaredBody(Body):
    """One statement of where the model comes from."""

    name: str = Field(description="The base as written there")
    source: str = Field(description="File and field that says so")
    standing: Literal["base", "hint"] = Field(
        description="`base`: stated as such; `hint`: a path or a name that may only describe"
    )
    relation: Relation | None = None


class TwiceQuantizedBody(Body):
    """Weights that were quantized from weights that had been quantized already."""

    said: str = Field(description="The words that name the first quantization")
    source: str = Field(description="Where they stand")
    stored: str = Field(description="How the weights are stored now")


class TokenizerBody(Body):
    """The vocabulary beside that of the base."""

    verdict: Literal["identical", "superset", "subset", "differs", "cannot tell"] = Field(
        description="`superset`: all ids of the base hold the same tokens, and more follow; `subset` the other way"
    )
    tokens: int | None = Field(default=None, ge=0, description="Tokens of the artefact")
    base_tokens: int | None = Field(default=None, ge=0, description="Tokens of the base")
    equal_prefix: int | None = Field(default=None, ge=0, description="Ids from 0 on that hold the same token in both")


class SimilarityBody(Body):
    """How alike many small things are: the median and the extremes."""

    median: float
    low: float = Field(description="The least alike")
    high: float = Field(description="The most alike")
    n: int = Field(ge=1, description="Rows, tensors or pairs compared")


class LayerBody(Body):
    """The sampled rows of one matrix."""

    layer: int
    matrix: str = Field(description="Name of the tensor in the artefact")
    stored: str = Field(description="Type of the artefact's tensor, and of the base's where it is another")
    cosine: SimilarityBody = Field(description="Cosine of each row with the base's row at the same place")


class ComparedBody(Body):
    """The weights beside a base that is at hand; nothing of it was run."""

    base: str = Field(description="Name of the base as given")
    base_digest: str
    verdict: Origin = Field(description="Whether these weights may be those of the base, requantized or trained on")
    relation: str | None = Field(
        default=None, description="same weights, derived by training, part of the layers, or not in this alignment"
    )
    reason: str = Field(description="One sentence with the figures that decide")
    shapes_equal: int = Field(ge=0, description="Tensors of layers with the same name and shape in both")
    shapes_total: int = Field(ge=0, description="Tensors of layers in either")
    shapes_note: str | None = Field(default=None, description="The first difference of structure")
    tokenizer: TokenizerBody
    rows: list[LayerBody] = Field(default_factory=list, description="Sampled matrices; empty where none could be read")
    row_cosine: SimilarityBody | None = Field(default=None, description="Cosines of all sampled rows together")
    biases: SimilarityBody | None = Field(default=None, description="Correlation of bias vectors about their means")
    norms: SimilarityBody | None = Field(
        default=None, description="The same of norm vectors: no evidence alone, unrelated layers reach 0.98"
    )
    embedding_gram: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description="Correlation of the similarities among token embeddings: family, not derivation",
    )
    bytes_read: int = Field(default=0, ge=0, description="Bytes of weights read, both models together")
    may_hide: str = Field(description="What someone who wants to hide kinship can do, that this does not see")


class LineageV1(Body):
    """Where a model comes from: declarations, whether they agree, and the weights beside a base if one is at hand."""

    declared: list[DeclaredBody] = Field(default_factory=list, description="Every statement of origin, with its place")
    bases: list[str] = Field(default_factory=list, description="Bases that are stated as such, each once")
    relation: Relation | None = Field(
        default=None, description="What was done to the base, where it is stated or shown"
    )
    relation_source: str | None = None
    agreement: Literal["nothing declared", "one source", "sources agree", "sources contradict"]
    contradictions: list[str] = Field(default_factory=list, description="Statements of origin that cannot all be true")
    quantization: str | None = Field(default=None, description="How the weights are stored, where they are quantized")
    twice_quantized: TwiceQuantizedBody | None = Field(
        default=None,
        description="Signs that quantized weights were quantized again; None: no sign of it, which proves nothing",
    )
    compared: ComparedBody | None = Field(
        default=None, description="None: no base was at hand, so the weights were not read"
    )
    notes: list[str] = Field(default_factory=list)
