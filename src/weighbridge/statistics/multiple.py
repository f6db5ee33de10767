"""Many metrics at once: a gate, the blame for a failure, and boards of many cells.

An e-value is a non-negative number whose mean is at most 1 where its null hypothesis holds; an e-process is such a
number at every time, so large values speak against the null whenever one looks (Ramdas and Wang, "Hypothesis testing
with e-values", 2025). Two uses of a path must not be mixed:

* its supremum gives a p-value, min(1, 1 / sup e) (Ville): right for `holm` and for the gate;
* its value at one common time is an e-value: right for `e_bh` and `global_e`. Their guarantees are lost on running
  maxima (Tavyrikov, Goeman and de Heide, arXiv 2501.19360): in our example 30% of boards then held a false alarm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["GateVerdict", "Metric", "anytime_p", "e_bh", "gate", "global_e", "holm"]


@dataclass(frozen=True, slots=True)
class Metric:
    """The evidence about one required metric: the suprema of its two e-processes so far (math.inf where certain).

    `noninferior` speaks against "worse by the margin or more", `inferior` against "not worse than the margin".
    """

    name: str
    noninferior: float
    inferior: float


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What the metrics say together, and the names of the metrics cleared, blamed and still open."""

    verdict: Literal["adopt", "block", "undecided"]
    cleared: tuple[str, ...]
    blamed: tuple[str, ...]
    open: tuple[str, ...]


def gate(metrics: Sequence[Metric], alpha: float = 0.05) -> GateVerdict:
    """Return adopt where every metric is non-inferior, block where one is shown inferior, else undecided.

    Adopt is an intersection-union test (Berger, Technometrics 24, 1982): each metric at `alpha` without correction,
    for to adopt a bad candidate its bad metric must pass. Blame is Holm's over min(1, 1 / sup e), so no metric is
    wrongly blamed with probability above `alpha`. Both hold under any dependence and any stopping. Where the two
    contradict each other, blame wins. Raises ValueError without metrics: nothing measured is nothing cleared.
    """
    if not metrics:
        raise ValueError("a gate needs at least one metric")
    cleared = [anytime_p(metric.noninferior) <= alpha for metric in metrics]
    blamed = holm([anytime_p(metric.inferior) for metric in metrics], alpha)
    names = [metric.name for metric in metrics]
    passed = tuple(name for name, good, bad in zip(names, cleared, blamed, strict=True) if good and not bad)
    failed = tuple(name for name, bad in zip(names, blamed, strict=True) if bad)
    rest = tuple(name for name, good, bad in zip(names, cleared, blamed, strict=True) if not good and not bad)
    verdict: Literal["adopt", "block", "undecided"] = "block" if failed else "undecided" if rest else "adopt"
    return GateVerdict(verdict, passed, failed, rest)


def anytime_p(highest: float) -> float:
    """Return min(1, 1 / sup e), a p-value at any stopping time; ValueError where e is negative or not a number."""
    return 1.0 if _e_value(highest) <= 1 else 1 / highest


def holm(p_values: Sequence[float], alpha: float = 0.05) -> list[bool]:
    """Return which hypotheses fall, with P(any false fall) <= alpha under any dependence (Holm 1979)."""
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError("a p-value lies between 0 and 1")
    fallen = [False] * len(p_values)
    for place, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[i] > alpha / (len(p_values) - place):
            break
        fallen[i] = True
    return fallen


def e_bh(e_values: Sequence[float], alpha: float = 0.05) -> list[bool]:
    """Return which hypotheses fall, with a false discovery rate <= alpha under any dependence.

    e-BH of Wang and Ramdas (JRSS B 84, 2022): the k largest fall for the largest k whose k-th is >= K / (alpha k).
    The e-values must be those of one common decision time. Running maxima are not e-values and not allowed here.
    """
    order = sorted(range(len(e_values)), key=lambda i: -_e_value(e_values[i]))
    count, fallen = len(order), [False] * len(order)
    most = max((k for k, i in enumerate(order, 1) if e_values[i] * k * alpha >= count), default=0)
    for i in order[:most]:
        fallen[i] = True
    return fallen


def global_e(e_values: Sequence[float]) -> float:
    """Return the evidence that something is wrong somewhere: the mean of e-processes at one time is an e-process.

    Alarm when it reaches 1 / alpha (Vovk and Wang, Annals of Statistics 49, 2021). Not for running maxima, either.
    Raises ValueError without e-values.
    """
    if not e_values:
        raise ValueError("a mean needs at least one e-value")
    return math.fsum(map(_e_value, e_values)) / len(e_values)


def _e_value(value: float) -> float:
    """Return an e-value that is one; NaN fails the comparison, too."""
    if not value >= 0:
        raise ValueError(f"{value} is not an e-value")
    return value
