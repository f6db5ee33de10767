"""Decoders of few models that share their line with no other: as transformers 5.23 or their own code builds them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Heads, feed_forward, grouped_query, linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, dense, heads_of, windows_of
from weighbridge.inspection.anatomy.families.lines.gpt import plain
from weighbridge.inspection.anatomy.families.lines.layout import (
    FUSED_GATE,
    FUSED_QUERY,
    deriving,
    laid_out,
    switched_on,
)
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_JAPANESE_NAMES = {
    "model.embed_tokens.": "gpt_neox_japanese.embed_in.", "model.norm.": "gpt_neox_japanese.final_layer_norm.",
    "lm_head.": "embed_out.", "o_proj": "dense", "self_attn.": "attention.", "up_proj": "dense_h_to_4h",
    "down_proj": "dense_4h_to_h",
}  # fmt: skip
_BERT_NAMES = {
    "model.embed_tokens.": "model.embeddings.tok_embeddings.", "model.norm.": "model.final_norm.",
    "lm_head.": "decoder.", "self_attn.": "attn.", "o_proj": "Wo", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "mlp_norm", "down_proj": "Wo",
}  # fmt: skip
_WIDEST = 1000.0
_ELM_NAMES = {
    "model.embed_tokens.": "transformer.token_embeddings.", "model.norm.": "transformer.norm.", "mlp.": "ffn.",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.": "attn.",
    "o_proj": "out_proj", "down_proj": "proj_2",
}  # fmt: skip


def _japanese(fields: Fields) -> Structure:
    """GPT-NeoX Japanese: no biases but those of the norms, and one in the attention of the last layer."""
    wide = fields.count("hidden_size") * fields.count("intermediate_multiple_size", default=4)
    traits = Traits(qkv_bias=False, out_bias=False, mlp_bias=False, gated=False, norm_bias=True, tied=True)
    laid = laid_out(
        dense(plain(fields, wide), traits),
        prefix="gpt_neox_japanese.layers",
        fused={"query_key_value": FUSED_QUERY},
        names=_JAPANESE_NAMES,
    )
    bias = Weight("attention.dense_bias", Part.ATTENTION, (laid.hidden_size,))
    last = replace(laid.layers[-1], weights=(*laid.layers[-1].weights, bias))
    return replace(laid, layers=(*laid.layers[:-1], last))


def _modernbert(fields: Fields) -> Structure:
    """ModernBERT as decoder: no norm before the first block, a norm after the embedding, a head of two matrices."""
    layers, bias = fields.layers(), fields.flag("norm_bias", default=False)
    seen = fields.count("local_attention", default=128)
    said = plain(deriving(fields, sliding_window=seen // 2), fields.count("intermediate_size"))
    windows = _modernbert_windows(said, layers)
    structure = dense(said, Traits(norm_bias=bias, tied=True), windows=windows)
    hidden = structure.hidden_size
    laid = laid_out(structure, fused={"Wi": FUSED_GATE}, names=_BERT_NAMES)
    first = tuple(weight for weight in laid.layers[0].weights if not weight.name.startswith("attn_norm"))
    head = (
        *norm("model.embeddings.norm", hidden, bias=bias),
        *linear("lm_head.dense", hidden, hidden, Part.HEAD, bias=fields.flag("classifier_bias", default=False)),
        *norm("lm_head.norm", hidden, bias=bias),
    )
    if fields.flag("decoder_bias", default=True):
        head = (*head, Weight("decoder.bias", Part.HEAD, (laid.vocabulary,)))
    layer = replace(laid.layers[0], weights=first)
    return replace(laid, layers=(layer, *laid.layers[1:]), outside=(*laid.outside, *head))


def _modernbert_windows(fields: Fields, layers: int) -> tuple[int | None, ...]:
    if fields.has("layer_types"):
        return windows_of(fields, layers)
    period = fields.count("global_attn_every_n_layers", default=3)
    window = fields.count("sliding_window")
    return tuple(None if number % period == 0 else window for number in range(layers))


def _doge(fields: Fields) -> Structure:
    """Doge, dense: values steer a mask, and both residuals are scaled by a vector."""
    if switched_on(fields, "is_moe"):
        raise Refused("`is_moe` is on, which is not known here")
    fields.value("num_experts")  # the library's config always holds it
    heads, bias = heads_of(fields), fields.flag("attention_bias", default=False)
    steering = (
        Weight("self_attn.A", Part.ATTENTION, (heads.k,)),
        *linear("self_attn.dt_proj", heads.k, heads.k * heads.d, Part.ATTENTION, bias=bias),
    )
    hidden = fields.count("hidden_size")
    scales = tuple(Weight(f"{name}_residual", Part.RESIDUAL, (hidden,)) for name in ("input", "post_attention"))
    return dense(fields, Traits(qk_norm="head"), extra=steering, more=scales)


def _openelm(fields: Fields) -> Structure:
    """OpenELM: heads by layer are declared, feed-forward widths follow from multipliers (arXiv 2404.14619)."""
    if not fields.flag("ffn_with_glu", default=True):
        raise Refused("`ffn_with_glu` is off, which is not known here")
    layers, hidden = fields.layers("num_transformer_layers"), fields.count("model_dim")
    d = fields.count("head_dim")
    queries = fields.counts("num_query_heads", layers, at_least=1)
    keys = fields.counts("num_kv_heads", layers, at_least=1)
    if queries is None or keys is None:
        raise Refused("`num_query_heads` or `num_kv_heads` is missing")
    said = deriving(
        fields, hidden_size=hidden, tie_word_embeddings=fields.flag("share_input_output_layers", default=False)
    )
    normed = fields.flag("normalize_qk_projections", default=False)
    blocks = [
        (
            grouped_query(hidden, Heads(n, k, d, d), qk_norm="head" if normed else "none"),
            feed_forward(hidden, wide),
        )
        for n, k, wide in zip(queries, keys, _elm_widths(fields, layers, hidden), strict=True)
    ]
    fused = {"qkv_proj": FUSED_QUERY, "proj_1": FUSED_GATE}
    return laid_out(assemble(said, Traits(), blocks), prefix="transformer.layers", fused=fused, names=_ELM_NAMES)


def _elm_widths(fields: Fields, layers: int, hidden: int) -> list[int]:
    """Return `ffn_multipliers` by the hidden size, rounded to the divisor but by no more than a tenth down."""
    multipliers = fields.value("ffn_multipliers")
    if not isinstance(multipliers, list) or len(multipliers) != layers:
        raise Refused("`ffn_multipliers` does not name one for each layer")
    divisor = fields.count("ffn_dim_divisor", default=256)
    widths = []
    for multiplier in multipliers:
        if isinstance(multiplier, bool) or not isinstance(multiplier, int | float) or not 0 < multiplier <= _WIDEST:
            raise Refused("`ffn_multipliers` holds something else than multipliers")
        wanted = multiplier * hidden
        width = max(divisor, int(wanted + divisor / 2) // divisor * divisor)
        widths.append(width + divisor if width < 0.9 * wanted else width)
    return widths


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "gpt_neox_japanese": _japanese,
    "modernbert-decoder": _modernbert,
    "doge": _doge,
    "openelm": _openelm,
}
