"""Mixtures whose layers differ in their heads: Step-3, Step-3.5 and 3.7 Flash, MiMo-V2-Flash, JetMoE.

Formulas after the classes of transformers 5.23, compared with them to the unit; Step-3 after its published code,
compared with table 2 of its system report.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.families.blocks import Heads, Mixer, feed_forward, grouped_query, linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, heads_of, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.layout import absent, deriving
from weighbridge.inspection.anatomy.families.mixtures.parts import (
    Routing,
    each,
    mixture,
    must_be,
    nested_under,
    plain_ffn,
    sparse_by_types,
)
from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Fields, Refused
from weighbridge.inspection.anatomy.structure import Attend, Cache, Part, Structure, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FAMILIES"]

_COUNT = ("n_routed_experts", "num_local_experts", "moe_num_experts")
_USED = ("num_experts_per_tok", "moe_top_k")


def _enumerated(fields: Fields, layers: int) -> tuple[bool, ...] | None:
    """Read `moe_layers_enum`: layer numbers in a text with commas, or in a list; None where it is absent."""
    value = fields.value("moe_layers_enum")
    if value is None:
        return None
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or len(items) > MAX_LAYERS:
        raise Refused("`moe_layers_enum` is no list of layers")
    numbers = set()
    for item in items:
        text = str(item).strip()
        if text and not (text.isascii() and text.isdigit()):
            raise Refused(f"`moe_layers_enum` holds {quote(text, 40)}, which is no layer")
        numbers.add(text)
    return tuple(str(number) in numbers for number in range(layers))


def _step3(fields: Fields) -> Structure:
    """Step-3: multi-matrix factorised attention - queries through a narrow waist, one head of keys and values."""
    hidden, layers = hidden_of(fields), fields.layers()
    groups = fields.count("num_attention_groups", "num_key_value_heads")
    heads = heads_of(deriving(fields, num_key_value_heads=groups), hidden=hidden)
    waist = fields.count("share_q_dim")
    plain = grouped_query(hidden, heads)
    query = (
        *linear("self_attn.q_proj", waist, hidden, Part.ATTENTION),
        *norm("self_attn.inter_norm", waist),
        *linear("self_attn.wq", heads.n * heads.d, waist, Part.ATTENTION),
    )
    mixer = replace(plain, weights=(*query, *plain.weights[1:]))
    moe = Routing(fields.count(*_COUNT), fields.count(*_USED), fields.count("moe_intermediate_size"))
    routed = (
        *moe.weights(hidden, prefix="moe"),
        *feed_forward(hidden, fields.count("share_expert_dim"), prefix="share_expert", part=Part.SHARED_EXPERTS),
    )
    sparse = _enumerated(fields, layers)
    if sparse is None:
        raise Refused("`moe_layers_enum` is missing")
    structure = mixture(
        fields, Traits(verified=False), (mixer,) * layers, sparse, routed=routed, plain=plain_ffn(fields)
    )
    return nested_under(structure, fields, "model")


def _step3p5(fields: Fields) -> Structure:
    """Step-3.5 and 3.7 Flash: sliding layers with heads of their own number, a gate a head, a corrected router."""
    if fields.word("model_type") == "step3p7" and not fields.has("text_config"):
        raise Refused("`text_config` is missing, and with it the number of heads of the sliding layers")
    fields = fields.with_defaults(
        num_experts_per_tok=8, n_routed_experts=288, moe_intermediate_size=1280, share_expert_dim=1280
    )
    hidden, layers = hidden_of(fields), fields.layers()
    padded = layers + (fields.optional("num_nextn_predict_layers", "num_mtp_layers") or 0)
    fields = _trimmed(fields, layers, padded)
    groups = fields.count("num_key_value_heads", "num_attention_groups", default=8)
    heads = heads_of(absent(deriving(fields, num_key_value_heads=groups), head_dim=128), hidden=hidden)
    sliding = replace(heads, n=_sliding_heads(fields, heads.n))
    bias = fields.flag("attention_bias", default=False)
    gating = fields.value("gating")
    is_slim = gating is None or gating is True or gating == "per-head"

    def mixer(window: int | None) -> Mixer:
        own = heads if window is None else sliding
        gate = linear("self_attn.g_proj", own.n if is_slim else own.n * own.d, hidden, Part.ATTENTION)
        return grouped_query(hidden, own, qkv_bias=bias, out_bias=bias, qk_norm="head", window=window, extra=gate)

    windows = windows_of(fields, layers) if fields.has("layer_types") else (None,) * layers
    if fields.flag("mlp_bias", default=False):
        raise Refused("biases in the feed-forward are not known in this family")
    shared = fields.count("share_expert_dim", "share_expert_dims", at_least=0)
    moe = Routing(fields.count(*_COUNT), fields.count(*_USED), fields.count("moe_intermediate_size"), shared)
    listed = _enumerated(fields, layers)
    fallback = tuple(number >= 3 for number in range(layers)) if listed is None else listed  # noqa: PLR2004 - default
    structure = mixture(
        fields, Traits(), each(windows, mixer), sparse_by_types(fields, layers, fallback),
        routed=moe.weights(hidden), plain=plain_ffn(fields), buffers=moe.count,
    )  # fmt: skip
    if padded > layers:
        structure = replace(structure, notes=("the MTP modules that the config declares are not counted",))
    return nested_under(structure, fields, "model.language_model")


def _trimmed(fields: Fields, layers: int, padded: int) -> Fields:
    """Cut lists that describe the MTP modules behind the layers as well."""
    cut = {
        key: value[:layers]
        for key in ("layer_types", "mlp_layer_types")
        if isinstance(value := fields.value(key), list) and len(value) == padded
    }
    return deriving(fields, **cut)


def _sliding_heads(fields: Fields, full: int) -> int:
    declared = fields.optional("num_sliding_attention_heads", at_least=1)
    if declared is not None:
        return declared
    other = fields.section("attention_other_setting")
    return full if other is None else other.count("num_attention_heads", default=full)


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
    "step3_text": _step3,
    "step3_vl": _step3,
    "step3p5": _step3p5,
    "step3p7": _step3p5,
    "mimo_v2_flash": _mimo,
    "jetmoe": _jetmoe,
}
