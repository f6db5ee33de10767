"""Latent attention with a sparse indexer: DeepSeek-V3.2, GLM-5, A.X K2, Hunyuan 4.

Shapes and defaults: the classes of transformers 5.23.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Mixer, linear
from weighbridge.inspection.anatomy.families.decoder import Traits, hidden_of
from weighbridge.inspection.anatomy.families.latents.attention import (
    indexer_of,
    latent_attention,
    latent_of,
    library,
    number,
)
from weighbridge.inspection.anatomy.families.latents.decoder import add_drafts, built, experts_of, sparse_layers
from weighbridge.inspection.anatomy.families.latents.deepseek_v4 import hyper_connections, hyper_head
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES", "check_indexed", "full_indexers"]

_EXPERTS = ("n_routed_experts", "num_local_experts", "num_experts")
_INDEXED = frozenset({"indexed_attention", "deepseek_sparse_attention"})


def check_indexed(fields: Fields, layers: int) -> None:
    """Refuse `layer_types` that name anything but indexed attention, which these classes build on every layer."""
    if set(fields.words("layer_types", layers) or ()) - _INDEXED:
        raise Refused("`layer_types` names layers without an indexer, which the family's class does not build")


def full_indexers(fields: Fields, layers: int) -> tuple[bool, ...]:
    """Return which layers have an indexer of their own: `indexer_types`, else a pattern of F and S, else a step."""
    types = fields.words("indexer_types", layers)
    pattern = fields.value("index_topk_pattern")
    if types is None and isinstance(pattern, str):
        types = tuple({"F": "full", "S": "shared"}.get(one, one) for one in pattern)
    elif types is None:
        types = fields.words("index_topk_pattern", layers)
    if types is None:
        every = fields.optional("index_topk_freq", at_least=1) or 1
        offset = fields.optional("index_skip_topk_offset")
        first = 2 if offset is None else offset
        types = tuple("shared" if max(layer - first + 1, 0) % every else "full" for layer in range(layers))
    if len(types) != layers or set(types) - {"full", "shared"}:
        raise Refused("`indexer_types` does not say of each layer whether it is `full` or `shared`")
    return tuple(one == "full" for one in types)


def _indexed(fields: Fields, *, family: str, shares: bool, copies: bool) -> Structure:
    """DeepSeek-V3.2 and GLM-5; `shares`: `indexer_types` may let layers reuse the choice of the layer before."""
    fields = library(fields, family)
    hidden, layers = hidden_of(fields), fields.layers()
    check_indexed(fields, layers)
    latent, indexer = latent_of(fields, compressed=True), indexer_of(fields)
    bias = fields.flag("attention_bias", default=False)
    own = latent_attention(hidden, latent, bias=bias, indexer=indexer)
    reused = latent_attention(hidden, latent, bias=bias, selected=indexer.selected)
    full = full_indexers(fields, layers) if shares else (True,) * layers
    kinds = experts_of(fields, count=_EXPERTS)
    structure = built(fields, [own if one else reused for one in full], sparse_layers(fields, layers), kinds)
    return add_drafts(fields, structure, own, kinds, copies=copies)


def _deepseek_v32(fields: Fields) -> Structure:
    """DeepSeek-V3.2: every layer has an indexer; its prediction module is V3's."""
    return _indexed(fields, family="deepseek_v32", shares=False, copies=True)


def _glm_moe_dsa(fields: Fields) -> Structure:
    """GLM-5: from 5.2 on some layers share an indexer; its prediction module stores no second embedding."""
    return _indexed(fields, family="glm_moe_dsa", shares=True, copies=False)


def _axk2(fields: Fields) -> Structure:
    """A.X K2: one projection makes queries and output gates; low-rank gates behind the norms around experts."""
    fields = library(fields, "axk2")
    hidden, layers = hidden_of(fields), fields.layers()
    check_indexed(fields, layers)
    latent = latent_of(fields, compressed=True)
    rank, q_rank = number(fields, "gated_norm_rank"), latent.q_rank or 0
    attention = latent_attention(
        hidden, latent, bias=fields.flag("attention_bias", default=False), indexer=indexer_of(fields)
    )
    gated = linear("self_attn.q_gate_proj", latent.n * (latent.qk + latent.v), 2 * q_rank, Part.ATTENTION)
    kept = tuple(weight for weight in attention.weights if weight.name != "self_attn.q_b_proj.weight")
    mixer = replace(attention, weights=(*kept, *gated))
    sparse = sparse_layers(fields, layers, stepped=True)

    def gates(layer: int) -> tuple[Weight, ...]:
        names = ("input_layernorm", "post_attention_layernorm")[: 1 + sparse[layer]]
        return tuple(
            weight
            for name in names
            for weight in (
                *linear(f"{name}.mlp.fc1", rank, hidden, Part.NORMS),
                *linear(f"{name}.mlp.fc2", hidden, rank, Part.NORMS),
            )
        )

    kinds = experts_of(fields)
    structure = built(fields, [mixer] * layers, sparse, kinds, traits=Traits(), more=gates)
    return add_drafts(fields, structure, mixer, kinds, copies=None)


def _hy_v4(fields: Fields) -> Structure:
    """Hunyuan 4: indexers on every fourth layer, an output gate, sinks, hyper-connections without a mixing matrix."""
    fields = library(fields, "hy_v4")
    hidden, layers = hidden_of(fields), fields.layers()
    check_indexed(fields, layers)
    latent, indexer, streams = latent_of(fields, compressed=True), indexer_of(fields), number(fields, "hc_mult")
    bias = fields.flag("attention_bias", default=False)
    extra = (
        *linear("self_attn.gate_proj", latent.n * latent.v, hidden, Part.ATTENTION),
        Weight("self_attn.sinks", Part.ATTENTION, (latent.n,)),
    )
    own = latent_attention(hidden, latent, bias=bias, indexer=indexer, extra=extra)
    reused = latent_attention(hidden, latent, bias=bias, selected=indexer.selected, extra=extra)
    types = fields.words("indexer_types", layers)
    full = full_indexers(fields, layers) if types else tuple(layer % 4 == 1 or layer == 0 for layer in range(layers))
    mixers: list[Mixer] = [own if one else reused for one in full]
    kinds = experts_of(fields)
    residual = hyper_connections(hidden, streams, 2 * streams, 2)
    structure = built(fields, mixers, sparse_layers(fields, layers, dense=1), kinds, more=lambda _: residual)
    structure = replace(structure, outside=(*structure.outside, *hyper_head(hidden, streams)))
    return add_drafts(fields, structure, own, kinds, copies=None)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "deepseek_v32": _deepseek_v32,
    "glm_moe_dsa": _glm_moe_dsa,
    "axk2": _axk2,
    "hy_v4": _hy_v4,
}
