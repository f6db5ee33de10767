"""Cohere's line: one norm for both blocks, tied embeddings, as transformers 5.23 builds it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.decoder import dense, windows_of
from weighbridge.inspection.anatomy.families.lines.layout import absent
from weighbridge.inspection.anatomy.families.lines.llama import BIASED

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

_TRAITS = replace(BIASED, norms=("input_layernorm",), tied=True)


def _cohere(fields: Fields) -> Structure:
    """Cohere: one norm for both blocks; q and k norms, where switched on, hold a vector for every head."""
    said = absent(fields, use_qk_norm=False)
    return dense(said, replace(_TRAITS, qk_norm="full") if said.flag("use_qk_norm") else _TRAITS)


def _cohere2(fields: Fields) -> Structure:
    """Cohere 2 (Command R7B and A): three of four layers slide."""
    said = absent(fields, sliding_window=4096, sliding_window_pattern=4)
    said.count("sliding_window")
    windows = windows_of(said, said.layers(), every=said.count("sliding_window_pattern", default=4))
    return dense(said, _TRAITS, windows=windows)


def _compass(fields: Fields) -> Structure:
    """Cohere Compass: Cohere 2, with full layers unless `layer_types` says otherwise."""
    said = absent(fields, sliding_window=4096)
    windows = windows_of(said, said.layers()) if said.has("layer_types") else None
    return dense(said, _TRAITS, windows=windows)


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "cohere": _cohere,
    "cohere2": _cohere2,
    "cohere_compass_text": _compass,
}
