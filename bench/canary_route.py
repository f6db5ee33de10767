"""How soon a whole canary goes up or down, and how often it errs: as the gateway runs it, through its fold.

    python bench/canary_route.py [--repetitions 40] [--tables whole keys callers]

With all its waiting, its caps for callers and its slack, which `canary.py` leaves out. `whole`: answers of the
candidate and minutes until the first step is passed, or the candidate is rolled back. `keys`: the same where callers
have several keys. `callers`: how often it errs, and finds what it should, where callers come back and differ. Seeded:
the same command prints the same figures.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from weighbridge.pilot.canary.fold import CanaryFold
from weighbridge.pilot.canary.jury import is_apart
from weighbridge.pilot.journal.protocol import Entry
from weighbridge.pilot.observation.noun import Observation
from weighbridge.pilot.route import CanarySettings, CanaryTerms, Leg, Route, UpstreamSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ARMS, ENDS = ("primary", "canary"), ("canary.rolled_back", "canary.done")
BATCH, MOST = 25, 3000


class Callers(NamedTuple):
    """Who asks: so many callers, of whom a share gets the candidate; `rates` has each one's own of refusals, by arm.

    They have `keys` keys, equally many each.
    """

    names: dict[str, list[str]]
    rates: dict[str, list[float]]
    keys: int = 1


class Run(NamedTuple):
    """What ends a canary, "" for nothing, after how many answers of the candidate and minutes of serving.

    `sets_apart` says whether a key was set apart before.
    """

    event: str
    answers: int
    minutes: float
    sets_apart: bool = False


def dealt(draw: random.Random, callers: int, share: float, correlation: float, means: tuple[float, float]) -> Callers:
    """Deal callers out; the rates within an arm follow a Beta distribution with that correlation within a caller."""
    names, rates = {}, {}
    for arm, count, mean in zip(ARMS, (callers - round(callers * share), round(callers * share)), means, strict=True):
        names[arm] = [f"{arm} {number}" for number in range(count)]
        worth = 1 / correlation - 1 if correlation else 0.0
        rates[arm] = [draw.betavariate(mean * worth, (1 - mean) * worth) if worth else mean for _ in range(count)]
    return Callers(names, rates)


def seen(draw: random.Random, who: Callers, arm: str, number: int, body: Mapping[str, Any]) -> Observation:
    """Return an exchange of one of an arm's callers, at its second; those of keys set apart are the primary's."""
    place = draw.randrange(len(who.names[arm]))
    key = f"key {place % who.keys}"
    leg = ARMS[0] if is_apart(key, body["apart"], body["keys"]) else arm
    return Observation(
        str(number), 0.0, "r", leg, leg, who.names[arm][place], failed=False, total_s=1.0, chars=1, key=key,
        refused=draw.random() < who.rates[leg][place % len(who.rates[leg])],
    )  # fmt: skip


def one_canary(draw: random.Random, who: Callers, apart_s: float, most: int) -> Run:
    """Run a canary of one step; half of what is looked at is the candidate's while it serves."""
    legs = [Leg(UpstreamSettings("http://127.0.0.1:9/v1", arm), arm, digest=arm) for arm in ARMS]
    fold = CanaryFold(Route("r", legs[0], canary=CanarySettings(legs[1], CanaryTerms((0.5, 1.0), late_s=60.0))))
    body: Mapping[str, Any] = fold.begin()
    answers, began, sets_apart = 0, 0.0, False
    batch: list[Entry] = []
    for number in range(1, most + 1):
        at = 1e6 + number * apart_s
        began = began or (at if body["share"] else 0.0)
        one = seen(draw, who, ARMS[bool(body["share"]) and draw.random() < 0.5], number, body)
        answers += one.leg == ARMS[1]
        batch.append(Entry(at, "r", "seen", replace(one, at=at).to_facts(), number))
        if len(batch) < BATCH and body["share"]:
            continue
        body, notices = fold.take(body, batch)
        for notice in notices:
            sets_apart = sets_apart or notice.event == "canary.key_set_apart"
            if notice.event in ENDS:
                beyond = sum(entry.at > notice.at and entry.facts["leg"] == ARMS[1] for entry in batch)
                return Run(notice.event, answers - beyond, (notice.at - began) / 60, sets_apart)
        batch = []
    return Run("", answers, math.inf, sets_apart)


def show_whole(draw: random.Random, repetitions: int) -> None:
    """Print how soon a whole canary goes up or down."""
    print("10,000 callers, half of them the candidate's; one looked-at exchange a second, mean (9 of 10 within)")
    print(f"{'refused':>12} {'ends':>20} {'answers':>16} {'minutes':>14}")
    cases = ((0.02, 0.02), (0.02, 1.0), (0.02, 0.5), (0.02, 0.1), (0.02, 0.06))
    for means in cases:
        runs = [one_canary(draw, dealt(draw, 10_000, 0.5, 0.0, means), 1.0, 12_000) for _ in range(repetitions)]
        ended = [run for run in runs if run.event]
        events = ", ".join(sorted({run.event.removeprefix("canary.") for run in ended}))
        answers, minutes = spread([run.answers for run in ended]), spread([run.minutes for run in ended])
        print(f"{means[0]:>5.0%} {means[1]:>6.0%} {events:>20} {answers:>16} {minutes:>14} {len(ended)}/{len(runs)}")


def show_keys(draw: random.Random, repetitions: int) -> None:
    """Print how soon a candidate is rolled back that is as bad for the callers of every key."""
    print("as above, 2% and 10% refused; mean (9 of 10 within)")
    print(f"{'keys':>5} {'rolled back':>12} {'answers':>16} {'minutes':>14} {'a key set apart before':>24}")
    for keys in (1, 3, 10):
        who = [dealt(draw, 10_000, 0.5, 0.0, (0.02, 0.1))._replace(keys=keys) for _ in range(repetitions)]
        runs = [one_canary(draw, one, 1.0, 12_000) for one in who]
        ended = [run for run in runs if run.event == ENDS[0]]
        answers, minutes = spread([run.answers for run in ended]), spread([run.minutes for run in ended])
        first = sum(run.sets_apart for run in runs)
        print(f"{keys:>5} {f'{len(ended)}/{len(runs)}':>12} {answers:>16} {minutes:>14} {first:>24}", flush=True)


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
                runs = range(repetitions)
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


TABLES = {"whole": show_whole, "keys": show_keys, "callers": show_callers}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--tables", nargs="+", choices=tuple(TABLES), default=tuple(TABLES))
    given = parser.parse_args()
    for name in given.tables:
        TABLES[name](random.Random(f"canary {name}"), given.repetitions)  # noqa: S311 - a simulation
        print()


if __name__ == "__main__":
    main()
