"""Step-3, and Step-3.5 and 3.7 Flash.

Step-3 after its published code, compared with table 2 of its system report. The Flash models after the class of
transformers 5.23, compared with it to the unit, their MTP modules with the hub's total of Step-3.7-Flash:
201,365,316,160 = text 196,956,118,272 + vision 1,981,014,784 + router bias 12,096 + three dense sliding modules of
281,432,320 that store the head (527,958,016) again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.families.blocks import Heads, Mixer, feed_forward, grouped_query, linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, heads_of, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.layout import absent, deriving
from weighbridge.inspection.anatomy.families.mixtures.parts import (
    Routing,
    by_other_name,
    correction,
    each,
    mixture,
    plain_ffn,
    sparse_by_types,
)
from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Refused
from weighbridge.inspection.anatomy.structure import Layer, Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_COUNT = ("n_routed_experts", "num_local_experts", "moe_num_experts")
_USED = ("num_experts_per_tok", "moe_top_k")
_OTHER_NAMES = (
    ("num_key_value_heads", ("num_attention_groups",), 8),
    ("n_routed_experts", _COUNT[1:], 288),
    ("num_experts_per_tok", _USED[1:], 8),
    ("share_expert_dim", ("share_expert_dims",), 1280),
)
_DIGITS = 6  # of a layer number
_FIRST_SPARSE = 3  # where no list says which layers hold experts (transformers)


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
        if text and not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
            raise Refused(f"`moe_layers_enum` holds {quote(text, 40)}, which is no layer")
        if text:
            numbers.add(int(text))
    return tuple(number in numbers for number in range(layers))


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
    return mixture(fields, Traits(verified=False), (mixer,) * layers, sparse, routed=routed, plain=plain_ffn(fields))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What each layer of a Flash model is, those of the MTP modules behind the model's own included."""

    layers: int
    windows: tuple[int | None, ...]
    sparse: tuple[bool, ...]


def _flash(fields: Fields) -> Structure:
    """Step-3.5 and 3.7 Flash: sliding layers with heads of their own number, a gate a head, a corrected router."""
    if fields.word("model_type") == "step3p7" and not fields.has("text_config"):
        raise Refused("`text_config` is missing, and with it the number of heads of the sliding layers")
    fields = fields.with_defaults(
        num_experts_per_tok=8, n_routed_experts=288, moe_intermediate_size=1280, share_expert_dim=1280
    )
    if fields.flag("mlp_bias", default=False):
        raise Refused("biases in the feed-forward are not known in this family")
    for name, others, default in _OTHER_NAMES:
        fields = by_other_name(fields, name, others, default)
    hidden, plan = hidden_of(fields), _plan(fields)
    make = _mixer_maker(fields, hidden)
    shared = fields.count("share_expert_dim", "share_expert_dims", at_least=0)
    moe = Routing(fields.count(*_COUNT), fields.count(*_USED), fields.count("moe_intermediate_size"), shared)
    routed = moe.weights(hidden)
    n = plan.layers
    structure = mixture(
        fields, Traits(), each(plan.windows[:n], make), plan.sparse[:n], routed=routed, plain=plain_ffn(fields),
        buffers=moe.count,
    )  # fmt: skip
    stored = (*routed, *correction("mlp.gate.e_score_correction_bias", moe.count))
    mtp = tuple(
        _predictor(hidden, make(window), stored if sparse else plain_ffn(fields)())
        for window, sparse in zip(plan.windows[n:], plan.sparse[n:], strict=True)
    )
    structure = replace(structure, mtp=mtp, mtp_copies=len(mtp) * structure.vocabulary * hidden)
    declared = fields.optional("num_nextn_predict_layers", "num_mtp_layers") or 0
    if declared > len(mtp):
        structure = replace(structure, notes=("of the MTP modules no layer types are declared: they are not counted",))
    return structure


def _plan(fields: Fields) -> _Plan:
    """Read what each layer is; lists may go on over the MTP modules, and only such lists describe those."""
    layers = fields.layers()
    padded = layers + min(fields.optional("num_nextn_predict_layers", "num_mtp_layers") or 0, MAX_LAYERS)
    types = fields.value("layer_types")
    length = len(types) if isinstance(types, list) and len(types) == padded else layers
    windows = windows_of(fields, length) if types is not None else (None,) * length
    listed = _enumerated(fields, length)
    fallback = tuple(_FIRST_SPARSE <= number < layers for number in range(length)) if listed is None else listed
    kinds = fields.value("mlp_layer_types")
    if isinstance(kinds, list) and len(kinds) == padded:
        fields = deriving(fields, mlp_layer_types=kinds[:length])
    elif kinds is not None and length != layers:
        raise Refused("`layer_types` describes the MTP modules, `mlp_layer_types` does not")
    return _Plan(layers, windows, sparse_by_types(fields, length, fallback))


def _mixer_maker(fields: Fields, hidden: int) -> Callable[[int | None], Mixer]:
    groups = fields.count("num_key_value_heads", "num_attention_groups", default=8)
    full = heads_of(absent(deriving(fields, num_key_value_heads=groups), head_dim=128), hidden=hidden)
    sliding = Heads(_sliding_heads(fields, full.n), full.k, full.d, full.v)
    bias = fields.flag("attention_bias", default=False)
    gating = fields.value("gating")
    is_slim = gating is None or gating is True or gating == "per-head"

    def make(window: int | None) -> Mixer:
        own = full if window is None else sliding
        gate = linear("self_attn.g_proj", own.n if is_slim else own.n * own.d, hidden, Part.ATTENTION)
        return grouped_query(hidden, own, qkv_bias=bias, out_bias=bias, qk_norm="head", window=window, extra=gate)

    return make


def _sliding_heads(fields: Fields, full: int) -> int:
    declared = fields.optional("num_sliding_attention_heads", at_least=1)
    if declared is not None:
        return declared
    other = fields.section("attention_other_setting")
    return full if other is None else other.count("num_attention_heads", default=full)


def _predictor(hidden: int, mixer: Mixer, ffn: Weights) -> Layer:
    """One MTP module: a decoder layer, a projection of 2 h to h, norms of state, embedding and output."""
    names = ("input_layernorm", "post_attention_layernorm", "enorm", "hnorm", "shared_head.norm")
    norms = tuple(weight for name in names for weight in norm(name, hidden))
    projection = linear("eh_proj", hidden, 2 * hidden, Part.DENSE_FFN)
    return Layer(mixer.kind, (*mixer.weights, *ffn, *norms, *projection), mixer.caches, mixer.attend)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "step3_text": _step3,
    "step3_vl": _step3,
    "step3p5": _flash,
    "step3p7": _flash,
}
