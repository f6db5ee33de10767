"""Gemma 1 to 3 and their kin: tied embeddings, norms around the blocks, windows that alternate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.blocks import linear
from weighbridge.inspection.anatomy.families.decoder import dense, heads_of, hidden_of, windows_of
from weighbridge.inspection.anatomy.families.lines.layout import absent, deriving, switched_on, without_cache
from weighbridge.inspection.anatomy.families.lines.llama import BIASED, POST_NORMS
from weighbridge.inspection.anatomy.structure import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["ALL_NORMS", "BOTH_WAYS", "FAMILIES"]

ALL_NORMS = ("input_layernorm", POST_NORMS[0], "pre_feedforward_layernorm", POST_NORMS[1])
BOTH_WAYS = "the model attends both ways, so it keeps no cache between tokens"
_TIED = replace(BIASED, tied=True)


def _gemma(fields: Fields) -> Structure:
    """Gemma: Llama with heads of 256 and tied embeddings."""
    structure = dense(absent(fields, num_key_value_heads=16, head_dim=256), _TIED)
    return without_cache(structure, BOTH_WAYS) if switched_on(fields, "use_bidirectional_attention") else structure


def _alternating(fields: Fields, *, norms: tuple[str, ...]) -> Structure:
    """Gemma 2 and VaultGemma: every second layer is full."""
    said = absent(fields, num_key_value_heads=4, head_dim=256, sliding_window=4096)
    said.count("sliding_window")
    structure = dense(said, replace(_TIED, norms=norms), windows=windows_of(said, said.layers(), every=2))
    return without_cache(structure, BOTH_WAYS) if switched_on(said, "use_bidirectional_attention") else structure


def _gemma2(fields: Fields) -> Structure:
    """Gemma 2: four norms a layer."""
    return _alternating(fields, norms=ALL_NORMS)


def _vaultgemma(fields: Fields) -> Structure:
    """VaultGemma: Gemma 2 without the norms after the blocks."""
    return _alternating(fields, norms=("input_layernorm", "pre_feedforward_layernorm"))


def _gemma3(fields: Fields) -> Structure:
    """Gemma 3: five of six layers slide; nested configs leave out what the library's class assumes.

    EmbeddingGemma attends both ways, half a window to each side.
    """
    said = absent(
        fields, num_attention_heads=8, num_key_value_heads=4, head_dim=256, vocab_size=262208, intermediate_size=9216,
        sliding_window=4096,
    )  # fmt: skip
    window = said.count("sliding_window")
    both_ways = switched_on(said, "use_bidirectional_attention")
    if both_ways:
        said = deriving(said, sliding_window=window // 2 + 1)
    # a declared `layer_types` says it all, and the pattern is only assumed without one
    every = None if said.has("layer_types") else said.count("sliding_window_pattern", default=6)
    structure = dense(
        said, replace(_TIED, qk_norm="head", norms=ALL_NORMS), windows=windows_of(said, said.layers(), every=every)
    )
    return without_cache(structure, BOTH_WAYS) if both_ways else structure


def _muse_glimmer(fields: Fields) -> Structure:
    """Muse Glimmer: Gemma 2's norms, an output gate, every fourth layer full counted from the last."""
    said = absent(
        fields, num_attention_heads=32, num_key_value_heads=2, head_dim=128, vocab_size=202048, sliding_window=2048,
        intermediate_size=19968,
    )  # fmt: skip
    layers, window = said.layers(), said.count("sliding_window")
    if said.has("layer_types"):
        windows = windows_of(said, layers)
    else:
        windows = tuple(None if (layers - 1 - number) % 4 == 0 else window for number in range(layers))
    heads = heads_of(said)
    gate = linear("self_attn.gate_proj", heads.n * heads.d, hidden_of(said), Part.ATTENTION)
    return dense(said, replace(BIASED, norms=ALL_NORMS), windows=windows, extra=gate)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "gemma": _gemma,
    "gemma2": _gemma2,
    "gemma3": _gemma3,
    "gemma3_text": _gemma3,
    "vaultgemma": _vaultgemma,
    "muse_glimmer_text": _muse_glimmer,
}
