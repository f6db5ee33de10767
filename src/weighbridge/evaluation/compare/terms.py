"""What a comparison asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weighbridge.statistics.sequential import Question

__all__ = ["Terms"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked: "noninferior", at most `margin` (a share) worse; or "better", better or worse at all.

    `alpha` bounds the chance of a wrong verdict; `budget` the items drawn.
    """

    question: Question = "noninferior"
    margin: float = 0.03
    alpha: float = 0.05
    budget: int | None = None
