"""What the formulas of `inspect` say of a config, each count by each convention in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weighbridge.inspection.anatomy.build import structure_of
from weighbridge.inspection.anatomy.structure import Structure
from weighbridge.inspection.claims.claim import Fact, Quantity
from weighbridge.inspection.figures.declared import from_config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from weighbridge.inspection.figures.declared import Architecture

__all__ = ["computed_facts"]

_COMPUTED = "computed from its config"
_DECLARED = "its config"
_CONVENTIONS = ("all that a token touches", "without the input embedding", "without both embeddings")
# families whose layers all attend alike, as the two head counts say
_PLAIN = frozenset({
    "ernie4_5_moe", "gemma", "gemma2", "glm4_moe", "gpt_oss", "llama", "minimax_m2", "mistral", "mixtral", "olmo2",
    "phi3", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe",
})  # fmt: skip


def computed_facts(config: Mapping[str, Any]) -> Iterator[tuple[Quantity, Fact]]:
    """Yield quantities with their facts: those that the config declares, and those that are computed from it."""
    declared = from_config(config)
    if declared.context_length:
        fact = Fact(float(declared.context_length), "the limit in its config", _DECLARED, is_firm=False)
        yield Quantity.CONTEXT_LENGTH, fact
    structure = structure_of(config)
    if not isinstance(structure, Structure):
        return
    yield from _attention(config, declared)
    yield from _totals(structure)
    if declared.experts:
        yield from _mixture(config, declared, structure)
    else:
        yield Quantity.ACTIVE_PARAMETERS, Fact(float(structure.text_total), "all: it is dense", _COMPUTED)
    yield Quantity.ARCHITECTURE, Fact("moe" if declared.experts else "dense", "", _DECLARED)
    yield Quantity.LAYERS, Fact(float(len(structure.layers)), "", _DECLARED)
    if structure.mtp:
        layers = float(len(structure.layers) + len(structure.mtp))
        yield Quantity.LAYERS, Fact(layers, "with the MTP module", _DECLARED)
    yield Quantity.HIDDEN_SIZE, Fact(float(structure.hidden_size), "", _DECLARED)
    yield Quantity.VOCABULARY, Fact(float(structure.vocabulary), "tokens", _DECLARED)
    if structure.marginal_cache_elements:
        counts = "bytes, bf16, MLA absorbed" if declared.is_mla else "bytes, bf16"
        per_token = 2 * structure.marginal_cache_elements
        yield Quantity.KV_BYTES_PER_TOKEN, Fact(float(per_token), counts, _COMPUTED)


def _attention(config: Mapping[str, Any], declared: Architecture) -> Iterator[tuple[Quantity, Fact]]:
    is_firm = declared.is_mla or config.get("model_type") in _PLAIN
    if declared.attention:
        yield Quantity.ATTENTION, Fact(declared.attention, "", _DECLARED, is_firm=is_firm)
    if declared.heads:
        yield Quantity.ATTENTION_HEADS, Fact(float(declared.heads), "query heads a layer", _DECLARED, is_firm=is_firm)
    if declared.kv_heads and not declared.is_mla:
        yield Quantity.KV_HEADS, Fact(float(declared.kv_heads), "a layer", _DECLARED, is_firm=is_firm)


def _totals(structure: Structure) -> Iterator[tuple[Quantity, Fact]]:
    """Yield the totals: the model, with the MTP module, with a tied head stored twice, the text model alone."""
    vision = sum(weight.elements for weight in structure.vision or ())
    total = structure.text_total + vision
    yield Quantity.TOTAL_PARAMETERS, Fact(float(total), "the model", _COMPUTED)
    if structure.mtp:
        mtp = structure.mtp_total
        with_mtp = total + structure.buffers + mtp
        for copies in sorted({0, structure.mtp_copies}, reverse=True):
            counts = "with the MTP module, as hubs count" if copies == structure.mtp_copies else "with the MTP module"
            yield Quantity.TOTAL_PARAMETERS, Fact(float(with_mtp + copies), counts, _COMPUTED)
        for copies in {0, structure.mtp_copies}:
            yield Quantity.MTP_PARAMETERS, Fact(float(mtp + copies), "with its copies" if copies else "", _COMPUTED)
    if structure.is_tied:
        twice = total + structure.vocabulary * structure.hidden_size
        counts = "with the tied head counted a second time, as some hubs do"
        yield Quantity.TOTAL_PARAMETERS, Fact(float(twice), counts, _COMPUTED)
    if vision:
        yield Quantity.TOTAL_PARAMETERS, Fact(float(structure.text_total), "the text model alone", _COMPUTED)


def _mixture(
    config: Mapping[str, Any], declared: Architecture, structure: Structure
) -> Iterator[tuple[Quantity, Fact]]:
    actives = structure.active()
    for counts, value in zip(_CONVENTIONS, actives, strict=True):
        yield Quantity.ACTIVE_PARAMETERS, Fact(float(value), counts, _COMPUTED)
    if structure.mtp:
        with_mtp = actives[0] + sum(weight.active for layer in structure.mtp for weight in layer.weights)
        yield Quantity.ACTIVE_PARAMETERS, Fact(float(with_mtp), "with the MTP module", _COMPUTED)
    for counts, value in zip(_CONVENTIONS, actives, strict=True):
        yield Quantity.ACTIVE_SHARE, Fact(value / structure.text_total, counts, _COMPUTED)
    yield Quantity.EXPERTS, Fact(float(declared.experts or 0), "routed experts a layer", _DECLARED)
    if declared.experts_used:
        yield Quantity.EXPERTS_USED, Fact(float(declared.experts_used), "routed experts a token", _DECLARED)
    shared = config.get("n_shared_experts")
    if type(shared) is int and shared >= 0:
        yield Quantity.SHARED_EXPERTS, Fact(float(shared), "a layer", _DECLARED)
        if shared and declared.experts_used:
            used = float(declared.experts_used + shared)
            yield Quantity.EXPERTS_USED, Fact(used, "routed and shared experts a token", _DECLARED)
            experts = float((declared.experts or 0) + shared)
            yield Quantity.EXPERTS, Fact(experts, "routed and shared experts a layer", _DECLARED)
