"""Towers of GLM-4.1V to GLM-4.6V and GLM-OCR: gated feed-forward, a convolution that merges patches, a gated merger.

Formulas: transformers 5.23, `Glm4vVisionModel` and `GlmOcrVisionModel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.anatomy.vision.blocks import (
    Size,
    Style,
    Weights,
    conv,
    encoder,
    fits,
    layer_norm,
    patches,
    projector,
    section,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields

__all__ = ["TOWERS"]

_PLACE = "model.visual"
_GATED = ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")


def _stem(fields: Fields, hidden: int) -> Weights:
    """Return the convolution over frames and patches."""
    frames, side = fields.count("temporal_patch_size"), fields.count("patch_size")
    return conv(f"{_PLACE}.patch_embed.proj", hidden, fields.count("in_channels"), frames, side, side, bias=True)


def _merger(fields: Fields, hidden: int, given: int, inner: int) -> Weights:
    """Return the convolution that merges patches and the gated block, `inner` wide, behind it."""
    merge, place = fields.count("spatial_merge_size"), f"{_PLACE}.merger"
    layers = [
        (f"{place}.proj", given, given),
        (f"{place}.gate_proj", inner, given),
        (f"{place}.up_proj", inner, given),
        (f"{place}.down_proj", given, inner),
    ]
    return (
        *conv(f"{_PLACE}.downsample", given, hidden, merge, merge, bias=True, part=Part.PROJECTOR),
        *projector(layers, bias=False),
        *layer_norm(f"{place}.post_projection_norm", given, part=Part.PROJECTOR),
    )


def _glm4v(outer: Fields, text: int) -> Weights:
    """Return GLM-4.1V's tower: its blocks are as wide inside as the text, `intermediate_size` is the merger's."""
    fields = section(
        outer, depth=24, hidden_size=1536, attention_bias=False, in_channels=3, image_size=336, patch_size=14,
        spatial_merge_size=2, temporal_patch_size=2, out_hidden_size=4096, intermediate_size=13696,
    )  # fmt: skip
    hidden, given = fields.count("hidden_size"), fits(fields.count("out_hidden_size"), text)
    style = Style(
        norms=("norm1", "norm2"), norm_bias=False, attention=("attn.qkv",), out="attn.proj", mlp=_GATED,
        qkv_bias=fields.flag("attention_bias"), out_bias=False, mlp_bias=False,
    )  # fmt: skip
    return (
        *vector(f"{_PLACE}.embeddings.position_embedding.weight", patches(fields), hidden),
        *_stem(fields, hidden),
        *encoder(f"{_PLACE}.blocks", Size(hidden, given, fields.layers("depth")), style),
        *layer_norm(f"{_PLACE}.post_conv_layernorm", hidden, bias=False),
        *layer_norm(f"{_PLACE}.post_layernorm", hidden, bias=False),
        *_merger(fields, hidden, given, fields.count("intermediate_size")),
    )


def _glm_ocr(outer: Fields, text: int) -> Weights:
    """Return GLM-OCR's tower: norms on queries and keys, biases, a merger whose width goes by the channels."""
    fields = section(
        outer, depth=24, hidden_size=1024, attention_bias=True, num_heads=16, in_channels=3, patch_size=14,
        spatial_merge_size=2, temporal_patch_size=2, out_hidden_size=1536, intermediate_size=4096,
    )  # fmt: skip
    hidden, heads = fields.count("hidden_size"), fields.count("num_heads")
    given, layers = fits(fields.count("out_hidden_size"), text), fields.layers("depth")
    if hidden % heads:
        raise Refused(f"a tower {hidden} wide cannot be split over {heads} heads")
    bias = fields.flag("attention_bias")
    style = Style(
        norms=("norm1", "norm2"), norm_bias=False, attention=("attn.qkv",), out="attn.proj", mlp=_GATED,
        qkv_bias=bias, out_bias=bias,
    )  # fmt: skip
    return (
        *_stem(fields, hidden),
        *encoder(f"{_PLACE}.blocks", Size(hidden, fields.count("intermediate_size"), layers), style),
        *layer_norm(f"{_PLACE}.blocks.*.attn.q_norm", hidden // heads, bias=False, copies=layers),
        *layer_norm(f"{_PLACE}.blocks.*.attn.k_norm", hidden // heads, bias=False, copies=layers),
        *layer_norm(f"{_PLACE}.post_layernorm", hidden, bias=False),
        *_merger(fields, hidden, given, given * fields.count("in_channels")),
    )


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {
    "glm4v": _glm4v,
    "glm4v_moe": _glm4v,
    "glm46v": _glm4v,
    "glm_ocr": _glm_ocr,
}
