"""Mixtures with heads of an unusual kind: MiMo-V2-Flash and JetMoE.

Formulas after the classes of transformers 5.23, compared with them to the unit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Heads, Mixer, grouped_query, linear
from weighbridge.inspection.anatomy.families.decoder import Traits, heads_of, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.layout import absent, deriving
from weighbridge.inspection.anatomy.families.mixtures.parts import (
    Routing,
    each,
    mixture,
    must_be,
    plain_ffn,
    sparse_by_types,
)
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.structure import Attend, Cache, Part, Structure, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FAMILIES"]

_COUNT = ("n_routed_experts", "num_local_experts", "moe_num_experts")
_USED = ("num_experts_per_tok", "moe_top_k")


def _mimo(fields: Fields) -> Structure:
    """MiMo-V2-Flash: keys wider than values, sliding layers with more key-value heads and sinks."""
    fields = absent(fields, num_key_value_heads=4, head_dim=192, v_head_dim=128).with_defaults(
        n_routed_experts=256, num_experts_per_tok=8, moe_intermediate_size=2048
    )
    hidden, layers, plain = hidden_of(fields), fields.layers(), heads_of(fields)
    must_be(fields, "add_full_attention_sink_bias", False)
    must_be(fields, "add_swa_attention_sink_bias", True)
    if fields.optional("n_shared_experts"):
        raise Refused("`n_shared_experts` is declared, which this family does not have")
    full = replace(plain, v=fields.count("v_head_dim"))
    sliding = Heads(
        fields.optional("swa_num_attention_heads", at_least=1) or full.n,
        fields.optional("swa_num_key_value_heads", at_least=1) or 2 * full.k,
        fields.optional("swa_head_dim", at_least=1) or full.d,
        fields.optional("swa_v_head_dim", at_least=1) or full.v,
    )
    bias = fields.flag("attention_bias", default=False)
    sinks = (Weight("self_attn.attention_sink_bias", Part.ATTENTION, (sliding.n,)),)
    mixers = each(
        _mimo_windows(fields, layers),
        lambda one: grouped_query(
            hidden, full if one is None else sliding, qkv_bias=bias, window=one, extra=() if one is None else sinks
        ),
    )
    moe = Routing(fields.count(*_COUNT[:2]), fields.count("num_experts_per_tok"), fields.count("moe_intermediate_size"))
    frequency = fields.counts("moe_layer_freq", layers)
    listed = tuple(number > 0 for number in range(layers)) if frequency is None else tuple(one > 0 for one in frequency)
    structure = mixture(
        fields, Traits(), mixers, sparse_by_types(fields, layers, listed), routed=moe.weights(hidden),
        plain=plain_ffn(fields), buffers=moe.count,
    )  # fmt: skip
    return replace(structure, notes=("MTP modules that checkpoints of this family hold are not counted",))


def _mimo_v2(fields: Fields) -> Structure:
    """MiMo-V2.5 and later: the same language model under a remote name, its layers always listed."""
    if not fields.has("hybrid_layer_pattern") or not fields.has("moe_layer_freq"):
        raise Refused("`hybrid_layer_pattern` or `moe_layer_freq` is missing")
    return replace(_mimo(fields), is_verified=False)


def _mimo_windows(fields: Fields, layers: int) -> tuple[int | None, ...]:
    """Types, else the vendor's pattern (1 slides), else the first and every sixth layer attend in full."""
    size = fields.optional("sliding_window_size", "sliding_window", at_least=1)
    size = fields.count("sliding_window", default=129) if size is None else size
    pattern = fields.counts("hybrid_layer_pattern", layers)
    if fields.has("layer_types"):
        return windows_of(deriving(fields, sliding_window=size), layers)
    if pattern is not None:
        return tuple(size if one else None for one in pattern)
    return tuple(size if number and (number + 1) % 6 else None for number in range(layers))


def _jetmoe(fields: Fields) -> Structure:
    """JetMoE: a token's query heads come from the experts it visits, keys and values are common to all."""
    fields = absent(fields, num_key_value_heads=16).with_defaults(
        kv_channels=128, num_local_experts=8, num_experts_per_tok=2
    )
    hidden, layers = hidden_of(fields), fields.layers()
    k, d = fields.count("num_key_value_heads"), fields.count("kv_channels", "head_dim")
    count, used = fields.count("num_local_experts", "moe_num_experts"), fields.count(*_USED)
    width = fields.count("intermediate_size", "ffn_hidden_size")
    if used > count:
        raise Refused(f"a token cannot visit {used} of {count} experts")
    place = "self_attention.experts"
    mixer = Mixer(
        "full",
        (
            Weight(f"{place}.input_linear.weight", Part.ATTENTION, (k * d, hidden), count, used),
            Weight(f"{place}.output_linear.weight", Part.ATTENTION, (hidden, k * d), count, used),
            Weight(f"{place}.bias", Part.ATTENTION, (hidden,)),
            Weight(f"{place}.router.layer.weight", Part.ROUTER, (count, hidden)),
            *linear("self_attention.kv_proj", 2 * k * d, hidden, Part.ATTENTION),
        ),
        (Cache(2 * k * d),),
        (Attend(k * used, d, d),),
    )
    routed = (
        Weight("mlp.input_linear.weight", Part.ROUTED_EXPERTS, (2 * width, hidden), count, used),
        Weight("mlp.output_linear.weight", Part.ROUTED_EXPERTS, (hidden, width), count, used),
        Weight("mlp.bias", Part.ROUTED_EXPERTS, (hidden,)),
        Weight("mlp.router.layer.weight", Part.ROUTER, (count, hidden)),
    )
    return mixture(fields, Traits(tied=True), (mixer,) * layers, (True,) * layers, routed=routed)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "mimo_v2_flash": _mimo,
    "mimo_v2": _mimo_v2,
    "jetmoe": _jetmoe,
}
