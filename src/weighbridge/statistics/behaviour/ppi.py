"""A detector's rates corrected by hand labels, and contrasts of such rates: prediction-powered inference.

    mean(auto over all answers) + mean(hand - auto over the labelled ones)

is unbiased however badly the detector errs, if the labelled answers are a random sample of each cell, drawn without a
look at the labels (Angelopoulos et al., Science 382 (2023) 669; in surveys the difference estimator of double
sampling, Cochran, Sampling Techniques, ch. 12). The labelled answers are part of "all" here: with N answers of which
n are labelled this is the paper's estimator at lambda = 1 - n/N. `tune` weights the detector by lambda =
cov(hand, auto) / var(auto), cut to [0, 1], which is the optimum of PPI++ (arXiv 2311.01453) in the same terms; a
worthless detector gets 0 and leaves the mean of the labels. Labels of one kind tell no covariance: there it stays 1.

The error is that of the sum of each answer's influence, added up within items (or forms) first: answers to one item in
two languages, or in several draws, err together. A sample without a disagreement does not show a detector without
error, so two pseudo-labels join the variance, 1/2 too high and 1/2 too low, shared among the cells of a contrast; a
cell in which no label disagrees adds two of its own, 1 too high and 1 too low.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from weighbridge.core.estimate import Estimate
from weighbridge.statistics.interval import LEVEL, student_quantile, student_tails

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = ["FEWEST_LABELS", "Answer", "CorrectedContrast", "corrected_contrast", "corrected_share"]

FEWEST_LABELS = 10  # in a cell; with fewer the correction is not known


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its item (or form), the detector's word in [0, 1], and a person's where there is one.

    `weight` is 1 / (draws of the item in the cell), so that an item counts once.
    """

    item: Hashable
    auto: float
    hand: float | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class CorrectedContrast:
    """A weighted sum of corrected rates. `p_value` is two-sided against 0, None for one rate.

    `uncorrected` is the detector's word alone, `estimate.n` counts answers, `labels` the labelled items of each cell.
    `estimate` and `p_value` are None where a cell has fewer than FEWEST_LABELS: a gap corrected on one side only is
    not corrected.
    """

    estimate: Estimate | None
    p_value: float | None
    uncorrected: float
    labels: tuple[int, ...]


def corrected_share(answers: Sequence[Answer], *, tune: bool = False, level: float = LEVEL) -> CorrectedContrast:
    """Return the corrected rate of one cell (a language, or a class of items in it), cut to [0, 1]."""
    return replace(_contrast([(1.0, answers)], (0.0, 1.0), tune, level), p_value=None)


def corrected_contrast(
    cells: Sequence[tuple[float, Sequence[Answer]]], *, tune: bool = False, level: float = LEVEL
) -> CorrectedContrast:
    """Return the sum of weight times corrected rate over cells, each corrected by its own labels.

    Weights 1, -1: a gap between languages or groups; 1, -1, -1, 1 for (sensitive, A), (control, A), (sensitive, B),
    (control, B): the difference in differences, with matched forms for items. Positive weights that sum to 1: a rate
    over strata. Raises ValueError for a cell without answers, values outside [0, 1] or a weight of 0.
    """
    if not all(weight for weight, _ in cells):
        raise ValueError("a cell of weight 0 is no part of a contrast")
    most = sum(weight for weight, _ in cells if weight > 0)
    least = sum(weight for weight, _ in cells if weight < 0)
    return _contrast(cells, (least, most), tune, level)


def _contrast(
    cells: Sequence[tuple[float, Sequence[Answer]]], within: tuple[float, float], tune: bool, level: float
) -> CorrectedContrast:
    """Return the contrast; `within` holds its possible values."""
    labels = tuple(len({answer.item for answer in answers if answer.hand is not None}) for _, answers in cells)
    uncorrected = math.fsum(weight * _mean(answers) for weight, answers in cells)
    if not cells or min(labels) < FEWEST_LABELS:
        return CorrectedContrast(None, None, uncorrected, labels)
    value, extra, influence, own = 0.0, 0.0, dict[object, float](), list[float]()
    for weight, answers in cells:
        rate, doubt, parts = _cell(answers, tune, len(cells))
        value, extra = value + weight * rate, extra + weight * weight * doubt
        own.append(weight * weight * (doubt + math.fsum(part * part for part in parts.values())))
        for item, part in parts.items():
            influence[item] = influence.get(item, 0.0) + weight * part
    units = len(influence)
    spread = math.fsum(part * part for part in influence.values()) * units / max(1, units - 1)
    freedom = sum(own) ** 2 / sum(v * v / (n - 1) for v, n in zip(own, labels, strict=True))  # Satterthwaite's
    error = math.sqrt(spread + extra)
    half = student_quantile(0.5 + level / 2, freedom) * error
    inside = min(within[1], max(within[0], value))
    low, high = max(within[0], inside - half), min(within[1], inside + half)
    n, method = sum(len(answers) for _, answers in cells), f"prediction-powered, {sum(labels)} labels"
    estimate = Estimate(inside, low, high, n, method, level)
    return CorrectedContrast(estimate, student_tails(value / error, freedom), uncorrected, labels)


def _cell(answers: Sequence[Answer], tune: bool, cells: int) -> tuple[float, float, dict[object, float]]:
    """Return a cell's corrected rate, the variance of its pseudo-labels, and each item's influence on the rate."""
    labelled = [(answer, answer.hand) for answer in answers if answer.hand is not None]
    weights, mean = math.fsum(answer.weight for answer in answers), _mean(answers)
    label_weights = math.fsum(answer.weight for answer, _ in labelled)
    trust = _trust([(answer.auto, hand) for answer, hand in labelled]) if tune else 1.0
    shift = math.fsum(answer.weight * (hand - trust * answer.auto) for answer, hand in labelled) / label_weights
    parts: dict[object, float] = {}
    for answer in answers:
        part = trust * answer.weight * (answer.auto - mean) / weights
        if answer.hand is not None:
            part += answer.weight * (answer.hand - trust * answer.auto - shift) / label_weights
        parts[answer.item] = parts.get(answer.item, 0.0) + part
    faultless = all(abs(hand - answer.auto) < 1e-9 for answer, hand in labelled)  # noqa: PLR2004 - rounding
    pseudo = 1.0 if faultless else 0.25 / cells  # squared
    return trust * mean + shift, 2 * pseudo / len({answer.item for answer, _ in labelled}) ** 2, parts


def _mean(answers: Sequence[Answer]) -> float:
    """Return the detector's own rate; raises ValueError where there is none."""
    if not answers or not all(0 <= a.auto <= 1 and 0 <= (a.hand or 0) <= 1 and a.weight > 0 for a in answers):
        raise ValueError("a cell needs answers with values in [0, 1] and weights above 0")
    return math.fsum(a.weight * a.auto for a in answers) / math.fsum(a.weight for a in answers)


def _trust(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the weight of the detector that leaves the least variance, between 0 and 1.

    It is 1 where all labels, or all words of the detector beside them, are the same: these say nothing of how the two
    go together, and a weight of 0 would throw away what the detector found elsewhere.
    """
    n = len(pairs)
    auto, hand = math.fsum(a for a, _ in pairs) / n, math.fsum(h for _, h in pairs) / n
    spread = math.fsum((a - auto) ** 2 for a, _ in pairs)
    shared = math.fsum((a - auto) * (h - hand) for a, h in pairs)
    if spread <= 0 or len({h for _, h in pairs}) == 1:
        return 1.0
    return min(1.0, max(0.0, shared / spread))
