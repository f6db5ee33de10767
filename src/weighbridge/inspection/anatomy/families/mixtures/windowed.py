"""Mixtures whose layers attend in turns: gpt-oss, Llama 4, Trinity, K-EXAONE, Laguna, Command A MoE, Kolibri.

Formulas after the classes of transformers 5.23, compared with them to the unit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Heads, Mixer, feed_forward, grouped_query, linear
from weighbridge.inspection.anatomy.families.decoder import Traits, heads_of, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.layout import absent, laid_out
from weighbridge.inspection.anatomy.families.mixtures.parts import (
    FUSED_EXPERT_NAMES,
    FUSED_EXPERTS,
    Routing,
    correction,
    each,
    mixture,
    plain_ffn,
    routing,
    sparse_by_types,
    sparse_from,
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
_NORMS = ("input_layernorm", "post_attention_layernorm")


def _gpt_oss(fields: Fields) -> Structure:
    """gpt-oss: a sink a head, biases on attention, router and experts, every second layer with full attention."""
    fields = absent(fields, num_key_value_heads=8, head_dim=64, sliding_window=128).with_defaults(
        num_local_experts=128, num_experts_per_tok=4
    )
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("attention_bias", default=True)
    sinks = (Weight("self_attn.sinks", Part.ATTENTION, (heads.n,)),)
    mixers = each(
        windows_of(fields, layers, every=2),
        lambda one: grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, window=one, extra=sinks),
    )
    moe = routing(fields, count=_COUNT, width="intermediate_size")
    routed = moe.weights(hidden, router="router", bias=True, router_bias=True)
    structure = mixture(fields, Traits(), mixers, (True,) * layers, routed=routed)
    return laid_out(structure, fused=FUSED_EXPERTS, names=FUSED_EXPERT_NAMES)


def _llama4(fields: Fields) -> Structure:
    """Llama 4: chunks on the layers with rotary positions; experts on every layer (Scout) or every second one."""
    fields = absent(fields, num_key_value_heads=8, head_dim=128).with_defaults(
        num_local_experts=16, num_experts_per_tok=1, intermediate_size_mlp=16384, interleave_moe_layer_step=1,
        no_rope_layer_interval=4,
    )  # fmt: skip
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("attention_bias", default=False)
    mixers = each(
        _chunks(fields, layers),
        lambda one: grouped_query(
            hidden, heads, qkv_bias=bias, out_bias=bias, window=one, kind=None if one is None else "chunked"
        ),
    )
    if fields.has("moe_layers"):
        members = fields.members("moe_layers")
        sparse = tuple(number in members for number in range(layers))
    else:
        step = fields.count("interleave_moe_layer_step")
        sparse = tuple((number + 1) % step == 0 for number in range(layers))
    routed: Weights = ()
    if any(sparse):
        width = fields.count("intermediate_size")
        moe = Routing(fields.count("num_local_experts"), fields.count("num_experts_per_tok"), width, width)
        routed = moe.weights(hidden, prefix="feed_forward", router="router", shared_prefix="shared_expert")
    else:
        fields.value("num_local_experts")
    structure = mixture(
        fields, Traits(), mixers, sparse, routed=routed,
        plain=lambda: feed_forward(hidden, fields.count("intermediate_size_mlp"), prefix="feed_forward"),
    )  # fmt: skip
    return laid_out(structure, fused=FUSED_EXPERTS, names=FUSED_EXPERT_NAMES)


def _chunks(fields: Fields, layers: int) -> tuple[int | None, ...]:
    """Return the chunk of each layer, None for full attention: by types, `no_rope_layers` (0: full) or an interval."""
    types = fields.words("layer_types", layers)
    listed = fields.value("no_rope_layers")
    if types is not None:
        if not set(types) <= {"chunked_attention", "full_attention"}:
            raise Refused("`layer_types` holds a kind that this family does not have")
        chunked = tuple(one == "chunked_attention" for one in types)
    elif listed not in (None, []):
        chunked = tuple(one > 0 for one in fields.counts("no_rope_layers", layers) or ())
    else:
        interval = fields.count("no_rope_layer_interval")
        chunked = tuple((number + 1) % interval != 0 for number in range(layers))
    size = fields.count("attention_chunk_size", default=8192) if any(chunked) else None
    return tuple(size if one else None for one in chunked)


def _afmoe(fields: Fields) -> Structure:
    """Arcee's Trinity: a gate over attention's output, four norms, a router bias held as a parameter."""
    fields = absent(fields, head_dim=128, sliding_window=1024).with_defaults(
        num_experts=64, num_experts_per_tok=6, num_shared_experts=2, moe_intermediate_size=1408,
        num_dense_layers=1, global_attn_every_n_layers=4,
    )  # fmt: skip
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("attention_bias", default=False)
    gate = linear("self_attn.gate_proj", heads.n * heads.d, hidden, Part.ATTENTION)
    every = None if fields.has("layer_types") else fields.count("global_attn_every_n_layers")
    mixers = each(
        windows_of(fields, layers, every=every),
        lambda one: grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="head", window=one, extra=gate),
    )
    moe = routing(fields, count=("num_experts",), shared="num_shared_experts")
    routed = (*moe.weights(hidden, router="router.gate"), *correction("mlp.expert_bias", moe.count))
    sparse = sparse_from(layers, fields.count("num_dense_layers", at_least=0))
    traits = Traits(norms=(*_NORMS, "pre_mlp_layernorm", "post_mlp_layernorm"))
    return mixture(fields, traits, mixers, sparse, routed=routed, plain=plain_ffn(fields))


def _exaone_moe(fields: Fields) -> Structure:
    """K-EXAONE: q/k norms a head, one layer in four with full attention; its MTP module is not described."""
    fields = absent(fields, num_key_value_heads=32, sliding_window=4096).with_defaults(
        num_experts=64, num_experts_per_tok=8, num_shared_experts=1, moe_intermediate_size=1024,
        first_k_dense_replace=1, sliding_window_pattern=4,
    )  # fmt: skip
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    every = None if fields.has("layer_types") else fields.count("sliding_window_pattern")
    mixers = each(
        windows_of(fields, layers, every=every),
        lambda one: grouped_query(hidden, heads, qk_norm="head", window=one),
    )
    moe = routing(fields, count=("num_experts",), shared="num_shared_experts")
    sparse = _sparse_or_first(fields, layers)
    structure = mixture(
        fields, Traits(), mixers, sparse, routed=moe.weights(hidden), plain=plain_ffn(fields), buffers=moe.count
    )
    if not (fields.optional("num_nextn_predict_layers") or 0):
        return structure
    return replace(structure, notes=("the MTP module that the config declares is not counted",))


def _sparse_or_first(fields: Fields, layers: int) -> tuple[bool, ...]:
    if fields.has("mlp_layer_types"):
        return sparse_by_types(fields, layers, ())
    return sparse_from(layers, fields.count("first_k_dense_replace", at_least=0))


def _laguna(fields: Fields) -> Structure:
    """Poolside's Laguna: a number of heads of its own a layer, a gate a head, a router bias held as a parameter."""
    fields = absent(fields, num_key_value_heads=8, head_dim=128, sliding_window=512).with_defaults(
        num_experts=256, num_experts_per_tok=8, moe_intermediate_size=512, shared_expert_intermediate_size=512
    )
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("attention_bias", default=False)
    numbers = fields.counts("num_attention_heads_per_layer", layers, at_least=1) or (heads.n,) * layers
    windows = windows_of(fields, layers) if fields.has("layer_types") else (None,) * layers
    gating = fields.value("gating")
    is_slim = gating is None or gating is True or gating == "per-head"

    def mixer(kind: tuple[int, int | None]) -> Mixer:
        number, window = kind
        gate = linear("self_attn.g_proj", number if is_slim else number * heads.d, hidden, Part.ATTENTION)
        own = Heads(number, heads.k, heads.d, heads.v)
        return grouped_query(hidden, own, qkv_bias=bias, out_bias=bias, qk_norm="head", window=window, extra=gate)

    mixers = each(tuple(zip(numbers, windows, strict=True)), mixer)
    moe = routing(fields, count=("num_experts",))
    moe = replace(moe, shared=fields.count("shared_expert_intermediate_size", at_least=0))
    routed = (*moe.weights(hidden), *correction("mlp.gate.e_score_correction_bias", moe.count))
    sparse = sparse_by_types(fields, layers, sparse_from(layers, 1))
    return mixture(fields, Traits(), mixers, sparse, routed=routed, plain=plain_ffn(fields))


def _cohere2_moe(fields: Fields) -> Structure:
    """Command A's mixture: one norm a layer, tied by default, dense layers first where declared."""
    fields = absent(fields, head_dim=128, sliding_window=4096).with_defaults(
        num_experts=8, num_experts_per_tok=2, num_shared_experts=0, first_k_dense_replace=0,
        sliding_window_pattern=4, prefix_dense_sliding_window_pattern=1,
    )  # fmt: skip
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("attention_bias", default=False)
    mixers = each(
        _cohere_windows(fields, layers),
        lambda one: grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, window=one),
    )
    moe = routing(fields, count=("num_experts",), width="intermediate_size", shared="num_shared_experts")
    width = fields.optional("prefix_dense_intermediate_size", at_least=1) or fields.count("intermediate_size")
    traits = Traits(norms=("input_layernorm",), tied=True)
    return mixture(
        fields, traits, mixers, _sparse_or_first(fields, layers), routed=moe.weights(hidden),
        plain=feed_forward(hidden, width),
    )  # fmt: skip


def _cohere_windows(fields: Fields, layers: int) -> tuple[int | None, ...]:
    """Types, else one layer in every pattern attends in full, counted anew behind the dense layers."""
    if fields.has("layer_types"):
        return windows_of(fields, layers)
    first = fields.count("first_k_dense_replace", at_least=0, at_most=layers)
    before = windows_of(fields, first, every=fields.count("prefix_dense_sliding_window_pattern"))
    return (*before, *windows_of(fields, layers - first, every=fields.count("sliding_window_pattern")))


def _kolibri1(fields: Fields) -> Structure:
    """Kolibri: four norms, a corrected router, one layer in five with full attention."""
    fields = absent(fields, num_key_value_heads=4, head_dim=128, sliding_window=513).with_defaults(
        num_experts=384, num_experts_per_tok=6, moe_intermediate_size=512, shared_expert_intermediate_size=512
    )
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    mixers = each(
        windows_of(fields, layers, every=5), lambda one: grouped_query(hidden, heads, qk_norm="head", window=one)
    )
    moe = routing(fields, count=("num_experts", "num_local_experts"))
    moe = replace(moe, shared=fields.count("shared_expert_intermediate_size", at_least=0))
    traits = Traits(norms=(*_NORMS, "post_self_attn_layernorm", "post_mlp_layernorm"))
    return mixture(fields, traits, mixers, (True,) * layers, routed=moe.weights(hidden), buffers=moe.count)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "gpt_oss": _gpt_oss,
    "llama4": _llama4,
    "llama4_text": _llama4,
    "afmoe": _afmoe,
    "exaone_moe": _exaone_moe,
    "laguna": _laguna,
    "cohere2_moe": _cohere2_moe,
    "kolibri1": _kolibri1,
}
