"""Hunyuan and ERNIE 4.5: fields that may be lists, keys and values shared across layers, interval mixtures.

Formulas after the classes of transformers 5.23, compared with them to the unit; Hunyuan-Large after its published
code and paper (arXiv 2411.02265); ERNIE's MTP block with the hub's total of ERNIE-4.5-21B-A3B-PT.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.formats.place import quote
from weighbridge.inspection.anatomy.families.blocks import (
    Heads,
    Mixer,
    Weights,
    feed_forward,
    grouped_query,
    linear,
    norm,
)
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, heads_of, hidden_of
from weighbridge.inspection.anatomy.families.lines.layout import absent, deriving, laid_out
from weighbridge.inspection.anatomy.families.mixtures.parts import Routing, correction, each, mixture, must_be
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Layer, Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_NAMES = {"q_norm": "query_layernorm", "k_norm": "key_layernorm"}


def _heads(fields: Fields) -> Heads:
    declared = fields.optional("head_dim", "attention_head_dim", at_least=1)
    return heads_of(deriving(fields, head_dim=declared))


def _shared_count(fields: Fields, layers: int) -> tuple[int, ...]:
    """Shared experts of each layer: a number or a list, which one flag switches on."""
    if not fields.flag("use_mixed_mlp_moe", default=True):
        return (0,) * layers
    return fields.counts("num_shared_expert", layers) or (1,) * layers


def _hunyuan_ffn(fields: Fields, hidden: int, layers: int) -> tuple[Weights, ...]:
    """Return each layer's mixture; every quantity may be one number or one a layer; one expert alone is no mixture."""
    width = fields.count("intermediate_size")
    counts = fields.counts("num_experts", layers, at_least=1) or (1,) * layers
    used = fields.counts("moe_topk", layers, at_least=1) or fields.counts("num_experts_per_tok", layers, at_least=1)
    widths = fields.counts("moe_intermediate_size", layers, at_least=1) or (width,) * layers
    shared = _shared_count(fields, layers)
    if used is None:
        raise Refused("`moe_topk` is missing")

    def ffn(kind: tuple[int, int, int, int]) -> Weights:
        count, visited, wide, beside = kind
        if count == 1:
            return feed_forward(hidden, width)
        moe = Routing(count, visited, wide, beside * width)
        return moe.weights(hidden, router="gate.wg", shared_prefix="shared_mlp")

    kinds = tuple(zip(counts, used, widths, shared, strict=True))
    made = {kind: ffn(kind) for kind in set(kinds)}
    return tuple(made[kind] for kind in kinds)


def _follower(fields: Fields, layers: int) -> tuple[bool, ...]:
    """Return which layers read the keys and values of a layer before them (cross-layer attention)."""
    if not fields.flag("use_cla", default=False):
        return (False,) * layers
    factor = fields.count("cla_share_factor")
    return tuple(number % factor != 0 for number in range(layers))


def _hunyuan(fields: Fields) -> Structure:
    """Hunyuan-Large: groups of layers share the keys and values of their first."""
    must_be(fields, "moe_layer_num_skipped", 0)
    fields.value("kv_lora_rank", "q_lora_rank")
    hidden, layers, heads = hidden_of(fields), fields.layers(), _heads(fields)
    bias = fields.flag("attention_bias", default=False)
    normed = fields.flag("use_qk_norm")
    own = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="head" if normed else "none")
    borrowed = tuple(w for w in own.weights if not w.name.startswith(("self_attn.k_proj", "self_attn.v_proj")))
    follower = replace(own, kind="shared", weights=borrowed, caches=())
    mixers = each(_follower(fields, layers), lambda follows: follower if follows else own)
    blocks = tuple(zip(mixers, _hunyuan_ffn(fields, hidden, layers), strict=True))
    return laid_out(assemble(fields, Traits(verified=False), blocks), names=_NAMES)


def _hunyuan_v1_moe(fields: Fields) -> Structure:
    """Hunyuan-A13B: one shared expert as wide as a routed one, in every layer."""
    for key in ("use_cla", "mlp_bias"):
        must_be(fields, key, False)
    for key in ("use_qk_norm", "use_mixed_mlp_moe"):
        must_be(fields, key, True)
    must_be(fields, "moe_layer_num_skipped", 0)
    fields = absent(fields, num_experts=1, moe_topk=1)
    hidden, layers, heads = hidden_of(fields), fields.layers(), _heads(fields)
    width = fields.count("intermediate_size")
    for key, expected in (("moe_intermediate_size", width), ("num_shared_expert", 1)):
        declared = fields.counts(key, layers)
        if declared is not None and set(declared) != {expected}:
            raise Refused(f"{quote(key)} is not {expected} in every layer, which the library's class does not build")
    count = fields.counts("num_experts", layers, at_least=1) or ()
    if len(set(count)) != 1:
        raise Refused("`num_experts` differs between layers, which the library's class does not build")
    used = fields.counts("moe_topk", layers, at_least=1)
    aside = fields.counts("num_experts_per_tok", layers, at_least=1)
    if used is None or (aside is not None and "moe_topk" in fields.config and aside != used):
        raise Refused("`moe_topk` is missing, or `num_experts_per_tok` disagrees with it")
    bias = fields.flag("attention_bias", default=False)
    mixer = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="head")
    routed = {
        one: Routing(count[0], one, width, width).weights(hidden, router="gate.wg", shared_prefix="shared_mlp")
        for one in set(used)
    }
    return laid_out(assemble(fields, Traits(), [(mixer, routed[one]) for one in used]), names=_NAMES)


def _ernie(fields: Fields) -> Structure:
    """ERNIE 4.5: a mixture every so many layers between two bounds, its router's correction held as a parameter."""
    fields = absent(fields, num_key_value_heads=4).with_defaults(
        moe_num_experts=64, moe_k=6, moe_num_shared_experts=2, moe_intermediate_size=1536, moe_layer_start_index=1,
        moe_layer_interval=1,
    )  # fmt: skip
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("use_bias", default=False)
    mixer = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias)
    moe = _ernie_routing(fields)
    routed = moe.weights(hidden)
    if bias:
        raise Refused("biases in the feed-forward are not known in this family")
    routed = (*routed, *correction("mlp.gate.moe_statics.e_score_correction_bias", moe.count))
    plain = feed_forward(hidden, fields.count("intermediate_size"))
    structure = mixture(
        fields, Traits(tied=True), (mixer,) * layers, _ernie_sparse(fields, layers), routed=routed, plain=plain
    )
    count = fields.optional("num_nextn_predict_layers") or 0
    return replace(structure, mtp=(_ernie_predictor(hidden, mixer, plain),) * count)


def _ernie_routing(fields: Fields) -> Routing:
    width = fields.count("moe_intermediate_size")
    shared = fields.count("moe_num_shared_experts", at_least=0) * width
    count, used = fields.count("moe_num_experts", "num_experts"), fields.count("moe_k", "num_experts_per_tok")
    return Routing(count, used, width, shared)


def _ernie_sparse(fields: Fields, layers: int) -> tuple[bool, ...]:
    first = fields.count("moe_layer_start_index", at_least=0)
    every = fields.count("moe_layer_interval")
    last = fields.value("moe_layer_end_index")
    end = layers - 1 if last in (None, -1) else fields.count("moe_layer_end_index", at_least=0)
    return tuple(first <= number <= end and (number + 1) % every == 0 for number in range(layers))


def _ernie_predictor(hidden: int, mixer: Mixer, plain: Weights) -> Layer:
    """One dense MTP block: a layer, a projection of 2 h to h, norms of state and embedding; embedding, head shared."""
    names = ("input_layernorm", "post_attention_layernorm", "mtp_emb_norm", "mtp_hidden_norm")
    norms = tuple(weight for name in names for weight in norm(name, hidden))
    projection = linear("mtp_linear_proj", hidden, 2 * hidden, Part.DENSE_FFN)
    return Layer(mixer.kind, (*mixer.weights, *plain, *norms, *projection), mixer.caches, mixer.attend)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "hunyuan": _hunyuan,
    "hunyuan_v1_moe": _hunyuan_v1_moe,
    "ernie4_5_moe": _ernie,
}
