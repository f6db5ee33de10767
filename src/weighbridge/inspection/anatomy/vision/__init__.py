"""The parts that see or hear: one function an outer `model_type`, from outer config and text width to weights.

A function raises `Refused` where the config does not determine the part: it stays unknown, the text does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.inspection.anatomy.vision import (
    deepseek,
    gemma,
    glm,
    internvl,
    llama,
    mergers,
    moonshot,
    phi,
    qwen,
    whisper,
    wrappers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from weighbridge.inspection.anatomy.fields import Fields
    from weighbridge.inspection.anatomy.structure import Weight

__all__ = ["BUFFERS", "TOWERS"]

TOWERS: dict[str, Callable[[Fields, int], tuple[Weight, ...]]] = {
    **deepseek.TOWERS,
    **gemma.TOWERS,
    **glm.TOWERS,
    **internvl.TOWERS,
    **llama.TOWERS,
    **mergers.TOWERS,
    **moonshot.TOWERS,
    **phi.TOWERS,
    **qwen.TOWERS,
    **whisper.TOWERS,
    **wrappers.TOWERS,
}
# elements that checkpoints store beside a part's weights and that are no parameters
BUFFERS: dict[str, Callable[[Fields], int]] = {**gemma.BUFFERS}
