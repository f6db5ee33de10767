"""What Phi-4-multimodal sees and hears with: SigLIP with its head, and a conformer.

Formulas: transformers 5.23, `Phi4MultimodalVisionModel`, `Phi4MultimodalAudioModel` and their embeddings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import linear
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part, Weight
from weighbridge.inspection.anatomy.vision.blocks import (
    Size,
    Style,
    Weights,
    conv,
    encoder,
    layer_norm,
    patches,
    projector,
    section,
    sides,
    vector,
)
from weighbridge.inspection.anatomy.vision.clip import pooling_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields

__all__ = ["TOWERS"]

_PLACE = "model.embed_tokens_extend"


def _phi4(outer: Fields, text: int) -> Weights:
    """Return both towers of Phi-4-multimodal as the library builds it (the vendor's own files differ)."""
    return (*_sight(outer, text), *_hearing(outer, text))


def _sight(outer: Fields, text: int) -> Weights:
    fields = section(
        outer, hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_channels=3, image_size=448,
        patch_size=14,
    )  # fmt: skip
    place = f"{_PLACE}.image_embed"
    size = Size(fields.count("hidden_size"), fields.count("intermediate_size"), fields.layers())
    inside, channels = f"{place}.img_processor", fields.count("num_channels")
    layers = [
        (f"{place}.img_projection_up", text, size.hidden),
        (f"{place}.img_projection_down", text, text),
    ]
    return (
        *conv(
            f"{inside}.embeddings.patch_embedding", size.hidden, channels, *sides(fields, "patch_size"), bias=True
        ),
        *vector(f"{inside}.embeddings.position_embedding.weight", patches(fields), size.hidden),
        *encoder(f"{inside}.encoder.layers", size, Style()),
        *layer_norm(f"{inside}.post_layernorm", size.hidden),
        *pooling_head(f"{inside}.head", size),
        *vector(f"{place}.global_img_feature_extensor", 1, 1, size.hidden, part=Part.PROJECTOR),
        *vector(f"{place}.sub_img_feature_extensor", 1, 1, 1, size.hidden, part=Part.PROJECTOR),
        *projector(layers),
    )  # fmt: skip


def _hearing(outer: Fields, text: int) -> Weights:
    fields = section(
        outer, "audio_config", hidden_size=1024, intermediate_size=1536, num_blocks=24, num_attention_heads=16,
        ext_pw_out_channel=1024, depthwise_separable_out_channel=1024, depthwise_multiplier=1, kernel_size=3,
        input_size=80, time_reduction=8, bias_max_distance=1000, bias_symmetric=False, nemo_conv_channels=1024,
        downsample_rate=1,
    )  # fmt: skip
    hidden, place = fields.count("hidden_size"), f"{_PLACE}.audio_embed"
    heads, inside = fields.count("num_attention_heads"), f"{_PLACE}.audio_embed.encoder"
    buckets = fields.count("bias_max_distance") * (1 if fields.flag("bias_symmetric") else 2)
    wide = hidden * fields.count("downsample_rate")
    layers = [
        (f"{place}.{name}_for_{sense}", text, into)
        for sense in ("speech", "vision_speech")
        for name, into in (("up_proj", wide), ("down_proj", text))
    ]
    return (
        *_subsampling(fields, f"{inside}.embed", hidden),
        *vector(f"{inside}.relative_attention_bias_layer.bias_values.weight", buckets, heads, part=Part.AUDIO),
        *_conformer(fields, f"{inside}.encoders.*", hidden),
        *projector(layers),
    )


def _subsampling(fields: Fields, place: str, hidden: int) -> Weights:
    """Return the convolutions that shorten the spectrum: a full one, then pairs of depthwise and pointwise ones."""
    channels, reduction = fields.count("nemo_conv_channels"), fields.count("time_reduction")
    halvings = reduction.bit_length() - 1
    if not halvings or reduction != 1 << halvings:
        raise Refused("`time_reduction` is no power of two")
    bins = fields.count("input_size")
    for _ in range(halvings):
        bins = (bins + 1) // 2
    pairs = halvings - 1
    return (
        *conv(f"{place}.conv.0", channels, 1, 3, 3, bias=True, part=Part.AUDIO),
        *conv(f"{place}.conv.*.depthwise", channels, 1, 3, 3, bias=True, part=Part.AUDIO, copies=pairs),
        *conv(f"{place}.conv.*.pointwise", channels, channels, 1, 1, bias=True, part=Part.AUDIO, copies=pairs),
        *linear(f"{place}.out", hidden, channels * bins, Part.AUDIO, bias=True),
    )


def _conformer(fields: Fields, place: str, hidden: int) -> Weights:
    """Return the conformer layers: attention and a gated convolution between two gated feed-forward blocks."""
    layers, inner = fields.layers("num_blocks"), fields.count("intermediate_size")
    out, multiplier = fields.count("ext_pw_out_channel"), fields.count("depthwise_multiplier")
    separable = fields.count("depthwise_separable_out_channel")
    shapes = [
        *((f"self_attn.{name}", hidden, hidden) for name in ("q_proj", "k_proj", "v_proj", "o_proj")),
        ("feed_forward_in.gate_up_proj", 2 * inner, hidden),
        ("feed_forward_in.down_proj", hidden, inner),
        ("feed_forward_out.gate_up_proj", 2 * inner, hidden),
        ("feed_forward_out.down_proj", hidden, inner),
    ]
    if hidden % fields.count("num_attention_heads"):
        raise Refused("the conformer's width cannot be split over its heads")
    convolutions = [
        ("conv.glu.ext_pw_conv_1d", 2 * out, hidden, 1),
        ("conv.dw_sep_conv_1d.dw_conv", hidden * multiplier, 1, fields.count("kernel_size")),
        ("conv.dw_sep_conv_1d.pw_conv", separable, hidden * multiplier, 1),
        ("conv.ext_pw_conv_1d", out, hidden, 1),
    ]
    norms = ("layer_norm_att", "layer_norm", "feed_forward_in.layer_norm", "feed_forward_out.layer_norm")
    weights = list[Weight]()
    for name, wide, into in shapes:
        weights += linear(f"{place}.{name}", wide, into, Part.AUDIO, bias=True, copies=layers)
    for name, wide, into, kernel in convolutions:
        weights += conv(f"{place}.{name}", wide, into, kernel, bias=True, part=Part.AUDIO, copies=layers)
    for name in (*norms, "conv.layer_norm"):
        weights += layer_norm(f"{place}.{name}", hidden, part=Part.AUDIO, copies=layers)
    for name in ("conv.glu.b1", "conv.glu.b2"):
        weights += vector(f"{place}.{name}", 1, out, 1, part=Part.AUDIO, copies=layers)
    return tuple(weights)


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {"phi4_multimodal": _phi4}
