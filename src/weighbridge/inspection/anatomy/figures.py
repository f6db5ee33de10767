"""Turn structure and tensor tables into figures, each labelled with what it rests on; tables are trusted first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from weighbridge.core.kinds.anatomy import ActiveBody, DisagreementBody, KVCacheBody, ParametersBody, WeightsBody
from weighbridge.inspection.anatomy.build import Refusal

if TYPE_CHECKING:
    from weighbridge.core.kinds.anatomy import Status
    from weighbridge.inspection.anatomy.declared import Architecture
    from weighbridge.inspection.anatomy.structure import Structure
    from weighbridge.inspection.tables.weights import Weights

__all__ = ["cache_figures", "parameter_figures", "weight_figures"]

_CONTEXTS = (8_192, 131_072)
_BF16_BYTES = 2


def parameter_figures(
    outcome: Structure | Refusal, weights: Weights, declared: Architecture
) -> tuple[ParametersBody, list[DisagreementBody]]:
    """Return the parameters, and by name how the stored elements differ from the model's own."""
    stored = _stored(weights)
    if isinstance(outcome, Refusal):
        return _of_tables(weights, declared, stored, outcome.reason), []
    if outcome.total is None and stored is not None:
        return _of_tables(weights, declared, stored, "a part of the model is not known"), []
    known = _of_structure(outcome, stored, weights)
    if stored is None or outcome.total is None:
        return known, []
    if outcome.total != stored:
        said = (
            f"the config describes {outcome.total:,} parameters, the files hold {stored:,}, "
            "and no known way of storing explains the difference"
        )
        found = _of_tables(weights, declared, stored, None)
        return found, [DisagreementBody(name="unexplained-difference", message=said)]
    return known, []


def cache_figures(outcome: Structure | Refusal) -> KVCacheBody:
    """Return what a sequence keeps, in bf16 and with absorbed MLA."""
    if isinstance(outcome, Refusal):
        return KVCacheBody()
    decompressed = sum(
        cache.kept(absorbed=False) / cache.stride
        for layer in outcome.layers
        for cache in layer.caches
        if cache.window is None
    )
    is_latent = any(cache.decompressed for layer in outcome.layers for cache in layer.caches)
    return KVCacheBody(
        status=_status(outcome),
        bytes_per_token=_whole(_BF16_BYTES * outcome.marginal_cache_elements),
        bytes_at={str(context): _BF16_BYTES * outcome.cache_elements(context) for context in _CONTEXTS},
        decompressed_bytes_per_token=_whole(_BF16_BYTES * decompressed) if is_latent else None,
        state_elements_per_sequence=outcome.state_elements,
        layers=dict(Counter(layer.kind for layer in outcome.layers)),
        windows=sorted({cache.window for layer in outcome.layers for cache in layer.caches if cache.window}),
    )


def weight_figures(weights: Weights, declared: Architecture) -> WeightsBody:
    """Return the stored weights: from the tensor tables where they are whole, else from an index that can be right."""
    tally = weights.tally
    if not weights.is_whole or not tally.tensors:
        return WeightsBody(quantization=declared.quantization)
    stored = _stored(weights)
    bits = 8 * tally.n_bytes / stored if stored and tally.n_bytes is not None else None
    return WeightsBody(
        bytes=tally.n_bytes,
        status="unknown" if tally.n_bytes is None else "from checkpoint",
        bits_per_weight=bits,
        tensors=tally.tensors,
        dtypes=dict(sorted(tally.dtypes.items())),
        quantization=declared.quantization,
    )


def _stored(weights: Weights) -> int | None:
    """Return the elements of all stored weights; None where a table is absent, or weights are packed."""
    tally = weights.tally
    return tally.weights if weights.is_whole and tally.tensors and not tally.packed else None


def _of_structure(structure: Structure, stored: int | None, weights: Weights) -> ParametersBody:
    touched, without_input, without_both = structure.active()
    beside = {
        "mtp": structure.mtp_total,
        "mtp_copies": structure.mtp_copies,
        "buffers": structure.buffers,
        "scales": weights.tally.scales,
    }
    return ParametersBody(
        total=structure.total,
        status="unknown" if structure.total is None else _status(structure),
        text=structure.text_total,
        active=ActiveBody(all=touched, without_input_embedding=without_input, without_embeddings=without_both),
        parts={part.value: count for part, count in structure.parts().items()}
        | {name: count for name, count in beside.items() if count},
        stored=stored,
        reason="a part of the model is not known" if structure.total is None else None,
    )


def _of_tables(weights: Weights, declared: Architecture, stored: int | None, reason: str | None) -> ParametersBody:
    """Return what the tables alone say: all that is stored, less scales and what is named as MTP."""
    if stored is None:
        return ParametersBody(reason=reason)
    tally = weights.tally
    scales = tally.scales if declared.quantization or "F8_E4M3" in tally.dtypes else 0
    drafts = tally.draft_elements(declared.layers, declared.drafts)
    beside = {"mtp": drafts, "scales": scales}
    return ParametersBody(
        total=stored - scales - drafts,
        status="from checkpoint",
        parts={name: count for name, count in beside.items() if count},
        stored=stored,
        reason=reason,
    )


def _status(structure: Structure) -> Status:
    return "exact" if structure.is_verified else "estimated"


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value
