"""Sizes: bytes of the weights and of what a sequence keeps, each with what it rests on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from weighbridge.core.kinds.anatomy import KVCacheBody, WeightsBody
from weighbridge.inspection.anatomy.build import Refusal
from weighbridge.inspection.figures.stored import explained_size
from weighbridge.inspection.memory.quantized import weight_bytes
from weighbridge.inspection.memory.scheme import Scheme, promises_quantization

if TYPE_CHECKING:
    from weighbridge.inspection.anatomy.structure import Structure
    from weighbridge.inspection.figures.read import Sources

__all__ = ["cache_figures", "weight_figures"]

_CONTEXTS = (1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072)
_LONGER = (262_144, 524_288, 1_048_576)  # stated only where the model goes so far
_BF16_BYTES = 2


def cache_figures(outcome: Structure | Refusal, context_length: int | None) -> KVCacheBody:
    """Return what a sequence keeps, in bf16 and with absorbed MLA, at lengths up to what the model declares."""
    if isinstance(outcome, Refusal):
        return KVCacheBody()
    contexts = (*_CONTEXTS, *(length for length in _LONGER if length <= (context_length or 0)))
    decompressed = sum(
        cache.kept(absorbed=False) / cache.stride
        for layer in outcome.layers
        for cache in layer.caches
        if cache.window is None
    )
    is_latent = any(cache.decompressed for layer in outcome.layers for cache in layer.caches)
    return KVCacheBody(
        status="exact" if outcome.is_verified and outcome.is_cache_sure else "estimated",
        bytes_per_token=_whole(_BF16_BYTES * outcome.marginal_cache_elements),
        bytes_at={str(context): _BF16_BYTES * outcome.cache_elements(context) for context in contexts},
        decompressed_bytes_per_token=_whole(_BF16_BYTES * decompressed) if is_latent else None,
        state_elements_per_sequence=outcome.state_elements,
        layers=dict(Counter(layer.kind for layer in outcome.layers)),
        windows=sorted({cache.window for layer in outcome.layers for cache in layer.caches if cache.window}),
    )


def weight_figures(sources: Sources, name: str) -> WeightsBody:
    """Return the bytes of the weights: from tensor tables, else header lengths, else a formula over the structure.

    A name that promises a quantization of which the config says nothing leaves the formula without ground.
    """
    weights, declared = sources.weights, sources.declared
    tally = weights.tally
    if weights.is_whole and tally.tensors:
        counted = tally.weights if not tally.packed else None
        return WeightsBody(
            bytes=tally.n_bytes,
            status="unknown" if tally.n_bytes is None else "from checkpoint",
            bits_per_weight=_bits(tally.n_bytes, counted),
            tensors=tally.tensors,
            dtypes=dict(sorted(tally.dtypes.items())),
            quantization=declared.quantization,
        )
    if weights.stored_bytes is not None:
        return WeightsBody(bytes=weights.stored_bytes, status="from checkpoint", quantization=declared.quantization)
    if sources.declared.quantization is None and promises_quantization(name):
        return WeightsBody()
    return _computed(sources)


def _computed(sources: Sources) -> WeightsBody:
    """Return the bytes that the structure takes as the config says it is stored; 16 bits where it does not say."""
    quantization = sources.declared.quantization
    if isinstance(sources.outcome, Refusal) or not isinstance(sources.scheme, Scheme):
        return WeightsBody(quantization=quantization)
    if sources.outcome.vision is None:
        return WeightsBody(quantization=quantization)
    stated, _ = explained_size(sources)
    if stated is not None:
        return WeightsBody(bytes=stated, status="from checkpoint", quantization=quantization)
    sized = weight_bytes(sources.outcome, sources.scheme)
    is_sure = sized.status == "exact" and sources.outcome.is_verified and sources.is_type_declared
    return WeightsBody(
        bytes=sized.n_bytes,
        status="exact" if is_sure else "estimated",
        bits_per_weight=sized.bits_per_weight,
        quantization=quantization,
    )


def _bits(n_bytes: int | None, elements: int | None) -> float | None:
    return 8 * n_bytes / elements if elements and n_bytes is not None else None


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value
