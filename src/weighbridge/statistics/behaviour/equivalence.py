"""Is there no gap worth a word? Two one-sided tests against a margin; "not significant" is no answer to that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from weighbridge.statistics.paired import mcnemar_exact, tango_interval

if TYPE_CHECKING:
    from weighbridge.core.estimate import Estimate

__all__ = ["Equivalence", "EquivalenceVerdict", "judge_equivalence", "paired_equivalence"]

EquivalenceVerdict: TypeAlias = Literal["equivalent", "different", "not shown"]
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The verdict on a difference of shares, with the interval that it was read from.

    "equivalent": the interval at level 1 - 2 alpha lies within (-margin, margin), so both one-sided tests reject at
    alpha. "different": not so, and "no difference" is rejected at alpha, two-sided. "not shown": neither. A gap may
    be real and smaller than the margin: then the verdict is "equivalent", and `gap_shown` is true.
    `difference` is None, and the verdict "not shown", where nothing could be compared.
    """

    verdict: EquivalenceVerdict
    difference: Estimate | None
    margin: float
    gap_shown: bool


def judge_equivalence(
    difference: Estimate | None, p_value: float | None, *, margin: float, alpha: float = ALPHA
) -> Equivalence:
    """Return the verdict on any difference with an interval at level 1 - 2 `alpha` and the p-value of "no difference".

    Two one-sided tests by confidence interval (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15,
    1987). Raises ValueError for another level, or a margin or alpha that leaves nothing to test.
    """
    if not (margin > 0 and 0 < alpha < 0.5):  # noqa: PLR2004 - beyond it no interval is left
        raise ValueError(f"a margin of {margin} at an error of {alpha}")
    if difference is None:
        return Equivalence("not shown", None, margin, gap_shown=False)
    if abs(difference.level - (1 - 2 * alpha)) > 1e-9:  # noqa: PLR2004 - rounding
        raise ValueError(f"an interval at level {difference.level} for two tests at {alpha}")
    gap_shown = p_value is not None and p_value <= alpha
    within = -margin < difference.low and difference.high < margin
    verdict: EquivalenceVerdict = "equivalent" if within else "different" if gap_shown else "not shown"
    return Equivalence(verdict, difference, margin, gap_shown)


def paired_equivalence(
    first_only: int, second_only: int, n: int, *, margin: float, alpha: float = ALPHA
) -> Equivalence:
    """Return the verdict on two shares over the same n items, one answer each.

    Tango's score test on both sides (Liu, Hsueh, Hsieh and Chen, Statistics in Medicine 21 (2002) 231-245) and the
    exact McNemar test of a difference.
    """
    estimate = tango_interval(first_only, second_only, n, level=1 - 2 * alpha)
    return judge_equivalence(estimate, mcnemar_exact(first_only, second_only), margin=margin, alpha=alpha)
