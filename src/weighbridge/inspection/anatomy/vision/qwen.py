"""Towers of the Qwen line: Qwen2-VL to Qwen3.5, Omni's thinker, and EXAONE 4.5, which took Qwen2.5-VL's.

Formulas: transformers 5.23, the `VisionModel` and `AudioEncoder` classes of these models.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import linear
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
    projector,
    section,
    vector,
)
from weighbridge.inspection.anatomy.vision.whisper import whisper

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields

__all__ = ["TOWERS"]

_BLOCK = Style(norms=("norm1", "norm2"), attention=("attn.qkv",), out="attn.proj")


def _patch_embed(fields: Fields, place: str, hidden: int, *, bias: bool = False) -> Weights:
    """Return the convolution over frames and patches: (hidden, channels, frames, side, side)."""
    frames, side = fields.count("temporal_patch_size"), fields.count("patch_size")
    name = f"{place}.patch_embed.proj"
    return conv(name, hidden, fields.count("in_channels"), frames, side, side, bias=bias)


def _sequential_merger(place: str, hidden: int, merge: int, text: int, *, norm_bias: bool) -> Weights:
    """Return Qwen2-VL's merger of merge x merge patches: a norm and two layers."""
    wide = hidden * merge**2
    return (
        *layer_norm(f"{place}.merger.ln_q", hidden, bias=norm_bias, part=Part.PROJECTOR),
        *projector([(f"{place}.merger.mlp.0", wide, wide), (f"{place}.merger.mlp.2", text, wide)]),
    )


def qwen2(outer: Fields, text: int) -> Weights:
    """Return Qwen2-VL's tower; its section calls the text's width `hidden_size` and its own `embed_dim`."""
    fields = section(
        outer, depth=32, embed_dim=1280, hidden_size=3584, mlp_ratio=4, in_channels=3, patch_size=14,
        spatial_merge_size=2, temporal_patch_size=2,
    )  # fmt: skip
    hidden, place = fields.count("embed_dim"), "visual"
    size = Size(hidden, int(hidden * fields.ratio("mlp_ratio")), fields.layers("depth"))
    given = fits(fields.count("hidden_size"), text)
    return (
        *_patch_embed(fields, place, hidden),
        *encoder(f"{place}.blocks", size, _with_mlp("mlp.fc1", "mlp.fc2")),
        *_sequential_merger(place, hidden, fields.count("spatial_merge_size"), given, norm_bias=True),
    )


def qwen2_5(
    outer: Fields, text: int, *, place: str = "visual", split: bool = False, defaults: dict[str, object] | None = None
) -> Weights:
    """Return Qwen2.5-VL's tower; `split` where query, key and value are three matrices, as in Omni."""
    fields = section(
        outer, depth=32, hidden_size=3584, intermediate_size=3420, num_heads=16, in_channels=3, patch_size=14,
        spatial_merge_size=2, temporal_patch_size=2, out_hidden_size=3584, **(defaults or {}),
    )  # fmt: skip
    hidden = fields.count("hidden_size")
    keys = _keys(fields, hidden)
    size = Size(hidden, fields.count("intermediate_size"), fields.layers("depth"), keys=keys)
    style = Style(
        norms=("norm1", "norm2"),
        norm_bias=False,
        attention=("attn.q", "attn.k", "attn.v") if split else ("attn.qkv",),
        out="attn.proj",
        mlp=("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
    )
    given = fits(fields.count("out_hidden_size"), text)
    return (
        *_patch_embed(fields, place, hidden),
        *encoder(f"{place}.blocks", size, style),
        *_sequential_merger(place, hidden, fields.count("spatial_merge_size"), given, norm_bias=False),
    )


def _keys(fields: Fields, hidden: int) -> int | None:
    """Return the width of all key heads where the tower has fewer of them than query heads."""
    groups = fields.optional("num_key_value_heads", at_least=1)
    if groups is None:
        return None
    heads = fields.count("num_heads")
    if hidden % heads:
        raise Refused(f"a tower {hidden} wide cannot be split over {heads} heads")
    return hidden // heads * groups


def qwen3(outer: Fields, text: int, *, place: str = "model.visual", deep: bool = True) -> Weights:
    """Return Qwen3-VL's tower; `deep` where further mergers feed early text layers (DeepStack), else Qwen3.5's."""
    fields = section(
        outer, depth=27, hidden_size=1152, intermediate_size=4304, in_channels=3, patch_size=16, spatial_merge_size=2,
        temporal_patch_size=2, out_hidden_size=3584, num_position_embeddings=2304,
    )  # fmt: skip
    hidden = fields.count("hidden_size")
    size = Size(hidden, fields.count("intermediate_size"), fields.layers("depth"))
    wide = hidden * fields.count("spatial_merge_size") ** 2
    given = fits(fields.count("out_hidden_size"), text)
    mergers = [("merger", hidden, 1)]
    if deep:
        # the library's three default layers, where the config does not list them
        declared = fields.has("deepstack_visual_indexes")
        count = len(fields.members("deepstack_visual_indexes")) if declared else 3
        mergers += [("deepstack_merger_list.*", wide, count)] if count else []
    weights = [
        *_patch_embed(fields, place, hidden, bias=True),
        *vector(f"{place}.pos_embed.weight", fields.count("num_position_embeddings"), hidden),
        *encoder(f"{place}.blocks", size, _with_mlp("mlp.linear_fc1", "mlp.linear_fc2")),
    ]
    for name, normed, copies in mergers:
        weights += layer_norm(f"{place}.{name}.norm", normed, part=Part.PROJECTOR, copies=copies)
        weights += linear(f"{place}.{name}.linear_fc1", wide, wide, Part.PROJECTOR, bias=True, copies=copies)
        weights += linear(f"{place}.{name}.linear_fc2", given, wide, Part.PROJECTOR, bias=True, copies=copies)
    return tuple(weights)


def _with_mlp(*names: str) -> Style:
    """Return the block of fused attention and LayerNorms with these feed-forward names."""
    return Style(norms=_BLOCK.norms, attention=_BLOCK.attention, out=_BLOCK.out, mlp=names)


def qwen2_5_thinker(outer: Fields, text: int) -> Weights:
    """Return the eyes and ears of Qwen2.5-Omni's thinker, whose sections stand in `outer`."""
    fields = section(
        outer, "audio_config", d_model=1280, encoder_layers=32, encoder_ffn_dim=5120, num_mel_bins=128,
        max_source_positions=1500, output_dim=3584,
    )  # fmt: skip
    place, hidden = "thinker.audio_tower", fields.count("d_model")
    given = fits(fields.count("output_dim"), text)
    return (
        *qwen2_5(outer, text, place="thinker.visual", split=True),
        *whisper(fields, place, final_norm="ln_post", positions=False),
        *vector(f"{place}.audio_bos_eos_token.weight", 2, given, part=Part.AUDIO),
        *linear(f"{place}.proj", given, hidden, Part.AUDIO, bias=True),
    )


def qwen3_thinker(outer: Fields, text: int) -> Weights:
    """Return the eyes and ears of Qwen3-Omni's thinker: three convolutions over 80 ms frames before the encoder."""
    fields = section(
        outer, "audio_config", d_model=1280, encoder_layers=32, encoder_ffn_dim=5120, num_mel_bins=128,
        output_dim=3584, downsample_hidden_size=480,
    )  # fmt: skip
    place, hidden, channels = "thinker.audio_tower", fields.count("d_model"), fields.count("downsample_hidden_size")
    bins = fields.count("num_mel_bins")
    for _ in range(3):
        bins = (bins + 1) // 2  # each convolution halves the spectrum, rounding up
    given = fits(fields.count("output_dim"), text)
    return (
        *qwen3(outer, text, place="thinker.visual"),
        *conv(f"{place}.conv2d1", channels, 1, 3, 3, bias=True, part=Part.AUDIO),
        *conv(f"{place}.conv2d2", channels, channels, 3, 3, bias=True, part=Part.AUDIO),
        *conv(f"{place}.conv2d3", channels, channels, 3, 3, bias=True, part=Part.AUDIO),
        *linear(f"{place}.conv_out", hidden, channels * bins, Part.AUDIO),
        *whisper(fields, place, final_norm="ln_post", positions=False, stem=False, key_bias=True),
        *linear(f"{place}.proj1", hidden, hidden, Part.AUDIO, bias=True),
        *linear(f"{place}.proj2", given, hidden, Part.AUDIO, bias=True),
    )


def _omni(thinker: Callable[[Fields, int], Weights]) -> Callable[[Fields, int], Weights]:
    """Return the towers of a whole Omni model, whose thinker has a section of its own."""

    def tower(outer: Fields, text: int) -> Weights:
        if outer.value("enable_audio_output") is not False:
            raise Refused("its talker, which speaks, has no formula here")
        return thinker(section(outer, "thinker_config"), text)

    return tower


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {
    "qwen2_vl": qwen2,
    "qwen2_5_vl": qwen2_5,
    "qwen3_vl": qwen3,
    "qwen3_vl_moe": qwen3,
    "qwen3_5": partial(qwen3, deep=False),
    "qwen3_5_moe": partial(qwen3, deep=False),
    "qwen2_5_omni": _omni(qwen2_5_thinker),
    "qwen2_5_omni_thinker": qwen2_5_thinker,
    "qwen3_omni_moe": _omni(qwen3_thinker),
    "qwen3_omni_moe_thinker": qwen3_thinker,
    "exaone4_5": partial(qwen2_5, defaults={"num_key_value_heads": 8}),
}
