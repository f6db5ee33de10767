"""Recurrences of other kinds: RecurrentGemma, RWKV 4 and 7, xLSTM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Mixer, feed_forward, grouped_query, linear, norm
from weighbridge.inspection.anatomy.families.hybrids.frame import (
    FULL,
    LINEAR,
    Frame,
    framed,
    heads_in,
    layered,
    library,
    vector,
)
from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_PART = Part.LINEAR_ATTENTION
_REPEATS = 100  # how often the library repeats `block_types` at most
_RWKV = Frame(root="rwkv.", embedding="embeddings", final="ln_out", head="head", layers="blocks", bias=True)
_RWKV7 = Frame(embedding="embeddings", bias=True)
_XLSTM = Frame(root="backbone.", embedding="embeddings", final="out_norm", layers="blocks")


def _recurrent_gemma(fields: Fields) -> Structure:
    """RecurrentGemma (Griffin, arXiv 2402.19427): `block_types` over and over; half the width in each feed-forward."""
    fields = library(fields, "recurrent_gemma")
    hidden, layers = fields.count("hidden_size"), fields.layers()
    n = fields.count("num_attention_heads")
    heads = heads_in(fields, hidden)
    window = fields.count("attention_window_size", "sliding_window")
    bias = fields.flag("attention_bias")
    place = "temporal_block"
    mixers = {
        FULL: grouped_query(hidden, heads, prefix=place, qkv_bias=bias, out_bias=True, window=window),
        LINEAR: _recurrence(fields, hidden, n),
    }
    ffn = feed_forward(hidden, fields.count("intermediate_size", at_least=2) // 2, prefix="mlp_block", bias=True)
    norms = (*norm("temporal_pre_norm", hidden), *norm("channel_pre_norm", hidden))
    built = [layered(mixers[kind], ffn, norms) for kind in _blocks(fields, layers)]
    return framed(fields, built, Frame(final="final_norm"))


def _blocks(fields: Fields, layers: int) -> tuple[str, ...]:
    """Return the kinds of layers; the library repeats `block_types` a hundred times at most."""
    types = fields.value("block_types")
    if types is None:
        types = ["recurrent", "recurrent", "attention"]
    if not isinstance(types, list) or not 0 < len(types) <= MAX_LAYERS:
        raise Refused("`block_types` is no list of kinds")
    if any(one not in ("recurrent", "attention") for one in types):
        raise Refused("`block_types` holds a kind that RecurrentGemma does not have")
    if layers > _REPEATS * len(types):
        raise Refused("`block_types` is too short for the layers")
    return tuple(FULL if types[number % len(types)] == "attention" else LINEAR for number in range(layers))


def _recurrence(fields: Fields, hidden: int, heads: int) -> Mixer:
    """Return a gated linear recurrence of `lru_width` channels; state: one element and kernel - 1 inputs a channel."""
    width = fields.count("lru_width", default=hidden)
    if width % heads:
        raise Refused(f"{width} channels cannot be split over {heads} heads")
    block, kernel, name = width // heads, fields.count("conv1d_width"), "temporal_block"
    weights = (
        *linear(f"{name}.linear_y", width, hidden, _PART, bias=True),
        *linear(f"{name}.linear_x", width, hidden, _PART, bias=True),
        *linear(f"{name}.linear_out", hidden, width, _PART, bias=True),
        Weight(f"{name}.conv_1d.weight", _PART, (width, 1, kernel)),
        *vector(f"{name}.conv_1d.bias", width),
        *vector(f"{name}.rg_lru.recurrent_param", width),
        *(
            weight
            for gate in ("input_gate", "recurrent_gate")
            for weight in (
                Weight(f"{name}.rg_lru.{gate}_weight", _PART, (heads, block, block)),
                Weight(f"{name}.rg_lru.{gate}_bias", _PART, (heads, block)),
            )
        ),
    )
    return Mixer("recurrent", weights, state=width * kernel)


def _rwkv(fields: Fields) -> Structure:
    """RWKV 4 (arXiv 2305.13048); state: two last inputs of the hidden size, three sums of the attention's width."""
    fields = library(fields, "rwkv")
    hidden, layers = fields.count("hidden_size"), fields.layers()
    inner = fields.count("attention_hidden_size", default=hidden)
    width = fields.count("intermediate_size", default=4 * hidden)
    place = "attention"
    mixer = Mixer(
        "rwkv",
        (
            *vector(f"{place}.time_decay", inner),
            *vector(f"{place}.time_first", inner),
            *(one for name in ("key", "value", "receptance") for one in _shift(f"{place}.time_mix_{name}", hidden)),
            *(
                one
                for name in ("key", "value", "receptance")
                for one in linear(f"{place}.{name}", inner, hidden, _PART)
            ),
            *linear(f"{place}.output", hidden, inner, _PART),
        ),
        state=2 * hidden + 3 * inner,
    )
    ffn = (
        *_shift("feed_forward.time_mix_key", hidden, Part.DENSE_FFN),
        *_shift("feed_forward.time_mix_receptance", hidden, Part.DENSE_FFN),
        *linear("feed_forward.key", width, hidden, Part.DENSE_FFN),
        *linear("feed_forward.receptance", hidden, hidden, Part.DENSE_FFN),
        *linear("feed_forward.value", hidden, width, Part.DENSE_FFN),
    )
    norms = (*norm("ln1", hidden, bias=True), *norm("ln2", hidden, bias=True))
    first = layered(mixer, ffn, norms, norm("pre_ln", hidden, bias=True))
    return framed(fields, [first, *[layered(mixer, ffn, norms)] * (layers - 1)], _RWKV)


def _shift(name: str, hidden: int, part: Part = _PART) -> Weights:
    """Return the share of the last token in a mix of two."""
    return (Weight(name, part, (1, 1, hidden)),)


def _rwkv7(fields: Fields) -> Structure:
    """RWKV 7 (arXiv 2503.14456) as flash-linear-attention builds it; equal to the published 0.1B to 7.2B to the unit.

    State: a square matrix a head, and the last input of both parts of a layer.
    """
    fields = fields.with_defaults(tie_word_embeddings=False)
    if fields.has("attn"):
        raise Refused("`attn` mixes attention in, and how is not known")
    if fields.value("norm_bias") is False or fields.value("norm_first") is False:
        raise Refused("`norm_bias` and `norm_first` are not those of any known RWKV 7")
    hidden, width = fields.count("hidden_size"), fields.count("head_dim")
    if hidden % width:
        raise Refused(f"a hidden size of {hidden} cannot be split into heads of {width}")
    if fields.has("value_dim") and set(fields.counts("value_dim", fields.layers()) or ()) != {hidden}:
        raise Refused("`value_dim` is not the hidden size")
    ffn = (
        *vector("ffn.x_k", hidden, Part.DENSE_FFN),
        *feed_forward(hidden, fields.count("intermediate_size"), prefix="ffn", gated=False),
    )
    norms = (*norm("attn_norm", hidden, bias=True), *norm("ffn_norm", hidden, bias=True))
    first, later = (_time_mix(fields, hidden, width, is_first=one) for one in (True, False))
    built = [layered(first, ffn, norms, norm("pre_norm", hidden, bias=True))]
    return framed(fields, [*built, *[layered(later, ffn, norms)] * (fields.layers() - 1)], _RWKV7)


def _time_mix(fields: Fields, hidden: int, width: int, *, is_first: bool) -> Mixer:
    """Return the time mixing of RWKV 7; only later layers mix the first layer's values in."""
    ranks = {"w_lora": "decay_low_rank_dim", "a_lora": "a_low_rank_dim", "v_lora": "v_low_rank_dim"}
    pairs = {name: fields.count(key) for name, key in ranks.items() if not (is_first and name == "v_lora")}
    gate = fields.count("gate_low_rank_dim")
    place = "attn"
    weights = (
        *(one for name in "rwkvag" for one in _shift(f"{place}.x_{name}", hidden)),
        *(one for name in ("k_k", "k_a") for one in vector(f"{place}.{name}", hidden)),
        Weight(f"{place}.r_k", _PART, (hidden // width, width)),
        *(one for name in "rkvo" for one in linear(f"{place}.{name}_proj", hidden, hidden, _PART)),
        *(one for name, rank in pairs.items() for one in linear(f"{place}.{name}.lora.0", rank, hidden, _PART)),
        *(
            one
            for name, rank in pairs.items()
            for one in linear(f"{place}.{name}.lora.2", hidden, rank, _PART, bias=True)
        ),
        *linear(f"{place}.g_lora.lora.0", gate, hidden, _PART),
        *linear(f"{place}.g_lora.lora.2", hidden, gate, _PART),
        *norm(f"{place}.g_norm", hidden, bias=True),
    )
    return Mixer("rwkv", weights, state=hidden * width + 2 * hidden)


def _xlstm(fields: Fields) -> Structure:
    """Build an xLSTM (arXiv 2503.13427); state: for each head a matrix, a vector and a scalar."""
    fields = library(fields, "xlstm")
    hidden, layers = fields.count("hidden_size", "embedding_dim"), fields.layers("num_hidden_layers", "num_blocks")
    if (fields.word("weight_mode") or "single") != "single" or fields.flag("use_bias"):
        raise Refused("`weight_mode` and `use_bias` are not those of any known xLSTM")
    if not fields.flag("add_out_norm"):
        raise Refused("`add_out_norm` is off, but the library builds the norm all the same")
    n = fields.count("num_heads")
    qk, v = int(hidden * fields.ratio("qk_dim_factor")), int(hidden * fields.ratio("v_dim_factor"))
    multiple = fields.count("ffn_round_up_to_multiple_of")
    width = int((hidden * fields.ratio("ffn_proj_factor") + multiple - 1) // multiple * multiple)
    if not qk or not v or not width or qk % n or v % n:
        raise Refused(f"{qk} and {v} elements cannot be split over {n} heads")
    sizes = {"q": qk, "k": qk, "v": v, "ogate_preact": v}
    mixer = Mixer(
        "mlstm",
        (
            *(one for name, size in sizes.items() for one in linear(f"mlstm_layer.{name}", size, hidden, _PART)),
            *linear("mlstm_layer.igate_preact", n, hidden, _PART, bias=True),
            *linear("mlstm_layer.fgate_preact", n, hidden, _PART, bias=True),
            *norm("mlstm_layer.multihead_norm", v),
            *linear("mlstm_layer.out_proj", hidden, v, _PART),
        ),
        state=qk // n * v + qk + n,
    )
    gates = {"proj_up_gate": (width, hidden), "proj_up": (width, hidden), "proj_down": (hidden, width)}
    ffn = tuple(Weight(f"ffn.{name}.weight", Part.DENSE_FFN, shape) for name, shape in gates.items())
    layer = layered(mixer, ffn, norm("norm_mlstm", hidden), norm("norm_ffn", hidden))
    return framed(fields, [layer] * layers, _XLSTM, can_tie=False)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "recurrent_gemma": _recurrent_gemma,
    "rwkv": _rwkv,
    "rwkv7": _rwkv7,
    "xlstm": _xlstm,
}
