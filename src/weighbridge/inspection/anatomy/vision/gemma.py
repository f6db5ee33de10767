"""What Gemma 4 and Gemma 3n see and hear with; Gemma 3n's eyes are a MobileNet that its config only names.

Formulas: transformers 5.23, the `VisionModel`, `AudioModel` and `MultimodalEmbedder` of either.
"""

from __future__ import annotations

from dataclasses import dataclass
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

# what a conformer layer of either family calls its two feed-forward blocks, its attention, its convolution, its norms
_GEMMA4: dict[str, tuple[str, ...]] = {
    "wider": ("feed_forward1.ffw_layer_1.linear", "feed_forward2.ffw_layer_1.linear"),
    "narrower": ("feed_forward1.ffw_layer_2.linear", "feed_forward2.ffw_layer_2.linear"),
    "square": (
        "self_attn.q_proj.linear", "self_attn.k_proj.linear", "self_attn.v_proj.linear", "self_attn.post.linear",
        "self_attn.relative_k_proj", "lconv1d.linear_end.linear",
    ),
    "gated": ("lconv1d.linear_start.linear",),
    "norms": (
        "feed_forward1.pre_layer_norm", "feed_forward1.post_layer_norm", "feed_forward2.pre_layer_norm",
        "feed_forward2.post_layer_norm", "lconv1d.pre_layer_norm", "lconv1d.conv_norm", "norm_pre_attn",
        "norm_post_attn", "norm_out",
    ),
    "scale": ("self_attn.per_dim_scale",),
}  # fmt: skip
_GEMMA3N: dict[str, tuple[str, ...]] = {
    "wider": ("ffw_layer_start.ffw_layer_1", "ffw_layer_end.ffw_layer_1"),
    "narrower": ("ffw_layer_start.ffw_layer_2", "ffw_layer_end.ffw_layer_2"),
    "square": (
        "attention.attn.q_proj", "attention.attn.k_proj", "attention.attn.v_proj", "attention.post",
        "attention.attn.relative_position_embedding.pos_proj", "lconv1d.linear_end",
    ),
    "gated": ("lconv1d.linear_start",),
    "norms": (
        "ffw_layer_start.pre_layer_norm", "ffw_layer_start.post_layer_norm", "ffw_layer_end.pre_layer_norm",
        "ffw_layer_end.post_layer_norm", "lconv1d.pre_layer_norm", "lconv1d.conv_norm", "attention.pre_attn_norm",
        "attention.post_norm", "norm",
    ),
    "scale": ("attention.attn.per_dim_scale",),
}  # fmt: skip
# timm 1.0's `mobilenetv5_300m_enc` without pooling, counted as transformers 5.23 builds it in Gemma 3n
_MOBILENET = "mobilenetv5_300m_enc"
_MOBILENET_WIDTH = 2048
_MOBILENET_ELEMENTS = 294_126_912
_CLIPPED_TO_SEE = 7  # projections of a layer whose inputs and outputs may be clipped
_CLIPPED_TO_HEAR = 10


@dataclass(frozen=True, slots=True)
class _Conformer:
    """Conformer layers: attention and a convolution between two feed-forward blocks four times as wide."""

    hidden: int
    layers: int
    heads: int
    kernel: int
    names: dict[str, tuple[str, ...]]

    def weights(self, place: str) -> Weights:
        """Return the weights under names that start with `place`."""
        hidden, copies, part = self.hidden, self.layers, Part.AUDIO
        if hidden % self.heads:
            raise Refused(f"a tower {hidden} wide cannot be split over {self.heads} heads")
        shapes = {"wider": (4, 1), "narrower": (1, 4), "square": (1, 1), "gated": (2, 1)}
        weights = list[Weight]()
        for kind, (out, into) in shapes.items():
            for name in self.names[kind]:
                weights += linear(f"{place}.{name}", out * hidden, into * hidden, part, copies=copies)
        for name in self.names["norms"]:
            weights += layer_norm(f"{place}.{name}", hidden, bias=False, part=part, copies=copies)
        for name in self.names["scale"]:
            weights += vector(f"{place}.{name}", hidden // self.heads, part=part, copies=copies)
        weights += conv(f"{place}.lconv1d.depthwise_conv1d", hidden, 1, self.kernel, part=part, copies=copies)
        return tuple(weights)


def _gemma4(outer: Fields, text: int) -> Weights:
    """Return the parts that a Gemma 4 config declares: it may see, hear, both or neither."""
    sees = _sight(outer, text) if outer.has("vision_config") else ()
    return (*sees, *(_hearing(outer, text) if outer.has("audio_config") else ()))


def _gemma4_unified(outer: Fields, text: int) -> Weights:
    """Return unified Gemma 4's embedders: it has no towers, patches and frames go straight into the text."""
    weights = list[Weight]()
    if outer.has("vision_config"):
        fields = section(
            outer, patch_size=16, pooling_kernel_size=3, mm_embed_dim=3840, mm_posemb_size=1120, output_proj_dims=3840
        )
        place, hidden = "model.embed_vision", fields.count("mm_embed_dim")
        into = 3 * (fields.count("patch_size") * fields.count("pooling_kernel_size")) ** 2
        given = fields.count("output_proj_dims")
        weights += vector(f"{place}.pos_embedding", fields.count("mm_posemb_size"), 2, hidden)
        weights += linear(f"{place}.patch_dense", hidden, into, Part.VISION, bias=True)
        for name, size in (("patch_ln1", into), ("patch_ln2", hidden), ("pos_norm", hidden)):
            weights += layer_norm(f"{place}.{name}", size)
        weights += projector([(f"{place}.multimodal_embedder.embedding_projection", text, given)], bias=False)
    if outer.has("audio_config"):
        given = section(outer, "audio_config", audio_embed_dim=640).count("audio_embed_dim", "output_proj_dims")
        weights += projector([("model.embed_audio.embedding_projection", text, given)], bias=False)
    return tuple(weights)


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
    given, kernel = fields.count("output_proj_dims"), fields.count("conv_kernel_size")
    layer = _Conformer(hidden, layers, fields.count("num_attention_heads"), kernel, _GEMMA4)
    stem, weights = f"{place}.subsample_conv_projection", list[Weight]()
    for number, (out, into) in enumerate(((channels[0], 1), (channels[1], channels[0]))):
        weights += conv(f"{stem}.layer{number}.conv", out, into, 3, 3, part=Part.AUDIO)
        weights += layer_norm(f"{stem}.layer{number}.norm", out, bias=False, part=Part.AUDIO)
    return (
        *weights,
        *linear(f"{stem}.input_proj_linear", hidden, channels[0] // 4 * channels[1], Part.AUDIO),
        *layer.weights(f"{place}.layers.*"),
        *linear(f"{place}.output_proj", given, hidden, Part.AUDIO, bias=True),
        *projector([("model.embed_audio.embedding_projection", text, given)], bias=False),
    )


def _gemma3n(outer: Fields, text: int) -> Weights:
    """Return Gemma 3n's tower, a named network of the library timm, its conformer and their embedders."""
    fields = section(outer, hidden_size=2048, vocab_size=128)
    architecture = fields.word("architecture", default=_MOBILENET)
    if architecture != _MOBILENET or fields.has("model_args") or fields.value("do_pooling"):
        raise Refused("Gemma 3n sees through a network of the library timm that its config only names")
    if fields.count("hidden_size") != _MOBILENET_WIDTH:
        raise Refused(f"`hidden_size` is not the {_MOBILENET_WIDTH} elements that `{_MOBILENET}` gives")
    ears = section(
        outer, "audio_config", hidden_size=1536, vocab_size=128, input_feat_size=128, conf_num_attention_heads=8,
        conf_num_hidden_layers=12, conf_conv_kernel_size=5,
    )  # fmt: skip
    return (
        *vector("model.vision_tower.timm_model", _MOBILENET_ELEMENTS),
        *_embedder(fields, "model.embed_vision", text),
        *_gemma3n_hearing(ears),
        *_embedder(ears, "model.embed_audio", text),
    )


def _embedder(fields: Fields, place: str, text: int) -> Weights:
    """Return what leads from a part to the text: words of its own, two norms, a projection."""
    hidden = fields.count("hidden_size")
    return (
        *vector(f"{place}.embedding.weight", fields.count("vocab_size"), hidden, part=Part.PROJECTOR),
        *layer_norm(f"{place}.hard_embedding_norm", hidden, bias=False, part=Part.PROJECTOR),
        *layer_norm(f"{place}.soft_embedding_norm", hidden, bias=False, part=Part.PROJECTOR),
        *projector([(f"{place}.embedding_projection", text, hidden)], bias=False),
    )


def _gemma3n_hearing(fields: Fields) -> Weights:
    """Return the convolutions over the spectrum and the conformer, Gemma 4's with a norm less and other names."""
    hidden, layers = fields.count("hidden_size"), fields.layers("conf_num_hidden_layers")
    if fields.value("sscp_conv_kernel_size") not in (None, [[3, 3], [3, 3]]):
        raise Refused("`sscp_conv_kernel_size` is not known in this family")
    if fields.value("sscp_conv_stride_size") not in (None, [[2, 2], [2, 2]]):
        raise Refused("`sscp_conv_stride_size` is not known in this family")
    channels = fields.counts("sscp_conv_channel_size", 2, at_least=1) or (128, 32)
    bins = (fields.count("input_feat_size") + 3) // 4  # halved twice, rounded up
    stem, weights = "model.audio_tower.subsample_conv_projection", list[Weight]()
    for number, (out, into) in enumerate(((channels[0], 1), (channels[1], channels[0]))):
        weights += conv(f"{stem}.conv_{number}.conv", out, into, 3, 3, part=Part.AUDIO)
        weights += layer_norm(f"{stem}.conv_{number}.norm", out, bias=False, part=Part.AUDIO)
    weights += linear(f"{stem}.input_proj_linear", hidden, channels[1] * bins, Part.AUDIO)
    kernel = fields.count("conf_conv_kernel_size")
    layer = _Conformer(hidden, layers, fields.count("conf_num_attention_heads"), kernel, _GEMMA3N)
    return (*weights, *layer.weights("model.audio_tower.conformer.*"))


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {
    "gemma4": _gemma4,
    "gemma4_unified": _gemma4_unified,
    "gemma3n": _gemma3n,
}
BUFFERS: dict[str, Callable[[Fields], int]] = {"gemma4": _buffers}
