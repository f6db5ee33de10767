"""Short convolutions beside or inside of attention: LFM2, LFM2-MoE, LFM3, ZAYA1."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Mixer, experts, feed_forward, grouped_query, linear, norm
from weighbridge.inspection.anatomy.families.hybrids.frame import (
    FULL,
    Frame,
    framed,
    heads_in,
    is_null,
    kinds_in,
    layered,
    library,
    vector,
)
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Attend, Cache, Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Heads, Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_CONV, _SLIDING = "conv", "sliding_attention"
_LFM = Frame(final="embedding_norm")
_PART = Part.LINEAR_ATTENTION


def _short_conv(fields: Fields, hidden: int) -> Mixer:
    """Return a gated short convolution; its state is the last `conv_L_cache` - 1 inputs."""
    kernel, bias = fields.count("conv_L_cache"), fields.flag("conv_bias")
    weights = (
        Weight("conv.conv.weight", _PART, (hidden, 1, kernel)),
        *(vector("conv.conv.bias", hidden) if bias else ()),
        *linear("conv.in_proj", 3 * hidden, hidden, _PART, bias=bias),
        *linear("conv.out_proj", hidden, hidden, _PART, bias=bias),
    )
    return Mixer("conv", weights, state=hidden * (kernel - 1))


def _lfm_norms(hidden: int) -> Weights:
    return (*norm("operator_norm", hidden), *norm("ffn_norm", hidden))


def _lfm_tied(fields: Fields) -> Fields:
    """Return the section where `tie_embedding`, if declared, overrules `tie_word_embeddings`, as in the library."""
    if not fields.has("tie_embedding"):
        return fields
    tied = fields.flag("tie_embedding")
    if fields.has("tie_word_embeddings") and fields.flag("tie_word_embeddings") != tied:
        raise Refused("`tie_embedding` and `tie_word_embeddings` disagree")
    return fields.with_defaults(tie_word_embeddings=tied)


def _lfm2(fields: Fields) -> Structure:
    """LFM2: short convolutions, with attention on some layers; the width of the feed-forward part is adjusted."""
    fields = _lfm_tied(library(fields, "lfm2"))
    hidden, layers = fields.count("hidden_size"), fields.layers()
    kinds = kinds_in(fields, layers, (FULL, _CONV), "layer_types")
    indexes = fields.members("full_attn_idxs") if fields.has("full_attn_idxs") else frozenset(range(layers))
    if kinds is None:
        kinds = tuple(FULL if number in indexes else _CONV for number in range(layers))
    attention = grouped_query(hidden, heads_in(fields, hidden), qk_norm="head")
    mixers = {FULL: attention, _CONV: _short_conv(fields, hidden)}
    ffn = feed_forward(hidden, _adjusted(fields), prefix="feed_forward")
    norms = _lfm_norms(hidden)
    return framed(fields, [layered(mixers[kind], ffn, norms) for kind in kinds], _LFM)


def _adjusted(fields: Fields) -> int:
    """Return the width that LFM2 builds: two thirds, times a factor, rounded up to a multiple."""
    width = fields.count("block_ff_dim", default=fields.count("intermediate_size"))
    if not fields.flag("block_auto_adjust_ff_dim"):
        return width
    width = int(2 * width / 3)
    multiple = fields.count("block_multiple_of")
    factor = fields.ratio("block_ffn_dim_multiplier")
    return max(-(-int(factor * width) // multiple) * multiple, 1)


def _lfm2_moe(fields: Fields) -> Structure:
    """LFM2-MoE: experts behind the first `num_dense_layers`, with a bias of the router that is a buffer."""
    fields = _lfm_tied(library(fields, "lfm2_moe"))
    hidden, layers = fields.count("hidden_size"), fields.layers()
    kinds = kinds_in(fields, layers, (FULL, _CONV), "layer_types")
    if kinds is None:
        raise Refused("`layer_types` is missing")
    attention = grouped_query(hidden, heads_in(fields, hidden), qk_norm="head")
    mixers = {FULL: attention, _CONV: _short_conv(fields, hidden)}
    first, count = fields.count("num_dense_layers", at_least=0), fields.count("num_experts")
    dense = feed_forward(hidden, fields.count("intermediate_size"), prefix="feed_forward")
    width, used = fields.count("moe_intermediate_size"), fields.count("num_experts_per_tok")
    sparse = experts(hidden, width, count, used, prefix="feed_forward")
    norms = _lfm_norms(hidden)
    built = [layered(mixers[kind], dense if number < first else sparse, norms) for number, kind in enumerate(kinds)]
    buffers = count * max(layers - first, 0) if fields.flag("use_expert_bias") else 0
    return replace(framed(fields, built, _LFM), buffers=buffers)


def _lfm3(fields: Fields) -> Structure:
    """LFM3: windows and full attention among short convolutions, a gate a head, norms before and behind each part."""
    fields = library(fields, "lfm3")
    hidden, layers = fields.count("hidden_size"), fields.layers()
    kinds = kinds_in(fields, layers, (FULL, _SLIDING, _CONV), "layer_types") or tuple(
        FULL if number % 4 == 2 else _SLIDING if number % 4 == 0 and number else _CONV  # noqa: PLR2004 - the third
        for number in range(layers)
    )
    heads, bias = heads_in(fields, hidden), fields.flag("attention_bias")
    gate = linear("self_attn.g_proj", heads.n, hidden, Part.ATTENTION)
    extra = gate if fields.flag("use_attention_gate") else ()
    window = None if is_null(fields, "sliding_window") else fields.count("sliding_window")
    if window is None and _SLIDING in kinds:
        raise Refused("layers slide, but `sliding_window` is null")
    mixers = {
        kind: grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="head", window=seen, extra=extra)
        for kind, seen in ((FULL, None), (_SLIDING, window))
    }
    mixers[_CONV] = _short_conv(fields, hidden)
    ffn = feed_forward(hidden, fields.count("intermediate_size"), prefix="feed_forward")
    norms = _lfm_norms(hidden)
    if fields.flag("use_sandwich_norm"):
        norms += (*norm("post_operator_norm", hidden), *norm("post_ffn_norm", hidden))
    return framed(fields, [layered(mixers[kind], ffn, norms) for kind in kinds], _LFM)


def _zaya(fields: Fields) -> Structure:
    """ZAYA1: attention in a compressed space behind convolutions (CCA), experts behind a router of three layers.

    State: the last inputs of both convolutions, and half of the last token's values.
    """
    fields = library(fields, "zaya")
    for key in ("zaya_layers", "cca", "ffn_hidden_size"):
        if fields.has(key):
            raise Refused(f"`{key}` belongs to the vendor's older config, which the library does not read")
    hidden, layers = fields.count("hidden_size"), fields.layers()
    kinds = kinds_in(fields, layers, ("hybrid", "hybrid_sliding"), "layer_types") or ("hybrid",) * layers
    window = fields.optional("sliding_window", at_least=1)
    if window is None and "hybrid_sliding" in kinds:
        raise Refused("layers slide, but `sliding_window` is missing")
    heads = heads_in(fields, hidden)
    mixers = {
        "hybrid": _compressed(fields, hidden, heads, None),
        "hybrid_sliding": _compressed(fields, hidden, heads, window),
    }
    norms = (*norm("input_layernorm", hidden), *norm("post_attention_layernorm", hidden))
    scales = ("hidden_states_scale", "hidden_states_bias", "residual_scale", "residual_bias")
    residual = tuple(
        weight
        for place in ("post_attention_residual_scale", "post_mlp_residual_scale")
        for name in scales
        for weight in vector(f"{place}.{name}", hidden, Part.RESIDUAL)
    )
    first, later = (_zaya_experts(fields, hidden, is_first=one) for one in (True, False))
    built = [layered(mixers[kind], later if number else first, norms, residual) for number, kind in enumerate(kinds)]
    more = tuple(weight for name in scales[:2] for weight in vector(f"model.input_{name}", hidden, Part.RESIDUAL))
    structure = framed(fields, built, head_bias=fields.flag("lm_head_bias"), more=more)
    return replace(structure, buffers=layers * (fields.count("num_experts") + 1))


def _compressed(fields: Fields, hidden: int, heads: Heads, window: int | None) -> Mixer:
    """Return CCA: projections into heads, two convolutions over queries and keys, half of each value delayed."""
    n, k, d = heads.n, heads.k, heads.d
    bias = fields.flag("attention_bias")
    if k * d % 2:
        raise Refused("values of an odd width cannot be halved")
    channels, deep, grouped = (n + k) * d, fields.count("cca_time0"), fields.count("cca_time1")
    place = "self_attn.qkv_proj"
    weights = (
        *linear("self_attn.o_proj", hidden, n * d, Part.ATTENTION, bias=bias),
        *linear(f"{place}.q_proj", n * d, hidden, Part.ATTENTION, bias=bias),
        *linear(f"{place}.k_proj", k * d, hidden, Part.ATTENTION, bias=bias),
        *linear(f"{place}.v_proj_current", k * d // 2, hidden, Part.ATTENTION, bias=bias),
        *linear(f"{place}.v_proj_delayed", k * d // 2, hidden, Part.ATTENTION, bias=bias),
        Weight(f"{place}.conv_qk_depthwise.weight", Part.ATTENTION, (channels, 1, deep)),
        *vector(f"{place}.conv_qk_depthwise.bias", channels, Part.ATTENTION),
        Weight(f"{place}.conv_qk_grouped.weight", Part.ATTENTION, (channels, d, grouped)),
        *vector(f"{place}.conv_qk_grouped.bias", channels, Part.ATTENTION),
        *vector("self_attn.qk_norm.temp", k, Part.NORMS),
    )
    kept = channels * (deep + grouped - 2) + k * d // 2
    kind = "hybrid" if window is None else "sliding"
    return Mixer(kind, weights, (Cache(2 * k * d, window),), (Attend(n, d, d, window=window),), state=kept)


def _zaya_experts(fields: Fields, hidden: int, *, is_first: bool) -> Weights:
    """Return experts, one of which a token visits, behind a router that may also skip them all."""
    count, width = fields.count("num_experts"), fields.count("router_hidden_size")
    if fields.count("num_experts_per_tok") != 1:
        raise Refused("`num_experts_per_tok` is not 1, which the library does not build")
    place = "mlp.gate"
    return (
        *linear(f"{place}.down_proj", width, hidden, Part.ROUTER, bias=True),
        *(() if is_first else vector(f"{place}.router_states_scale", width, Part.ROUTER)),
        *norm(f"{place}.router_mlp.norm", width),
        *linear(f"{place}.router_mlp.fc1", width, width, Part.ROUTER, bias=True),
        *linear(f"{place}.router_mlp.fc2", width, width, Part.ROUTER, bias=True),
        *linear(f"{place}.router_mlp.out_proj", count + 1, width, Part.ROUTER),
        *feed_forward(
            hidden, fields.count("moe_intermediate_size"), prefix="mlp.experts.*",
            part=Part.ROUTED_EXPERTS, copies=count, visited=1,
        ),
    )  # fmt: skip


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "lfm2": _lfm2,
    "lfm2_moe": _lfm2_moe,
    "lfm3": _lfm3,
    "zaya": _zaya,
}
