"""MoonViT, which Kimi-VL and Kimi K2.5 see with, and MiniMax-M3's tower, a CLIP over frames.

Formulas: transformers 5.23, `Kimi_K25VisionModel` and `MiniMaxM3VLVisionModel`; Kimi-VL's checkpoint counts alike.
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
    "kimi_vl": _kimi_vl,
    "minimax_m3_vl": _minimax_m3,
}
