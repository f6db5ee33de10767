"""The parts that see or hear: one function an outer `model_type`, from outer config and text width to weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Weight

__all__ = ["TOWERS"]

TOWERS: dict[str, Callable[[Fields, int], tuple[Weight, ...]]] = {}
