"""The structure of a model: every weight matrix by layer, what a layer keeps per token, how it attends.

All counts of parameters, bytes, cache and FLOPs are sums over this one description.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Attend", "Cache", "Layer", "Part", "Structure", "Weight"]


class Part(StrEnum):
    """What a weight belongs to; the keys of `parameters.parts`."""

    EMBEDDING = "embedding"
    HEAD = "head"
    ATTENTION = "attention"
    LINEAR_ATTENTION = "linear_attention"  # mixers with a constant state: delta nets, lightning attention, Mamba
    DENSE_FFN = "dense_ffn"
    ROUTED_EXPERTS = "routed_experts"
    SHARED_EXPERTS = "shared_experts"
    ROUTER = "router"
    NORMS = "norms"
    RESIDUAL = "residual"  # hyper-connections, residual vectors, layer scalars
    VISION = "vision"
    PROJECTOR = "projector"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Weight:
    """Alike weights of one layer: `shape` is (out, in), or (n,) for a vector; more axes for convolutions.

    `name` is the checkpoint's, within its layer, `*` where copies are numbered: `mlp.experts.*.gate_proj.weight`.
    Of `copies` a token visits `visited` (all where None).
    """

    name: str
    part: Part
    shape: tuple[int, ...]
    copies: int = 1
    visited: int | None = None

    @property
    def elements(self) -> int:
        """Elements of all copies."""
        return prod(self.shape) * self.copies

    @property
    def active(self) -> int:
        """Elements of the copies that a token visits."""
        return prod(self.shape) * (self.copies if self.visited is None else self.visited)


@dataclass(frozen=True, slots=True)
class Cache:
    """What one layer keeps for each token of a sequence.

    `elements` a kept position; at most `window` positions; one position for every `stride` tokens.
    `decompressed` is what an engine that does not absorb MLA's up-projections keeps instead.
    """

    elements: int
    window: int | None = None
    stride: int = 1
    decompressed: int | None = None
    is_index: bool = False  # keys of a sparse-attention indexer, which engines keep in a type of their own

    def kept(self, *, absorbed: bool) -> int:
        """Return the elements of one kept position."""
        return self.elements if absorbed or self.decompressed is None else self.decompressed

    def positions(self, context: int) -> int:
        """Return how many positions a sequence of `context` tokens keeps."""
        kept = context if self.window is None else min(context, self.window)
        return kept // self.stride


@dataclass(frozen=True, slots=True)
class Attend:
    """One layer's attention at work: `heads` query heads, widths of a query-key product and of a value per head.

    For MLA `qk`, `v` are the decompressed widths (prefill) and `absorbed_qk`, `absorbed_v` those of decoding.
    A query sees at most `window` positions (sliding) or `selected` of them (sparse).
    Where history is compressed one position stands for `stride` tokens: of `context` it sees context // stride.
    """

    heads: int
    qk: int
    v: int
    absorbed_qk: int | None = None
    absorbed_v: int | None = None
    window: int | None = None
    selected: int | None = None
    stride: int = 1


@dataclass(frozen=True, slots=True)
class Layer:
    """One decoder layer; `kind` names its mixer: `full`, `sliding`, `chunked`, `delta`, `mamba`, `mlp` ...

    `state` counts the elements of the constant state a sequence keeps here, whatever its length.
    """

    kind: str
    weights: tuple[Weight, ...]
    caches: tuple[Cache, ...] = ()
    attend: tuple[Attend, ...] = ()
    state: int = 0


@dataclass(frozen=True, slots=True)
class Structure:
    """A whole model as its library would build it.

    `outside` holds what stands outside the layers (embedding, untied head, final norm), under whole names.
    `mtp` are multi-token-prediction modules as checkpoints store them, not part of the total; `mtp_copies` counts
    the elements of embedding and head that such checkpoints store a second time. `buffers` are stored, no parameters.
    `vision` is None where the config declares a part whose formula is not known.
    """

    family: str
    hidden_size: int
    vocabulary: int
    is_tied: bool
    outside: tuple[Weight, ...]
    layers: tuple[Layer, ...]
    mtp: tuple[Layer, ...] = ()
    mtp_copies: int = 0
    buffers: int = 0
    vision: tuple[Weight, ...] | None = ()
    is_verified: bool = True  # compared to the unit with a reference class or a published total
    is_cache_sure: bool = True  # engines and library keep the same; else a note says how they differ
    layer_prefix: str = "model.layers"
    notes: tuple[str, ...] = field(default=())

    def text_weights(self) -> Iterator[Weight]:
        """Yield the weights of the language model, layer by layer."""
        yield from self.outside
        for layer in self.layers:
            yield from layer.weights

    def named(self) -> Iterator[tuple[str, Weight]]:
        """Yield every weight of the language model and its vision part with its whole name in the checkpoint."""
        for weight in self.outside:
            yield weight.name, weight
        for number, layer in enumerate(self.layers):
            for weight in layer.weights:
                yield f"{self.layer_prefix}.{number}.{weight.name}", weight
        for weight in self.vision or ():
            yield weight.name, weight

    @property
    def text_total(self) -> int:
        """Parameters of the language model."""
        return sum(weight.elements for weight in self.text_weights())

    @property
    def total(self) -> int | None:
        """Parameters as the library builds the model, without MTP, buffers and scales; None with an unknown part."""
        if self.vision is None:
            return None
        return self.text_total + sum(weight.elements for weight in self.vision)

    @property
    def mtp_total(self) -> int:
        """Parameters that the MTP modules hold of their own."""
        return sum(weight.elements for layer in self.mtp for weight in layer.weights)

    def parts(self) -> dict[Part, int]:
        """Return the parameters of the model by part."""
        found: Counter[Part] = Counter()
        for weight in (*self.text_weights(), *(self.vision or ())):
            found[weight.part] += weight.elements
        return dict(found)

    def active(self) -> tuple[int, int, int]:
        """Return active parameters of the language model: all; without input embedding; without both embeddings.

        A tied matrix is the output head as well, so only the third convention leaves it out; it stands first, before
        tables that are input alone, of positions or for each layer.
        """
        touched = sum(weight.active for weight in self.text_weights())
        tables = [weight.active for weight in self.outside if weight.part is Part.EMBEDDING]
        head = sum(weight.active for weight in self.outside if weight.part is Part.HEAD)
        return touched, touched - sum(tables[self.is_tied :]), touched - sum(tables) - head

    def cache_elements(self, context: int, *, absorbed: bool = True) -> int:
        """Return the cached elements of one sequence of `context` tokens, without constant state."""
        return sum(
            cache.positions(context)
            * (cache.elements if absorbed or cache.decompressed is None else cache.decompressed)
            for layer in self.layers
            for cache in layer.caches
        )

    @property
    def marginal_cache_elements(self) -> float:
        """Cached elements that one more token adds at full context: sliding layers add none (MLA absorbed)."""
        return sum(
            cache.elements / cache.stride for layer in self.layers for cache in layer.caches if cache.window is None
        )

    @property
    def state_elements(self) -> int:
        """Elements of constant state that a sequence keeps."""
        return sum(layer.state for layer in self.layers)
