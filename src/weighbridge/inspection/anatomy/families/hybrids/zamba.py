"""Zamba and Zamba 2: Mamba layers, some of which also run one of a few shared attention blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Heads, Mixer, feed_forward, linear, norm
from weighbridge.inspection.anatomy.families.hybrids.frame import (
    LINEAR,
    Frame,
    framed,
    heads_in,
    kinds_in,
    layered,
    library,
    mixed,
    vector,
)
from weighbridge.inspection.anatomy.families.hybrids.mamba import Scan, rank_in
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Attend, Cache, Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Layer, Structure

__all__ = ["FAMILIES"]

_FRAME = Frame(final="final_layernorm")
_HYBRID = "hybrid"
_KINDS = (LINEAR, _HYBRID)
_PART = Part.LINEAR_ATTENTION
# the layers of Zamba 2 where a config does not list them
_ZAMBA2 = (LINEAR, *(*(LINEAR,) * 5, _HYBRID) * 7, *(LINEAR,) * 4, _HYBRID, *(LINEAR,) * 3, _HYBRID, LINEAR, LINEAR)


def _attention(hidden: int, wide: int, heads: Heads, prefix: str) -> Mixer:
    """Return attention over hidden state and embedding side by side, `wide` elements, back to the hidden size."""
    n, k, d = heads.n, heads.k, heads.d
    weights = (
        *linear(f"{prefix}.self_attn.q_proj", n * d, wide, Part.ATTENTION),
        *linear(f"{prefix}.self_attn.k_proj", k * d, wide, Part.ATTENTION),
        *linear(f"{prefix}.self_attn.v_proj", k * d, wide, Part.ATTENTION),
        *linear(f"{prefix}.self_attn.o_proj", hidden, n * d, Part.ATTENTION),
        *norm(f"{prefix}.input_layernorm", wide),
        *norm(f"{prefix}.pre_ff_layernorm", hidden),
    )
    return Mixer(_HYBRID, weights, (Cache(2 * k * d),), (Attend(n, d, d),))


def _hybrid(mamba: Mixer, attention: Mixer, hidden: int, shared: Weights, *, is_first: bool) -> Layer:
    """Return a Mamba layer that runs a shared block: its weights count where it comes first, its cache at every use."""
    used = Mixer(_HYBRID, attention.weights if is_first else (), attention.caches, attention.attend)
    return layered(
        mixed(_HYBRID, mamba, used),
        linear("linear", hidden, hidden, Part.ATTENTION),
        norm("mamba_decoder.input_layernorm", hidden),
        shared if is_first else (),
    )


def _widths(fields: Fields, hidden: int) -> tuple[int, Heads]:
    """Read the width that attention works on and its heads: both twice the hidden size where nothing is declared."""
    wide = fields.count("attention_hidden_size", default=2 * hidden)
    width = 2 * hidden // fields.count("num_attention_heads")
    return wide, heads_in(fields, hidden, width=fields.count("attention_head_dim", "head_dim", default=width))


def _zamba(fields: Fields) -> Structure:
    """Zamba: one shared block of attention and feed-forward (arXiv 2405.16712)."""
    fields = library(fields, "zamba")
    hidden, layers = fields.count("hidden_size"), fields.layers()
    wide, heads = _widths(fields, hidden)
    kinds = kinds_in(fields, layers, _KINDS, "layers_block_type", "layer_types") or _zamba_kinds(fields, layers)
    attention = _attention(hidden, wide, heads, "shared_transf")
    shared = feed_forward(hidden, fields.count("intermediate_size"), prefix="shared_transf.feed_forward")
    plain = layered(_zamba_mamba(fields, hidden, "mamba"), norm("input_layernorm", hidden))
    inner = _zamba_mamba(fields, hidden, "mamba_decoder.mamba")
    first = kinds.index(_HYBRID) if _HYBRID in kinds else -1
    apart = not fields.flag("tie_word_embeddings")  # the library then ties nothing, not even the shared block
    built = [
        plain if kind == LINEAR else _hybrid(inner, attention, hidden, shared, is_first=apart or number == first)
        for number, kind in enumerate(kinds)
    ]
    return framed(fields, built, _FRAME)


def _zamba_kinds(fields: Fields, layers: int) -> tuple[str, ...]:
    """Return the library's layers: the third, then every `attn_layer_period`-th behind it, run the shared block."""
    if layers < 3:  # noqa: PLR2004 - the library lays three layers first
        raise Refused("Zamba has at least three layers")
    period, offset = fields.count("attn_layer_period"), fields.count("attn_layer_offset", at_least=0)
    later = tuple(_HYBRID if number % period == offset else LINEAR for number in range(layers - 3))
    return (LINEAR, LINEAR, _HYBRID, *later)


def _zamba_mamba(fields: Fields, hidden: int, prefix: str) -> Mixer:
    """Return Zamba's Mamba 1 mixer, whose inner projections are split over `n_mamba_heads` heads."""
    inner, heads = fields.count("mamba_expand") * hidden, fields.count("n_mamba_heads")
    if inner % heads:
        raise Refused(f"{inner} channels cannot be split over {heads} heads")
    state, kernel = fields.count("mamba_d_state"), fields.count("mamba_d_conv")
    rank, width = rank_in(fields, "mamba_dt_rank", hidden), inner // heads
    bias = fields.flag("mamba_proj_bias")
    weights = (
        *linear(f"{prefix}.in_proj", 2 * inner, hidden, _PART, bias=bias),
        Weight(f"{prefix}.conv1d.weight", _PART, (inner, 1, kernel)),
        *(vector(f"{prefix}.conv1d.bias", inner) if fields.flag("mamba_conv_bias") else ()),
        Weight(f"{prefix}.x_proj_weight", _PART, (heads, rank + 2 * state, width)),
        Weight(f"{prefix}.dt_proj_weight", _PART, (heads, width, rank)),
        Weight(f"{prefix}.dt_proj_bias", _PART, (heads, width)),
        Weight(f"{prefix}.A_log", _PART, (heads, width, state)),
        Weight(f"{prefix}.D", _PART, (heads, width)),
        *linear(f"{prefix}.out_proj", hidden, inner, _PART, bias=bias),
    )
    return Mixer("mamba", weights, state=inner * (state + kernel - 1))


def _zamba2(fields: Fields) -> Structure:
    """Zamba 2: `num_mem_blocks` shared blocks in turn, adapted for each use by low-rank pairs (arXiv 2411.15242)."""
    fields = library(fields, "zamba2")
    hidden, layers = fields.count("hidden_size"), fields.layers()
    kinds = kinds_in(fields, layers, _KINDS, "layers_block_type", "layer_types")
    if kinds is None:
        if layers != len(_ZAMBA2):
            raise Refused("`layers_block_type` is missing")
        kinds = _ZAMBA2
    if fields.has("hybrid_layer_ids"):
        listed = [number for number, kind in enumerate(kinds) if kind == _HYBRID]
        if fields.value("hybrid_layer_ids") != listed:
            raise Refused("`hybrid_layer_ids` and `layers_block_type` disagree")
    wide, heads = _widths(fields, hidden)
    attention = _attention(hidden, wide, heads, "shared_transformer")
    blocks, uses = fields.count("num_mem_blocks"), kinds.count(_HYBRID)
    plain = layered(_zamba2_mamba(fields, hidden, "mamba"), norm("input_layernorm", hidden))
    inner = _zamba2_mamba(fields, hidden, "mamba_decoder.mamba")
    apart = not fields.flag("tie_word_embeddings")  # the library then ties nothing, not even the shared blocks
    built, seen = [], 0
    for kind in kinds:
        if kind == LINEAR:
            built.append(plain)
            continue
        adapted = len(range(seen % blocks, uses, blocks))  # how often the block of this layer is used
        is_first = apart or seen < blocks
        shared = _shared(fields, hidden, wide, adapted) if is_first else ()
        built.append(_hybrid(inner, attention, hidden, shared, is_first=is_first))
        seen += 1
    return framed(fields, built, _FRAME)


def _zamba2_mamba(fields: Fields, hidden: int, prefix: str) -> Mixer:
    scan = Scan(
        fields.count("mamba_expand") * hidden,
        fields.count("n_mamba_heads"),
        fields.count("mamba_d_state"),
        fields.count("mamba_ngroups"),
        fields.count("mamba_d_conv"),
    )
    return scan.mixer(hidden, prefix=prefix, bias=fields.flag("add_bias_linear"))


def _shared(fields: Fields, hidden: int, wide: int, uses: int) -> Weights:
    """Return the feed-forward part of a shared block, and the adapters of its `uses`, one of which a layer runs."""
    width = fields.count("intermediate_size", default=4 * hidden)
    bias, rank = fields.flag("add_bias_linear"), fields.count("adapter_rank")
    place = "shared_transformer.feed_forward"
    pairs = [(f"{place}.gate_up_proj_adapter_list.*", hidden, 2 * width, Part.DENSE_FFN)]
    if fields.flag("use_shared_attention_adapter"):
        pairs += [
            (f"shared_transformer.self_attn.linear_{one}_adapter_list.*", wide, wide, Part.ATTENTION) for one in "qkv"
        ]
    return (
        *linear(f"{place}.gate_up_proj", 2 * width, hidden, Part.DENSE_FFN, bias=bias),
        *linear(f"{place}.down_proj", hidden, width, Part.DENSE_FFN, bias=bias),
        *(
            weight
            for name, into, out, part in pairs
            for weight in (
                *linear(f"{name}.0", rank, into, part, copies=uses),
                *linear(f"{name}.1", out, rank, part, copies=uses),
            )
        ),
    )


FAMILIES: dict[str, Callable[[Fields], Structure]] = {"zamba": _zamba, "zamba2": _zamba2}
