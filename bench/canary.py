"""What a canary's evidence costs in answers, and how often it is wrong: the tests that the gateway runs.

    python bench/canary.py [--repetitions 200] [--tables cost delay errors whole callers]

Of the tests by themselves: `cost`: answers of the candidate until a step may be passed, both models alike, margin 3
points, error 5%. Beside ours betting on differences within pairs (Waudby-Smith and Ramdas, JRSS B 86, 2024), which can
use no more answers of the primary than of the candidate. `delay`: answers of the candidate from a regress to the
rollback. `errors`: how often a candidate that is equal is rolled back, and how often one that is worse by exactly the
margin is advanced, within 3,000 answers and with a look after every block; beside ours the z-test at 5% that a
dashboard invites to. Of the whole canary, as the gateway runs it, with its waiting, its caps and its slack: `whole`:
answers and minutes until it goes up or down. `callers`: how often it errs where callers come back and differ. Seeded:
the same command prints the same figures.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from weighbridge.pilot.canary.fold import CanaryFold
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.route import CanarySettings, CanaryTerms, Leg, Route, UpstreamSettings
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
ARMS, ENDS, BATCH = ("primary", "canary"), ("canary.rolled_back", "canary.done"), 25
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


class Callers(NamedTuple):
    """Who asks: so many callers, of whom a share gets the candidate; `refused` has each one's own rate, by arm."""

    names: dict[str, list[str]]
    rates: dict[str, list[float]]


class Run(NamedTuple):
    """What ends a canary, "" for nothing, after how many answers of the candidate and minutes of serving."""

    event: str
    answers: int
    minutes: float


def dealt(draw: random.Random, callers: int, share: float, correlation: float, means: tuple[float, float]) -> Callers:
    """Deal callers out; the rates within an arm follow a Beta distribution with that correlation within a caller."""
    names, rates = {}, {}
    for arm, count, mean in zip(ARMS, (callers - round(callers * share), round(callers * share)), means, strict=True):
        names[arm] = [f"{arm} {number}" for number in range(count)]
        worth = 1 / correlation - 1 if correlation else 0.0
        rates[arm] = [draw.betavariate(mean * worth, (1 - mean) * worth) if worth else mean for _ in range(count)]
    return Callers(names, rates)


def seen(draw: random.Random, who: Callers, arm: str, at: float, number: int) -> Entry:
    """Return an exchange of one of an arm's callers."""
    place = draw.randrange(len(who.names[arm]))
    facts = Observation(
        str(number), at, "r", arm, arm, who.names[arm][place], failed=False, total_s=1.0, chars=1,
        refused=draw.random() < who.rates[arm][place],
    ).to_facts()  # fmt: skip
    return Entry(at, "r", "seen", facts, number)


def one_canary(draw: random.Random, who: Callers, apart_s: float, most: int) -> Run:
    """Run a canary of one step; half of what is looked at is the candidate's while it serves."""
    legs = [Leg(UpstreamSettings("http://127.0.0.1:9/v1", arm), arm, digest=arm) for arm in ARMS]
    fold = CanaryFold(Route("r", legs[0], canary=CanarySettings(legs[1], CanaryTerms((0.5, 1.0), late_s=60.0))))
    body, answers, began, batch = fold.begin(), 0, 0.0, []
    for number in range(1, most + 1):
        at = 1e6 + number * apart_s
        began = began or (at if body["share"] else 0.0)
        arm = ARMS[bool(body["share"]) and draw.random() < 0.5]
        answers += arm == ARMS[1]
        batch.append(seen(draw, who, arm, at, number))
        if len(batch) < BATCH and body["share"]:
            continue
        body, notices = fold.take(body, batch)
        for notice in notices:
            if notice.event in ENDS:
                beyond = sum(one.at > notice.at and one.facts["leg"] == ARMS[1] for one in batch)
                return Run(notice.event, answers - beyond, (notice.at - began) / 60)
        batch = []
    return Run("", answers, math.inf)


def show_whole(draw: random.Random, repetitions: int) -> None:
    """Print how soon a whole canary goes up or down."""
    print("10,000 callers, half of them the candidate's; one looked-at exchange a second, mean (9 of 10 within)")
    print(f"{'refused':>12} {'ends':>20} {'answers':>16} {'minutes':>14}")
    cases = ((0.02, 0.02), (0.02, 1.0), (0.02, 0.5), (0.02, 0.1), (0.02, 0.06))
    for means in cases:
        runs = [one_canary(draw, dealt(draw, 10_000, 0.5, 0.0, means), 1.0, 12_000) for _ in range(repetitions // 4)]
        ended = [run for run in runs if run.event]
        events = ", ".join(sorted({run.event.removeprefix("canary.") for run in ended}))
        answers, minutes = spread([run.answers for run in ended]), spread([run.minutes for run in ended])
        print(f"{means[0]:>5.0%} {means[1]:>6.0%} {events:>20} {answers:>16} {minutes:>14} {len(ended)}/{len(runs)}")


def show_callers(draw: random.Random, repetitions: int) -> None:
    """Print how often a whole canary errs, and finds what it should, where callers differ."""
    print("3,000 looked-at exchanges in 10 days, half of them the candidate's; 5% refused by the primary")
    print(
        f"{'callers':>8} {'share':>6} {'correlation':>12} {'equal: back':>12} {'passed':>7} {'8%: passed':>11} "
        f"{'15%: back':>10}"
    )
    for callers, share in ((100, 0.5), (1000, 0.05), (1000, 0.5), (10_000, 0.5)):
        for correlation in (0.0, 0.1, 0.3):
            cells = []
            for worse in (0.05, 0.08, 0.15):
                runs = range(max(10, repetitions // 4))
                means = (0.05, worse)
                ended = [
                    one_canary(draw, dealt(draw, callers, share, correlation, means), 288.0, MOST).event for _ in runs
                ]
                cells.append([statistics.mean(end == event for end in ended) for event in ENDS])
            (back, passed), (_, wrong), (found, _) = cells
            print(
                f"{callers:>8,} {share:>6.0%} {correlation:>12.1f} {back:>12.1%} {passed:>7.0%} {wrong:>11.1%} "
                f"{found:>10.0%}",
                flush=True,
            )


def spread(values: Sequence[float]) -> str:
    """Write the mean, and what nine of ten do not exceed."""
    return f"{statistics.mean(values):,.0f} ({statistics.quantiles(values, n=10)[-1]:,.0f})"


TABLES = {"cost": show_cost, "delay": show_delay, "errors": show_errors, "whole": show_whole, "callers": show_callers}


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
