"""Gemma 3n: embeddings for each layer, alternating updates (AltUp), low-rank residuals (LAuReL), shared caches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import feed_forward, grouped_query, linear, norm
from weighbridge.inspection.anatomy.families.decoder import Traits, assemble, heads_of, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.gemma import ALL_NORMS
from weighbridge.inspection.anatomy.families.lines.layout import absent
from weighbridge.inspection.anatomy.fields import Refused
from weighbridge.inspection.anatomy.structure import Part, Weight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weighbridge.inspection.anatomy.families.blocks import Mixer, Weights
    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES", "per_layer_inputs", "per_layer_table", "reusing", "sharing_from"]

_KEYS = ("k_proj", "v_proj", "k_norm")
_DEFAULTS = {
    "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 256, "vocab_size": 262400, "sliding_window": 512,
    "intermediate_size": 16384, "num_kv_shared_layers": 15, "hidden_size_per_layer_input": 256,
    "vocab_size_per_layer_input": 262144, "altup_num_inputs": 4, "laurel_rank": 64,
}  # fmt: skip


def sharing_from(fields: Fields, windows: Sequence[int | None]) -> int:
    """Return the first layer that reads the cache of an earlier one of its kind instead of keeping its own."""
    shared = fields.count("num_kv_shared_layers", default=0, at_least=0)
    first = len(windows) - shared
    if shared and {window is None for window in windows[: max(first, 0)]} != {window is None for window in windows}:
        raise Refused("layers share the cache of a kind of layer that keeps none")
    return first


def reusing(mixer: Mixer) -> Mixer:
    """Return a layer's attention without keys, values and cache of its own."""
    weights = tuple(weight for weight in mixer.weights if not any(f".{name}." in weight.name for name in _KEYS))
    return replace(mixer, weights=weights, caches=())


def per_layer_inputs(hidden: int, width: int) -> Weights:
    """Return what feeds a layer its own input: gate (width x hidden), projection (hidden x width) and a norm."""
    return (
        *linear("per_layer_input_gate", width, hidden, Part.RESIDUAL),
        *linear("per_layer_projection", hidden, width, Part.RESIDUAL),
        *norm("post_per_layer_input_norm", hidden),
    )


def per_layer_table(fields: Fields, width: int) -> Weights:
    """Return the table of embeddings for every layer (vocabulary x layers * width) and its projection."""
    wide = fields.layers() * width
    vocabulary = fields.count("vocab_size_per_layer_input")
    return (
        Weight("model.embed_tokens_per_layer.weight", Part.EMBEDDING, (vocabulary, wide)),
        *linear("model.per_layer_model_projection", wide, hidden_of(fields), Part.RESIDUAL),
        *norm("model.per_layer_projection_norm", width),
    )


def _altup(hidden: int, inputs: int, rank: int) -> Weights:
    """Return the weights that mix a layer's `inputs` streams, and its low-rank residual."""
    return (
        Weight("altup.correct_output_scale", Part.RESIDUAL, (hidden,)),
        *linear("altup.correction_coefs", inputs, inputs, Part.RESIDUAL),
        *linear("altup.prediction_coefs", inputs**2, inputs, Part.RESIDUAL),
        *linear("altup.modality_router", inputs, hidden, Part.RESIDUAL),
        *norm("altup.router_norm", hidden),
        *linear("laurel.linear_left", rank, hidden, Part.RESIDUAL),
        *linear("laurel.linear_right", hidden, rank, Part.RESIDUAL),
        *norm("laurel.post_laurel_norm", hidden),
    )


def _gemma3n(fields: Fields) -> Structure:
    """Gemma 3n: four of five layers slide; the last ones reuse the caches of earlier layers."""
    said = absent(fields, **_DEFAULTS)
    hidden, layers = hidden_of(said), said.layers()
    said.count("sliding_window")
    windows = windows_of(said, layers, every=5)
    first = sharing_from(said, windows)
    widths = said.counts("intermediate_size", layers, at_least=1)
    if widths is None:
        raise Refused("`intermediate_size` is missing")
    heads = heads_of(said)
    bias = said.flag("attention_bias", default=False)
    blocks = []
    for number, window in enumerate(windows):
        mixer = grouped_query(hidden, heads, qkv_bias=bias, out_bias=bias, qk_norm="head", window=window)
        blocks.append((mixer if number < first else reusing(mixer), feed_forward(hidden, widths[number])))
    inputs, width = said.count("altup_num_inputs"), said.count("hidden_size_per_layer_input")
    more = (*_altup(hidden, inputs, said.count("laurel_rank")), *per_layer_inputs(hidden, width))
    structure = assemble(said, Traits(norms=ALL_NORMS, tied=True), blocks, more=lambda _: more)
    streams = [
        weight
        for name in ("altup_projections", "altup_unembed_projections")
        for number in range(inputs - 1)
        for weight in linear(f"model.{name}.{number}", hidden, hidden, Part.RESIDUAL)
    ]
    return replace(structure, outside=(*structure.outside, *per_layer_table(said, width), *streams))


FAMILIES: dict[str, Callable[[Fields], Structure]] = {"gemma3n": _gemma3n, "gemma3n_text": _gemma3n}
