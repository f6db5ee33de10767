"""Dense decoders: the Llama line and its kin."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.decoder import Traits, dense, windows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]


def _mistral(fields: Fields) -> Structure:
    """Mistral: as Llama, where a declared window holds for every layer."""
    return dense(fields, Traits(mlp_bias=False, qkv_bias=False), windows=windows_of(fields, fields.layers()))


FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    "llama": dense,
    "mistral": _mistral,
    "qwen3": partial(dense, traits=Traits(qk_norm="head", mlp_bias=False)),
}
