"""What DeepSeek's OCR models and DeepSeek-VL 7B see with: SAM's encoder for fine detail, and a second one.

Formulas: transformers 5.23, `DeepseekOcr2VisionModel` and `DeepseekVLHybridModel`; DeepSeek-OCR by its checkpoint,
whose hub total of 3,336,106,240 they give with its language model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.fields import Fields, Refused
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
from weighbridge.inspection.anatomy.vision.clip import shared_tower

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TOWERS"]

_QUERIES = (144, 256)  # learnt queries for images of 768 and of 1024 pixels
_SAM: dict[str, object] = {
    "hidden_size": 768, "width": 768, "num_hidden_layers": 12, "layers": 12, "num_attention_heads": 12, "heads": 12,
    "num_channels": 3, "image_size": 1024, "patch_size": 16, "output_channels": 256, "window_size": 14,
}  # fmt: skip


def _sam(fields: Fields, place: str) -> Weights:
    """Return SAM's encoder: relative positions in windows, over the whole image in a few layers; and its neck."""
    hidden, heads = fields.count("width", "hidden_size"), fields.count("heads", "num_attention_heads")
    layers, out = fields.layers("layers", "num_hidden_layers"), fields.count("output_channels")
    inner = fields.optional("mlp_dim", at_least=1) or int(hidden * fields.ratio("mlp_ratio", default=4.0))
    whole = len(fields.members("global_attn_indexes")) if fields.has("global_attn_indexes") else 4
    if hidden % heads or whole > layers:
        raise Refused("SAM's layers cannot be split over its heads or its windows")
    grid, d = _grid(fields), hidden // heads
    style = Style(attention=("attn.qkv",), out="attn.proj", mlp=("mlp.lin1", "mlp.lin2"))
    blocks, weights = f"{place}.layers", list[Weight]()
    for side, copies in ((fields.count("window_size"), layers - whole), (grid, whole)):
        for axis in ("h", "w"):
            weights += vector(f"{blocks}.*.attn.rel_pos_{axis}", 2 * side - 1, d, copies=copies)
    channels = fields.count("num_channels")
    return (
        *vector(f"{place}.pos_embed", 1, grid, grid, hidden),
        *conv(f"{place}.patch_embed.projection", hidden, channels, *sides(fields, "patch_size"), bias=True),
        *encoder(blocks, Size(hidden, inner, layers), style),
        *weights,
        *_neck(f"{place}.neck", hidden, out),
    )


def _grid(fields: Fields) -> int:
    """Return how many patches a side of the image holds."""
    image, patch = sides(fields, "image_size"), sides(fields, "patch_size")
    if image[0] != image[1] or patch[0] != patch[1] or image[0] < patch[0]:
        raise Refused("`image_size` is no square of patches")
    return image[0] // patch[0]


def _neck(place: str, hidden: int, out: int) -> Weights:
    return (
        *conv(f"{place}.conv1", out, hidden, 1, 1),
        *layer_norm(f"{place}.layer_norm1", out),
        *conv(f"{place}.conv2", out, out, 3, 3),
        *layer_norm(f"{place}.layer_norm2", out),
    )


def _narrowed(fields: Fields, place: str, default: tuple[int, int]) -> tuple[Weights, int]:
    """Return the two convolutions that shrink SAM's grid, and how many channels they give."""
    first, second = fields.counts("downsample_channels", 2, at_least=1) or default
    into = fields.count("output_channels")
    return (*conv(f"{place}.conv1", first, into, 3, 3), *conv(f"{place}.conv2", second, first, 3, 3)), second


def _ocr2(outer: Fields, text: int) -> Weights:
    """Return DeepSeek-OCR 2: SAM, then a Qwen2 decoder that reads learnt queries after the patches."""
    whole = section(outer)
    sam = section(whole, "sam_config", **_SAM)
    fields = section(
        whole, "encoder_config", hidden_size=4096, intermediate_size=22016, num_hidden_layers=32,
        num_attention_heads=32, num_key_value_heads=32,
    )  # fmt: skip
    hidden, heads, place = fields.count("hidden_size"), fields.count("num_attention_heads"), "model.vision_tower"
    shrunk, given = _narrowed(sam, f"{place}.sam_encoder.proj", (512, 896))
    if hidden % heads or given != hidden:
        raise Refused("the second encoder does not take what SAM gives")
    style = Style(
        norms=("input_layernorm", "post_attention_layernorm"), norm_bias=False, out="self_attn.o_proj",
        mlp=("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"), out_bias=False, mlp_bias=False,
    )  # fmt: skip
    keys = hidden // heads * fields.count("num_key_value_heads")
    size = Size(hidden, fields.count("intermediate_size"), fields.layers(), keys=keys)
    return (
        *_sam(sam, f"{place}.sam_encoder"),
        *shrunk,
        *encoder(f"{place}.vision_encoder.layers", size, style),
        *layer_norm(f"{place}.vision_encoder.norm", hidden, bias=False),
        *vector(f"{place}.query_768_resolution.weight", _QUERIES[0], hidden),
        *vector(f"{place}.query_1024_resolution.weight", _QUERIES[1], hidden),
        *projector([("model.multi_modal_projector", text, hidden)]),
        *vector("model.view_separator", text, part=Part.PROJECTOR),
    )


def _ocr(outer: Fields, text: int) -> Weights:
    """Return DeepSeek-OCR: SAM and CLIP side by side, one linear layer; other towers of this type are refused."""
    vision = section(outer)
    if vision.word("model_name") != "deeplip_b_l":
        raise Refused("the tower of this `deepseek_vl_v2` has no formula here")
    bridge = outer.section("projector_config")
    if bridge is not None and bridge.word("projector_type", default="linear") != "linear":
        raise Refused("`projector_type` names a projector that is not known")
    widths = section(vision, "width")
    sam = section(widths, "sam_vit_b", **_SAM)
    clip = section(widths, "clip-l-14-224", width=1024, layers=24, image_size=224, patch_size=14, num_channels=3)
    hidden, place = clip.count("width"), "model.vision_model"
    style = Style(attention=("self_attn.qkv_proj",))
    shrunk, given = _narrowed(sam, "model.sam_model.proj", (512, 1024))
    return (
        *_sam(sam, "model.sam_model"),
        *shrunk,
        *vector(f"{place}.embeddings.class_embedding", hidden),
        *conv(f"{place}.embeddings.patch_embedding", hidden, clip.count("num_channels"), *sides(clip, "patch_size")),
        *vector(f"{place}.embeddings.position_embedding.weight", patches(clip) + 1, hidden),
        *layer_norm(f"{place}.pre_layrnorm", hidden),
        *encoder(f"{place}.transformer.layers", Size(hidden, 4 * hidden, clip.layers("layers")), style),
        *projector([("model.projector.layers", text, given + hidden)]),
        *vector("model.image_newline", text, part=Part.PROJECTOR),
        *vector("model.view_seperator", text, part=Part.PROJECTOR),  # the checkpoint's own spelling
    )


def _hybrid(outer: Fields, text: int) -> Weights:
    """Return DeepSeek-VL 7B: SigLIP and SAM, a second neck, an aligner that gives each half of the text's width."""
    if text % 2:
        raise Refused("a text of odd width cannot be halved between two towers")
    tower, fields = shared_tower(outer, "model.vision_model", "siglip_vision_model")
    sam = section(outer, "high_res_vision_config", **_SAM)
    out, hidden = sam.count("output_channels"), sam.count("width", "hidden_size")
    aligner = "model.aligner"
    layers = [
        (f"{aligner}.vision_proj", text // 2, fields.count("hidden_size")),
        (f"{aligner}.high_res_vision_proj", text // 2, 4 * out),
        (f"{aligner}.proj", text, text),
    ]
    return (
        *vector("model.high_res_vision_alpha", 1),
        *_sam(sam, "model.high_res_vision_model.vision_encoder"),
        *_neck("model.high_res_vision_neck", hidden, out),
        *conv("model.high_res_vision_proj.conv1", 2 * out, out, 3, 3),
        *conv("model.high_res_vision_proj.conv2", 4 * out, 2 * out, 3, 3),
        *tower,
        *projector(layers),
    )


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {
    "deepseek_ocr2": _ocr2,
    "deepseek_vl_hybrid": _hybrid,
    "deepseek_vl_v2": _ocr,
}
