"""Hybrids of attention and mixers with a constant state: delta nets, lightning attention, Mamba."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

FAMILIES: dict[str, Callable[[Fields], Structure]] = {}
