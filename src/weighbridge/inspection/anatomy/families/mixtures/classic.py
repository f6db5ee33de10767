"""Mixtures in every layer and alike: Mixtral, Phi-MoE, OLMoE, FlexOlmo, DBRX, Aria, Granite, Arctic, Grok.

Formulas after the classes of transformers 5.23, compared with them to the unit; Arctic, Grok and GRIN after their
published code, compared with the hub totals of Arctic, Grok-2 and GRIN-MoE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import feed_forward, grouped_query, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, heads_of, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.layout import FUSED_QUERY, absent, deriving, laid_out
from weighbridge.inspection.anatomy.families.mixtures.parts import (
    FUSED_EXPERTS,
    NUMBERED_EXPERT_NAMES,
    Routing,
    each,
    mixture,
    must_be,
    routing,
)
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_COUNT = ("num_local_experts", "num_experts")
_GRANITE_FUSED = {
    "block_sparse_moe.input_linear": ("block_sparse_moe.experts.*.gate_proj", "block_sparse_moe.experts.*.up_proj"),
    "shared_mlp.input_linear": ("shared_mlp.gate_proj", "shared_mlp.up_proj"),
}
_GRANITE_NAMES = {"experts.*.down_proj": "output_linear", "shared_mlp.down_proj": "shared_mlp.output_linear"}
_DBRX_NAMES = {
    "transformer.norm.": "transformer.norm_f.",
    "model.embed_tokens": "transformer.wte",
    "model.norm": "transformer.norm_f",
    "experts.*.gate_proj.weight": "experts.mlp.w1",
    "experts.*.up_proj.weight": "experts.mlp.v1",
    "experts.*.down_proj.weight": "experts.mlp.w2",
}


def _mixtral(fields: Fields) -> Structure:
    """Mixtral: a declared window holds for every layer."""
    fields = absent(fields, num_key_value_heads=8).with_defaults(num_local_experts=8, num_experts_per_tok=2)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    mixers = each(windows_of(fields, layers), lambda one: grouped_query(hidden, heads, window=one))
    routed = routing(fields, count=_COUNT, width="intermediate_size").weights(hidden, prefix="block_sparse_moe")
    structure = mixture(fields, Traits(), mixers, (True,) * layers, routed=routed)
    return laid_out(structure, names=NUMBERED_EXPERT_NAMES)


def _phimoe(fields: Fields) -> Structure:
    """Phi-3.5-MoE and GRIN-MoE: LayerNorms with bias; biases on attention and head as switched."""
    fields = absent(fields, num_key_value_heads=8).with_defaults(num_local_experts=16, num_experts_per_tok=2)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("attention_bias", default=False)
    traits = Traits(norm_bias=True, head_bias=fields.flag("lm_head_bias", default=False))
    windows = windows_of(fields, layers)
    mixers = each(windows, lambda one: grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, window=one))
    routed = routing(fields, count=_COUNT, width="intermediate_size").weights(hidden, prefix="block_sparse_moe")
    return laid_out(mixture(fields, traits, mixers, (True,) * layers, routed=routed), names=NUMBERED_EXPERT_NAMES)


def _olmoe(fields: Fields) -> Structure:
    """OLMoE: q/k norms over all heads, as wide as the hidden size."""
    fields = fields.with_defaults(num_experts=64, num_experts_per_tok=8)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    if heads.n * heads.d != hidden:
        raise Refused("heads of another width than the hidden size gives do not fit this family's q/k norms")
    bias = fields.flag("attention_bias", default=False)
    mixer = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="full")
    routed = routing(fields, count=("num_experts", "num_local_experts"), width="intermediate_size").weights(hidden)
    return mixture(fields, Traits(), (mixer,) * layers, (True,) * layers, routed=routed)


def _flex_olmo(fields: Fields) -> Structure:
    """FlexOlmo: OLMoE with norms behind attention and feed-forward instead of before."""
    fields = fields.with_defaults(num_experts=7, num_experts_per_tok=5)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("attention_bias", default=False)
    mixer = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="full")
    routed = routing(fields, count=("num_experts", "num_local_experts"), width="intermediate_size").weights(hidden)
    traits = Traits(norms=("post_attention_layernorm", "post_feedforward_layernorm"))
    return mixture(fields, traits, (mixer,) * layers, (True,) * layers, routed=routed)


def _dbrx(fields: Fields) -> Structure:
    """DBRX: attention and experts described in sections of their own; bias-free LayerNorms."""
    attention = (fields.section("attn_config") or deriving(fields)).with_defaults(kv_n_heads=1)
    ffn = (fields.section("ffn_config") or deriving(fields)).with_defaults(
        ffn_hidden_size=3584, moe_num_experts=4, moe_top_k=1
    )
    hidden, layers = hidden_of(fields), fields.layers("n_layers", "num_hidden_layers")
    heads = heads_of(deriving(fields, num_key_value_heads=attention.count("kv_n_heads")), hidden=hidden)
    if heads.d * heads.n != hidden:
        raise Refused("heads of another width than the hidden size gives are not known in this family")
    mixer = grouped_query(hidden, heads, prefix="norm_attn_norm.attn")
    moe = routing(ffn, count=("moe_num_experts",), used=("moe_top_k",), width="ffn_hidden_size")
    routed = moe.weights(hidden, prefix="ffn", router="router.layer")
    traits = Traits(norms=("norm_attn_norm.norm_1", "norm_attn_norm.norm_2"))
    structure = mixture(fields, traits, (mixer,) * layers, (True,) * layers, routed=routed)
    fused = {"Wqkv": FUSED_QUERY}
    names = {**_DBRX_NAMES, "attn.o_proj": "attn.out_proj"}
    return laid_out(structure, prefix="transformer.blocks", fused=fused, names=names)


def _aria(fields: Fields) -> Structure:
    """Aria's language model: Llama's attention, shared experts beside the routed ones, all `intermediate_size` wide."""
    fields = fields.with_defaults(moe_num_experts=8, moe_topk=2, moe_num_shared_experts=2)
    must_be(fields, "mlp_bias", False)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("attention_bias", default=False)
    mixer = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias)
    width, shared = fields.count("intermediate_size"), fields.count("moe_num_shared_experts", at_least=0)
    moe = Routing(fields.count("moe_num_experts"), fields.count("moe_topk"), width, shared * width)
    routed = moe.weights(hidden, router="router")
    structure = mixture(fields, Traits(), (mixer,) * layers, (True,) * layers, routed=routed)
    return laid_out(
        structure,
        fused={"experts.fc1": FUSED_EXPERTS["experts.gate_up_proj"]},
        names={"experts.*.down_proj": "experts.fc2"},
    )


def _granite(fields: Fields, windows: tuple[int | None, ...], *, shared: int = 0, sinks: bool = False) -> Structure:
    fields = fields.with_defaults(num_local_experts=8, num_experts_per_tok=2)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("attention_bias", default=False)
    extra = (Weight("self_attn.sinks", Part.ATTENTION, (heads.n,)),) if sinks else ()
    mixers = each(
        windows, lambda one: grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, window=one, extra=extra)
    )
    moe = routing(fields, count=_COUNT[:1], width="intermediate_size")
    routed: Weights = moe.weights(hidden, prefix="block_sparse_moe", router="router.layer")
    if shared:
        routed = (*routed, *feed_forward(hidden, shared, prefix="shared_mlp", part=Part.SHARED_EXPERTS))
    structure = mixture(fields, Traits(), mixers, (True,) * layers, routed=routed)
    return laid_out(structure, fused=_GRANITE_FUSED, names=_GRANITE_NAMES)


def _granitemoe(fields: Fields) -> Structure:
    """Granite 3 MoE."""
    return _granite(fields, (None,) * fields.layers())


def _granitemoeshared(fields: Fields) -> Structure:
    """Granite MoE with a shared feed-forward beside the experts."""
    shared = fields.optional("shared_intermediate_size") or 0
    return _granite(fields, (None,) * fields.layers(), shared=shared)


def _granitemoe_swa(fields: Fields) -> Structure:
    """Granite MoE with sinks, where one layer in four, the first on, attends in full."""
    fields = absent(fields, sliding_window=128)
    layers = fields.layers()
    windows = windows_of(fields, layers)
    if not fields.has("layer_types"):
        windows = tuple(window if number % 4 else None for number, window in enumerate(windows))
    shared = fields.optional("shared_intermediate_size") or 0
    return _granite(fields, windows, shared=shared, sinks=True)


def _arctic(fields: Fields) -> Structure:
    """Snowflake Arctic: a dense feed-forward as wide as the hidden size beside the experts of each sparse layer."""
    fields = fields.with_defaults(moe_layer_frequency=2, num_local_experts=8, num_experts_per_tok=1)
    must_be(fields, "parallel_attn_mlp_res", True)
    must_be(fields, "use_residual", True)
    if not fields.has("parallel_attn_mlp_res") and not fields.has("use_residual"):
        raise Refused("whether a dense feed-forward stands beside the experts is not declared")
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    windows = windows_of(fields, layers)
    mixers = each(windows, lambda one: grouped_query(hidden, heads, window=one))
    width = fields.count("intermediate_size")
    routed = (
        *routing(fields, count=_COUNT, width="intermediate_size").weights(hidden, prefix="block_sparse_moe"),
        *feed_forward(hidden, hidden, prefix="residual_mlp"),
        *norm("residual_layernorm", hidden),
    )
    every = fields.count("moe_layer_frequency")
    sparse = tuple((number + 1) % every == 0 for number in range(layers))
    plain = feed_forward(hidden, width, prefix="block_sparse_moe.mlp")
    structure = mixture(fields, Traits(), mixers, sparse, routed=routed, plain=plain)
    return laid_out(structure, names=NUMBERED_EXPERT_NAMES)


def _grok(fields: Fields) -> Structure:
    """Grok-1 and Grok-2: four norms a layer; Grok-2 has a dense feed-forward beside its experts."""
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    mixer = grouped_query(hidden, heads)
    beside = fields.flag("residual_moe", default=False)
    width = fields.count("moe_intermediate_size" if fields.has("moe_intermediate_size") else "intermediate_size")
    moe = Routing(fields.count(*_COUNT), fields.count("num_experts_per_tok"), width)
    routed = moe.weights(hidden, prefix="block_sparse_moe")
    if beside:
        routed = (*routed, *feed_forward(hidden, fields.count("intermediate_size")))
    if not fields.has("tie_word_embeddings") and not beside:
        raise Refused("`tie_word_embeddings` is missing: copies of this family differ in it")
    traits = Traits(norms=("pre_attn_norm", "post_attn_norm", "pre_moe_norm", "post_moe_norm"), verified=beside)
    structure = mixture(fields, traits, (mixer,) * layers, (True,) * layers, routed=routed)
    return laid_out(
        structure,
        names={
            "experts.*.gate_proj": "experts.*.w1",
            "experts.*.down_proj": "experts.*.w2",
            "experts.*.up_proj": "experts.*.w3",
        },
    )


def _git(fields: Fields) -> Structure:
    """Grok-2, whose config calls itself `git`, as a captioning model does."""
    if fields.value("architectures") != ["Grok1ForCausalLM"]:
        raise Refused("the architecture `git` is unknown")
    return _grok(fields)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "mixtral": _mixtral,
    "phimoe": _phimoe,
    "grin-moe": _phimoe,
    "grinmoe": _phimoe,
    "olmoe": _olmoe,
    "flex_olmo": _flex_olmo,
    "dbrx": _dbrx,
    "granitemoe": _granitemoe,
    "granitemoeshared": _granitemoeshared,
    "granitemoe_swa": _granitemoe_swa,
    "aria_text": _aria,
    "arctic": _arctic,
    "grok-1": _grok,
    "grok-2": _grok,
    "git": _git,
}
