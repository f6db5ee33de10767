"""What a judge's rates are worth: corrected by labels, refused where they cannot be, and its liking for a place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, TypeAlias

from weighbridge.core.estimate import Estimate
from weighbridge.statistics.clustered import unit_mean_estimate
from weighbridge.statistics.interval import LEVEL, clopper_pearson, share_estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Calibration", "OrderStats", "Place", "corrected_rate", "order_stats", "preference_rate"]

Place: TypeAlias = Literal["first", "second", "tie"]

# How far from one half a raw rate must stay to be told without labels: an equal model that a judge always saw first
# "won" 59% of its pairs (our knowledge base, statistics.md, section 5).
NEAR_HALF = 0.1


@dataclass(frozen=True, slots=True)
class Calibration:
    """The judge against people's labels: yes on `true_yes` of `yes` items labelled yes, no on `true_no` of `no`.

    The labelled items are other items than those judged, drawn like them within each label. Raises ValueError for
    impossible counts.
    """

    true_yes: int
    yes: int
    true_no: int
    no: int

    def __post_init__(self) -> None:
        if not (0 <= self.true_yes <= self.yes and 0 <= self.true_no <= self.no):
            raise ValueError(f"{self.true_yes} right of {self.yes} and {self.true_no} of {self.no}")

    def beats_chance(self, level: float = LEVEL) -> bool:
        """Return whether sensitivity + specificity > 1 is shown at `level` (the two exact bounds joined by Bonferroni).

        Otherwise the judge's word carries nothing that a correction could recover.
        """
        sensitivity, _ = clopper_pearson(self.true_yes, self.yes, level)  # each end keeps half the error
        specificity, _ = clopper_pearson(self.true_no, self.no, level)
        return sensitivity + specificity > 1


@dataclass(frozen=True, slots=True)
class OrderStats:
    """A judge asked twice, in both orders: a fair one names the first place half the time and never flips.

    `first_place` is the share of decisive verdicts that named the answer shown first (None where none was decisive),
    `flips` the share of pairs in which the winner changed with the order, ties included.
    """

    first_place: Estimate | None
    flips: Estimate | None


def corrected_rate(judged_yes: int, n: int, calibration: Calibration, *, level: float = LEVEL) -> Estimate | None:
    """Return the true rate behind a judge's rate, with the error of judged and of labelled items in the interval.

    (p + q0 - 1) / (q0 + q1 - 1) with specificity q0 and sensitivity q1 (Rogan and Gladen 1978), cut to [0, 1], and
    the adjusted interval of Lee et al., arXiv 2511.21140. None where nothing was judged, a label is missing, or the
    labels do not show the judge to be better than chance. Raises ValueError unless 0 <= judged_yes <= n.
    """
    if not 0 <= judged_yes <= n:
        raise ValueError(f"{judged_yes} of {n} judged yes")
    if n == 0 or not calibration.beats_chance(level):
        return None
    low, high = _lee_interval(judged_yes, n, calibration, level)
    specificity, sensitivity = calibration.true_no / calibration.no, calibration.true_yes / calibration.yes
    theta = min(1.0, max(0.0, (judged_yes / n + specificity - 1) / (specificity + sensitivity - 1)))
    return Estimate(theta, min(low, theta), max(high, theta), n, "judge, corrected by labels (Lee et al.)", level)


def preference_rate(
    wins: int, n: int, calibration: Calibration | None = None, *, level: float = LEVEL
) -> Estimate | None:
    """Return how often a judge prefers one model, corrected where labels allow it.

    `n` counts decisive verdicts, each pair shown once in random order. Without labels the raw rate (Wilson) is given
    only where its whole interval stays NEAR_HALF away from one half: nearer, a judge's known biases are as large as
    what it measures, and the answer is None. A raw rate says who is preferred, not by how much.
    """
    if calibration is not None:
        return corrected_rate(wins, n, calibration, level=level)
    raw = share_estimate(wins, n, level=level)
    if raw is None or (raw.low < 0.5 + NEAR_HALF and raw.high > 0.5 - NEAR_HALF):
        return None
    return Estimate(raw.value, raw.low, raw.high, n, "judge, uncorrected (Wilson)", level)


def order_stats(verdicts: Sequence[tuple[Place, Place]], *, level: float = LEVEL) -> OrderStats:
    """Return the judge's liking for a place from pairs judged in both orders.

    Each entry holds the *place* named when A was shown first and when B was: ("first", "second") is A both times.
    The two verdicts on a pair are one cluster. The share of flips has Wilson's interval.
    """
    kept = {("first", "second"), ("second", "first"), ("tie", "tie")}
    flips = sum(pair not in kept for pair in verdicts)
    named = [(i, place) for i, pair in enumerate(verdicts) for place in pair if place != "tie"]
    first_place = unit_mean_estimate(
        [float(place == "first") for _, place in named], [i for i, _ in named], level=level
    )
    return OrderStats(first_place, share_estimate(flips, len(verdicts), level=level))


def _lee_interval(judged_yes: int, n: int, calibration: Calibration, level: float) -> tuple[float, float]:
    """Return the adjusted interval of arXiv 2511.21140, section 3, for a judge better than chance."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    size, size0, size1 = n + z * z, calibration.no + 2, calibration.yes + 2
    p = (judged_yes + z * z / 2) / size
    q0, q1 = (calibration.true_no + 1) / size0, (calibration.true_yes + 1) / size1
    theta = (p + q0 - 1) / (q0 + q1 - 1)
    noise0, noise1 = q0 * (1 - q0) / size0, q1 * (1 - q1) / size1
    centre = theta + 2 * z * z * (theta * noise1 - (1 - theta) * noise0)
    half = z * math.sqrt(p * (1 - p) / size + (1 - theta) ** 2 * noise0 + theta**2 * noise1) / (q0 + q1 - 1)
    return max(0.0, centre - half), min(1.0, centre + half)
