"""How often an item's label changes between draws of the same question."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from weighbridge.statistics.clustered import unit_mean_estimate
from weighbridge.statistics.interval import LEVEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.core.estimate import Estimate

    Labels: TypeAlias = Mapping[tuple[str, str, int], str | None]

__all__ = ["Instability", "instability"]

FEWEST = 2  # draws: one cannot flip


@dataclass(frozen=True, slots=True)
class Instability:
    """Cells (an item in a language) whose label changed, with intervals clustered by item; None without cells.

    `flipped`: share of cells with more than one label among their draws; it grows with the draws, so compare only at
    equal k. `pairwise`: chance that two draws of a cell differ, the mean over cells of the share of differing pairs,
    the same at any k. `left_out`: cells with fewer than two valid draws.
    """

    flipped: Estimate | None
    pairwise: Estimate | None
    left_out: int


def instability(labels: Labels, *, level: float = LEVEL) -> Instability:
    """Return the instability of (item, language, draw) -> label; None stands for a missing one."""
    cells: dict[tuple[str, str], list[str]] = {}
    for (item, language, _), label in labels.items():
        valid = cells.setdefault((item, language), [])
        if label is not None:
            valid.append(label)
    used = {cell: Counter(drawn) for cell, drawn in cells.items() if len(drawn) >= FEWEST}
    items = [item for item, _ in used]
    flipped = [float(len(counts) > 1) for counts in used.values()]
    pairwise = [_differing(counts) for counts in used.values()]
    return Instability(
        unit_mean_estimate(flipped, items, level=level),
        unit_mean_estimate(pairwise, items, level=level),
        len(cells) - len(used),
    )


def _differing(counts: Counter[str]) -> float:
    """Return the share of pairs of draws with different labels."""
    k = counts.total()
    return 1 - sum(count * (count - 1) for count in counts.values()) / (k * (k - 1))
