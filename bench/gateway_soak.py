"""Memory of a gateway over many requests and streams: it has to stay within 5% of where it was once it was warm.

    python bench/gateway_soak.py [--requests 200000] [--streams 10000] [--shadow 0.05]

Keys, limits, a budget, audit, metrics and observing are on. Prints a sample a line (`asked`, `mb`), then the verdict;
ends with 1 where memory went beyond the bound, or an answer failed. Needs the mock of `../shared/bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from gateway import Trials  # type: ignore[import-not-found]
from gateway_run import SHARED, Served, cpu_s, rss_mb, serving, upstream  # type: ignore[import-not-found]

sys.path.insert(0, str(SHARED))
from open_loop import PAD, Conn  # type: ignore[import-not-found]

_UP_PORT, _PORT = 18086, 18186
_BOUND = 0.05
_WARM_SHARE = 0.2  # of each phase, until pools and caches are as full as they get
_SAMPLE_S = 1.0


class Soak:
    """A gateway under load, and its memory."""

    def __init__(self, served: Served, connections: int) -> None:
        self.failed = 0
        self._served = served
        self._connections = connections
        self._asked = 0
        self._samples: list[tuple[int, float]] = []

    async def run(self, what: str, count: int) -> bool:
        """Ask so often (`requests`, `streams`), and return whether memory stayed where it was."""
        self._asked, self._samples = 0, []
        raw = _request(self._served, is_stream=what == "streams")
        began, cpu = time.monotonic(), cpu_s(self._served.pid)
        watching = asyncio.create_task(self._watch())
        await asyncio.gather(*(self._ask(raw, count) for _ in range(self._connections)))
        watching.cancel()
        self._sample()
        warm = [mb for asked, mb in self._samples if asked >= count * _WARM_SHARE]
        least, most = min(warm), max(warm)
        is_flat = most <= warm[0] * (1 + _BOUND) and least >= warm[0] * (1 - _BOUND)
        said = {
            "what": what, "count": count, "failed": self.failed, "seconds": round(time.monotonic() - began, 1),
            "cpu_s_per_1000": round((cpu_s(self._served.pid) - cpu) / count * 1000, 3),
            "warm_mb": round(warm[0], 1), "least_mb": round(least, 1), "most_mb": round(most, 1),
            "last_mb": round(warm[-1], 1), "flat": is_flat,
        }  # fmt: skip
        print(json.dumps(said), flush=True)
        return is_flat

    async def _ask(self, raw: bytes, count: int) -> None:
        """Ask over one connection, again and again."""
        connection = None
        while self._asked < count:
            self._asked += 1
            if connection is None or not connection.alive:
                _, connection = await asyncio.get_running_loop().create_connection(Conn, "127.0.0.1", self._served.port)
            try:
                await asyncio.wait_for(connection.send(raw), 60)
            except (OSError, TimeoutError):
                self.failed += 1
                connection = None
            else:
                self.failed += connection.status != 200

    async def _watch(self) -> None:
        """Sample now and then."""
        while True:
            await asyncio.sleep(_SAMPLE_S)
            self._sample()

    def _sample(self) -> None:
        """Note and print the memory."""
        self._samples.append((self._asked, rss_mb(self._served.pid)))
        asked, mb = self._samples[-1]
        print(json.dumps({"asked": asked, "mb": round(mb, 1)}), flush=True)


def _request(served: Served, *, is_stream: bool) -> bytes:
    """Return a request of 1 KB."""
    ask = {"model": "qwen", "messages": [{"role": "user", "content": PAD * 16}], "max_tokens": 256}
    body = json.dumps({**ask, "stream": True} if is_stream else ask).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {served.key}\r\n"
    return f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


async def soak(served: Served, asked: argparse.Namespace) -> bool:
    """Run both phases; the streams first need their own warm-up."""
    run = Soak(served, asked.connections)
    flat = [await run.run("requests", asked.requests), await run.run("streams", asked.streams)]
    return all(flat) and not run.failed


def main() -> None:
    """Run, and end with 1 where it did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--shadow", type=float, default=0.0)
    asked = parser.parse_args()
    with upstream(_UP_PORT, chunks=20) as up, serving(up, _PORT, Trials(shadow=asked.shadow)) as served:
        is_good = asyncio.run(soak(served, asked))
    print(json.dumps({"verdict": "holds" if is_good else "does not hold"}))
    raise SystemExit(not is_good)


if __name__ == "__main__":
    main()
