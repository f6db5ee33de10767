"""DeepSeekMoE's line over grouped-query attention: DeepSeek-MoE 16B, GLM-4.5, dots1, Solar Open, Hunyuan 3, Ling.

A few shared experts, the first layers dense, from GLM on a router corrected by a stored bias. Formulas after the
classes of transformers 5.23, compared with them to the unit; DeepSeek-MoE and GLM-4.5 also with the totals that the
hub publishes; Ling after its published code, compared with the hub totals of Ling-lite, Ling-mini,
Ling-flash and Ling-1T; the MTP module of Hunyuan 3 with the hub total of Hy3.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families import dense
from weighbridge.inspection.anatomy.families.blocks import QKNorm, feed_forward, grouped_query
from weighbridge.inspection.anatomy.families.decoder import Traits, heads_of, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.layout import FUSED_QUERY, absent, laid_out
from weighbridge.inspection.anatomy.families.mixtures.parts import (
    FUSED_EXPERT_NAMES,
    FUSED_EXPERTS,
    correction,
    each,
    mixture,
    must_be,
    plain_ffn,
    predictor,
    routing,
    sparse_by_types,
    sparse_from,
)
from weighbridge.inspection.anatomy.fields import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_ROUTED = ("n_routed_experts", "num_local_experts")
# Ling 2.0, the diffusion models made from it, and Sarvam, which is built alike
_SECOND = ("bailing_moe_v2", "llada2_moe", "sarvam_moe")
_GLM = {
    "n_routed_experts": 128, "num_experts_per_tok": 8, "n_shared_experts": 1, "moe_intermediate_size": 1408,
    "first_k_dense_replace": 1,
}  # fmt: skip


def _first(fields: Fields, layers: int) -> tuple[bool, ...]:
    return sparse_from(layers, fields.count("first_k_dense_replace", at_least=0))


def _deepseek(fields: Fields) -> Structure:
    """DeepSeek-MoE 16B (`modeling_deepseek.py`): softmax router without correction."""
    fields = fields.with_defaults(first_k_dense_replace=0, moe_layer_freq=1)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    if heads.n * heads.d != hidden:
        raise Refused("heads of another width than the hidden size gives are not known in this family")
    bias = fields.flag("attention_bias", default=False)
    mixer = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias)
    moe = routing(fields, count=("n_routed_experts",), shared="n_shared_experts")
    first = fields.count("first_k_dense_replace", at_least=0)
    sparse = sparse_from(layers, first, every=fields.count("moe_layer_freq"))
    return mixture(fields, Traits(), (mixer,) * layers, sparse, routed=moe.weights(hidden), plain=plain_ffn(fields))


def _glm4_moe(fields: Fields) -> Structure:
    """GLM-4.5 and Air: MTP modules hold a corrected mixture and, beside their own weights, embedding and head again."""
    fields = absent(fields, num_key_value_heads=8).with_defaults(**_GLM)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("attention_bias", default=False)
    qk_norm: QKNorm = "head" if fields.flag("use_qk_norm", default=False) else "none"
    mixer = grouped_query(hidden, heads, qkv_bias=bias, qk_norm=qk_norm)
    moe = routing(fields, count=_ROUTED, shared="n_shared_experts")
    routed = moe.weights(hidden)
    structure = mixture(
        fields, Traits(), (mixer,) * layers, _first(fields, layers), routed=routed, plain=plain_ffn(fields),
        buffers=moe.count,
    )  # fmt: skip
    last = structure.layers[-1]
    weights = (*last.weights, *correction("mlp.gate.e_score_correction_bias", moe.count))
    mtp, copies = predictor(fields, hidden, replace(last, weights=weights), shared=False)
    return replace(structure, mtp=mtp, mtp_copies=copies)


def _glm(fields: Fields) -> Structure:
    """GLM-4.5 under its remote name, which the dense GLM-4 bears as well."""
    if fields.has("n_routed_experts"):
        return _glm4_moe(fields)
    plain = dense.FAMILIES.get("glm")
    if plain is None:
        raise Refused("the dense form of this family is not known")
    return plain(fields)


def _glm4v_moe(fields: Fields) -> Structure:
    """GLM-4.5V's language model: biases on q, k and v, no q/k norm."""
    fields = absent(fields, num_key_value_heads=8).with_defaults(attention_bias=True, **_GLM)
    must_be(fields, "use_qk_norm", False)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    mixer = grouped_query(hidden, heads, qkv_bias=fields.flag("attention_bias"))
    moe = routing(fields, count=_ROUTED, shared="n_shared_experts")
    return mixture(
        fields, Traits(), (mixer,) * layers, _first(fields, layers), routed=moe.weights(hidden),
        plain=plain_ffn(fields), buffers=moe.count,
    )  # fmt: skip


def _dots1(fields: Fields) -> Structure:
    """dots.llm1: q/k norms a head; layers from `max_window_layers` on slide."""
    fields = absent(fields, num_key_value_heads=32, sliding_window=4096).with_defaults(
        moe_intermediate_size=1408, first_k_dense_replace=0, max_window_layers=62
    )
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    windows = windows_of(fields, layers)
    if not fields.has("layer_types"):
        first = fields.count("max_window_layers", at_least=0)
        windows = tuple(window if number >= first else None for number, window in enumerate(windows))
    bias = fields.flag("attention_bias", default=False)
    mixers = each(
        windows, lambda one: grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="head", window=one)
    )
    moe = routing(fields, count=_ROUTED, shared="n_shared_experts")
    return mixture(
        fields, Traits(), mixers, _first(fields, layers), routed=moe.weights(hidden), plain=plain_ffn(fields),
        buffers=moe.count,
    )  # fmt: skip


def _solar_open(fields: Fields) -> Structure:
    """Solar Open: GLM-4.5 with experts in every layer and neither q/k norm nor MTP."""
    fields = absent(fields, num_key_value_heads=8, head_dim=128).with_defaults(
        n_routed_experts=128, num_experts_per_tok=8, n_shared_experts=1, moe_intermediate_size=1280
    )
    must_be(fields, "use_qk_norm", False)
    must_be(fields, "first_k_dense_replace", 0)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    mixer = grouped_query(hidden, heads, qkv_bias=fields.flag("attention_bias", default=False))
    moe = routing(fields, count=_ROUTED, shared="n_shared_experts")
    structure = mixture(
        fields, Traits(), (mixer,) * layers, (True,) * layers, routed=moe.weights(hidden), buffers=moe.count
    )
    return laid_out(structure, fused=FUSED_EXPERTS, names=FUSED_EXPERT_NAMES)


def _hy_v3(fields: Fields) -> Structure:
    """Hunyuan 3: q/k norms a head, the first layer dense unless types say otherwise; MTP shares embedding and head."""
    fields = absent(fields, num_key_value_heads=8, head_dim=128).with_defaults(
        num_experts=192, num_experts_per_tok=8, num_shared_experts=1, moe_intermediate_size=1536
    )
    if not fields.has("mlp_layer_types"):
        must_be(fields, "first_k_dense_replace", 1)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("attention_bias", default=False)
    if fields.flag("mlp_bias", default=False):
        raise Refused("biases in the feed-forward are not known in this family")
    fields.count("num_shared_experts")  # the class makes of none one as wide as a dense layer
    mixer = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="head")
    moe = routing(fields, count=("num_experts", "num_local_experts"), shared="num_shared_experts")
    structure = mixture(
        fields, Traits(), (mixer,) * layers, sparse_by_types(fields, layers, sparse_from(layers, 1)),
        routed=moe.weights(hidden), plain=plain_ffn(fields), buffers=moe.count,
    )  # fmt: skip
    last = structure.layers[-1]
    weights = (*last.weights, *correction("mlp.expert_bias", moe.count))
    mtp, _ = predictor(fields, hidden, replace(last, weights=weights), shared=True)
    return replace(structure, mtp=mtp)


def _bailing(fields: Fields) -> Structure:
    """Ling and Ring: fused q, k, v; version 2 adds q/k norms and a corrected router."""
    second = _is_second(fields)
    fields = fields.with_defaults(num_shared_experts=0, first_k_dense_replace=0)
    must_be(fields, "use_sliding_window", False)
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    qk_norm: QKNorm = "head" if fields.flag("use_qk_norm", default=second) else "none"
    mixer = grouped_query(
        hidden, heads, prefix="attention", qkv_bias=fields.flag("use_qkv_bias", default=False),
        out_bias=fields.flag("use_bias", default=False), qk_norm=qk_norm,
    )  # fmt: skip
    moe = routing(fields, count=("num_experts",), shared="num_shared_experts")
    corrected = second and fields.flag("moe_router_enable_expert_bias", default=True)
    structure = mixture(
        fields, Traits(), (mixer,) * layers, _first(fields, layers), routed=moe.weights(hidden),
        plain=feed_forward(hidden, fields.count("intermediate_size")), buffers=moe.count if corrected else 0,
    )  # fmt: skip
    names = {
        "attention.o_proj": "attention.dense", "q_norm": "query_layernorm", "k_norm": "key_layernorm",
        "model.embed_tokens": "model.word_embeddings",
    }  # fmt: skip
    structure = laid_out(structure, fused={"query_key_value": FUSED_QUERY}, names=names)
    last = structure.layers[-1]
    if corrected:
        last = replace(last, weights=(*last.weights, *correction("mlp.gate.expert_bias", moe.count)))
    mtp, _ = predictor(fields, hidden, last, shared=True)
    return replace(structure, mtp=mtp)


def _is_second(fields: Fields) -> bool:
    named = fields.value("architectures")
    return fields.word("model_type") in _SECOND or named == ["BailingMoeV2ForCausalLM"]


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "deepseek": _deepseek,
    "glm4_moe": _glm4_moe,
    "glm": _glm,
    "glm4v_moe": _glm4v_moe,
    "glm4v_moe_text": _glm4v_moe,
    "dots1": _dots1,
    "solar_open": _solar_open,
    "hy_v3": _hy_v3,
    "bailing_moe": _bailing,
    "bailing_moe_v2": _bailing,
    "llada2_moe": _bailing,
    "sarvam_moe": _bailing,
}
