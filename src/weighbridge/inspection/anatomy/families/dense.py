"""Dense decoders: the tables of their lines in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.families.lines import (
    alibi,
    cohere,
    gemma,
    gemma3n,
    gemma4,
    gpt,
    llama,
    looped,
    odd,
    remote,
    ungated,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Structure

__all__ = ["FAMILIES"]

FAMILIES: dict[str, Callable[[Fields], Structure]] = {
    **llama.FAMILIES,
    **ungated.FAMILIES,
    **gpt.FAMILIES,
    **alibi.FAMILIES,
    **remote.FAMILIES,
    **looped.FAMILIES,
    **cohere.FAMILIES,
    **odd.FAMILIES,
    **gemma.FAMILIES,
    **gemma3n.FAMILIES,
    **gemma4.FAMILIES,
}
