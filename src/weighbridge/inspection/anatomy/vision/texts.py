"""Language models that exist only inside wrappers: those of other families under another name, and ERNIE 4.5 VL's.

Formulas: transformers 5.23, the `TextModel` of each wrapper.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families import dense, mixture
from weighbridge.inspection.anatomy.families.blocks import experts, feed_forward, grouped_query
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, heads_of, hidden_of
from weighbridge.inspection.anatomy.fields import Fields, Refused
from weighbridge.inspection.anatomy.structure import Part, Structure, Weight
from weighbridge.inspection.anatomy.vision import llama

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.families.blocks import Mixer, Weights

__all__ = ["FAMILIES"]

_KINDS = frozenset({"dense", "sparse"})


def _with(fields: Fields, family: str, **fixed: object) -> Structure:
    """Build as another family does, with what this wrapper fixes whatever its config says."""
    said = Fields({**fields.config, **fixed}, fields.defaults, used=fields.used, assumed=fields.assumed)
    return dense.FAMILIES[family](said)


def _ernie(fields: Fields) -> Structure:
    """Build ERNIE 4.5 VL's text model: text and image tokens have experts of their own, and share others.

    The choice of experts has a bias for either kind of token, which the library holds as a parameter.
    """
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    bias = fields.flag("use_bias", default=False)
    mixer = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias)
    if bias:
        raise Refused("biases in the feed-forward are not known in this family")
    types = fields.words("mlp_layer_types", layers) or ("dense", *("sparse",) * (layers - 1))
    if not set(types) <= _KINDS:
        raise Refused("`mlp_layer_types` holds a kind that this family does not have")
    plain, sparse = feed_forward(hidden, fields.count("intermediate_size")), _ernie_experts(fields, hidden)
    blocks: list[tuple[Mixer | None, Weights]] = [(mixer, sparse if one == "sparse" else plain) for one in types]
    return assemble(fields, Traits(tied=True), blocks)


def _ernie_experts(fields: Fields, hidden: int) -> Weights:
    """Return the experts for text, which a text token visits, those for images, and the shared ones."""
    count, used = fields.count("moe_num_experts", "num_experts"), fields.count("moe_k", "num_experts_per_tok")
    widths = fields.counts("moe_intermediate_size", 2, at_least=1) or (1536, 512)
    shared = widths[0] * fields.count("moe_num_shared_experts", at_least=0)
    weights = list[Weight]()
    for name, width, visited in (("text_moe", widths[0], used), ("vision_moe", widths[1], 0)):
        place = f"mlp.{name}"
        weights += experts(hidden, width, count, visited, prefix=place)
        weights.append(Weight(f"{place}.gate.moe_statics.e_score_correction_bias", Part.ROUTER, (count,), visited=0))
    if shared:
        weights += feed_forward(hidden, shared, prefix="mlp.shared_experts", part=Part.SHARED_EXPERTS)
    return tuple(weights)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    **llama.FAMILIES,
    "ernie4_5_vl_moe_text": _ernie,
    "glm4v_text": partial(_with, family="glm4", attention_bias=True, head_dim=None),
    "glm_ocr_text": partial(_with, family="glm4", attention_bias=False),
    "hunyuan_vl": dense.FAMILIES["hunyuan_v1_dense"],
    "hunyuan_vl_text": dense.FAMILIES["hunyuan_v1_dense"],
    "paddleocr_vl": dense.FAMILIES["ernie4_5"],
    "paddleocr_vl_text": dense.FAMILIES["ernie4_5"],
    "phi4_multimodal": dense.FAMILIES["phi3"],
    "qwen2_5_omni_text": dense.FAMILIES["qwen2_vl_text"],
    "qwen3_omni_moe_text": mixture.FAMILIES["qwen3_vl_moe_text"],
}
