"""The GPT line: decoders without a gate that came before Llama, as transformers 5.23 builds them.

GPT-2 stores its projections transposed (in, out); the shapes here are (out, in) as everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.decoder import Traits, dense, hidden_of
from weighbridge.inspection.anatomy.families.lines.layout import FUSED_QUERY, deriving, laid_out, switched_on
from weighbridge.inspection.anatomy.families.lines.llama import split_evenly
from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Refused
from weighbridge.inspection.anatomy.structure import Part, Structure, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields

__all__ = ["FAMILIES", "plain", "positions"]

_BIASED = Traits(qkv_bias=True, out_bias=True, mlp_bias=True, gated=False, norm_bias=True, tied=True)
_ONE_NORM = replace(
    _BIASED, qkv_bias=False, out_bias=False, norms=("input_layernorm",), tied=False, head_bias=True
)  # fmt: skip
_GPT_NAMES = {
    "model.embed_tokens.": "transformer.wte.", "model.norm.": "transformer.ln_f.", "input_layernorm": "ln_1",
    "post_attention_layernorm": "ln_2", "self_attn.": "attn.",
}  # fmt: skip
_CONV_NAMES = {**_GPT_NAMES, "o_proj": "c_proj", "up_proj": "c_fc", "down_proj": "c_proj"}
_IN_NAMES = {**_GPT_NAMES, "o_proj": "out_proj", "up_proj": "fc_in", "down_proj": "fc_out"}


def plain(fields: Fields, wide: int | None = None) -> Fields:
    """Return the section under today's names: all heads have keys of their own, feed-forward is 4 hidden or `wide`."""
    if switched_on(fields, "add_cross_attention"):
        raise Refused("`add_cross_attention` makes a decoder of an encoder, which is no language model of its own")
    hidden = hidden_of(fields)
    return deriving(
        split_evenly(fields, all_keys=True),
        hidden_size=hidden,
        num_hidden_layers=fields.layers("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
        num_attention_heads=fields.count("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads"),
        intermediate_size=wide or 4 * hidden,
    )


def positions(structure: Structure, name: str, count: int) -> Structure:
    """Return the structure with a learned vector for each of `count` positions."""
    table = Weight(name, Part.EMBEDDING, (count, structure.hidden_size))
    return replace(structure, outside=(*structure.outside, table))


def _inner(fields: Fields) -> int | None:
    return fields.optional("n_inner", "intermediate_size", at_least=1)


def _gpt2(fields: Fields) -> Structure:
    """GPT-2: learned positions, fused projections."""
    structure = dense(plain(fields, _inner(fields)), _BIASED)
    count = fields.count("n_positions", "max_position_embeddings", default=1024)
    laid = laid_out(structure, prefix="transformer.h", fused={"c_attn": FUSED_QUERY}, names=_CONV_NAMES)
    return positions(laid, "transformer.wpe.weight", count)


def _bigcode(fields: Fields) -> Structure:
    """GPT BigCode (StarCoder): GPT-2 with one key-value head for all."""
    said = plain(fields, _inner(fields))
    if fields.flag("multi_query", default=True):
        said = deriving(said, num_key_value_heads=1)
    laid = laid_out(
        dense(said, _BIASED), prefix="transformer.h", fused={"c_attn": FUSED_QUERY}, names=_CONV_NAMES
    )  # fmt: skip
    return positions(
        laid, "transformer.wpe.weight", fields.count("n_positions", "max_position_embeddings", default=1024)
    )


def _openai(fields: Fields) -> Structure:
    """GPT-1: GPT-2 without a norm at the end."""
    structure = dense(plain(fields), replace(_BIASED, final_norm=False))
    names = {**_CONV_NAMES, "model.embed_tokens.": "transformer.tokens_embed."}
    laid = laid_out(structure, prefix="transformer.h", fused={"c_attn": FUSED_QUERY}, names=names)
    count = fields.count("n_positions", "max_position_embeddings", default=512)
    return positions(laid, "transformer.positions_embed.weight", count)


def _neo(fields: Fields) -> Structure:
    """GPT-Neo: layers of the kind `local` see a window."""
    said = plain(fields, fields.optional("intermediate_size", at_least=1))
    window = fields.count("window_size", default=256)
    kinds = _neo_kinds(fields, said.layers())
    windows = [window if kind == "local" else None for kind in kinds]
    structure = dense(said, replace(_BIASED, qkv_bias=False), windows=windows)
    names = {**_CONV_NAMES, "o_proj": "out_proj", "self_attn.": "attn.attention."}
    laid = laid_out(structure, prefix="transformer.h", names=names)
    return positions(laid, "transformer.wpe.weight", fields.count("max_position_embeddings", default=2048))


def _neo_kinds(fields: Fields, layers: int) -> list[str]:
    """Read `attention_types`: pairs of a list of kinds and how often it is repeated."""
    declared = fields.value("attention_types")
    if declared is None:
        declared = [[["global", "local"], 12]]
    kinds: list[str] = []
    for item in declared if isinstance(declared, list) else [None]:
        match item:
            case [list(pattern), int(times)] if 0 < times <= MAX_LAYERS and len(pattern) <= MAX_LAYERS:
                kinds += [str(kind) for kind in pattern] * times
            case _:
                raise Refused("`attention_types` is no list of patterns")
        if len(kinds) > layers:
            break
    if len(kinds) != layers or set(kinds) - {"global", "local"}:
        raise Refused(f"`attention_types` does not say `global` or `local` for {layers} layers")
    return kinds


def _gptj(fields: Fields) -> Structure:
    """GPT-J: one norm for both blocks, no bias in attention, one in the head."""
    return laid_out(dense(plain(fields, _inner(fields)), _ONE_NORM), prefix="transformer.h", names=_IN_NAMES)


def _codegen(fields: Fields) -> Structure:
    """CodeGen: GPT-J with fused projections."""
    structure = dense(plain(fields, _inner(fields)), _ONE_NORM)
    return laid_out(structure, prefix="transformer.h", fused={"qkv_proj": FUSED_QUERY}, names=_IN_NAMES)


def _neox(fields: Fields) -> Structure:
    """GPT-NeoX and Pythia: biases everywhere unless switched off in attention."""
    bias = fields.flag("attention_bias", default=True)
    said = plain(fields, fields.count("intermediate_size"))
    structure = dense(said, replace(_BIASED, qkv_bias=bias, out_bias=bias, tied=False))
    names = {
        "model.embed_tokens.": "gpt_neox.embed_in.", "model.norm.": "gpt_neox.final_layer_norm.", "o_proj": "dense",
        "self_attn.": "attention.", "up_proj": "dense_h_to_4h", "down_proj": "dense_4h_to_h",
    }  # fmt: skip
    return laid_out(structure, prefix="gpt_neox.layers", fused={"query_key_value": FUSED_QUERY}, names=names)


def _opt(fields: Fields) -> Structure:
    """OPT: two positions more than it counts; OPT-350m embeds in a smaller width and norms after its blocks."""
    bias = fields.flag("enable_bias", default=True)
    affine = fields.flag("layer_norm_elementwise_affine", default=True)
    final = fields.flag("do_layer_norm_before", default=True) and not switched_on(fields, "_remove_final_layer_norm")
    norms = ("self_attn_layer_norm", "final_layer_norm") if affine else ()
    traits = replace(
        _BIASED, qkv_bias=bias, out_bias=bias, mlp_bias=bias, norms=norms, final_norm=final and affine
    )  # fmt: skip
    structure = dense(plain(fields, fields.count("ffn_dim")), traits)
    names = {
        "model.embed_tokens.": "model.decoder.embed_tokens.", "model.norm.": "model.decoder.final_layer_norm.",
        "o_proj": "out_proj", "mlp.up_proj": "fc1", "mlp.down_proj": "fc2",
    }  # fmt: skip
    laid = laid_out(structure, prefix="model.decoder.layers", names=names)
    count = fields.count("max_position_embeddings", default=2048) + 2
    laid = positions(laid, "model.decoder.embed_positions.weight", count)
    width = fields.optional("word_embed_proj_dim", at_least=1)
    return laid if width in {None, laid.hidden_size} else _narrowed(laid, width or 0)


def _narrowed(structure: Structure, width: int) -> Structure:
    """Return an OPT whose embedding and head are `width` wide, with projections to the hidden size and back."""
    hidden = structure.hidden_size
    resized = [
        replace(weight, shape=(structure.vocabulary, width))
        if weight.name in {"model.decoder.embed_tokens.weight", "lm_head.weight"}
        else weight
        for weight in structure.outside
    ]
    into = Weight("model.decoder.project_in.weight", Part.EMBEDDING, (hidden, width))
    out = Weight("model.decoder.project_out.weight", Part.HEAD, (width, hidden))
    return replace(structure, outside=(*resized, into, out))


def _biogpt(fields: Fields) -> Structure:
    """BioGPT: OPT's layers, positions and biases under names of its own."""
    structure = dense(plain(fields, fields.count("intermediate_size")), _BIASED)
    names = {
        "lm_head.": "output_projection.",
        "model.embed_tokens.": "biogpt.embed_tokens.", "model.norm.": "biogpt.layer_norm.", "o_proj": "out_proj",
        "input_layernorm": "self_attn_layer_norm", "post_attention_layernorm": "final_layer_norm",
        "mlp.up_proj": "fc1", "mlp.down_proj": "fc2",
    }  # fmt: skip
    laid = laid_out(structure, prefix="biogpt.layers", names=names)
    return positions(laid, "biogpt.embed_positions.weight", fields.count("max_position_embeddings", default=1024) + 2)


def _xglm(fields: Fields) -> Structure:
    """XGLM: OPT's layers with computed positions."""
    names = {
        "o_proj": "out_proj", "input_layernorm": "self_attn_layer_norm", "mlp.up_proj": "fc1", "mlp.down_proj": "fc2",
        "post_attention_layernorm": "final_layer_norm", "model.norm.": "model.layer_norm.",
    }  # fmt: skip
    return laid_out(dense(plain(fields, fields.count("ffn_dim")), _BIASED), names=names)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "openai-gpt": _openai,
    "gpt2": _gpt2,
    "gpt_bigcode": _bigcode,
    "gpt_neo": _neo,
    "gpt_neox": _neox,
    "gptj": _gptj,
    "codegen": _codegen,
    "opt": _opt,
    "biogpt": _biogpt,
    "xglm": _xglm,
}
