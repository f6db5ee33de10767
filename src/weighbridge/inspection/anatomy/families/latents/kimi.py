"""Kimi delta attention beside latent attention: Kimi Linear, Kimi K3, GLM-5.3-Flash.

Shapes and defaults: transformers 5.23, `models/kimi_linear` and `models/glm5_next`. Kimi K3 has no class there: its
shapes are those of the published checkpoint (96 files, 497,220 tensors), whose hub total they give to the unit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Mixer, experts, feed_forward, linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, hidden_of
from weighbridge.inspection.anatomy.families.latents.attention import (
    indexer_of,
    latent_attention,
    latent_of,
    library,
    number,
)
from weighbridge.inspection.anatomy.families.latents.decoder import add_drafts, built, experts_of, sparse_layers
from weighbridge.inspection.anatomy.families.latents.deepseek_v4 import hyper_connections
from weighbridge.inspection.anatomy.families.latents.sparse import full_indexers
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.families.latents.decoder import Experts
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES", "delta_attention", "refuse_tied"]

_GLM_WIDTHS = (
    ("num_heads", "linear_num_heads", 64),
    ("head_dim", "linear_head_dim", 128),
    ("short_conv_kernel_size", "linear_conv_kernel_dim", 4),
)


def delta_attention(
    hidden: int, heads: int, size: int, kernel: int, *, full_forget: bool = False, full_gate: bool = False
) -> Mixer:
    """Return Kimi delta attention: `heads` of `size` elements behind a convolution over `kernel` tokens.

    The forget gate and the output gate have a rank of `size`, or the full one. State: arXiv 2510.26692, section 3.
    """
    width = heads * size
    weights: list[Weight] = []
    for one in ("q", "k", "v"):
        weights += linear(f"self_attn.{one}_proj", width, hidden, Part.LINEAR_ATTENTION)
        weights.append(Weight(f"self_attn.{one}_conv1d.weight", Part.LINEAR_ATTENTION, (width, 1, kernel)))
    for name, is_full in (("f", full_forget), ("g", full_gate)):
        if is_full:
            weights += linear(f"self_attn.{name}_proj", width, hidden, Part.LINEAR_ATTENTION)
        else:
            weights += linear(f"self_attn.{name}_a_proj", size, hidden, Part.LINEAR_ATTENTION)
            weights += linear(f"self_attn.{name}_b_proj", width, size, Part.LINEAR_ATTENTION)
    weights += (
        Weight("self_attn.A_log", Part.LINEAR_ATTENTION, (heads,)),
        Weight("self_attn.dt_bias", Part.LINEAR_ATTENTION, (width,)),
        *linear("self_attn.b_proj", heads, hidden, Part.LINEAR_ATTENTION),
        *norm("self_attn.o_norm", size),
        *linear("self_attn.o_proj", hidden, width, Part.LINEAR_ATTENTION),
    )
    return Mixer("delta", tuple(weights), state=heads * size * size + 3 * width * (kernel - 1))


def refuse_tied(fields: Fields) -> None:
    """Refuse tied embeddings, which the classes of these families do not tie."""
    if fields.flag("tie_word_embeddings", default=False):
        raise Refused("`tie_word_embeddings` is true, which the family's class does not follow")


def _kimi_linear(fields: Fields) -> Structure:
    """Kimi Linear; with a width for its experts (`routed_expert_hidden_size`) Kimi K3."""
    fields = library(fields, "kimi_linear")
    refuse_tied(fields)
    hidden, layers = hidden_of(fields), fields.layers()
    declared = fields.section("linear_attn_config") or Fields({}, used=fields.used, assumed=fields.assumed)
    widths = library(declared, "kimi_linear_attention")
    delta = delta_attention(
        hidden, number(widths, "num_heads"), number(widths, "head_dim"), number(widths, "short_conv_kernel_size"),
        full_gate=declared.flag("use_full_rank_gate", default=False) if declared.has("use_full_rank_gate") else False,
    )  # fmt: skip
    latent = latent_of(fields)
    gate: Weights = ()
    if fields.has("mla_use_output_gate") and fields.flag("mla_use_output_gate"):
        gate = linear("self_attn.g_proj", latent.n * latent.v, hidden, Part.ATTENTION)
    bias = fields.flag("attention_bias", default=False)
    full = latent_attention(hidden, latent, bias=bias, extra=gate)
    mixers = [full if is_full else delta for is_full in _full_layers(fields, declared, layers)]
    sparse = sparse_layers(fields, layers)
    kinds = experts_of(
        fields, count=("num_experts", "num_local_experts"), used=("num_experts_per_token", "num_experts_per_tok"),
        shared=("num_shared_experts", "n_shared_experts"),
    )  # fmt: skip
    if fields.has("routed_expert_hidden_size") or fields.has("attn_res_block_size"):
        return _kimi_k3(fields, mixers, sparse, kinds)
    return add_drafts(fields, built(fields, mixers, sparse, kinds), full, kinds, copies=None)


def _full_layers(fields: Fields, declared: Fields, layers: int) -> tuple[bool, ...]:
    """Return which layers attend in full: `layer_types`, else two lists of layers counted from 1, else every fourth."""
    types = fields.words("layer_types", layers)
    if types is not None:
        if set(types) - {"full_attention", "linear_attention"}:
            raise Refused("`layer_types` holds a type that the family does not have")
        return tuple(one == "full_attention" for one in types)
    if not declared.has("full_attn_layers") and not declared.has("kda_layers"):
        fields.assumed.append("no layer types are declared; the library's default of every fourth is taken")
        return tuple(layer > 0 and layer % 4 == 0 for layer in range(layers))
    full, delta = declared.members("full_attn_layers"), declared.members("kda_layers")
    if full & delta or full | delta != set(range(1, layers + 1)):
        raise Refused("`full_attn_layers` and `kda_layers` do not share out the layers")
    return tuple(layer + 1 in full for layer in range(layers))


def _kimi_k3(fields: Fields, mixers: list[Mixer], sparse: tuple[bool, ...], kinds: Experts) -> Structure:
    """Kimi K3: experts in a narrower space, and residuals that attend to the outputs of earlier blocks."""
    hidden = hidden_of(fields)
    width = number(fields, "routed_expert_hidden_size")
    number(fields, "attn_res_block_size")
    place = "block_sparse_moe"
    routed = experts(width, kinds.width, kinds.count, kinds.used, prefix=place)
    moe = [
        *linear(f"{place}.gate", kinds.count, hidden, Part.ROUTER),
        *(weight for weight in routed if weight.part is Part.ROUTED_EXPERTS),
        *linear(f"{place}.routed_expert_down_proj", width, hidden, Part.SHARED_EXPERTS),
        *linear(f"{place}.routed_expert_up_proj", hidden, width, Part.SHARED_EXPERTS),
    ]
    if kinds.shared:
        moe += feed_forward(hidden, kinds.shared, prefix=f"{place}.shared_experts", part=Part.SHARED_EXPERTS)
    if fields.flag("latent_moe_use_norm"):
        moe += norm(f"{place}.routed_expert_norm", width)
    dense = feed_forward(hidden, number(fields, "intermediate_size"))
    blocks = [(mixer, tuple(moe) if is_sparse else dense) for mixer, is_sparse in zip(mixers, sparse, strict=True)]
    vectors = tuple(
        Weight(f"{where}.weight", Part.RESIDUAL, shape)
        for name in ("self_attention_res", "mlp_res")
        for where, shape in ((f"{name}_norm", (hidden,)), (f"{name}_proj", (1, hidden)))
    )
    last = (
        Weight("model.output_attn_res_norm.weight", Part.RESIDUAL, (hidden,)),
        Weight("model.output_attn_res_proj.weight", Part.RESIDUAL, (1, hidden)),
    )
    structure = assemble(fields, Traits(), blocks, family="kimi_k3", more=lambda _: vectors)
    full = next((mixer for mixer in mixers if mixer.caches), mixers[0])
    structure = replace(structure, outside=(*structure.outside, *last), buffers=kinds.count * sum(sparse))
    return add_drafts(fields, structure, full, kinds, copies=None)


def _glm5_next(fields: Fields) -> Structure:
    """GLM-5.3-Flash: delta attention, sparse latent attention without rotation, hyper-connections."""
    fields = library(fields, "glm5_next_text")
    hidden, layers = hidden_of(fields), fields.layers()
    if fields.optional("qk_rope_head_dim"):
        raise Refused("`qk_rope_head_dim` is not 0, which the family's class demands")
    if fields.optional("num_key_value_heads") not in (None, number(fields, "num_attention_heads")):
        raise Refused("`num_key_value_heads` is not `num_attention_heads`, which the family's class demands")
    declared = fields.section("linear_attn_config") or Fields({}, used=fields.used, assumed=fields.assumed)
    heads, size, kernel = (_linear_width(fields, declared, *names) for names in _GLM_WIDTHS)
    delta = delta_attention(hidden, heads, size, kernel)
    latent, indexer, bias = latent_of(fields, rope=0), indexer_of(fields), fields.flag("attention_bias", default=False)
    reused = latent_attention(hidden, latent, bias=bias, selected=indexer.selected)
    own = latent_attention(hidden, latent, bias=bias, indexer=indexer)
    own = _pooled(own, hidden, indexer.size, number(fields, "index_kpool"))
    chosen = [own if full else reused for full in full_indexers(fields, layers)]
    mixers = [mixer if attends else delta for mixer, attends in zip(chosen, _attending(fields, layers), strict=True)]
    streams, kinds = number(fields, "hc_mult"), experts_of(fields)
    residual = hyper_connections(hidden, streams, (2 + streams) * streams, 3)
    sparse = sparse_layers(fields, layers, dense=min(3, layers))
    structure = built(fields, mixers, sparse, kinds, more=lambda _: residual)
    return add_drafts(fields, structure, own, kinds, copies=None)


def _attending(fields: Fields, layers: int) -> tuple[bool, ...]:
    """Return which layers of GLM-5.3-Flash hold latent attention: `layer_types`, else the last of every four."""
    types = fields.words("layer_types", layers)
    if types is None:
        return tuple((layer + 1) % 4 == 0 for layer in range(layers))
    if set(types) - {"linear_attention", "full_attention", "indexed_attention"}:
        raise Refused("`layer_types` holds a type that the family does not have")
    return tuple(one != "linear_attention" for one in types)


def _linear_width(fields: Fields, declared: Fields, inner: str, outer: str, default: int) -> int:
    """Return a width of delta attention, from the object that describes it or from a field of its own."""
    if declared.has(inner):
        return number(declared, inner)
    return number(fields.with_defaults(**{outer: default}), outer)


def _pooled(mixer: Mixer, hidden: int, size: int, pool: int) -> Mixer:
    """Let an indexer keep one key for each `pool` tokens, which takes a gate and a bias by position."""
    extra = (
        Weight("self_attn.indexer.index_kpool_compress_ape", Part.ATTENTION, (pool, size)),
        Weight("self_attn.indexer.index_kpool_compress_gate", Part.ATTENTION, (size, hidden)),
    )
    caches = tuple(replace(cache, stride=pool) if cache.is_index else cache for cache in mixer.caches)
    return replace(mixer, weights=(*mixer.weights, *extra), caches=caches)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "kimi_linear": _kimi_linear,
    "kimi_k3": _kimi_linear,
    "glm5_next": _glm5_next,
    "glm5_next_text": _glm5_next,
}
