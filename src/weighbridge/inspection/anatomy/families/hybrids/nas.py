"""Models from neural architecture search, whose layers all differ: Llama-Nemotron (Puzzle) and DeciLM."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from weighbridge.inspection.anatomy.families.blocks import Heads, Mixer, feed_forward, grouped_query, linear, norm
from weighbridge.inspection.anatomy.families.hybrids.frame import framed, layered
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.structure import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Weights
    from weighbridge.inspection.anatomy.structure import Layer, Structure

__all__ = ["FAMILIES"]

_MULTIPLE = 256
_UNREAD = ("window_length", "llama4", "mamba", "moe", "hybrid_block", "parallel_blocks", "sparsify", "attention_chunk")


def _nas(fields: Fields) -> Structure:
    """Llama-Nemotron: attention and feed-forward of each layer by `block_configs` (Puzzle, arXiv 2411.19146).

    Llama-3.3-Nemotron-Super-49B gives the hub's 49,867,145,216 parameters.
    """
    fields = fields.with_defaults(tie_word_embeddings=False)
    hidden, layers = fields.count("hidden_size"), fields.layers()
    blocks = fields.value("block_configs")
    if blocks is None:
        return _deci(fields, hidden, layers)
    if not isinstance(blocks, list) or len(blocks) != layers:
        raise Refused(f"`block_configs` is no list of {layers} layers")
    n = fields.count("num_attention_heads")
    if hidden % n:
        raise Refused(f"a hidden size of {hidden} cannot be split over {n} heads")
    if fields.has("num_key_value_heads") and not isinstance(fields.value("num_key_value_heads"), int):
        raise Refused("`num_key_value_heads` is not a whole number")
    qkv, bias = fields.flag("attention_bias", default=False), fields.flag("mlp_bias", default=False)
    if bias:
        raise Refused("`mlp_bias` is on, which no known model of this family has")
    return framed(fields, [_block(block, hidden, n, bias=qkv) for block in blocks])


def _block(block: Any, hidden: int, n: int, *, bias: bool) -> Layer:
    """Return one layer; a part that is left out takes its norm along."""
    if not isinstance(block, dict):
        raise Refused("`block_configs` holds what is no object")
    attention, ffn = Fields(block).section("attention"), Fields(block).section("ffn")
    if attention is None or ffn is None or block.get("parallel_blocks") is not None:
        raise Refused("`block_configs` holds a block without attention and feed-forward part")
    mixer = _attention(attention, hidden, n, bias=bias)
    parts: list[Weights] = []
    if mixer is not None:
        parts.append(norm("input_layernorm", hidden))
    if not ffn.flag("no_op", default=False):
        parts += [norm("post_attention_layernorm", hidden), _ffn(ffn, hidden)]
    return layered(mixer, *parts)


def _known(part: Fields) -> None:
    """Refuse what newer searches vary and these formulas do not hold."""
    for key in _UNREAD:
        if part.value(key):
            raise Refused(f"`block_configs` declares `{key}`, whose formula is not known")


def _attention(part: Fields, hidden: int, n: int, *, bias: bool) -> Mixer | None:
    """Return grouped-query attention, one square projection in its place, or nothing."""
    if part.flag("no_op", default=False):
        return None
    if part.flag("replace_with_linear", default=False):
        return Mixer("linear", linear("self_attn.linear_attn", hidden, hidden, Part.ATTENTION, bias=bias))
    _known(part)
    group = part.count("n_heads_in_group")
    if n % group:
        raise Refused(f"{n} heads cannot be put in groups of {group}")
    d = hidden // n
    return grouped_query(hidden, Heads(n, n // group, d, d), qkv_bias=bias, out_bias=bias)


def _ffn(part: Fields, hidden: int) -> Weights:
    """Return a gated feed-forward part of 2/3 `ffn_mult` times the hidden size, rounded up to 256; or one square."""
    if part.flag("replace_with_linear", default=False):
        return linear("mlp.linear_mlp", hidden, hidden, Part.DENSE_FFN)
    _known(part)
    width = int(2 * part.ratio("ffn_mult") * hidden / 3)
    if width < 1:
        raise Refused("`ffn_mult` leaves the feed-forward part no width")
    return feed_forward(hidden, -(-width // _MULTIPLE) * _MULTIPLE)


def _deci(fields: Fields, hidden: int, layers: int) -> Structure:
    """DeciLM-6B and 7B: Llama with key-value heads by layer."""
    kept = fields.counts("num_key_value_heads_per_layer", layers, at_least=1)
    if kept is None:
        raise Refused("`block_configs` and `num_key_value_heads_per_layer` are missing")
    n = fields.count("num_attention_heads")
    if hidden % n:
        raise Refused(f"a hidden size of {hidden} cannot be split over {n} heads")
    bias = fields.flag("attention_bias", default=False)
    norms = (*norm("input_layernorm", hidden), *norm("post_attention_layernorm", hidden))
    ffn = feed_forward(hidden, fields.count("intermediate_size"))
    built = [
        layered(grouped_query(hidden, Heads(n, k, hidden // n, hidden // n), qkv_bias=bias, out_bias=bias), ffn, norms)
        for k in kept
    ]
    return replace(framed(fields, built), is_verified=False)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {"nemotron-nas": _nas, "deci": _nas}
