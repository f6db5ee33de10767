"""The drift monitors measured: false alarms, delays, and what one key can do. `drift_texts.py` measures with texts.

    python bench/drift.py alarms    false alarms of a stream over references, stage by stage
    python bench/drift.py route     false alarms of all monitors of a route together
    python bench/drift.py delays    how soon a rise of 2% is noticed, while the reference grows, beside PSI
    python bench/drift.py steer     what one key of several brings about, and what it hides

Simulations are seeded. A false alarm is counted for every reference, and the mean time is observations watched over
alarms, all references together: what an operator of many routes meets. PSI (population stability index) is that of two
bins, refused or not, over windows of 500, with the industry's thresholds 0.1 and 0.2.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics

from weighbridge.pilot.drift.sketch import packed
from weighbridge.pilot.drift.state import State
from weighbridge.pilot.drift.stream import LEARNED, Stream
from weighbridge.pilot.drift.table import stream_kinds
from weighbridge.pilot.observation.noun import Observation

EVERY = 20_000
SEED = 20261122
CAP = 60_000
WINDOW = 500
DECISION = "d" * 64


def dice(number: int) -> random.Random:
    """Return seeded dice."""
    return random.Random(SEED + number)  # noqa: S311 - a simulation


def referenced(name: str, draw: random.Random, rate: float, reference: int) -> Stream:
    """Return a stream whose reference was cut short there, drawn at a rate."""
    hits = sum(draw.random() < rate for _ in range(reference))
    stream = Stream.from_json(stream_kinds()[name], threshold(name), {"seen": reference, "hits": hits})
    stream.take(draw.random() < rate, grows=False)
    return stream


def begun(name: str = "refused") -> Stream:
    """Return a stream at its beginning."""
    return Stream(stream_kinds()[name], threshold(name))


def threshold(name: str) -> float:
    """Return the threshold of a stream, of a fall that of refusals: its own is too high to be measured."""
    kind = stream_kinds()[name]
    return EVERY / (kind.part if kind.direction == "rise" else stream_kinds()["refused"].part)


def alarms(references: int, watched: int) -> None:
    """Print the mean time to a false alarm of refusals that rise and fall: while the reference grows, and cut short."""
    for name in ("refused", "accepted"):
        print(f"{name}, threshold {threshold(name):,.0f}; {references} references each, {watched:,} observations")
        for rate in (0.002, 0.02, 0.1):
            draw = dice(0)
            show_alarms("from the first on", rate, [begun(name) for _ in range(references)], draw, watched)
            for size in (LEARNED, 2_000, 8_000, 32_000):
                draw = dice(size)
                fixed = [referenced(name, draw, rate, size) for _ in range(references)]
                show_alarms(f"cut short at {size:,}", rate, fixed, draw, watched)


def show_alarms(name: str, rate: float, streams: list[Stream], draw: random.Random, watched: int) -> None:
    """Print how often streams alarm at their own rate; an alarm ends nothing and makes nothing surer."""
    found = 0
    for stream in streams:
        grows = not stream.surety
        for _ in range(watched):
            if stream.take(draw.random() < rate, grows=grows):
                found += 1
                stream.acknowledge()
    n = sum(one.watched for one in streams)
    mean = f"{n / found:,.0f}" if found else f"> {n:,}"
    print(f"  rate {rate:<6} {name:<22} {mean:>10} observations for each of {found} alarms", flush=True)


def delays(runs: int) -> None:
    """Print how many observations pass from a change until the alarm, as the product has it: the reference grows on."""
    for size in (LEARNED, 1_000, 2_000, 4_000, 8_000, 16_000, 34_500):
        for rate in (0.03, 0.04, 0.06, 0.1):
            draw, found = dice(size), []
            for _ in range(runs):
                stream = begun()
                for _ in range(size):
                    if stream.take(draw.random() < 0.02):
                        stream.acknowledge()
                found.append(delay(stream, draw, rate))
            middle, never = statistics.median(found), sum(one >= CAP for one in found) / runs
            mean = statistics.mean(found)
            print(
                f"  after {size:>6,}, 2% -> {rate:.0%}: mean {mean:>6.0f}, median {middle:>6.0f}, never {never:.0%}",
                flush=True,
            )
    for bound in (0.1, 0.2):
        for rate in (0.04, 0.06, 0.1):
            draw = dice(0)
            found = [psi_delay(draw, rate, bound) for _ in range(min(runs, 100))]
            never = sum(one >= CAP for one in found)
            print(
                f"  PSI > {bound}, 2% -> {rate:.0%}: mean {statistics.mean(found):,.0f}, never within {CAP:,}: {never}"
            )


def delay(stream: Stream, draw: random.Random, rate: float) -> int:
    """Return after how many observations at a rate a stream alarms."""
    for number in range(1, CAP):
        if stream.take(draw.random() < rate):
            return number
    return CAP


def psi_delay(draw: random.Random, rate: float, bound: float) -> int:
    """Return after how many observations the PSI of a window of 500 is above a bound, with 2% as its reference."""
    for end in range(WINDOW, CAP, WINDOW):
        share = max(0.5, sum(draw.random() < rate for _ in range(WINDOW))) / WINDOW
        psi = (share - 0.02) * math.log(share / 0.02) + (0.02 - share) * math.log((1 - share) / 0.98)
        if psi > bound:
            return end
    return CAP


def synthetic(draw: random.Random, number: int) -> Observation:
    """Return an observation of a route on which nothing changes: rates from 0.2% to 10%."""
    return Observation(
        f"{number}", 0.0, "r", "primary", DECISION, "",
        failed=draw.random() < 0.002, total_s=draw.lognormvariate(0, 0.6), first_s=draw.lognormvariate(-2, 0.6),
        chars=int(draw.lognormvariate(6, 1)), refused=draw.random() < 0.02, is_cut=draw.random() < 0.05,
        in_form=draw.random() < 0.97 if draw.random() < 0.3 else None, same_language=draw.random() < 0.99,
        cluster=min(11, int(draw.expovariate(0.3))), distance=draw.random(),
    )  # fmt: skip


def route(routes: int, watched: int) -> None:
    """Print the mean time to a false alarm of all monitors of a route together, from its first observation on."""
    found: dict[str, int] = {}
    first, firsts, afterwards = 0, 0, [0, 0]
    centre = packed([1.0] + [0.0] * 63)
    for number in range(routes):
        draw = dice(number)
        state, alarmed = State(EVERY, centres=[centre] * 12), False
        for at in range(watched):
            first += not alarmed
            afterwards[0] += alarmed
            for raised in state.take(synthetic(draw, at)):
                found[raised.name] = found.get(raised.name, 0) + 1
                firsts += not alarmed
                afterwards[1] += alarmed
                alarmed = True
                raised.stream.alarm = {"severity": raised.severity}
                raised.stream.acknowledge()
    total = sum(found.values())
    mean = f"{routes * watched / total:,.0f}" if total else f"> {routes * watched:,}"
    print(f"  {routes} routes, {watched:,} observations each, stated {EVERY:,}: one alarm in {mean}; {found}")
    print(f"  until the first: {first:,} and {firsts} alarms; afterwards {afterwards[0]:,} and {afterwards[1]}")


def steer(runs: int) -> None:
    """Print what one key does beside three others of 2% refusals, after 4,000 of them: alarms, warnings, delays."""
    for share in (0.5, 0.9):
        told = [steered(dice(run), share, 1.0, 0.02, 5_000) for run in range(runs)]
        alarms_told = sum(one[0] is not None for one in told)
        warned = [one[1] for one in told if one[1] is not None]
        print(
            f"  {share:.0%} of the traffic, all refused: {alarms_told} alarms in {runs} x 5,000; warned {len(warned)}"
        )
    for share in (0.0, 0.5, 0.9):
        for rate in (0.06, 0.1):
            told = [steered(dice(run), share, 0.0, rate, 5_000) for run in range(runs)]
            found = [one[0] or 5_000 for one in told]
            never, middle = sum(one >= 5_000 for one in found), statistics.median(found)
            print(f"  hides 2% -> {rate:.0%} behind {share:.0%} without refusals: median {middle:,.0f}, never {never}")


def steered(
    draw: random.Random, share: float, hostile: float, honest: float, most: int
) -> tuple[int | None, int | None]:
    """Return after how many honest observations the first alarm and the first warning of refusals came."""
    state, number, count = State(EVERY), 0, 0
    first: dict[str, int] = {}
    while count < 4_000 + most and "alarm" not in first:
        number += 1
        bad = count >= 4_000 and draw.random() < share
        count += not bad
        rate = hostile if bad else honest if count > 4_000 else 0.02
        key = "bad" if bad else f"k{count % 3}"
        user = f"u{number}" if bad else key
        one = Observation(
            "", number * 0.1, "r", "primary", DECISION, user, failed=False, total_s=1.0, key=key,
            refused=draw.random() < rate,
        )  # fmt: skip
        for raised in state.take(one):
            raised.stream.alarm = {"severity": raised.severity}
            if raised.name == "refused":
                first.setdefault(raised.severity, count - 4_000)
    return first.get("alarm"), first.get("warning")


def main() -> None:
    """Run one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("alarms", "route", "delays", "steer"))
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--watched", type=int, default=20_000)
    given = parser.parse_args()
    if given.what == "alarms":
        alarms(given.runs, given.watched)
    elif given.what == "route":
        route(given.runs, given.watched)
    elif given.what == "delays":
        delays(given.runs)
    else:
        steer(given.runs)


if __name__ == "__main__":
    main()
