"""Hybrids of attention and mixers with a constant state: delta nets, lightning attention, Mamba."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.hybrids import (
    delta,
    jamba,
    mamba,
    minimax,
    nas,
    nemotron,
    qwen4,
    recurrent,
    short,
    zamba,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    **delta.FAMILIES,
    **qwen4.FAMILIES,
    **mamba.FAMILIES,
    **jamba.FAMILIES,
    **nemotron.FAMILIES,
    **zamba.FAMILIES,
    **short.FAMILIES,
    **recurrent.FAMILIES,
    **minimax.FAMILIES,
    **nas.FAMILIES,
}
