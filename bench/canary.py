"""What a canary's evidence costs in answers, and how often it is wrong: the tests that the gateway runs.

    python bench/canary.py [--repetitions 200] [--tables cost delay errors groups]

`cost`: answers of the candidate until a step may be passed, both models alike, margin 3 points, error 5%. Beside ours
betting on differences within pairs (Waudby-Smith and Ramdas, JRSS B 86, 2024), which can use no more answers of the
primary than of the candidate. `delay`: answers of the candidate from a regress to the rollback. `errors`: how often a
candidate that is equal is rolled back, and how often one that is worse by exactly the margin is advanced, within 3,000
answers and with a look after every block; beside ours the z-test at 5% that a dashboard invites to. `groups`: the same
where answers of one caller resemble each other. All of the tests by themselves: `canary_route.py` has the whole canary.
Seeded: the same command prints the same figures.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from typing import TYPE_CHECKING, Any

import numpy as np

from weighbridge.statistics.arms import Block, HarmTest, SafetyTest
from weighbridge.statistics.arms.harm import ODDS
from weighbridge.statistics.arms.safety import TILTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

ALPHA, MARGIN = 0.05, 0.03
SIGNS = 8  # that share one error of a false rollback
MOST = 3000
LAMBDAS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)


def drawn(draw: random.Random, n: int, rate: float) -> int:
    """Return how many of n answers are bad."""
    return sum(draw.random() < rate for _ in range(n))


def until_safe(draw: random.Random, rates: tuple[float, float], n_a: int, most: int = 20_000) -> float:
    """Return how many answers of the candidate show that it is not worse by the margin; inf: more than `most`."""
    test = SafetyTest(MARGIN)
    for n in range(1, most + 1):
        if test.update(Block(n_a, drawn(draw, n_a, rates[0]), 1, drawn(draw, 1, rates[1]))) >= 1 / ALPHA:
            return n
    return math.inf


def until_safe_by_pairs(draw: random.Random, rates: tuple[float, float], most: int = 20_000) -> float:
    """Return the same by betting on the differences within pairs, with a mixture of stakes."""
    wealth = [1.0] * len(LAMBDAS)
    for n in range(1, most + 1):
        gain = MARGIN - (drawn(draw, 1, rates[1]) - drawn(draw, 1, rates[0]))
        wealth = [w * (1 + lam * gain) for w, lam in zip(wealth, LAMBDAS, strict=True)]
        if sum(wealth) / len(wealth) >= 1 / ALPHA:
            return n
    return math.inf


def until_harm(draw: random.Random, rates: Callable[[int], tuple[float, float]], n_a: int, most: int) -> float:
    """Return after how many answers of the candidate it is rolled back, at the eighth part of the error."""
    test = HarmTest()
    for n in range(1, most + 1):
        a, b = rates(n)
        if test.update(Block(n_a, drawn(draw, n_a, a), 1, drawn(draw, 1, b))) >= SIGNS / ALPHA:
            return n
    return math.inf


def show_cost(draw: random.Random, repetitions: int) -> None:
    """Print what an advance costs."""
    print("answers of the candidate until a step may be passed, mean (9 of 10 within)")
    print(f"{'rate':>6}  {'primary 19:1':>16} {'primary 1:1':>16} {'pairs':>16} {'Wald, known':>12}")
    for rate in (0.001, 0.02, 0.05, 0.1):
        same = (rate, rate)
        cells = [
            spread([until_safe(draw, same, 19) for _ in range(repetitions)]),
            spread([until_safe(draw, same, 1) for _ in range(repetitions)]),
            spread([until_safe_by_pairs(draw, same) for _ in range(repetitions)]),
        ]
        other = rate + MARGIN
        wald = math.log(1 / ALPHA) / (rate * math.log(rate / other) + (1 - rate) * math.log((1 - rate) / (1 - other)))
        print(f"{rate:>6.1%}  {cells[0]:>16} {cells[1]:>16} {cells[2]:>16} {wald:>12.0f}")


def show_delay(draw: random.Random, repetitions: int) -> None:
    """Print how soon a regress is found."""
    print("answers of the candidate from a regress to the rollback, mean (9 of 10 within)")
    print(f"{'from':>6} {'to':>6}  {'19:1':>14} {'1:1':>14} {'1:1, after 1,000':>18}")
    for usual, worse in ((0.02, 1.0), (0.02, 0.5), (0.02, 0.1), (0.02, 0.06), (0.1, 0.2)):

        def late(n: int, usual: float = usual, worse: float = worse) -> tuple[float, float]:
            return usual, usual if n <= 1000 else worse

        def now(_: int, usual: float = usual, worse: float = worse) -> tuple[float, float]:
            return usual, worse

        first = [
            spread([until_harm(draw, now, n_a, 20_000) for _ in range(repetitions)])
            for n_a in (19, 1)
        ]  # fmt: skip
        after = [until_harm(draw, late, 1, 20_000) - 1000 for _ in range(repetitions)]
        print(f"{usual:>6.0%} {worse:>6.0%}  {first[0]:>14} {first[1]:>14} {spread([n for n in after if n > 0]):>18}")


def show_errors(draw: random.Random, repetitions: int) -> None:
    """Print how often a verdict is wrong, over ten times as many streams, all at once."""
    rng, streams = np.random.default_rng(draw.randrange(2**32)), 10 * repetitions
    print(f"wrong within {MOST:,} answers of the candidate, of {streams:,} streams (promised: 5% at the most)")
    print(f"{'':44} {'ours':>6} {'z-test':>7}")
    tides = np.where(np.arange(MOST) // 200 % 2, 0.25, 0.02)
    for name, rates in (
        ("rolled back, both 2%", np.full(MOST, 0.02)),
        ("rolled back, both 10%", np.full(MOST, 0.1)),
        ("rolled back, both 2% and 25% by turns", tides),
    ):
        bad_a, bad_b = (rng.random((MOST, streams)) < rates[:, None] for _ in range(2))
        print(f"{name:44} {wrong_harm(bad_a, bad_b):>6.1%} {wrong_looks(bad_a, bad_b, 0.0):>7.0%}")
    for rate in (0.0005, 0.02, 0.1):
        for n_a in (1, 19):
            many = rng.binomial(n_a, rate, (MOST, streams))
            bad_b = rng.random((MOST, streams)) < rate + MARGIN
            other = f"{wrong_looks(many, bad_b, MARGIN):>7.0%}" if n_a == 1 else ""
            name = f"advanced at {rate + MARGIN:.2%} beside {rate:.2%}, {n_a}:1"
            print(f"{name:44} {wrong_safe(many, bad_b, n_a):>6.1%} {other}", flush=True)


def guessed(bad: Array, n: Array) -> Array:
    """Return the guess at the rate before each block, as `Guess` makes it while it forgets nothing."""
    before = np.concatenate((np.zeros((1, bad.shape[1])), np.cumsum(bad, axis=0)[:-1]))
    return np.clip((before + 0.5) / ((np.cumsum(n) - n)[:, None] + 10.0), 1e-4, 1 - 1e-4)


def wrong_harm(bad_a: Array, bad_b: Array) -> float:
    """Return the share of streams [blocks, streams] of one answer each that `HarmTest` at 5% holds for harm."""
    usual = guessed(bad_a, np.ones(MOST))
    hand = 1 / (1 + np.log1p(np.arange(MOST + 1)))
    stakes = np.zeros((len(ODDS), bad_a.shape[1]))
    is_wrong = np.zeros(bad_a.shape[1], dtype=bool)
    for n in range(MOST):
        for place, times in enumerate(ODDS):
            odds = times * usual[n] / (1 - usual[n])
            bet = np.clip(odds / (1 + odds), 1e-4, 1 - 1e-4)
            null = (usual[n] + bet) / 2
            gain = np.where(bad_a[n], usual[n] / null, (1 - usual[n]) / (1 - null))
            gain = gain * np.where(bad_b[n], bet / null, (1 - bet) / (1 - null))
            stakes[place] = (stakes[place] + (hand[n] - hand[n + 1]) / len(ODDS)) * gain
        is_wrong |= stakes.sum(axis=0) + hand[n + 1] >= 1 / ALPHA
    return float(is_wrong.mean())


def wrong_safe(bad_a: Array, bad_b: Array, n_a: int, effect: Array | float = 1.0) -> float:
    """Return the share of streams [blocks, streams] that `SafetyTest` holds for safe, by 20 answers at the soonest."""
    rate = guessed(bad_a + bad_b, np.full(MOST, n_a + 1.0))
    logs = np.zeros((MOST, bad_a.shape[1], len(TILTS)))
    for place, tilt in enumerate(TILTS):
        bet = np.clip(rate + tilt * MARGIN, 1e-4, 1 - 1e-4)
        low, high = np.maximum(0.0, bet - MARGIN), np.minimum(rate, 1 - MARGIN)
        for _ in range(34):
            a = (low + high) / 2
            b = a + MARGIN
            is_up = n_a * (a - rate) / (a * (1 - a)) + (b - bet) / (b * (1 - b)) > 0
            low, high = np.where(is_up, low, a), np.where(is_up, a, high)
        logs[:, :, place] = np.cumsum(
            bad_a * np.log(rate / a) + (n_a - bad_a) * np.log((1 - rate) / (1 - a))
            + np.where(bad_b, np.log(bet / b), np.log((1 - bet) / (1 - b))), axis=0,
        )  # fmt: skip
    values = np.mean([np.exp(np.minimum(logs[:, :, place] / effect, 700)) for place in range(len(TILTS))], axis=0)
    return float((values[20:].max(axis=0) >= 1 / ALPHA).mean())


def wrong_looks(bad_a: Array, bad_b: Array, margin: float) -> float:
    """Return the share of streams that a z-test at 5%, looked at after every answer from the 30th, ever decides."""
    n = np.arange(1, MOST + 1)[:, None]
    p_a, p_b = np.cumsum(bad_a, axis=0) / n, np.cumsum(bad_b, axis=0) / n
    error = np.sqrt((p_a * (1 - p_a) + p_b * (1 - p_b)) / n)
    found = (p_a + margin - p_b if margin else p_b - p_a) > 1.645 * error
    return float((found & (error > 0))[29:].any(axis=0).mean())


def show_groups(draw: random.Random, repetitions: int) -> None:
    """Print how often an advance is wrong, and right, where callers differ; with our design effect, and without."""
    print(f"advanced within {MOST:,} answers of each model where callers differ: worse by 3 points, and alike at 5%")
    print(f"{'callers':>8} {'correlation':>12}  {'worse':>6} {'without':>8}  {'alike':>6} {'without':>8}")
    rng, streams = np.random.default_rng(draw.randrange(2**32)), 4 * repetitions
    n = np.arange(1, MOST + 1)[:, None]
    for callers in (20, 50, 200, 500, 5000):
        for correlation in (0.0, 0.1, 0.3):
            cells = []
            for rates in ((0.05, 0.05 + MARGIN), (0.05, 0.05)):
                bad = [drawn_from(rng, (MOST, streams), callers, rate, correlation) for rate in rates]
                effect = 1 + 0.2 * ((n - 1) / callers)  # of equally busy callers; `Groups.effect` has 0.2
                cells += [wrong_safe(bad[0].astype(int), bad[1], 1, effect), wrong_safe(bad[0].astype(int), bad[1], 1)]
            worse, without, alike, other = cells
            print(
                f"{callers:>8,} {correlation:>12.1f}  {worse:>6.1%} {without:>8.1%}  {alike:>6.0%} {other:>8.0%}",
                flush=True,
            )


def drawn_from(
    rng: np.random.Generator, shape: tuple[int, int], callers: int, rate: float, correlation: float
) -> Array:
    """Return answers [answers, streams], bad or not, of callers whose rates have a Beta distribution."""
    worth = 1 / correlation - 1 if correlation else 0.0
    rates = (
        rng.beta(rate * worth, (1 - rate) * worth, (callers, shape[1])) if worth else np.full((callers, shape[1]), rate)
    )
    return rng.random(shape) < rates[rng.integers(0, callers, shape), np.arange(shape[1])[None, :]]


def spread(values: Sequence[float]) -> str:
    """Write the mean, and what nine of ten do not exceed."""
    return f"{statistics.mean(values):,.0f} ({statistics.quantiles(values, n=10)[-1]:,.0f})"


TABLES = {"cost": show_cost, "delay": show_delay, "errors": show_errors, "groups": show_groups}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--tables", nargs="+", choices=tuple(TABLES), default=tuple(TABLES))
    given = parser.parse_args()
    for name in given.tables:
        TABLES[name](random.Random(f"canary {name}"), given.repetitions)  # noqa: S311 - a simulation
        print()


if __name__ == "__main__":
    main()
