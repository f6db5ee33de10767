"""InternVL: InternViT with layer scales and the two-layer projector behind a pixel shuffle.

Formulas: transformers 5.23, `InternVLVisionModel`; for `internvl_chat` the checkpoints' own InternVisionModel, which
counts alike (InternVL2.5-8B on the hub: 8,075,365,376).
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
    patches,
    projector,
    section,
    sides,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields

__all__ = ["TOWERS"]


def _norm_bias(fields: Fields) -> bool:
    """Whether the norms are LayerNorms; InternViT-6B has RMSNorms."""
    kind = fields.word("norm_type")
    if kind not in ("layer_norm", "rms_norm"):
        raise Refused("`norm_type` names a norm that is not known")
    return kind == "layer_norm"


def _shuffle(outer: Fields, hidden: int, text: int, names: tuple[str, str, str]) -> Weights:
    """Return the projector: a norm over the patches that the pixel shuffle lays side by side, two linear layers."""
    ratio = outer.ratio("downsample_ratio", default=0.5)
    if ratio > 1:
        raise Refused("`downsample_ratio` is above 1")
    wide = hidden * int(1 / ratio) ** 2
    normed, first, second = names
    return (
        *layer_norm(normed, wide, part=Part.PROJECTOR),
        *projector([(first, text, wide), (second, text, text)]),
    )


def _internvl(outer: Fields, text: int) -> Weights:
    """Return the library's own InternVL."""
    fields = section(
        outer, hidden_size=1024, num_hidden_layers=24, intermediate_size=4096, num_channels=3, image_size=448,
        patch_size=14, attention_bias=False, use_qk_norm=False, norm_type="layer_norm", use_mask_token=False,
        use_absolute_position_embeddings=True, use_mean_pooling=True,
    )  # fmt: skip
    hidden, place = fields.count("hidden_size"), "vision_tower"
    qk_norm = ("attention.q_norm.weight", "attention.k_norm.weight") if fields.flag("use_qk_norm") else ()
    style = Style(
        norms=("layernorm_before", "layernorm_after"), norm_bias=_norm_bias(fields),
        attention=("attention.q_proj", "attention.k_proj", "attention.v_proj"), out="attention.projection_layer",
        qkv_bias=fields.flag("attention_bias"), vectors=("lambda_1", "lambda_2", *qk_norm),
    )  # fmt: skip
    size = Size(hidden, fields.count("intermediate_size"), fields.layers())
    embeddings = f"{place}.embeddings"
    weights = [
        *vector(f"{embeddings}.cls_token", 1, 1, hidden),
        *conv(
            f"{embeddings}.patch_embeddings.projection", hidden, fields.count("num_channels"),
            *sides(fields, "patch_size"), bias=True,
        ),
        *encoder(f"{place}.encoder.layer", size, style),
    ]  # fmt: skip
    if fields.flag("use_mask_token"):
        weights += vector(f"{embeddings}.mask_token", 1, 1, hidden)
    if fields.flag("use_absolute_position_embeddings"):
        weights += vector(f"{embeddings}.position_embeddings", 1, patches(fields) + 1, hidden)
    if not fields.flag("use_mean_pooling"):
        weights += layer_norm(f"{place}.layernorm", hidden)
    names = ("layer_norm", "linear_1", "linear_2")
    first, second, third = (f"multi_modal_projector.{name}" for name in names)
    return (*weights, *_shuffle(outer, hidden, text, (first, second, third)))


def _internvl_chat(outer: Fields, text: int) -> Weights:
    """Return InternVL as its own checkpoints have it: fused attention, layer scales, `mlp1` as projector."""
    fields = section(outer, num_channels=3)
    if fields.word("model_type", default="intern_vit_6b") != "intern_vit_6b":
        raise Refused("the tower is not InternViT")
    if outer.word("ps_version", default="v2") not in ("v1", "v2"):
        raise Refused("`ps_version` names a pixel shuffle that is not known")
    hidden, place = fields.count("hidden_size"), "vision_model"
    qk_norm = ("attn.q_norm.weight", "attn.k_norm.weight") if fields.flag("qk_normalization") else ()
    style = Style(
        norms=("norm1", "norm2"), norm_bias=_norm_bias(fields), attention=("attn.qkv",), out="attn.proj",
        qkv_bias=fields.flag("qkv_bias"), vectors=("ls1", "ls2", *qk_norm),
    )  # fmt: skip
    size = Size(hidden, fields.count("intermediate_size"), fields.layers())
    embeddings = f"{place}.embeddings"
    side = sides(fields, "patch_size")
    return (
        *vector(f"{embeddings}.class_embedding", 1, 1, hidden),
        *vector(f"{embeddings}.position_embedding", 1, patches(fields) + 1, hidden),
        *conv(f"{embeddings}.patch_embedding", hidden, fields.count("num_channels"), *side, bias=True),
        *encoder(f"{place}.encoder.layers", size, style),
        *_shuffle(outer, hidden, text, ("mlp1.0", "mlp1.1", "mlp1.3")),
    )


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {"internvl": _internvl, "internvl_chat": _internvl_chat}
