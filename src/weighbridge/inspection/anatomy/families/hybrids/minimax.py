"""Lightning attention: MiniMax-Text-01, MiniMax-M1 and Ring-linear."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import (
    Heads,
    Mixer,
    experts,
    feed_forward,
    grouped_query,
    linear,
    norm,
)
from weighbridge.inspection.anatomy.families.hybrids.frame import (
    FULL,
    LINEAR,
    Frame,
    framed,
    heads_in,
    kinds_in,
    layered,
    library,
)
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import QKNorm, Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]


def _lightning(hidden: int, heads: Heads) -> Mixer:
    """Return lightning attention with an output gate (arXiv 2501.08313); state: heads x d x d."""
    wide = heads.n * heads.d
    weights = (
        *linear("self_attn.qkv_proj", 3 * wide, hidden, Part.LINEAR_ATTENTION),
        *linear("self_attn.output_gate", wide, hidden, Part.LINEAR_ATTENTION),
        *linear("self_attn.out_proj", hidden, wide, Part.LINEAR_ATTENTION),
        *norm("self_attn.norm", wide),
    )
    return Mixer("lightning", weights, state=heads.n * heads.d * heads.d)


def _built(fields: Fields, kinds: tuple[str, ...], *, prefix: str) -> Structure:
    hidden = fields.count("hidden_size")
    heads = heads_in(fields, hidden)
    window = fields.optional("sliding_window", at_least=1)
    mixers = {FULL: grouped_query(hidden, heads, window=window), LINEAR: _lightning(hidden, heads)}
    count, used = fields.count("num_local_experts", "num_experts"), fields.count("num_experts_per_tok")
    mixture = experts(hidden, fields.count("intermediate_size"), count, used, prefix=prefix)
    norms = (*norm("input_layernorm", hidden), *norm("post_attention_layernorm", hidden))
    return framed(fields, [layered(mixers[kind], mixture, norms) for kind in kinds])


def _minimax(fields: Fields) -> Structure:
    """MiniMax as transformers builds it: `layer_types`, else full and lightning attention in turn.

    Lightning layers keep tables of decay as buffers: heads x (1 + 2 x block + block x block) elements.
    """
    fields = library(fields, "minimax")
    layers = fields.layers()
    kinds = kinds_in(fields, layers, (FULL, LINEAR), "layer_types")
    if kinds is None:
        if fields.has("attn_type_list"):
            raise Refused("`attn_type_list` is declared, which the library does not read under this name")
        kinds = tuple(LINEAR if number % 2 else FULL for number in range(layers))
        fields.assumed.append("`layer_types` is not declared; the library takes lightning attention for every other")
    structure = _built(fields, kinds, prefix="mlp")
    block = fields.count("block_size")
    tables = fields.count("num_attention_heads") * (1 + 2 * block + block * block)
    return replace(structure, buffers=kinds.count(LINEAR) * tables)


def _minimax_remote(fields: Fields) -> Structure:
    """MiniMax-Text-01 and M1 with the vendor's own code: `attn_type_list`, 0 lightning and 1 full attention.

    MiniMax-M1 gives the hub's 456,089,655,296 parameters to the unit.
    """
    fields = fields.with_defaults(tie_word_embeddings=False)
    layers = fields.layers()
    types = fields.counts("attn_type_list", layers)
    if types is None:
        raise Refused("`attn_type_list` is missing")
    if max(types) > 1:
        raise Refused("`attn_type_list` holds more than 0 and 1")
    if fields.optional("shared_intermediate_size"):
        raise Refused("`shared_intermediate_size` is declared, and how its expert is built is not known")
    if fields.count("num_local_experts") == 1:
        raise Refused("a single expert is declared, and what the vendor's code builds then is not known")
    kinds = tuple(FULL if one else LINEAR for one in types)
    return _built(fields, kinds, prefix="block_sparse_moe")


def _ring(fields: Fields) -> Structure:
    """Ring-linear 2.0 (arXiv 2510.19338): groups of lightning layers behind each of which one layer attends to all.

    As in mlx-lm's bailing_moe_linear; 16.4 B (mini) and 104 B (flash) parameters are all that is published.
    """
    fields = fields.with_defaults(tie_word_embeddings=False)
    hidden, layers = fields.count("hidden_size"), fields.layers()
    heads = heads_in(fields, hidden)
    if heads.n * heads.d != hidden:
        raise Refused("`head_dim` times the heads is not the hidden size")
    bias, qkv_bias = fields.flag("use_bias", default=False), fields.flag("use_qkv_bias", default=False)
    qk_norm: QKNorm = "head" if fields.flag("use_qk_norm", default=False) else "none"
    attention = grouped_query(hidden, heads, prefix="attention", qkv_bias=qkv_bias, out_bias=bias, qk_norm=qk_norm)
    even = Heads(heads.n, heads.n, heads.d, heads.d)
    projections = grouped_query(hidden, even, prefix="attention", qkv_bias=qkv_bias, out_bias=bias, qk_norm=qk_norm)
    lightning = Mixer(
        "lightning",
        (
            *(
                replace(one, part=Part.LINEAR_ATTENTION) if one.part is Part.ATTENTION else one
                for one in projections.weights
            ),
            *linear("attention.g_proj", hidden, hidden, Part.LINEAR_ATTENTION),
            *norm("attention.g_norm", hidden),
        ),
        state=hidden * heads.d,
    )
    group, first = fields.count("layer_group_size"), fields.count("first_k_dense_replace", at_least=0)
    dense = feed_forward(hidden, fields.count("intermediate_size"), bias=bias)
    sparse = _ring_experts(fields, hidden, bias=bias)
    norms = (*norm("input_layernorm", hidden), *norm("post_attention_layernorm", hidden))
    built = [
        layered(
            attention if (number + 1) % group == 0 or number >= layers // group * group else lightning,
            dense if number < first else sparse,
            norms,
        )
        for number in range(layers)
    ]
    routed = max(layers - first, 0) if fields.flag("moe_router_enable_expert_bias", default=False) else 0
    notes = (
        () if not fields.optional("num_nextn_predict_layers") else ("the MTP modules of this family are not counted",)
    )
    structure = framed(fields, built, Frame(embedding="word_embeddings"))
    return replace(structure, buffers=routed * fields.count("num_experts"), is_verified=False, notes=notes)


def _ring_experts(fields: Fields, hidden: int, *, bias: bool) -> Weights:
    width = fields.count("moe_intermediate_size")
    shared = fields.count("num_shared_experts", at_least=0) * fields.count(
        "moe_shared_expert_intermediate_size", default=width
    )
    count, used = fields.count("num_experts"), fields.count("num_experts_per_tok")
    return experts(hidden, width, count, used, shared=shared, bias=bias)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "bailing_moe_linear": _ring,
    "minimax": _minimax,
    "minimax_m1": _minimax_remote,
    "minimax_text_01": _minimax_remote,
    "MiniMaxText01": _minimax_remote,
    "MiniMaxM1": _minimax_remote,
}
