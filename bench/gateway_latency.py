"""What the gateway adds to an answer's time at a quarter of what it can do, beside nginx; and what shadowing adds.

    python bench/gateway_latency.py [--seconds 10] [--rounds 3]

Open loop (a request's time counts from when it was due), in turns: the mock alone, nginx, the gateway, the gateway with
5% shadowed. Streams: one event each 10 ms, time to the first. Prints a table; medians of the rounds, in milliseconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from gateway import Trials  # type: ignore[import-not-found]
from gateway_run import Served, nginx, open_loop, serving, upstream, wrk  # type: ignore[import-not-found]

_UP_PORT, _PORT = 18087, 18187
_SHARE = 0.25
_STREAMS = 8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with ExitStack() as stack:
        up = stack.enter_context(upstream(_UP_PORT))
        servers: dict[str, Served] = {
            "mock alone": up,
            "nginx": stack.enter_context(nginx(up, _PORT)),
            "weighbridge": stack.enter_context(serving(up, _PORT + 1)),
            "weighbridge, 5% shadowed": stack.enter_context(serving(up, _PORT + 2, Trials(shadow=0.05))),
        }
        wrk(servers["weighbridge"], 2)
        rate = wrk(servers["weighbridge"], 3)["rps"] * _SHARE
        times: dict[str, list[tuple[float, float, float]]] = {name: [] for name in servers}
        for _ in range(asked.rounds):
            for name, served in servers.items():
                told = open_loop(served, "rate", "--rps", str(round(rate)), "--seconds", str(asked.seconds))
                first = open_loop(served, "stream", "--streams", str(_STREAMS), "--rounds", "1", "--gap-ms", "10")
                times[name].append((told["p50_ms"], told["p99_ms"], first["ttft_p50_ms"]))
        load = os.getloadavg()[0]
    print(f"{rate:.0f} requests a second, load {load:.1f}\n")
    print("| | p50 | p99 | first event | added p50 | added p99 | added first event |\n|---|" + "---|" * 6)
    alone = [statistics.median(column) for column in zip(*times["mock alone"], strict=True)]
    for name, rows in times.items():
        each = [statistics.median(column) for column in zip(*rows, strict=True)]
        cells = [*each, *(own - base for own, base in zip(each, alone, strict=True))]
        print(f"| {name} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |")


if __name__ == "__main__":
    main()
