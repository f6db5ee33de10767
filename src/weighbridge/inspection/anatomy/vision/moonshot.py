"""MoonViT, which Kimi-VL, Kimi K2.5 and K3 see with, and MiniMax-M3's tower, a CLIP over frames.

Formulas: transformers 5.23, `Kimi_K25VisionModel` and `MiniMaxM3VLVisionModel`; Kimi-VL's checkpoint counts alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Refused
from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.anatomy.vision.blocks import (
    Size,
    Style,
    Weights,
    conv,
    encoder,
    layer_norm,
    projector,
    section,
    sides,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields

__all__ = ["TOWERS"]

_VIT: dict[str, object] = {
    "hidden_size": 1152, "vt_hidden_size": 1152, "intermediate_size": 4304, "vt_intermediate_size": 4304,
    "num_hidden_layers": 27, "vt_num_hidden_layers": 27, "patch_size": 14, "pos_emb_height": 64, "pos_emb_width": 64,
    "init_pos_emb_height": 64, "init_pos_emb_width": 64,
}  # fmt: skip


def _kimi_k25(outer: Fields, text: int) -> Weights:
    """Return Kimi K2.5's tower; its own files prefix the keys with `vt_` and `init_`, the library's do not."""
    return (*_moonvit(outer), *_projector(outer, text, "mm_projector", ("proj.0", "proj.2")))


def _kimi_vl(outer: Fields, text: int) -> Weights:
    """Return Kimi-VL's tower and projector."""
    return (*_moonvit(outer), *_projector(outer, text, "multi_modal_projector", ("linear_1", "linear_2")))


def _moonvit(outer: Fields) -> Weights:
    """Return MoonViT: a grid of learnt positions, fused attention, two-layer blocks with biases."""
    fields, place = section(outer, **_VIT), "vision_tower"
    hidden = fields.count("vt_hidden_size", "hidden_size")
    rows = fields.count("init_pos_emb_height", "pos_emb_height")
    columns = fields.count("init_pos_emb_width", "pos_emb_width")
    inner = fields.count("vt_intermediate_size", "intermediate_size")
    size = Size(hidden, inner, fields.layers("vt_num_hidden_layers", "num_hidden_layers"))
    style = Style(norms=("norm0", "norm1"), attention=("wqkv",), out="wo", mlp=("mlp.fc0", "mlp.fc1"))
    return (
        *conv(f"{place}.patch_embed.proj", hidden, 3, *sides(fields, "patch_size"), bias=True),
        *vector(f"{place}.patch_embed.pos_emb.weight", rows, columns, hidden),
        *encoder(f"{place}.encoder.blocks", size, style),
        *layer_norm(f"{place}.encoder.final_layernorm", hidden),
    )


def _projector(outer: Fields, text: int, place: str, names: tuple[str, str]) -> Weights:
    """Return the projector: a norm for each patch, two linear layers over the patches it merges."""
    fields = section(outer, **_VIT)
    hidden = fields.count("vt_hidden_size", "hidden_size")
    kernel = fields.counts("merge_kernel_size", 2, at_least=1) or (2, 2)
    if (fields.word("mm_projector_type") or "patchmerger") != "patchmerger":
        raise Refused("`mm_projector_type` names a projector that is not known")
    given = fields.optional("mm_hidden_size", at_least=1) or outer.optional("projection_hidden_size", at_least=1)
    if given not in (None, hidden):
        raise Refused("the projector's input is not as wide as the tower")
    wide = hidden * kernel[0] * kernel[1]
    first, second = names
    return (
        *layer_norm(f"{place}.pre_norm", hidden, part=Part.PROJECTOR),
        *projector([(f"{place}.{first}", wide, wide), (f"{place}.{second}", text, wide)]),
    )


_K3_AS_BUILT = {
    "norm_type": "rmsnorm", "mlp_type": "mlp2", "mm_projector_type": "patchmergerv2", "pos_emb_type": "divided_fixed",
    "attn_bias": False, "linear_bias": False, "patch_embed_proj_bias": False,
}  # fmt: skip


def _kimi_k3(outer: Fields, text: int) -> Weights:
    """Return Kimi K3's tower: MoonViT without biases, attention wider than its blocks, a norm behind the projector.

    Source: the tensors of its checkpoint; with them the hub's 2,779,931,837,184 follow. Any other make is refused.
    """
    fields, place = section(outer), "vision_tower"
    for key, built in _K3_AS_BUILT.items():
        if fields.value(key) != built:
            raise Refused(f"`{key}` of the tower is not {built}, the one make of Kimi K3 that is known")
    hidden, inner = fields.count("vt_hidden_size"), fields.count("vt_intermediate_size")
    width, blocks = fields.count("qkv_hidden_size"), fields.count("vt_num_hidden_layers", at_most=MAX_LAYERS)
    if fields.count("mm_hidden_size") != hidden:
        raise Refused("the projector's input is not as wide as the tower")
    kernel = fields.counts("merge_kernel_size", 2, at_least=1) or (2, 2)
    shapes = {
        "wqkv": (3 * width, hidden), "wo": (hidden, width), "mlp.fc0": (inner, hidden), "mlp.fc1": (hidden, inner),
        "norm0": (hidden,), "norm1": (hidden,),
    }  # fmt: skip
    wide = hidden * kernel[0] * kernel[1]
    return (
        *conv(f"{place}.patch_embed.proj", hidden, 3, *sides(fields, "patch_size")),
        *vector(
            f"{place}.patch_embed.pos_emb.weight",
            fields.count("init_pos_emb_height"), fields.count("init_pos_emb_width"), hidden,
        ),
        *(
            weight
            for name, shape in shapes.items()
            for weight in vector(f"{place}.encoder.blocks.*.{name}.weight", *shape, copies=blocks)
        ),
        *layer_norm(f"{place}.encoder.final_layernorm", hidden, bias=False),
        *projector([("mm_projector.proj.0", wide, wide), ("mm_projector.proj.2", text, wide)], bias=False),
        *layer_norm("mm_projector.post_norm", text, bias=False, part=Part.PROJECTOR),
    )  # fmt: skip


def _minimax_m3(outer: Fields, text: int) -> Weights:
    """Return MiniMax-M3's tower: CLIP without positions and last norm; two projections, before and after a merge."""
    fields = section(
        outer, hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_channels=3, patch_size=14,
        temporal_patch_size=2, spatial_merge_size=2,
    )  # fmt: skip
    hidden, place, bridge = fields.count("hidden_size"), "vision_tower", "multi_modal_projector"
    frames, merge = fields.count("temporal_patch_size"), fields.count("spatial_merge_size")
    inner = outer.count("projector_hidden_size", default=6144)
    layers = [
        (f"{bridge}.linear_1", inner, hidden),
        (f"{bridge}.linear_2", text, inner),
        (f"{bridge}.merge_linear_1", inner, text * merge**2),
        (f"{bridge}.merge_linear_2", text, inner),
    ]
    return (
        *conv(
            f"{place}.embeddings.proj", hidden, fields.count("num_channels"), frames, *sides(fields, "patch_size")
        ),
        *layer_norm(f"{place}.pre_layrnorm", hidden),
        *encoder(
            f"{place}.layers", Size(hidden, fields.count("intermediate_size"), fields.layers()), Style()
        ),
        *projector(layers),
    )  # fmt: skip


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {
    "kimi_k25": _kimi_k25,
    "kimi_k3": _kimi_k3,
    "kimi_vl": _kimi_vl,
    "minimax_m3_vl": _minimax_m3,
}
