"""Ears of Whisper's kind: Qwen2-Audio, Voxtral, and the encoder that Qwen's Omni models took over.

Formulas: transformers 5.23, `Qwen2AudioEncoder`, `VoxtralEncoder` and their projectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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

__all__ = ["TOWERS", "whisper"]


def whisper(
    fields: Fields,
    place: str,
    *,
    final_norm: str = "layer_norm",
    positions: bool = True,
    stem: bool = True,
    key_bias: bool = False,
) -> Weights:
    """Return an encoder of Whisper's kind, d_model wide; `stem` are its two convolutions over the spectrum."""
    hidden = fields.count("d_model", "hidden_size")
    inner = fields.count("encoder_ffn_dim", "intermediate_size")
    size = Size(hidden, inner, fields.layers("encoder_layers", "num_hidden_layers"))
    style = Style(
        norms=("self_attn_layer_norm", "final_layer_norm"),
        mlp=("fc1", "fc2"),
        unbiased=frozenset() if key_bias else frozenset({"self_attn.k_proj"}),
    )
    weights: list[Weight] = []
    if stem:
        weights += conv(f"{place}.conv1", hidden, fields.count("num_mel_bins"), 3, bias=True, part=Part.AUDIO)
        weights += conv(f"{place}.conv2", hidden, hidden, 3, bias=True, part=Part.AUDIO)
    if positions:
        name = f"{place}.embed_positions.weight"
        weights += vector(name, fields.count("max_source_positions"), hidden, part=Part.AUDIO)
    weights += encoder(f"{place}.layers", size, style, part=Part.AUDIO)
    weights += layer_norm(f"{place}.{final_norm}", hidden, part=Part.AUDIO)
    return tuple(weights)


def qwen2_audio(outer: Fields, text: int) -> Weights:
    """Return Qwen2-Audio's encoder and its one linear layer."""
    fields = section(
        outer, "audio_config", d_model=1280, encoder_layers=32, encoder_ffn_dim=5120, num_mel_bins=128,
        max_source_positions=1500,
    )  # fmt: skip
    return (
        *whisper(fields, "audio_tower"),
        *projector([("multi_modal_projector.linear", text, fields.count("d_model"))]),
    )


def voxtral(outer: Fields, text: int) -> Weights:
    """Return Voxtral's encoder and a projector that takes four frames at once."""
    fields = section(
        outer, "audio_config", hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_mel_bins=128,
        max_source_positions=1500,
    )  # fmt: skip
    place = "multi_modal_projector"
    layers = [(f"{place}.linear_1", text, fields.count("intermediate_size")), (f"{place}.linear_2", text, text)]
    return (*whisper(fields, "audio_tower"), *projector(layers, bias=False))


TOWERS: dict[str, Callable[[Fields, int], Weights]] = {"qwen2_audio": qwen2_audio, "voxtral": voxtral}
