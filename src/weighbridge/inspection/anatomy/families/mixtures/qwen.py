"""Qwen's mixtures and those shaped like them: Qwen1.5/2-MoE, Qwen3-MoE and its seeing sister, Mellum, Flint, Pangu Pro.

Formulas after the classes of transformers 5.23, compared with them to the unit; Pangu Pro MoE after its published
code, compared with table 2 of the Step-3 report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import experts, grouped_query
from weighbridge.inspection.anatomy.families.decoder import Traits, heads_of, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.layout import absent, laid_out
from weighbridge.inspection.anatomy.families.mixtures.parts import (
    FUSED_EXPERT_NAMES,
    FUSED_EXPERTS,
    by_other_name,
    each,
    mixture,
    plain_ffn,
    sparse_by_types,
)
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Heads, Mixer, Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_COUNT = ("num_experts", "num_local_experts")


def _sparse(fields: Fields, layers: int, experts_count: int) -> tuple[bool, ...]:
    """Every `decoder_sparse_step`-th layer, but for those that `mlp_only_layers` lists."""
    step = fields.count("decoder_sparse_step", default=1)
    dense = fields.members("mlp_only_layers")
    return tuple(number not in dense and experts_count > 0 and (number + 1) % step == 0 for number in range(layers))


def _routed(fields: Fields, hidden: int, count: int, *, shared: int = 0, gated_share: bool = False) -> Weights:
    if not count:
        fields.value("moe_intermediate_size")  # declared for no layer
        return ()
    used = fields.count("num_experts_per_tok")
    width = fields.count("moe_intermediate_size")
    return experts(hidden, width, count, used, shared=shared, shared_prefix="shared_expert", shared_gate=gated_share)


def _qwen2_moe(fields: Fields) -> Structure:
    """Qwen1.5-MoE, Qwen2-57B: a shared expert behind a gate; every second of the first layers may slide."""
    fields = absent(fields, num_key_value_heads=16).with_defaults(
        num_experts=60, num_experts_per_tok=4, moe_intermediate_size=1408, shared_expert_intermediate_size=5632,
        max_window_layers=28,
    )  # fmt: skip
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("qkv_bias", default=True)
    windows: tuple[int | None, ...] = (None,) * layers
    if fields.flag("use_sliding_window", default=False):
        fields = absent(fields, sliding_window=4096)
        first = fields.count("max_window_layers", at_least=0)
        sliding = windows_of(fields, layers, every=2)
        declared = fields.has("layer_types")
        windows = tuple(one if declared or number < first else None for number, one in enumerate(sliding))
    count = fields.count(*_COUNT[:1], at_least=0)
    shared = fields.count("shared_expert_intermediate_size", at_least=0)
    mixers = each(windows, lambda one: grouped_query(hidden, heads, qkv_bias=bias, window=one))
    routed = _routed(fields, hidden, count, shared=shared, gated_share=True)
    return mixture(fields, Traits(), mixers, _sparse(fields, layers, count), routed=routed, plain=plain_ffn(fields))


def _attention(fields: Fields, hidden: int, heads: Heads, extra: Weights = ()) -> Callable[[int | None], Mixer]:
    bias = fields.flag("attention_bias", default=False)
    return lambda window: grouped_query(
        hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="head", window=window, extra=extra
    )


def _qwen3_moe(fields: Fields) -> Structure:
    """Qwen3-MoE: q/k norms a head, no shared expert; a window, where switched on, holds for every layer."""
    fields = absent(fields, num_key_value_heads=4).with_defaults(
        num_experts=128, num_experts_per_tok=8, moe_intermediate_size=768
    )
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    window = None
    if fields.flag("use_sliding_window", default=False):
        window = fields.count("sliding_window", default=4096)
    count = fields.count(*_COUNT, at_least=0)
    mixers = each((window,) * layers, _attention(fields, hidden, heads))
    routed = _routed(fields, hidden, count)
    return mixture(fields, Traits(), mixers, _sparse(fields, layers, count), routed=routed, plain=plain_ffn(fields))


def _qwen3_vl_moe(fields: Fields) -> Structure:
    """Qwen3-VL-MoE's language model: Qwen3-MoE with experts in one matrix, tied by default."""
    fields = absent(fields, num_key_value_heads=16).with_defaults(
        num_experts=60, num_experts_per_tok=4, moe_intermediate_size=1408
    )
    for default in (60, 128):  # of this class and of the one that Qwen3-Omni makes of it
        fields = by_other_name(fields, "num_experts", _COUNT[1:], default)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    count = fields.count(*_COUNT, at_least=0)
    mixers = each((None,) * layers, _attention(fields, hidden, heads))
    traits = Traits(tied=True)
    routed = _routed(fields, hidden, count)
    structure = mixture(fields, traits, mixers, _sparse(fields, layers, count), routed=routed, plain=plain_ffn(fields))
    return laid_out(structure, fused=FUSED_EXPERTS, names=FUSED_EXPERT_NAMES)


def _mellum(fields: Fields) -> Structure:
    """JetBrains' Mellum 2: Qwen3-MoE with sliding and dense layers as their types say."""
    fields = absent(fields, num_key_value_heads=4, head_dim=128, sliding_window=1024).with_defaults(
        num_experts=64, num_experts_per_tok=8, moe_intermediate_size=896
    )
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    windows = windows_of(fields, layers) if fields.has("layer_types") else (None,) * layers
    mixers = each(windows, _attention(fields, hidden, heads))
    routed = _routed(fields, hidden, fields.count(*_COUNT))
    sparse = sparse_by_types(fields, layers, (True,) * layers)
    return mixture(fields, Traits(), mixers, sparse, routed=routed, plain=plain_ffn(fields))


def _flint(fields: Fields) -> Structure:
    """Flint: sinks, a shared expert, the first two layers dense, one layer in four and the ends with full attention."""
    fields = absent(fields, num_key_value_heads=4, head_dim=128, sliding_window=513).with_defaults(
        num_experts=256, num_experts_per_tok=6, moe_intermediate_size=512, shared_expert_intermediate_size=1024
    )
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    windows = windows_of(fields, layers)
    if not fields.has("layer_types"):
        full = {0, 1, layers - 1, *range(1, layers, 4)}
        windows = tuple(None if number in full else window for number, window in enumerate(windows))
    if not fields.has("mlp_only_layers"):
        fields = absent(fields, mlp_only_layers=[0, 1])
    sinks = (Weight("self_attn.sinks", Part.ATTENTION, (heads.n,)),)
    mixers = each(windows, _attention(fields, hidden, heads, sinks))
    count = fields.count("num_experts", at_least=0)
    shared = fields.count("shared_expert_intermediate_size", at_least=0)
    routed = _routed(fields, hidden, count, shared=shared)
    return mixture(fields, Traits(), mixers, _sparse(fields, layers, count), routed=routed, plain=plain_ffn(fields))


def _pangu_pro(fields: Fields) -> Structure:
    """Pangu Pro MoE (72B-A16B): biases on all of attention, one shared expert, a scale a routed expert."""
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    if heads.d * heads.n != hidden:
        raise Refused("heads of another width than the hidden size gives are not known in this family")
    count = fields.count("num_experts")
    shared = fields.count("shared_expert_intermediate_size", at_least=0)
    routed = (
        *_routed(fields, hidden, count, shared=shared),
        Weight("mlp.router_scale", Part.ROUTER, (1, count)),
    )
    dense = fields.members("mlp_only_layers")
    sparse = tuple(number not in dense for number in range(layers))
    mixers = each((None,) * layers, lambda _: grouped_query(hidden, heads, qkv_bias=True, out_bias=True))
    return mixture(fields, Traits(verified=False), mixers, sparse, routed=routed, plain=plain_ffn(fields))


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "qwen2_moe": _qwen2_moe,
    "qwen3_moe": _qwen3_moe,
    "qwen3_vl_moe": _qwen3_vl_moe,
    "qwen3_vl_moe_text": _qwen3_vl_moe,
    "mellum": _mellum,
    "flint": _flint,
    "PanguProMoE": _pangu_pro,
    "pangu_pro_moe": _pangu_pro,
}
