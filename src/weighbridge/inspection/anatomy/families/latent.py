"""Multi-head latent attention: DeepSeek-V2 to V3.2, Kimi-K2, GLM-5, and those that follow them.

Shapes and defaults: the classes of transformers 5.23, except where a builder names another source.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Heads, feed_forward, grouped_query, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, hidden_of
from weighbridge.inspection.anatomy.families.latents import bailing, deepseek_v4, kimi, sparse, wide
from weighbridge.inspection.anatomy.families.latents.attention import (
    Latent,
    latent_attention,
    latent_of,
    library,
    number,
    rank_of,
)
from weighbridge.inspection.anatomy.families.latents.decoder import (
    add_drafts,
    built,
    experts_of,
    sparse_layers,
)
from weighbridge.inspection.anatomy.fields import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Mixer
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]


def _deepseek_v2(fields: Fields) -> Structure:
    """DeepSeek-V2, routing by softmax; `use_mla` false means plain attention (the small VL2, OCR).

    A bias beside the router is stored where `topk_method` is `noaux_tc` (DeepSeek-VL2's modeling_deepseek.py).
    """
    fields = library(fields, "deepseek_v2")
    hidden, layers = hidden_of(fields), fields.layers()
    bias = fields.flag("attention_bias", default=False)
    if fields.flag("use_mla", default=True):
        _divided(hidden, number(fields, "num_attention_heads"))
        mixer = latent_attention(hidden, latent_of(fields), bias=bias)
    else:
        mixer = _plain_attention(fields, hidden)
    kinds = experts_of(
        fields, count=("n_routed_experts", "num_experts"), is_biased=fields.word("topk_method") == "noaux_tc"
    )
    mlp_bias = fields.flag("mlp_bias", default=False)
    spread = sparse_layers(fields, layers, typed=False)
    return built(fields, [mixer] * layers, spread, kinds, mlp_bias=mlp_bias)


def _deepseek_ocr2(fields: Fields) -> Structure:
    """Build the language model of DeepSeek-OCR-2: DeepSeek-V2's experts under plain attention."""
    if not fields.has("mlp_layer_types"):
        raise Refused("`mlp_layer_types` is missing")
    fields = library(fields, "deepseek_v2")
    layers = fields.layers()
    mixer = _plain_attention(fields, hidden_of(fields))
    kinds = experts_of(fields, count=("n_routed_experts", "num_experts"), is_biased=False)
    mlp_bias = fields.flag("mlp_bias", default=False)
    return built(fields, [mixer] * layers, sparse_layers(fields, layers), kinds, mlp_bias=mlp_bias)


def _plain_attention(fields: Fields, hidden: int) -> Mixer:
    """Return the attention that stands where a config turns latent attention off: its ranks and widths are void."""
    heads = number(fields, "num_attention_heads")
    _divided(hidden, heads)
    kept = fields.optional("num_key_value_heads", at_least=1) or heads
    fields.used.update({"kv_lora_rank", "q_lora_rank"})
    bias = fields.flag("attention_bias", default=False)
    size = hidden // heads
    return grouped_query(hidden, Heads(heads, kept, size, size), qkv_bias=bias, out_bias=bias)


def _divided(hidden: int, heads: int) -> None:
    if hidden % heads:
        raise Refused(f"a hidden size of {hidden} cannot be split over {heads} heads, which the library demands")


def _like_v3(
    fields: Fields,
    *,
    family: str = "deepseek_v3",
    is_biased: bool = True,
    copies: bool | None = None,
) -> Structure:
    """DeepSeek-V3 and what differs in numbers alone; `family` is whose defaults hold.

    `copies`: whether its prediction modules store embedding and head again; None where that is not known.
    """
    fields = library(fields, family)
    hidden, layers = hidden_of(fields), fields.layers()
    mixer = latent_attention(hidden, latent_of(fields), bias=fields.flag("attention_bias", default=False))
    kinds = experts_of(fields, is_biased=is_biased)
    structure = built(fields, [mixer] * layers, sparse_layers(fields, layers, typed=False), kinds)
    return add_drafts(fields, structure, mixer, kinds, copies=copies)


def _glm4_moe_lite(fields: Fields) -> Structure:
    """GLM-4.7-Flash: one dense layer unless `mlp_layer_types` says otherwise; `head_dim` is the rotated width."""
    fields = library(fields, "glm4_moe_lite")
    hidden, layers = hidden_of(fields), fields.layers()
    latent = latent_of(fields, rope=number(fields, "qk_rope_head_dim", "head_dim"))
    mixer = latent_attention(hidden, latent, bias=fields.flag("attention_bias", default=False))
    kinds = experts_of(fields)
    structure = built(fields, [mixer] * layers, sparse_layers(fields, layers, dense=1), kinds)
    return add_drafts(fields, structure, mixer, kinds, copies=True)


def _axk1(fields: Fields) -> Structure:
    """A.X K1: DeepSeek-V3 with a norm behind the experts, which stand only where `moe_layer_freq` divides.

    Its checkpoint stores that norm for dense layers, too, where the class ignores it, and no routing bias: with them
    the hub's 518,983,059,456 follow to the unit.
    """
    fields = library(fields, "axk1")
    hidden, layers = hidden_of(fields), fields.layers()
    latent = latent_of(fields, compressed=True)
    mixer = latent_attention(hidden, latent, bias=fields.flag("attention_bias", default=False))
    spread = sparse_layers(fields, layers, stepped=True)
    kinds = experts_of(fields, is_biased=False)
    after = norm("mlp.post_mlp_layernorm", hidden)
    structure = built(fields, [mixer] * layers, spread, kinds, more=lambda layer: after if spread[layer] else ())
    structure = replace(structure, buffers=hidden * (layers - sum(spread)))
    return add_drafts(fields, structure, mixer, kinds, copies=None)


def _minicpm3(fields: Fields) -> Structure:
    """MiniCPM3: latent attention under dense blocks, tied by default; a value is a head wide unless declared."""
    fields = library(fields, "minicpm3")
    hidden, layers = hidden_of(fields), fields.layers()
    number(fields, "vocab_size")
    heads = number(fields, "num_attention_heads")
    _divided(hidden, heads)
    latent = latent_of(fields, v=hidden // heads)
    mixer = latent_attention(hidden, latent, bias=fields.flag("attention_bias", default=False))
    mlp_bias = fields.flag("mlp_bias", default=False)
    ffn = feed_forward(hidden, number(fields, "intermediate_size"), bias=mlp_bias)
    return assemble(fields, Traits(tied=True), [(mixer, ffn)] * layers)


def _youtu(fields: Fields) -> Structure:
    """Youtu: latent attention under dense blocks, tied by default."""
    fields = library(fields, "youtu")
    hidden, layers = hidden_of(fields), fields.layers()
    number(fields, "vocab_size")
    mixer = latent_attention(hidden, latent_of(fields), bias=fields.flag("attention_bias", default=False))
    ffn = feed_forward(hidden, number(fields, "intermediate_size"))
    return assemble(fields, Traits(tied=True), [(mixer, ffn)] * layers)


def _pangu_ultra(fields: Fields) -> Structure:
    """openPangu-Ultra-MoE: DeepSeek-V3 under names of its own, without a routing bias, with norms on both sides.

    Source: modeling_openpangu_moe.py of the publisher's repository; no total of a checkpoint was at hand.
    """
    fields = fields.with_defaults(num_shared_experts=1)
    hidden, layers = hidden_of(fields), fields.layers()
    latent = Latent(
        n=number(fields, "num_attention_heads"),
        nope=number(fields, "attention_qk_dim"),
        rope=number(fields, "attention_qk_rope_dim"),
        v=number(fields, "attention_v_dim"),
        kv_rank=number(fields, "attention_kv_lora_dim"),
        q_rank=rank_of(fields, "attention_q_lora_dim"),
    )
    kinds = experts_of(fields, count=("num_routed_experts",), shared=("num_shared_experts",), is_biased=False)
    first = number(fields, "num_dense_layers", at_least=0)
    sandwich = ("pre_mlp_layernorm", "post_mlp_layernorm") if fields.flag("sandwich_norm", default=False) else ()
    mixer = latent_attention(hidden, latent)
    structure = built(
        fields, [mixer] * layers, [layer >= first for layer in range(layers)], kinds, traits=Traits(verified=False),
        more=lambda _: tuple(weight for name in sandwich for weight in norm(name, hidden)),
    )  # fmt: skip
    return add_drafts(fields, structure, mixer, kinds, copies=None)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "deepseek_v2": _deepseek_v2,
    "deepseek_vl_v2": _deepseek_v2,
    "deepseek_ocr2": _deepseek_ocr2,
    "deepseek_ocr2_text": _deepseek_ocr2,
    "deepseek_v3": partial(_like_v3, copies=True),
    "kimi_k2": partial(_like_v3, copies=True),
    "kimi_k25": partial(_like_v3, copies=True),
    "kimi_vl": partial(_like_v3, copies=True),
    "glm4_moe_lite": _glm4_moe_lite,
    "mistral4": partial(_like_v3, family="mistral4", is_biased=False),
    "axk1": _axk1,
    "AXK1": _axk1,
    "minicpm3": _minicpm3,
    "youtu": _youtu,
    "pangu_ultra_moe": _pangu_ultra,
    **sparse.FAMILIES,
    **wide.FAMILIES,
    **deepseek_v4.FAMILIES,
    **kimi.FAMILIES,
    **bailing.FAMILIES,
}
