"""Ling and Ring from 2.5 on: latent attention every few layers, linear attention between.

Ling 3: transformers 5.23, `models/bailing_hybrid`. Ring-2.5 / Ling-2.5 carry the same model type, but are another
model: modeling_bailing_moe_v2_5.py of inclusionAI/Ring-V2.5, whose hub totals follow to the unit (2.5 without and 2.6
with a prediction module).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Mixer, linear, norm
from weighbridge.inspection.anatomy.families.decoder import hidden_of
from weighbridge.inspection.anatomy.families.latents.attention import latent_attention, latent_of, library, number
from weighbridge.inspection.anatomy.families.latents.decoder import add_drafts, built, experts_of, sparse_layers
from weighbridge.inspection.anatomy.families.latents.kimi import delta_attention, refuse_tied
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.families.latents.decoder import Experts
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]


def _bailing_hybrid(fields: Fields) -> Structure:
    """Tell the two models apart by the architecture that the config names."""
    named = fields.value("architectures")
    if isinstance(named, list) and any(isinstance(one, str) and "V2_5" in one for one in named):
        return _ring_2_5(library(fields, "bailing_moe_v2_5"))
    if fields.has("group_norm_size") and not fields.has("short_conv_kernel_size", "kda_safe_gate"):
        raise Refused("`group_norm_size` is declared, but not whether this is Ring-2.5 or Ling 3")
    return _ling_3(library(fields, "bailing_hybrid"))


def _experts(fields: Fields) -> Experts:
    kinds = experts_of(
        fields, count=("num_experts", "num_local_experts"), used=("num_experts_per_token", "num_experts_per_tok"),
        shared=("num_shared_experts", "n_shared_experts"),
    )  # fmt: skip
    shared = fields.optional("moe_shared_expert_intermediate_size")
    if shared is not None and kinds.shared and shared != kinds.width:
        raise Refused("`moe_shared_expert_intermediate_size` is not `moe_intermediate_size`, which no class follows")
    return kinds


def _full_layers(fields: Fields, layers: int, *, with_rest: bool) -> tuple[bool, ...]:
    """Return which layers attend in full: the last of each group; `with_rest` the layers of a group cut short, too."""
    size = number(fields, "layer_group_size")
    types = fields.words("layer_types", layers)
    if types is not None:
        if set(types) - {"full_attention", "linear_attention"}:
            raise Refused("`layer_types` holds a type that the family does not have")
        return tuple(one == "full_attention" for one in types)
    if layers % size and not with_rest:
        raise Refused(f"{layers} layers end within a group of {size}, where the library and its checkpoints differ")
    whole = layers // size * size
    return tuple((layer + 1) % size == 0 or layer >= whole for layer in range(layers))


def _ling_3(fields: Fields) -> Structure:
    """Ling 3: delta attention with gates of full rank; a gate for each head on latent attention."""
    refuse_tied(fields)
    if fields.has("q_lora_rank"):
        raise Refused("`q_lora_rank` is declared, which the library's class does not build")
    if fields.word("gated_attention_proj_granularity_type") not in (None, "head_wise"):
        raise Refused("`gated_attention_proj_granularity_type` is not `head_wise`")
    if fields.has("no_kda_lora") and not fields.flag("no_kda_lora"):
        raise Refused("`no_kda_lora` is false, which the library's class does not build")
    hidden, layers = hidden_of(fields), fields.layers()
    heads, size = number(fields, "num_attention_heads"), number(fields, "head_dim")
    kernel = number(fields, "short_conv_kernel_size")
    # configs that the library saves name the delta layers' own sizes; its `head_dim` is then the rotary one
    delta_heads = fields.count("linear_num_heads") if fields.has("linear_num_heads") else heads
    delta_size = fields.count("linear_head_dim") if fields.has("linear_head_dim") else size
    delta_kernel = fields.count("linear_conv_kernel_dim") if fields.has("linear_conv_kernel_dim") else kernel
    delta = delta_attention(hidden, delta_heads, delta_size, delta_kernel, full_forget=True, full_gate=True)
    gate = linear("self_attn.g_proj", heads, hidden, Part.ATTENTION)
    latent = latent_of(fields, compressed=False)
    full = latent_attention(hidden, latent, bias=fields.flag("attention_bias", default=False), extra=gate)
    mixers = [full if is_full else delta for is_full in _full_layers(fields, layers, with_rest=False)]
    kinds = _experts(fields)
    structure = built(fields, mixers, sparse_layers(fields, layers), kinds)
    return add_drafts(fields, structure, full, kinds, copies=False)


def _ring_2_5(fields: Fields) -> Structure:
    """Ring-2.5 and Ling-2.5: lightning attention under a gate and a norm by groups."""
    refuse_tied(fields)
    hidden, layers = hidden_of(fields), fields.layers()
    heads, size = number(fields, "num_attention_heads"), number(fields, "head_dim")
    qkv_bias, out_bias = fields.flag("use_qkv_bias", default=False), fields.flag("use_bias", default=False)
    extra: Weights = ()
    if fields.flag("use_qk_norm", default=True):
        extra = (*norm("attention.query_layernorm", size), *norm("attention.key_layernorm", size))
    weights = (
        *linear("attention.query_key_value", 3 * heads * size, hidden, Part.LINEAR_ATTENTION, bias=qkv_bias),
        *linear("attention.dense", hidden, heads * size, Part.LINEAR_ATTENTION, bias=out_bias),
        *linear("attention.g_proj", heads * size, hidden, Part.LINEAR_ATTENTION),
        *norm("attention.g_norm", heads * size),
        *extra,
    )
    lightning = Mixer("lightning", weights, state=heads * size * size)
    full = latent_attention(hidden, latent_of(fields), bias=qkv_bias, prefix="attention")
    renamed = (replace(weight, name=weight.name.replace("o_proj", "dense")) for weight in full.weights)
    full = replace(full, weights=tuple(renamed))
    mixers = [full if is_full else lightning for is_full in _full_layers(fields, layers, with_rest=True)]
    kinds = _experts(fields)
    structure = built(fields, mixers, sparse_layers(fields, layers), kinds)
    return add_drafts(fields, structure, full, kinds, copies=False)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {"bailing_hybrid": _bailing_hybrid}
