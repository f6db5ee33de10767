"""Before a run: how many questions a conclusion needs, and what a given number can show.

Sizes are real numbers; round them up. Shares and differences are shares (0.03 is three points), not points.
These are normal approximations for planning a fixed-size run. No verdict rests on them.
"""

from __future__ import annotations

import math
from statistics import NormalDist

__all__ = ["minimum_detectable", "paired_size", "questions_needed"]


def questions_needed(
    difference: float,
    *,
    answers: tuple[float, float] = (1, 1),
    between: float = 1 / 9,
    within: tuple[float, float] = (1 / 6, 1 / 6),
    alpha: float = 0.05,
    power: float = 0.8,
) -> float:
    """Return how many questions show a difference between two models asked the same questions.

    Equation 9 of Miller, arXiv 2411.00640, two-sided at `alpha`: (z(alpha/2) + z(power))^2
    (between + within_A / K_A + within_B / K_B) / difference^2, where `between` is the variance over questions of the
    difference of expected scores, `within` each model's mean variance over answers to one question, and `answers` the
    K answers drawn from each (math.inf: the expected score itself). The defaults are Miller's example.
    """
    noise = between + sum(variance / k for variance, k in zip(within, answers, strict=True))
    return _reach(alpha / 2, power) ** 2 * noise / _positive(difference) ** 2


def paired_size(
    discordance: float,
    margin: float,
    *,
    difference: float = 0.0,
    population: int | None = None,
    alpha: float = 0.05,
    power: float = 0.9,
) -> float:
    """Return how many questions, both models right or wrong on each, show candidate > baseline - margin.

    One-sided at `alpha`; `discordance` is the share of questions on which exactly one is right, `difference` the true
    candidate - baseline, and margin 0 asks for superiority. With a finite `population` of N questions drawn without
    replacement n = n0 / (1 + (n0 - 1) / N) (Cochran, Sampling Techniques, 4.8). math.inf where the truth lies at
    or below the threshold. Raises ValueError for a discordance outside [|difference|, 1].
    """
    if not abs(difference) <= discordance <= 1:
        raise ValueError(f"a discordance of {discordance} cannot hold a difference of {difference}")
    gap = difference + margin
    if gap <= 0:
        return math.inf
    size = _reach(alpha, power) ** 2 * (discordance - difference**2) / gap**2
    return size if population is None else max(0.0, size / (1 + (size - 1) / population))


def minimum_detectable(
    n: int,
    discordance: float,
    *,
    margin: float = 0.0,
    population: int | None = None,
    alpha: float = 0.05,
    power: float = 0.9,
) -> float | None:
    """Return the smallest true candidate - baseline at which n questions show candidate > baseline - margin.

    The inverse of `paired_size`. Between -margin and 0 for a run that could clear an equal candidate; above 0 where
    only a better one would be cleared. None where no difference that this discordance allows is large enough.
    Raises ValueError unless n >= 1 and 0 <= discordance <= 1.
    """
    if n < 1 or not 0 <= discordance <= 1:
        raise ValueError(f"{n} questions with a discordance of {discordance}")
    effective = float(n)
    if population is not None:
        if n >= population:
            return -margin
        effective = n * (1 - 1 / population) / (1 - n / population)
    scale = _reach(alpha, power) ** 2 / effective  # (d + margin)^2 = scale (discordance - d^2), solved for d
    root = scale * (discordance - margin**2 + scale * discordance)
    if root < 0:
        return -discordance
    smallest = (math.sqrt(root) - margin) / (1 + scale)
    return None if smallest > discordance else max(smallest, -discordance)


def _reach(alpha: float, power: float) -> float:
    """Return z(1 - alpha) + z(power), the distance in standard errors that a test bridges with that power."""
    return NormalDist().inv_cdf(1 - alpha) + NormalDist().inv_cdf(power)


def _positive(value: float) -> float:
    """Return a value that must be above zero."""
    if not value > 0:
        raise ValueError(f"{value} is not above zero")
    return value
