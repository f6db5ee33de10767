"""How many calls of a judge a verdict takes, and how often it is wrong: by simulation of the rule as it is shipped."""

from __future__ import annotations

import math

import numpy as np

from weighbridge.pilot.shadow.asking.judging import CHANCES
from weighbridge.pilot.shadow.verdict import ALPHA, PREFERENCE_PART
from weighbridge.statistics.stream_mean import STAKES, weighted

SHARES = np.array([share for share, _ in STAKES])
PARTS = np.array([part for _, part in STAKES])
MARGIN = 0.05
SAME = (0.55, 0.0, 1.0)  # share of prompts, chance of judging (0: a tie by definition), share of ties
Mix = tuple[tuple[float, float, float], ...]


def verdicts(mix: Mix, runs: int, prompts: int, skill: float = 0.5) -> tuple[float, float, float]:
    """Return the mean calls until any verdict, and the shares of runs that first said "not worse" and "worse".

    `skill` is the chance that the candidate wins a decisive pair.
    """
    generator = np.random.default_rng(11)
    shares, chances, ties = (np.array(column) for column in zip(*mix, strict=True))
    low = weighted(0.0, min(chance for chance in chances if chance), 0.5)
    tau = 0.5 - MARGIN
    kind = generator.choice(len(mix), size=(runs, prompts), p=shares)
    chance = chances[kind]
    asked = generator.random(kind.shape) < chance
    wins = (generator.random(kind.shape) < skill).astype(float)
    y = np.where(generator.random(kind.shape) < ties[kind], 0.5, wins)
    values = np.where(asked, 0.5 + (y - 0.5) / np.where(chance > 0, chance, 1), 0.5)
    above = _first((values - low) / (tau - low))
    below = _first((1 - low - values) / (1 - low - tau), PREFERENCE_PART)
    calls = np.take_along_axis(asked.cumsum(axis=1), np.minimum(above, below).clip(max=prompts - 1)[:, None], 1)
    is_above = (above < below) & (above < prompts)
    is_below = (below < above) & (below < prompts)
    return float(calls.mean()), float(is_above.mean()), float(is_below.mean())


def _first(growth: np.ndarray, part_of_all: float = 1.0) -> np.ndarray:
    """Return when the wealth, so large a part of all, first reaches 1 / ALPHA, the length where it does not."""
    total = np.zeros(growth.shape)
    for share, part in zip(SHARES, PARTS, strict=True):
        total += part * np.exp(np.minimum(np.log1p(share * (growth - 1)).cumsum(axis=1), 60.0))
    reached = part_of_all * total >= 1 / ALPHA
    found: np.ndarray = np.where(reached.any(axis=1), reached.argmax(axis=1), growth.shape[1])
    return found


def test_equal_answers_that_tie_by_definition_halve_the_calls() -> None:
    """The setting of statistics.md, section 5: 55% near-identical, candidate equal, margin 5 points.

    There judging everything took 386 calls, and ties by definition 155. A judge decides 45 of 100 pairs there.
    """
    everything, sure, wrong = verdicts(((1.0, 1.0, 0.55),), 100, 2500)
    assert 280 <= everything <= 450
    assert sure >= 0.98
    assert wrong == 0.0
    ours, sure, _ = verdicts((SAME, (0.45, CHANCES["apart"], 0.0)), 100, 5000)
    assert 120 <= ours <= 190
    assert sure >= 0.98
    assert ours < 0.55 * everything


def test_a_very_small_chance_for_alike_answers_costs_more_than_it_saves() -> None:
    """Pairs that are alike end in a tie more often, not always: at 0.04 their few verdicts weigh 25 each."""

    def mix(alike: float) -> Mix:
        return (0.3, 0.0, 1.0), (0.25, alike, 0.6), (0.35, CHANCES["apart"], 0.2), (0.1, CHANCES["flip"], 0.0)

    chosen, _, _ = verdicts(mix(CHANCES["alike"]), 60, 5000)
    small, _, _ = verdicts(mix(0.04), 60, 9000)
    assert small > 1.4 * chosen


def test_the_verdicts_are_wrong_as_seldom_as_stated() -> None:
    """One worse by exactly the margin is called "not worse" in at most ALPHA of 300 runs; one far worse is found."""
    mix = (SAME, (0.45, CHANCES["apart"], 0.0))
    _, wrong, _ = verdicts(mix, 300, 2000, skill=0.5 - MARGIN / 0.45)
    assert wrong <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 300)
    calls, _, found = verdicts(mix, 100, 2000, skill=0.1)
    assert found >= 0.99
    assert calls < 100
