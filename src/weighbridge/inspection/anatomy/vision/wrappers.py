"""Models that put a shared tower and a small projector before a language model: LLaVA and its kin.

Formulas: transformers 5.23, the `MultiModalProjector` (or connector, aligner) of each.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Refused
from weighbridge.inspection.anatomy.structure import Part
from weighbridge.inspection.anatomy.vision.blocks import Weights, fits, layer_norm, projector, vector
from weighbridge.inspection.anatomy.vision.clip import shared_tower

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields

__all__ = ["TOWERS"]

_PLACE = "multi_modal_projector"


def _taps(outer: Fields) -> int:
    """Return from how many of a tower's layers the projector takes its input."""
    layers = outer.value("vision_feature_layer")
    if not isinstance(layers, list):
        return 1
    if not 0 < len(layers) <= MAX_LAYERS:
        raise Refused("`vision_feature_layer` lists no layers")
    return len(layers)


def _llava(outer: Fields, text: int, *, newline: bool = False) -> Weights:
    """Return LLaVA: a tower and two linear layers; `newline` a learnt end of an image row (LLaVA-NeXT)."""
    tower, fields = shared_tower(outer, "vision_tower", "clip_vision_model")
    into = fields.count("hidden_size") * _taps(outer)
    bias = outer.flag("multimodal_projector_bias", default=True)
    layers = [(f"{_PLACE}.linear_1", text, into), (f"{_PLACE}.linear_2", text, text)]
    return (
        *(vector("image_newline", text, part=Part.PROJECTOR) if newline else ()),
        *tower,
        *projector(layers, bias=bias),
    )


def _mistral3(outer: Fields, text: int) -> Weights:
    """Return Mistral Small 3: Pixtral, a norm, a merger of merge x merge patches, two linear layers."""
    tower, fields = shared_tower(outer, "vision_tower", "pixtral")
    hidden, merge = fields.count("hidden_size"), outer.count("spatial_merge_size", default=2)
    bias = outer.flag("multimodal_projector_bias", default=False)
    layers = [(f"{_PLACE}.linear_1", text, hidden * _taps(outer)), (f"{_PLACE}.linear_2", text, text)]
    return (
        *tower,
        *layer_norm(f"{_PLACE}.norm", hidden, bias=False, part=Part.PROJECTOR),
        *projector([(f"{_PLACE}.patch_merger.merging_layer", hidden, hidden * merge**2)], bias=False),
        *projector(layers, bias=bias),
    )


def _lighton(outer: Fields, text: int) -> Weights:
    """Return LightOn OCR: Mistral Small 3's parts under other names, without a bias."""
    tower, fields = shared_tower(outer, "model.vision_encoder", "pixtral")
    hidden, merge = fields.count("hidden_size"), outer.count("spatial_merge_size", default=2)
    place = "model.vision_projection"
    layers = [
        (f"{place}.patch_merger.merging_layer", hidden, hidden * merge**2),
        (f"{place}.linear_1", text, hidden),
        (f"{place}.linear_2", text, text),
    ]
    return (
        *tower,
        *layer_norm(f"{place}.norm", hidden, bias=False, part=Part.PROJECTOR),
        *projector(layers, bias=False),
    )


def _paddleocr(outer: Fields, text: int) -> Weights:
    """Return PaddleOCR-VL: SigLIP without its head, a norm and two layers over merge x merge patches."""
    tower, fields = shared_tower(outer, "visual", "paddleocr_vl_vision")
    hidden, place = fields.count("hidden_size"), "mlp_AR"
    wide = hidden * fields.count("spatial_merge_size") ** 2
    layers = [(f"{place}.linear_1", wide, wide), (f"{place}.linear_2", text, wide)]
    return (*tower, *layer_norm(f"{place}.pre_norm", hidden, part=Part.PROJECTOR), *projector(layers))


def _gemma3(outer: Fields, text: int) -> Weights:
    """Return Gemma 3: SigLIP, a norm and one matrix, which is stored in by out."""
    tower, fields = shared_tower(outer, "vision_tower", "siglip_vision_model")
    hidden = fields.count("hidden_size")
    return (
        *tower,
        *vector(f"{_PLACE}.mm_input_projection_weight", hidden, text, part=Part.PROJECTOR),
        *layer_norm(f"{_PLACE}.mm_soft_emb_norm", hidden, bias=False, part=Part.PROJECTOR),
    )


def _paligemma(outer: Fields, text: int) -> Weights:
    """Return PaliGemma: SigLIP without its head and one linear layer."""
    tower, fields = shared_tower(outer, "vision_tower", "siglip_vision_model")
    given = fits(outer.count("projection_dim", default=2048), text)
    return (*tower, *projector([(f"{_PLACE}.linear", given, fields.count("hidden_size"))]))


def _shuffled(outer: Fields, text: int, *, norm: bool, inner: int | None) -> Weights:
    """Return Cohere's: SigLIP, factor x factor patches side by side, a gated layer `inner` wide, a linear layer."""
    tower, fields = shared_tower(outer, "vision_tower", "siglip_vision_model")
    wide = fields.count("hidden_size") * outer.count("downsample_factor", default=2) ** 2
    middle = outer.count("alignment_intermediate_size", default=inner or text)
    layers = [(f"{_PLACE}.linear_1", middle, wide), (f"{_PLACE}.linear_2", text, middle // 2)]
    normed = layer_norm(f"{_PLACE}.layernorm", wide, part=Part.PROJECTOR) if norm else ()
    return (*tower, *normed, *projector(layers))


def _lfm2(outer: Fields, text: int) -> Weights:
    """Return LFM2-VL: SigLIP 2, factor x factor patches side by side, an optional norm, two linear layers."""
    tower, fields = shared_tower(outer, "model.vision_tower", "siglip2_vision_model")
    wide = fields.count("hidden_size") * outer.count("downsample_factor", default=2) ** 2
    inner = outer.count("projector_hidden_size", default=2560)
    place = f"model.{_PLACE}"
    normed = outer.flag("projector_use_layernorm", default=True)
    layers = [(f"{place}.linear_1", inner, wide), (f"{place}.linear_2", text, inner)]
    return (
        *tower,
        *(layer_norm(f"{place}.layer_norm", wide, part=Part.PROJECTOR) if normed else ()),
        *projector(layers, bias=outer.flag("projector_bias", default=True)),
    )


def _idefics3(outer: Fields, text: int, *, kind: str) -> Weights:
    """Return Idefics 3 and SmolVLM: factor x factor patches side by side through one matrix."""
    tower, fields = shared_tower(outer, "model.vision_model", kind)
    wide = fields.count("hidden_size") * outer.count("scale_factor", default=2) ** 2
    return (*tower, *projector([("model.connector.modality_projection.proj", text, wide)], bias=False))


def _deepseek_vl(outer: Fields, text: int) -> Weights:
    """Return DeepSeek-VL as the library converted it: SigLIP with its head and two linear layers."""
    tower, fields = shared_tower(outer, "model.vision_model", "siglip_vision_model")
    layers = [("model.aligner.linear1", text, fields.count("hidden_size")), ("model.aligner.linear2", text, text)]
    return (*tower, *projector(layers))


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {
    "llava": _llava,
    "llava_next": partial(_llava, newline=True),
    "llava_onevision": partial(_llava, newline=True),
    "lighton_ocr": _lighton,
    "mistral3": _mistral3,
    "gemma3": _gemma3,
    "paddleocr_vl": _paddleocr,
    "paligemma": _paligemma,
    "aya_vision": partial(_shuffled, norm=True, inner=None),
    "cohere2_vision": partial(_shuffled, norm=False, inner=36864),
    "lfm2_vl": _lfm2,
    "idefics3": partial(_idefics3, kind="idefics3_vision"),
    "smolvlm": partial(_idefics3, kind="smolvlm_vision"),
    "deepseek_vl": _deepseek_vl,
}
