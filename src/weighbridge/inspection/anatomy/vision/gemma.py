"""What Gemma 4 sees and hears with; Gemma 3n's eyes are a MobileNet whose weights no config describes.

Formulas: transformers 5.23, `Gemma4VisionModel`, `Gemma4AudioModel` and `Gemma4MultimodalEmbedder`.
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
    projector,
    section,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields

__all__ = ["BUFFERS", "TOWERS"]

_NORMS = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm")
# each projection of the towers is wrapped, so that its inputs and outputs can be clipped
_STYLE = Style(
    norms=_NORMS,
    norm_bias=False,
    attention=("self_attn.q_proj.linear", "self_attn.k_proj.linear", "self_attn.v_proj.linear"),
    out="self_attn.o_proj.linear",
    mlp=("mlp.gate_proj.linear", "mlp.up_proj.linear", "mlp.down_proj.linear"),
    qkv_bias=False,
    out_bias=False,
    mlp_bias=False,
)

_CLIPPED_TO_SEE = 7  # projections of a layer whose inputs and outputs may be clipped
_CLIPPED_TO_HEAR = 10


def _gemma4(outer: Fields, text: int) -> Weights:
    """Return the parts that a Gemma 4 config declares: it may see, hear, both or neither."""
    sees = _sight(outer, text) if outer.has("vision_config") else ()
    return (*sees, *(_hearing(outer, text) if outer.has("audio_config") else ()))


def _buffers(outer: Fields) -> int:
    """Return what checkpoints store beside the weights: a shift and a scale of the output, four bounds a projection."""
    stored = 0
    if outer.has("vision_config"):
        fields = section(outer, hidden_size=768, num_hidden_layers=16, standardize=False, use_clipped_linears=False)
        stored += 2 * fields.count("hidden_size") if fields.flag("standardize") else 0
        stored += 4 * _CLIPPED_TO_SEE * fields.layers() if fields.flag("use_clipped_linears") else 0
    if outer.has("audio_config"):
        fields = section(outer, "audio_config", num_hidden_layers=12, use_clipped_linears=True)
        stored += 4 * _CLIPPED_TO_HEAR * fields.layers() if fields.flag("use_clipped_linears") else 0
    return stored


def _sight(outer: Fields, text: int) -> Weights:
    """Return the tower: a table of positions for each axis, then decoder-like layers with four norms."""
    fields = section(
        outer, hidden_size=768, intermediate_size=3072, num_hidden_layers=16, num_attention_heads=12,
        num_key_value_heads=12, head_dim=64, patch_size=16, position_embedding_size=10240,
    )  # fmt: skip
    hidden, layers, d = fields.count("hidden_size"), fields.layers(), fields.count("head_dim")
    place = "model.vision_tower"
    size = Size(
        hidden, fields.count("intermediate_size"), layers,
        queries=fields.count("num_attention_heads") * d, keys=fields.count("num_key_value_heads") * d,
    )  # fmt: skip
    blocks = f"{place}.encoder.layers"
    return (
        *vector(f"{place}.patch_embedder.position_embedding_table", 2, fields.count("position_embedding_size"), hidden),
        *linear(f"{place}.patch_embedder.input_proj", hidden, 3 * fields.count("patch_size") ** 2, Part.VISION),
        *encoder(blocks, size, _STYLE),
        *layer_norm(f"{blocks}.*.self_attn.q_norm", d, bias=False, copies=layers),
        *layer_norm(f"{blocks}.*.self_attn.k_norm", d, bias=False, copies=layers),
        *projector([("model.embed_vision.embedding_projection", text, hidden)], bias=False),
    )


def _hearing(outer: Fields, text: int) -> Weights:
    """Return the tower: two convolutions over the spectrum, conformer layers, two projections."""
    fields = section(
        outer, "audio_config", hidden_size=1024, num_hidden_layers=12, num_attention_heads=8, conv_kernel_size=5,
        output_proj_dims=1536,
    )  # fmt: skip
    hidden, layers, place = fields.count("hidden_size"), fields.layers(), "model.audio_tower"
    channels = fields.counts("subsampling_conv_channels", 2, at_least=1) or (128, 32)
    given = fields.count("output_proj_dims")
    stem, weights = f"{place}.subsample_conv_projection", list[Weight]()
    for number, (out, into) in enumerate(((channels[0], 1), (channels[1], channels[0]))):
        weights += conv(f"{stem}.layer{number}.conv", out, into, 3, 3, part=Part.AUDIO)
        weights += layer_norm(f"{stem}.layer{number}.norm", out, bias=False, part=Part.AUDIO)
    return (
        *weights,
        *linear(f"{stem}.input_proj_linear", hidden, channels[0] // 4 * channels[1], Part.AUDIO),
        *_conformer(fields, f"{place}.layers.*", hidden, layers),
        *linear(f"{place}.output_proj", given, hidden, Part.AUDIO, bias=True),
        *projector([("model.embed_audio.embedding_projection", text, given)], bias=False),
    )


def _conformer(fields: Fields, place: str, hidden: int, layers: int) -> Weights:
    """Return the conformer layers: attention and a convolution between two feed-forward blocks four times as wide."""
    heads = fields.count("num_attention_heads")
    if hidden % heads:
        raise Refused(f"a tower {hidden} wide cannot be split over {heads} heads")
    shapes = [
        ("feed_forward1.ffw_layer_1.linear", 4 * hidden, hidden),
        ("feed_forward1.ffw_layer_2.linear", hidden, 4 * hidden),
        ("feed_forward2.ffw_layer_1.linear", 4 * hidden, hidden),
        ("feed_forward2.ffw_layer_2.linear", hidden, 4 * hidden),
        *((f"self_attn.{name}.linear", hidden, hidden) for name in ("q_proj", "k_proj", "v_proj", "post")),
        ("self_attn.relative_k_proj", hidden, hidden),
        ("lconv1d.linear_start.linear", 2 * hidden, hidden),
        ("lconv1d.linear_end.linear", hidden, hidden),
    ]
    norms = (
        "feed_forward1.pre_layer_norm", "feed_forward1.post_layer_norm", "feed_forward2.pre_layer_norm",
        "feed_forward2.post_layer_norm", "lconv1d.pre_layer_norm", "lconv1d.conv_norm", "norm_pre_attn",
        "norm_post_attn", "norm_out",
    )  # fmt: skip
    kernel, weights = fields.count("conv_kernel_size"), list[Weight]()
    for name, out, into in shapes:
        weights += linear(f"{place}.{name}", out, into, Part.AUDIO, copies=layers)
    for name in norms:
        weights += layer_norm(f"{place}.{name}", hidden, bias=False, part=Part.AUDIO, copies=layers)
    weights += vector(f"{place}.self_attn.per_dim_scale", hidden // heads, part=Part.AUDIO, copies=layers)
    weights += conv(f"{place}.lconv1d.depthwise_conv1d", hidden, 1, kernel, part=Part.AUDIO, copies=layers)
    return tuple(weights)


def _gemma3n(outer: Fields, text: int) -> Weights:
    """Refuse: the tower is a network of another library, named in the config and not described by it."""
    del outer, text
    raise Refused("Gemma 3n sees through a MobileNet of the library timm, which its config only names")


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {"gemma4": _gemma4, "gemma3n": _gemma3n}
BUFFERS: dict[str, Callable[[Fields], int]] = {"gemma4": _buffers}
