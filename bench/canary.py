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
from typing import TYPE_CHECKING

from weighbridge.pilot.canary.trial import Trial
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.route import CanaryTerms
from weighbridge.statistics.arms import Block, HarmTest, SafetyTest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def looks(draw: random.Random, rates: Callable[[int], tuple[float, float]], margin: float) -> bool:
    """Whether a z-test of two shares at 5%, looked at after every answer from the 30th, ever says `different`."""
    bad_a = bad_b = 0
    for n in range(1, MOST + 1):
        a, b = rates(n)
        bad_a, bad_b = bad_a + drawn(draw, 1, a), bad_b + drawn(draw, 1, b)
        p_a, p_b = bad_a / n, bad_b / n
        error = math.sqrt((p_a * (1 - p_a) + p_b * (1 - p_b)) / n)
        if n >= 30 and error and (p_b - p_a if not margin else p_a + margin - p_b) / error > 1.645:
            return True
    return False


def show_cost(draw: random.Random, repetitions: int) -> None:
    """Print what an advance costs."""
    print("answers of the candidate until a step may be passed, mean (9 of 10 within)")
    print(f"{'rate':>6}  {'primary 19:1':>16} {'primary 1:1':>16} {'pairs':>16} {'Wald, known':>12}")
    for rate in (0.001, 0.02, 0.05, 0.1):
        runs: list[Callable[[], float]] = [
            lambda rate=rate: until_safe(draw, (rate, rate), 19),
            lambda rate=rate: until_safe(draw, (rate, rate), 1),
            lambda rate=rate: until_safe_by_pairs(draw, (rate, rate)),
        ]
        cells = [spread([run() for _ in range(repetitions)]) for run in runs]
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
    """Print how often a verdict is wrong."""
    print(f"wrong within {MOST:,} answers of the candidate (promised: 5% at the most)")
    print(f"{'':44} {'ours':>6} {'z-test':>7}")

    def tides(n: int) -> float:
        return 0.25 if n // 200 % 2 else 0.02

    equal: dict[str, Callable[[int], tuple[float, float]]] = {
        "rolled back, both 2%": lambda _: (0.02, 0.02),
        "rolled back, both 10%": lambda _: (0.1, 0.1),
        "rolled back, both 2% and 25% by turns": lambda n: (tides(n), tides(n)),
    }
    for name, rates in equal.items():
        ours = [math.isfinite(until_harm(draw, rates, 1, MOST)) for _ in range(repetitions)]
        print(f"{name:44} {statistics.mean(ours):>6.1%} {rate_of(draw, rates, 0.0, repetitions):>7.0%}")
    for rate in (0.0005, 0.02, 0.1):
        for n_a in (1, 19):
            rates_now = (rate, rate + MARGIN)
            ours = [math.isfinite(until_safe(draw, rates_now, n_a, MOST)) for _ in range(repetitions)]
            other = f"{rate_of(draw, lambda _, r=rates_now: r, MARGIN, repetitions):>7.0%}" if n_a == 1 else ""
            name = f"advanced at {rates_now[1]:.1%} beside {rate:.1%}, {n_a}:1"
            print(f"{name:44} {statistics.mean(ours):>6.1%} {other}")


def rate_of(draw: random.Random, rates: Callable[[int], tuple[float, float]], margin: float, repetitions: int) -> float:
    """Return how often the z-test is wrong."""
    return statistics.mean(looks(draw, rates, margin) for _ in range(max(20, repetitions // 4)))


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
        arm = "canary" if trial.runs and caller % 2 else "primary"
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
