"""What Meta's models see with: Llama 4, and Llama 3.2 Vision (`mllama`), where some layers attend to the image.

Formulas: transformers 5.23, `Llama4VisionModel`, `MllamaVisionModel` and `MllamaTextModel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import Heads, Mixer, feed_forward, grouped_query, linear
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, heads_of, hidden_of
from weighbridge.inspection.anatomy.fields import MAX_LAYERS, Refused
from weighbridge.inspection.anatomy.structure import Part, Structure, Weight
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

__all__ = ["FAMILIES", "TOWERS"]

_PLACE = "vision_model"
_NORMS = ("input_layernorm", "post_attention_layernorm")
_EXTRA_TOKENS = 8  # rows of the embedding that the head does not have: the image token and its padding


def _llama4(outer: Fields, text: int) -> Weights:
    """Return Llama 4's tower; without a declared section the released models' tower is not what the library builds."""
    fields = section(
        outer, hidden_size=768, num_hidden_layers=34, intermediate_size=5632, num_channels=3, image_size=448,
        patch_size=14, vision_output_dim=7680, projector_input_dim=4096, projector_output_dim=4096,
    )  # fmt: skip
    hidden, inner = fields.count("hidden_size"), fields.count("intermediate_size")
    side = sides(fields, "patch_size")
    given, adapter = fields.count("projector_output_dim"), f"{_PLACE}.vision_adapter.mlp"
    style = Style(norms=_NORMS, out="self_attn.o_proj")
    layers = [
        (f"{adapter}.fc1", fields.count("projector_input_dim"), inner),
        (f"{adapter}.fc2", given, given),
        ("multi_modal_projector.linear_1", text, fields.count("vision_output_dim")),
    ]
    return (
        *vector(f"{_PLACE}.class_embedding", hidden),
        *vector(f"{_PLACE}.positional_embedding_vlm", patches(fields) + 1, hidden),
        *linear(
            f"{_PLACE}.patch_embedding.linear", hidden, fields.count("num_channels") * side[0] * side[1], Part.VISION
        ),
        *layer_norm(f"{_PLACE}.layernorm_pre", hidden),
        *layer_norm(f"{_PLACE}.layernorm_post", hidden),
        *encoder(f"{_PLACE}.model.layers", Size(hidden, inner, fields.layers()), style),
        *projector(layers, bias=False),
    )


def _mllama(outer: Fields, text: int) -> Weights:
    """Return Llama 3.2 Vision's tower: positions for tiles and aspect ratios, then plain and gated layers."""
    fields = section(
        outer, hidden_size=1280, num_hidden_layers=32, num_global_layers=8, intermediate_size=5120, num_channels=3,
        image_size=448, patch_size=14, vision_output_dim=7680, max_num_tiles=4,
    )  # fmt: skip
    hidden, inner = fields.count("hidden_size"), fields.count("intermediate_size")
    style = Style(norms=_NORMS, out="self_attn.o_proj", qkv_bias=False, out_bias=False)
    tiles, positions = fields.count("max_num_tiles"), patches(fields) + 1
    ratios = _aspect_ratios(fields) + 1  # and one for "no image"
    count, place = fields.count("num_global_layers", at_least=0), f"{_PLACE}.global_transformer.layers"
    weights = [
        *vector(f"{_PLACE}.class_embedding", hidden),
        *conv(f"{_PLACE}.patch_embedding", hidden, fields.count("num_channels"), *sides(fields, "patch_size")),
        *vector(f"{_PLACE}.gated_positional_embedding.gate", 1),
        *vector(f"{_PLACE}.gated_positional_embedding.embedding", positions, hidden),
        *vector(f"{_PLACE}.gated_positional_embedding.tile_embedding.weight", ratios, tiles * positions * hidden),
        *layer_norm(f"{_PLACE}.layernorm_pre", hidden),
        *layer_norm(f"{_PLACE}.layernorm_post", hidden),
        *encoder(f"{_PLACE}.transformer.layers", Size(hidden, inner, fields.layers()), style),
        *encoder(place, Size(hidden, inner, count), style),
        *vector(f"{place}.*.gate_attn", 1, copies=count),
        *vector(f"{place}.*.gate_ffn", 1, copies=count),
    ]
    for name in ("pre_tile_positional_embedding", "post_tile_positional_embedding"):
        weights += vector(f"{_PLACE}.{name}.gate", 1)
        weights += vector(f"{_PLACE}.{name}.embedding.weight", ratios, tiles * hidden)
    return (*weights, *projector([("multi_modal_projector", text, fields.count("vision_output_dim"))]))


def _aspect_ratios(fields: Fields) -> int:
    """Return how many aspect ratios of tiles the tower knows: eight where the config does not list them."""
    listed = fields.value("supported_aspect_ratios")
    if listed is None:
        return 8
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_LAYERS:
        raise Refused("`supported_aspect_ratios` is no list of aspect ratios")
    return len(listed)


def _mllama_text(fields: Fields) -> Structure:
    """Build Llama 3.2 Vision's text model: Llama, but in `cross_attention_layers` a token attends to the image alone.

    Those layers keep the image's keys and values, a constant for a sequence, and none of the text's.
    """
    hidden, layers, heads = hidden_of(fields), fields.layers(), heads_of(fields)
    listed = fields.members("cross_attention_layers")
    crossed = listed if fields.has("cross_attention_layers") else frozenset(range(3, 40, 5))
    if crossed and max(crossed) >= layers:
        raise Refused("`cross_attention_layers` names a layer beyond the last one")
    ffn = feed_forward(hidden, fields.count("intermediate_size"))
    plain, cross = grouped_query(hidden, heads), _cross_attention(hidden, heads)
    blocks: list[tuple[Mixer | None, Weights]] = [
        (cross if number in crossed else plain, ffn) for number in range(layers)
    ]
    built = assemble(fields, Traits(), blocks)
    if built.is_tied:
        raise Refused("a tied head cannot be smaller than its embedding, as it is in this family")
    embedding = Weight("model.embed_tokens.weight", Part.EMBEDDING, (built.vocabulary + _EXTRA_TOKENS, hidden))
    return Structure(
        family="mllama",
        hidden_size=hidden,
        vocabulary=built.vocabulary,
        is_tied=False,
        outside=(embedding, *(weight for weight in built.outside if weight.part is not Part.EMBEDDING)),
        layers=built.layers,
        notes=("layers that attend to the image keep its keys and values, which the cache figures do not count",),
    )


def _cross_attention(hidden: int, heads: Heads) -> Mixer:
    """Return attention to the image, with norms on queries and keys and two gates; it keeps nothing of the text."""
    found = grouped_query(hidden, heads, prefix="cross_attn", qk_norm="head", kind="cross")
    gates = (
        Weight("cross_attn_attn_gate", Part.ATTENTION, (1,)),
        Weight("cross_attn_mlp_gate", Part.ATTENTION, (1,)),
    )
    return Mixer("cross", (*found.weights, *gates))


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {"llama4": _llama4, "mllama": _mllama}
FAMILIES: dict[str, Callable[[Fields], Structure]] = {"mllama_text_model": _mllama_text, "mllama": _mllama_text}
