"""OpenELM: every layer has heads and a feed-forward width of its own (arXiv 2404.14619, and the code of its models)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Heads, feed_forward, grouped_query
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble
from weighbridge.inspection.anatomy.families.lines.layout import FUSED_GATE, FUSED_QUERY, deriving, laid_out
from weighbridge.inspection.anatomy.fields import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_WIDEST = 1000.0
_NAMES = {
    "model.embed_tokens.": "transformer.token_embeddings.", "model.norm.": "transformer.norm.", "mlp.": "ffn.",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.": "attn.",
    "o_proj": "out_proj", "down_proj": "proj_2",
}  # fmt: skip


def _openelm(fields: Fields) -> Structure:
    """OpenELM: heads by layer are declared, feed-forward widths follow from multipliers."""
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
        for n, k, wide in zip(queries, keys, _widths(fields, layers, hidden), strict=True)
    ]
    fused = {"qkv_proj": FUSED_QUERY, "proj_1": FUSED_GATE}
    return laid_out(assemble(said, Traits(), blocks), prefix="transformer.layers", fused=fused, names=_NAMES)


def _widths(fields: Fields, layers: int, hidden: int) -> list[int]:
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


FAMILIES: dict[str, Callable[[Fields], Structure]] = {"openelm": _openelm}
