"""Towers with a merger of their own: ERNIE 4.5 VL, Step-3 and 3.7, Ovis 2 and Hunyuan VL.

Formulas: transformers 5.23, the vision models of these names; Step-3 by its own checkpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import linear
from weighbridge.inspection.anatomy.fields import Fields, Refused
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
    sides,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TOWERS"]


def _ernie(outer: Fields, text: int) -> Weights:
    """Return ERNIE 4.5 VL: Qwen2-VL's blocks and a resampler over space, then over time."""
    fields = section(
        outer, depth=32, hidden_size=1280, intermediate_size=5120, in_channels=3, patch_size=14, spatial_merge_size=2,
        temporal_merge_size=2,
    )  # fmt: skip
    hidden, side = fields.count("hidden_size"), fields.count("patch_size")
    space = hidden * fields.count("spatial_merge_size") ** 2
    time = space * fields.count("temporal_merge_size")
    place, bridge = "vision_model", "model.resampler_model"
    style = Style(norms=("norm1", "norm2"), attention=("attn.qkv",), out="attn.proj")
    size = Size(hidden, fields.count("intermediate_size"), fields.layers("depth"))
    return (
        *linear(f"{place}.patch_embed.proj", hidden, fields.count("in_channels") * side**2, Part.VISION),
        *encoder(f"{place}.blocks", size, style),
        *layer_norm(f"{place}.ln", hidden),
        *projector(
            [
                (f"{bridge}.spatial_linear.0", space, space),
                (f"{bridge}.spatial_linear.2", space, space),
                (f"{bridge}.temporal_linear.0", space, time),
                (f"{bridge}.temporal_linear.2", space, space),
                (f"{bridge}.mlp", text, space),
            ]
        ),
        *layer_norm(f"{bridge}.spatial_linear.3", space, part=Part.PROJECTOR),
        *layer_norm(f"{bridge}.temporal_linear.3", space, part=Part.PROJECTOR),
        *layer_norm(f"{bridge}.after_norm", text, bias=False, part=Part.PROJECTOR),
    )


def _step(outer: Fields, text: int) -> Weights:
    """Return Step 3.7's tower; where the config has no section it is Step-3.7-Flash's, which the library assumes."""
    declared = outer.section("vision_config") or Fields({}, used=outer.used, assumed=outer.assumed)
    fields = declared.with_defaults(
        width=1536, layers=47, mlp_ratio=8960 / 1536, num_channels=3, image_size=728, patch_size=14
    )
    hidden, place = fields.count("width", "hidden_size"), "vision_model"
    size = Size(hidden, int(hidden * fields.ratio("mlp_ratio")), fields.layers("layers", "num_hidden_layers"))
    style = Style(norms=("layernorm_before", "layernorm_after"), vectors=("lambda_1", "lambda_2"))
    bias = outer.flag("projector_bias", default=False)
    channels = fields.count("num_channels")
    return (
        *conv(f"{place}.embeddings.patch_embedding", hidden, channels, *sides(fields, "patch_size")),
        *vector(f"{place}.embeddings.position_embedding.weight", patches(fields), hidden),
        *layer_norm(f"{place}.pre_layernorm", hidden),
        *encoder(f"{place}.layers", size, style),
        *conv(f"{place}.downsampler1", 2 * hidden, hidden, 3, 3, bias=True, part=Part.PROJECTOR),
        *conv(f"{place}.downsampler2", 4 * hidden, 2 * hidden, 3, 3, bias=True, part=Part.PROJECTOR),
        *projector([("multi_modal_projector", text, 4 * hidden)], bias=bias),
    )


def _step3(outer: Fields, text: int) -> Weights:
    """Return Step-3's tower by its checkpoint, whose hub total it gives: an EVA-CLIP and two convolutions."""
    fields = section(outer, num_channels=3)
    hidden, given = fields.count("hidden_size"), fields.count("output_hidden_size")
    place, channels = "vision_model", fields.count("num_channels")
    size = Size(hidden, fields.count("intermediate_size"), fields.layers())
    style = Style(attention=("self_attn.qkv_proj",))
    bias = outer.flag("projector_bias", default=False)
    return (
        *vector(f"{place}.embeddings.class_embedding", 1, hidden),
        *conv(f"{place}.embeddings.patch_embedding", hidden, channels, *sides(fields, "patch_size"), bias=True),
        *vector(f"{place}.embeddings.position_embedding.weight", patches(fields) + 1, hidden),
        *encoder(f"{place}.transformer.layers", size, style),
        *conv("vit_downsampler", given, hidden, 2, 2, bias=True, part=Part.PROJECTOR),
        *conv("vit_downsampler2", 2 * given, given, 3, 3, bias=True, part=Part.PROJECTOR),
        *projector([("vit_large_projector", text, 2 * given)], bias=bias),
    )


def _ovis2(outer: Fields, text: int) -> Weights:
    """Return Ovis 2: a tower that gives each patch a distribution over visual words, and their embeddings."""
    fields = section(
        outer, hidden_size=1024, intermediate_size=2816, num_hidden_layers=24, num_channels=3, image_size=224,
        patch_size=14, qkv_bias=False, mlp_bias=False, vocab_size=16384, hidden_stride=1,
        num_visual_indicator_tokens=5,
    )  # fmt: skip
    hidden, place = fields.count("hidden_size"), "model.vision_tower"
    bias = fields.flag("qkv_bias")
    style = Style(
        norms=("rms_norm1", "rms_norm2"), norm_bias=False,
        attention=("attention.q_proj", "attention.k_proj", "attention.v_proj"), out="attention.out_proj",
        mlp=("ffn.gate_proj", "ffn.up_proj", "ffn.down_proj"), qkv_bias=bias, out_bias=bias,
        mlp_bias=fields.flag("mlp_bias"),
    )  # fmt: skip
    size = Size(hidden, fields.count("intermediate_size"), fields.layers())
    words = fields.count("vocab_size")
    named = words - fields.count("num_visual_indicator_tokens", at_least=0)
    if named <= 0:
        raise Refused("the tower has more indicators than visual words")
    given = fits(outer.count("hidden_size", default=1536), text)
    inside = f"{place}.transformer"
    channels, stride = fields.count("num_channels"), fields.count("hidden_stride")
    return (
        *conv(f"{inside}.embeddings.patch_embedding", hidden, channels, *sides(fields, "patch_size"), bias=True),
        *vector(f"{inside}.embeddings.position_embedding.weight", patches(fields), hidden),
        *layer_norm(f"{inside}.embeddings.rms_norm", hidden, bias=False),
        *encoder(f"{inside}.encoder.layers", size, style),
        *layer_norm(f"{inside}.rms_norm", hidden, bias=False),
        *projector([(f"{place}.head_linear", named, hidden * stride**2)], bias=False),
        *layer_norm(f"{place}.head_norm", named, part=Part.PROJECTOR),
        *vector("model.visual_embeddings_table.weight", words, given, part=Part.PROJECTOR),
    )


def _hunyuan(outer: Fields, text: int) -> Weights:
    """Return Hunyuan VL: positions for the largest image, convolutions that merge patches, four learnt marks."""
    fields = section(
        outer, hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_channels=3, patch_size=16,
        spatial_merge_size=2, max_image_size=2048,
    )  # fmt: skip
    hidden, side, merge = fields.count("hidden_size"), fields.count("patch_size"), fields.count("spatial_merge_size")
    if fields.value("num_key_value_heads") not in (None, 0, fields.value("num_attention_heads")):
        raise Refused("a tower with fewer key heads than query heads is not known")
    given, place = text, "vit"  # the library overrules the width that the section declares
    bridge, channels = f"{place}.perceive", fields.count("num_channels")
    size = Size(hidden, fields.count("intermediate_size"), fields.layers())
    positions = (fields.count("max_image_size") // side) ** 2 + 1
    style = Style(
        norms=("input_layernorm", "post_attention_layernorm"), out="self_attn.o_proj",
        mlp=("mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
    )  # fmt: skip
    return (
        *conv(f"{place}.embeddings.patch_embedding", hidden, channels, side, side, bias=True),
        *vector(f"{place}.embeddings.position_embedding.weight", positions, hidden),
        *encoder(f"{place}.layers", size, style),
        *conv(f"{bridge}.proj.0", 2 * hidden, hidden, merge, merge, bias=True, part=Part.PROJECTOR),
        *conv(f"{bridge}.proj.2", 4 * hidden, 2 * hidden, 1, 1, bias=True, part=Part.PROJECTOR),
        *projector([(f"{bridge}.mlp", given, 4 * hidden)]),
        *vector(f"{bridge}.image_newline", 4 * hidden, part=Part.PROJECTOR),
        *(
            weight
            for name in ("image_begin", "image_end", "image_sep")
            for weight in vector(f"{bridge}.{name}", given, part=Part.PROJECTOR)
        ),
        *layer_norm(f"{bridge}.before_rms", hidden, bias=False, part=Part.PROJECTOR),
        *layer_norm(f"{bridge}.after_rms", given, bias=False, part=Part.PROJECTOR),
    )


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {
    "ernie4_5_vl_moe": _ernie,
    "step3_vl": _step3,
    "step3p7": _step,
    "ovis2": _ovis2,
    "hunyuan_vl": _hunyuan,
}
