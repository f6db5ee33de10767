"""Towers that many wrappers share: CLIP, SigLIP, SigLIP 2, Idefics 3 and Pixtral, told apart by their `model_type`.

Formulas: transformers 5.23, the vision models of the same names, with the defaults of their config classes.
"""

from __future__ import annotations

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
    layer_norm,
    patches,
    section,
    sides,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields

__all__ = ["pooling_head", "shared_tower"]

_PIXTRAL = Style(
    norms=("attention_norm", "ffn_norm"),
    norm_bias=False,
    attention=("attention.q_proj", "attention.k_proj", "attention.v_proj"),
    out="attention.o_proj",
    mlp=("feed_forward.gate_proj", "feed_forward.up_proj", "feed_forward.down_proj"),
    qkv_bias=False,
    out_bias=False,
    mlp_bias=False,
)


def shared_tower(outer: Fields, place: str, kind: str) -> tuple[Weights, Fields]:
    """Return a tower and its section; `kind` where the section does not name its own.

    A tower without a formula here is refused by name.
    """
    declared = section(outer)
    found = declared.word("model_type") or kind
    known = _TOWERS.get(found)
    if known is None:
        raise Refused(f"the tower `{found[:60]}` has no formula here")
    defaults, builder = known
    fields = declared.with_defaults(**defaults)
    return builder(fields, place), fields


def _size(fields: Fields) -> Size:
    return Size(fields.count("hidden_size"), fields.count("intermediate_size"), fields.layers())


def _patch_conv(fields: Fields, name: str, *, bias: bool) -> Weights:
    return conv(
        name, fields.count("hidden_size"), fields.count("num_channels"), *sides(fields, "patch_size"), bias=bias
    )


def _clip(fields: Fields, place: str) -> Weights:
    """Return CLIP: a class token, no bias on the patches, norms before and after."""
    size, place = _size(fields), f"{place}.vision_model"
    embeddings = f"{place}.embeddings"
    return (
        *vector(f"{embeddings}.class_embedding", size.hidden),
        *_patch_conv(fields, f"{embeddings}.patch_embedding", bias=False),
        *vector(f"{embeddings}.position_embedding.weight", patches(fields) + 1, size.hidden),
        *layer_norm(f"{place}.pre_layrnorm", size.hidden),  # the checkpoint's own spelling
        *encoder(f"{place}.encoder.layers", size, Style()),
        *layer_norm(f"{place}.post_layernorm", size.hidden),
    )


def _siglip(fields: Fields, place: str) -> Weights:
    """Return SigLIP: positions for the patches alone, and an attention-pooling head unless it is left out."""
    size, place = _size(fields), f"{place}.vision_model"
    weights = (
        *_patch_conv(fields, f"{place}.embeddings.patch_embedding", bias=True),
        *vector(f"{place}.embeddings.position_embedding.weight", patches(fields), size.hidden),
        *encoder(f"{place}.encoder.layers", size, Style()),
        *layer_norm(f"{place}.post_layernorm", size.hidden),
    )
    return (*weights, *pooling_head(f"{place}.head", size)) if fields.flag("vision_use_head") else weights


def pooling_head(place: str, size: Size) -> Weights:
    """Return SigLIP's head: one learnt query attends to all patches, then a feed-forward block."""
    hidden = size.hidden
    return (
        *vector(f"{place}.probe", 1, 1, hidden),
        *vector(f"{place}.attention.in_proj_weight", 3 * hidden, hidden),
        *vector(f"{place}.attention.in_proj_bias", 3 * hidden),
        *linear(f"{place}.attention.out_proj", hidden, hidden, Part.VISION, bias=True),
        *layer_norm(f"{place}.layernorm", hidden),
        *linear(f"{place}.mlp.fc1", size.inner, hidden, Part.VISION, bias=True),
        *linear(f"{place}.mlp.fc2", hidden, size.inner, Part.VISION, bias=True),
    )


def _siglip2(fields: Fields, place: str) -> Weights:
    """Return SigLIP 2 (NaFlex): patches through a linear layer, a stated number of positions."""
    size, place = _size(fields), f"{place}.vision_model"
    side = sides(fields, "patch_size")
    into = fields.count("num_channels") * side[0] * side[1]
    weights = (
        *linear(f"{place}.embeddings.patch_embedding", size.hidden, into, Part.VISION, bias=True),
        *vector(f"{place}.embeddings.position_embedding.weight", fields.count("num_patches"), size.hidden),
        *encoder(f"{place}.encoder.layers", size, Style()),
        *layer_norm(f"{place}.post_layernorm", size.hidden),
    )
    return (*weights, *pooling_head(f"{place}.head", size)) if fields.flag("vision_use_head") else weights


def _idefics3(fields: Fields, place: str) -> Weights:
    """Return Idefics 3's SigLIP, which has no head."""
    size = _size(fields)
    return (
        *_patch_conv(fields, f"{place}.embeddings.patch_embedding", bias=True),
        *vector(f"{place}.embeddings.position_embedding.weight", patches(fields), size.hidden),
        *encoder(f"{place}.encoder.layers", size, Style()),
        *layer_norm(f"{place}.post_layernorm", size.hidden),
    )


def _pixtral(fields: Fields, place: str) -> Weights:
    """Return Pixtral: rotary positions, RMSNorms, gated feed-forward, no bias anywhere."""
    return (
        *_patch_conv(fields, f"{place}.patch_conv", bias=False),
        *layer_norm(f"{place}.ln_pre", fields.count("hidden_size"), bias=False),
        *encoder(f"{place}.transformer.layers", _size(fields), _PIXTRAL),
    )


_BASE: dict[str, object] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_channels": 3,
    "image_size": 224,
    "patch_size": 16,
}
_IDEFICS3: dict[str, object] = {**_BASE, "hidden_size": 1152, "patch_size": 32}
_PADDLE: dict[str, object] = {
    "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_channels": 3, "image_size": 384,
    "patch_size": 14, "spatial_merge_size": 2, "vision_use_head": False,
}  # fmt: skip
_TOWERS: dict[str, tuple[dict[str, object], Callable[[Fields, str], Weights]]] = {
    "clip_vision_model": ({**_BASE, "patch_size": 32}, _clip),
    "siglip_vision_model": ({**_BASE, "vision_use_head": True}, _siglip),
    "siglip2_vision_model": ({**_BASE, "num_patches": 256, "vision_use_head": True}, _siglip2),
    "idefics3_vision": (_IDEFICS3, _idefics3),
    "idefics3": (_IDEFICS3, _idefics3),  # as checkpoints wrote it before the section had a type of its own
    "smolvlm_vision": (_IDEFICS3, _idefics3),
    "paddleocr_vl_vision": (_PADDLE, _siglip),
    "paddleocr_vl": (_PADDLE, _siglip),
    "pixtral": ({**_BASE, "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24}, _pixtral),
}
