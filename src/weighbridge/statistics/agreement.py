"""Agreement of two people beyond chance: Cohen's kappa."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from weighbridge.core.estimate import Estimate
from weighbridge.statistics.interval import wilson

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = ["cohen_kappa"]


def cohen_kappa(pairs: Sequence[tuple[Hashable, Hashable]], level: float = 0.95) -> Estimate | None:
    """Return Cohen's kappa of what two people said of the same things, between -1 and 1.

    kappa = (agreed - chance) / (1 - chance), `chance` from the margins (J. Cohen, Educ. Psychol. Meas. 20, 1960). As in
    Cohen's own interval, chance is held fixed; the agreement has Wilson's interval, no point at full agreement.
    None where there are no pairs, or where both said one and the same of everything: kappa is not defined there.
    """
    n = len(pairs)
    one, two = Counter(first for first, _ in pairs), Counter(second for _, second in pairs)
    by_chance = sum(count * two[label] for label, count in one.items())  # in units of 1 / n^2
    if by_chance == n * n:
        return None
    chance, agreed = by_chance / (n * n), sum(first == second for first, second in pairs)
    value, low, high = ((share - chance) / (1 - chance) for share in (agreed / n, *wilson(agreed, n, level)))
    return Estimate(value, low, high, n, "Cohen's kappa, Wilson at fixed chance agreement", level)
