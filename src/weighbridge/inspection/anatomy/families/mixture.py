"""Mixtures of experts over grouped-query attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.mixtures import (
    classic,
    glm,
    hunyuan,
    inkling,
    minimax,
    qwen,
    step,
    uneven,
    windowed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    **classic.FAMILIES,
    **qwen.FAMILIES,
    **glm.FAMILIES,
    **minimax.FAMILIES,
    **windowed.FAMILIES,
    **uneven.FAMILIES,
    **step.FAMILIES,
    **inkling.FAMILIES,
    **hunyuan.FAMILIES,
}
