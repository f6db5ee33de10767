"""What a canary's evidence costs in answers, and how often it is wrong: the tests that the gateway runs.

    python bench/canary.py [--repetitions 200] [--tables cost delay errors callers]

`cost`: answers of the candidate until a step may be passed, both models alike, margin 3 points, error 5%. Beside ours
betting on differences within pairs (Waudby-Smith and Ramdas, JRSS B 86, 2024), which can use no more answers of the
primary than of the candidate. `delay`: answers of the candidate from a regress to the rollback. `errors`: how often a
candidate that is equal is rolled back, and how often one that is worse by exactly the margin is advanced, within 3,000
answers and with a look after every block; beside ours the z-test at 5% that a dashboard invites to. `callers`: the
whole canary where callers come back and differ. Seeded: the same command prints the same figures.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from typing import TYPE_CHECKING, Any

import numpy as np

from weighbridge.pilot.canary.trial import Trial
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.route import CanaryTerms
from weighbridge.statistics.arms import Block, HarmTest, SafetyTest
from weighbridge.statistics.arms.harm import ODDS
from weighbridge.statistics.arms.safety import TILTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from weighbridge.pilot.canary.lane import Arm

    Array = NDArray[Any]

ALPHA, MARGIN = 0.05, 0.03
SIGNS = 7  # that share one error of a false rollback
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
    """Return after how many answers of the candidate it is rolled back, at the seventh part of the error."""
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


def wrong_safe(bad_a: Array, bad_b: Array, n_a: int) -> float:
    """Return the share of streams [blocks, streams] that `SafetyTest` holds for safe."""
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
    return float((np.exp(np.minimum(logs, 700)).mean(axis=2).max(axis=0) >= 1 / ALPHA).mean())


def wrong_looks(bad_a: Array, bad_b: Array, margin: float) -> float:
    """Return the share of streams that a z-test at 5%, looked at after every answer from the 30th, ever decides."""
    n = np.arange(1, MOST + 1)[:, None]
    p_a, p_b = np.cumsum(bad_a, axis=0) / n, np.cumsum(bad_b, axis=0) / n
    error = np.sqrt((p_a * (1 - p_a) + p_b * (1 - p_b)) / n)
    found = (p_a + margin - p_b if margin else p_b - p_a) > 1.645 * error
    return float((found & (error > 0))[29:].any(axis=0).mean())


def show_callers(draw: random.Random, repetitions: int) -> None:
    """Print how often a whole canary errs, and finds what it should, where callers differ."""
    print(
        "3,000 looked-at exchanges in 10 days, half of them the candidate's; callers come back and differ; 5% refused"
    )
    print(f"{'callers':>8} {'correlation':>12} {'equal: back':>12} {'8%: passed':>11} {'15%: back':>10}")
    for callers in (20, 100, 1000):
        for correlation in (0.0, 0.1, 0.3):
            cells = []
            for harm, event in ((0.0, "canary.rolled_back"), (0.03, "canary.done"), (0.1, "canary.rolled_back")):
                ended = [one_canary(draw, callers, correlation, harm) for _ in range(max(20, repetitions // 2))]
                cells.append(statistics.mean(end == event for end in ended))
            print(f"{callers:>8,} {correlation:>12.1f} {cells[0]:>12.1%} {cells[1]:>11.1%} {cells[2]:>10.1%}")


def one_canary(draw: random.Random, callers: int, correlation: float, harm: float) -> str:
    """Run a canary; each caller has its own rate of refusals, 5% in the mean and more by `harm` with the candidate."""
    trial = Trial(CanaryTerms((0.5,), hold_s=60.0), 60.0)
    means = (0.05, 0.05 + harm)
    rates = [means[caller % 2] for caller in range(callers)]
    if correlation:
        worth = 1 / correlation - 1  # of a Beta distribution with that correlation within a caller
        rates = [draw.betavariate(mean * worth, (1 - mean) * worth) for mean in rates]
    at = 1e6
    for _ in range(MOST):
        at += 288.0
        caller = draw.randrange(callers)
        arm: Arm = "canary" if trial.runs and caller % 2 else "primary"
        refused = draw.random() < rates[caller]
        trial.tell(at)
        trial.see(
            arm, Observation("", at, "", arm, "", str(caller), failed=False, total_s=1.0, chars=1, refused=refused)
        )
        event = trial.due()
        if event is not None:
            return event
    return ""


def spread(values: Sequence[float]) -> str:
    """Write the mean, and what nine of ten do not exceed."""
    return f"{statistics.mean(values):,.0f} ({statistics.quantiles(values, n=10)[-1]:,.0f})"


TABLES = {"cost": show_cost, "delay": show_delay, "errors": show_errors, "callers": show_callers}


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
