"""What load measurements are worth: on queues whose truth is known, how often intervals cover and verdicts err.

    python bench/load.py [--runs 300] [--json]           coverage and verdicts, on M/D/1 queues (Lindley's recursion)
    python bench/load.py --client [--seconds 20]         our own client: lag, CPU and TPOT by rate

Truth is one run of 4 million requests. A stretch is what `weighbridge load` measures: Poisson arrivals for so many
seconds, 30 blocks for the bootstrap, blocks of some seconds for service levels. The verdict's limit is set so that the
true share of exceedances is exactly the 5% allowed: every verdict is then false, and each kind may be given to 5% at
most. "kept" are verdicts that stand after neighbouring blocks were looked at.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from weighbridge.engine.limits import Limits
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.evaluation.load.drive import Pace, User, open_loop
from weighbridge.evaluation.load.levels import Level
from weighbridge.evaluation.load.sample import Sample
from weighbridge.evaluation.load.shots import Prompts, Shape
from weighbridge.evaluation.load.verdicts import Watch, fewest_blocks, slo_json
from weighbridge.statistics.blocks import latency_summary
from weighbridge.statistics.slo import SloTest
from weighbridge.testing.load_server import LoadServer, Speed
from weighbridge.workflow.evaluation.loop import run

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE_S = 0.1
TRUTH = 4_000_000
STRETCHES_S = (120.0, 725.0)  # the default without and with a service level of 5%
BLOCKS = 30
ALLOWED = 0.05
LEVEL_BLOCKS_S = (1.0, 5.0, 20.0)


def queue(draw: np.random.Generator, load: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return moments due and waits to the answer of n requests to one server (Lindley), from a steady state."""
    spare = 20_000
    gaps = draw.exponential(SERVICE_S / load, n + spare)
    steps = SERVICE_S - gaps[1:]
    walk = np.concatenate([[0.0], np.cumsum(steps)])
    waits = walk - np.minimum.accumulate(walk)
    return np.cumsum(gaps)[spare:] - np.sum(gaps[:spare]), (waits + SERVICE_S)[spare:]


def covered(load: float, seconds: float, runs: int) -> dict[str, Any]:
    """Return the coverage of the 95% intervals at one load and length."""
    draw = np.random.default_rng(20261122)
    _, truth = queue(draw, load, TRUTH)
    truths = {q: float(np.quantile(truth, q)) for q in (0.5, 0.9, 0.95)}
    hits, told = dict.fromkeys(truths, 0), dict.fromkeys(truths, 0)
    n = int(seconds * load / SERVICE_S)
    for number in range(runs):
        dues, waits = queue(draw, load, n)
        blocks = (dues / (seconds / BLOCKS)).astype(int).tolist()
        found = latency_summary(waits, blocks, seed=number, quantiles=tuple(truths)).quantiles
        for q, estimate in found.items():
            if estimate is not None:
                told[q] += 1
                hits[q] += estimate.low <= truths[q] <= estimate.high
    shares = {f"p{100 * q:g}": hits[q] / max(1, told[q]) for q in truths}
    return {"load": load, "seconds": seconds, "requests": n, "coverage": shares}


def judged(load: float, block_s: float | None, runs: int) -> dict[str, Any]:
    """Return the shares of false verdicts at one load, by blocks or by single requests (None)."""
    draw = np.random.default_rng(20261122)
    _, truth = queue(draw, load, TRUTH)
    level = Level("ttft", float(np.quantile(truth, 1 - ALLOWED)), ALLOWED)
    seconds = max(STRETCHES_S[0], 2.5 * fewest_blocks(level, 0.05) * (block_s or 1.0))
    counts: Counter[str] = Counter()
    for _ in range(runs):
        dues, waits = queue(draw, load, int(seconds * load / SERVICE_S))
        if block_s is None:
            single = SloTest(level.limit_s, ALLOWED)
            for wait in waits:
                single.update(float(wait))
            counts[f"{single.verdict}, kept"] += 1
            continue
        samples = [Sample(float(due), 0.0, "ok", ttft=float(wait)) for due, wait in zip(dues, waits, strict=True)]
        watch = Watch((level,), alpha=0.05, warmup_s=0.0, block_s=block_s)
        last = next((place for place, sample in enumerate(samples) if watch(sample)), len(samples))
        found = slo_json(level, samples[:last], lambda one: int(one.due / block_s), alpha=0.05)
        counts[f"{watch.tests[level].verdict}, raw"] += 1
        counts[f"{found['verdict']}, kept"] += 1
    said = {name: counts[name] / runs for name in ("met, raw", "met, kept", "not met, raw", "not met, kept")}
    return {"load": load, "block_s": block_s, "seconds": seconds, "false": said}


async def _client(seconds: float) -> list[dict[str, float]]:
    """Measure a server of 50 ms and 10 ms a token, in this same process, at rising rates."""
    rows = []
    async with (
        LoadServer(Speed(ttft_s=0.05, itl_s=0.01)) as server,
        OpenAIEngine(server.url, "load", limits=Limits(in_flight=4096, timeout_s=30)) as engine,
    ):
        user = User(engine, Prompts([Shape(64, 20)], seed=1, salt="bench"))
        for rate in (5.0, 25.0, 50.0, 100.0, 200.0):
            driven = await open_loop(user, rate, Pace(seconds, 1.0))
            good = [one for one in driven.measured if one.status == "ok" and one.tpot is not None]
            lags = sorted(one.lag for one in driven.measured)
            rows.append(
                {
                    "rate": rate,
                    "requests": len(driven.measured),
                    "ttft_p50_ms": 1000 * statistics.median(one.ttft for one in good),
                    "tpot_p50_ms": 1000 * statistics.median(one.tpot or math.nan for one in good),
                    "lag_p99_ms": 1000 * lags[int(0.99 * len(lags))],
                    "cpu": driven.cpu_share,
                }
            )
    return rows


def simulated(runs: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of all loads."""
    for load in (0.5, 0.8, 0.9):
        yield from (covered(load, seconds, runs) for seconds in STRETCHES_S)
        yield from (judged(load, block_s, runs) for block_s in (None, *LEVEL_BLOCKS_S))


def main() -> None:
    """Run what is asked, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--client", action="store_true")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows: Iterator[dict[str, Any]] = iter(run(_client(given.seconds))) if given.client else simulated(given.runs)
    if given.json:
        json.dump(list(rows), sys.stdout, indent=2)
        return
    for row in rows:
        print(row, flush=True)


if __name__ == "__main__":
    main()
