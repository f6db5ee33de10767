"""BLOOM, MPT and Falcon: fused projections, positions by bias or rotation, as transformers 5.23 builds them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.decoder import Traits, dense
from weighbridge.inspection.anatomy.families.lines.gpt import plain
from weighbridge.inspection.anatomy.families.lines.layout import FUSED_QUERY, deriving, laid_out
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_FALCON_NOTE = (
    "the library ties the head to the embedding; the checkpoints of Falcon-7B, 40B and 180B store a head of their own,"
    " which their published totals count"
)
_NAMES = {
    "model.embed_tokens.": "transformer.word_embeddings.", "model.norm.": "transformer.ln_f.", "o_proj": "dense",
    "self_attn.": "self_attention.", "up_proj": "dense_h_to_4h", "down_proj": "dense_4h_to_h",
}  # fmt: skip
_FUSED = {"query_key_value": FUSED_QUERY}


def _bloom(fields: Fields) -> Structure:
    """BLOOM: biases everywhere, a norm after the embedding, feed-forward of 4 hidden."""
    said = deriving(fields, hidden_size=fields.count("hidden_size", "n_embed", "n_embd"))
    traits = Traits(qkv_bias=True, out_bias=True, mlp_bias=True, gated=False, norm_bias=True, tied=True)
    laid = laid_out(dense(plain(said), traits), prefix="transformer.h", fused=_FUSED, names=_NAMES)
    norms = [
        Weight(f"transformer.word_embeddings_layernorm.{name}", Part.NORMS, (laid.hidden_size,))
        for name in ("weight", "bias")
    ]
    return replace(laid, outside=(*laid.outside, *norms))


def _mpt(fields: Fields) -> Structure:
    """MPT: no biases at all; what the library's class leaves out of the first code is refused."""
    if fields.count("expansion_ratio", default=4) != 4 or not fields.flag("no_bias", default=True):  # noqa: PLR2004 - it is MPT's
        raise Refused("`expansion_ratio` and `no_bias` are not those the library builds")
    attention = fields.section("attn_config") or Fields({}, used=fields.used)
    if attention.flag("qk_ln", default=False) or not attention.flag("alibi", default=True):
        raise Refused("`attn_config` asks for norms or learned positions, which the library does not build")
    if attention.has("kv_n_heads") or attention.word("attn_type") not in {None, "multihead_attention"}:
        raise Refused("`attn_config` asks for shared keys, which the library does not build")
    traits = Traits(qkv_bias=False, out_bias=False, mlp_bias=False, gated=False, tied=True)
    names = {
        "model.embed_tokens.": "transformer.wte.", "model.norm.": "transformer.norm_f.", "o_proj": "out_proj",
        "self_attn.": "attn.", "mlp.": "ffn.", "input_layernorm": "norm_1", "post_attention_layernorm": "norm_2",
    }  # fmt: skip
    return laid_out(dense(plain(fields), traits), prefix="transformer.blocks", fused={"Wqkv": FUSED_QUERY}, names=names)


def _falcon(fields: Fields) -> Structure:
    """Falcon: one key-value head (7B), or some in the new decoder (40B and 180B); tied unless the config unties."""
    said = deriving(fields, hidden_size=fields.count("hidden_size", "n_embed"))
    said = plain(said, fields.optional("ffn_hidden_size", at_least=1))
    newer = fields.flag("new_decoder_architecture", default=False)
    if newer:
        said = deriving(said, num_key_value_heads=fields.optional("num_kv_heads", at_least=1), num_kv_heads=None)
    elif fields.flag("multi_query", default=True):
        said = deriving(said, num_key_value_heads=1, num_kv_heads=None)
    else:
        said = deriving(said, num_kv_heads=None)
    bias = fields.flag("bias", default=False)
    traits = Traits(
        qkv_bias=bias, out_bias=bias, mlp_bias=bias, gated=False, norm_bias=True, tied=True,
        norms=_falcon_norms(fields, newer=newer),
    )  # fmt: skip
    laid = laid_out(dense(said, traits), prefix="transformer.h", fused=_FUSED, names=_NAMES)
    return laid if fields.has("tie_word_embeddings") else replace(laid, notes=(_FALCON_NOTE,))


def _falcon_norms(fields: Fields, *, newer: bool) -> tuple[str, ...]:
    if not fields.flag("parallel_attn", default=True):
        return ("post_attention_layernorm", "input_layernorm")
    if (fields.optional("num_ln_in_parallel_attn") or (2 if newer else 1)) == 2:  # noqa: PLR2004 - one norm or two
        return ("ln_attn", "ln_mlp")
    return ("input_layernorm",)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {"bloom": _bloom, "mpt": _mpt, "falcon": _falcon}
