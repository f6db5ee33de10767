"""What a shadow costs the callers: two gateways, one with a shadow and one without, asked in turns.

    python bench/shadow.py FOLDER [--rate 100] [--blocks 10] [--seconds 5] [--share 0.05] [--judge]

Mock models, an open loop (latency counts from when a request was due), and blocks that alternate, so that what else the
machine does falls on both. Prints the medians over blocks, the processor time of each gateway for 1,000 requests, and
the median ratio of a block with to one without, with its 95% interval (order statistics).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import uvloop

from weighbridge.pilot.access.desk import KeyDesk
from weighbridge.pilot.access.orders import KeyOrder
from weighbridge.pilot.access.pepper import load_pepper
from weighbridge.pilot.state.sqlite import STATE_FILE, SQLiteState
from weighbridge.statistics.interval import quantile_estimate
from weighbridge.testing.gate import leg_of

_PORTS = {"primary": 18310, "candidate": 18311, "judge": 18312, "off": 18320, "on": 18321}
_TEXT = "The weighbridge reads forty tonnes, and the ledger agrees with it. "
_JUDGE = """
[route.shadow.judge]
upstream = {{ url = "http://127.0.0.1:{port}/v1", model = "judge" }}
"""
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CLOCK = os.sysconf("SC_CLK_TCK")


class Mock(asyncio.Protocol):
    """A model that answers after a while, with one of the texts that it `says`."""

    def __init__(self, delay_s: float, says: list[str]) -> None:
        self.delay_s, self.says = delay_s, says
        self.held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self.held, 0, end)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self.held) < whole:
                return
            self.held = self.held[whole:]
            asyncio.get_running_loop().call_later(self.delay_s, self._answer, random.choice(self.says))  # noqa: S311 - a mock

    def _answer(self, text: str) -> None:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        body = json.dumps({"choices": [choice], "usage": {"prompt_tokens": 200, "completion_tokens": 40}}).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        if not self.transport.is_closing():
            self.transport.write(head + body)


class Caller(asyncio.Protocol):
    """One connection to a gateway, one request at a time."""

    def __init__(self) -> None:
        self.waiter: asyncio.Future[None] | None = None
        self.held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Wait for the whole answer."""
        self.held += data
        end = self.held.find(b"\r\n\r\n")
        found = _LENGTH.search(self.held, 0, end) if end >= 0 else None
        if found and len(self.held) >= end + 4 + int(found[1]) and self.waiter is not None:
            if not self.held.startswith(b"HTTP/1.1 200"):
                raise SystemExit(self.held.decode())
            self.held = b""
            self.waiter.set_result(None)

    async def ask(self, request: bytes) -> None:
        """Send a request and wait for its answer."""
        self.waiter = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        await self.waiter


@dataclass
class Gateway:
    """A gateway that runs, and what was measured of it."""

    port: int
    key: str
    process: subprocess.Popen[bytes]
    p50: list[float]
    p99: list[float]
    requests: int = 0
    cpu_s: float = 0.0

    def request(self) -> bytes:
        """Return one request of about a kilobyte."""
        messages = [{"role": "user", "content": "Weigh the lorry before and after. " * 30}]
        body = json.dumps({"model": "qwen", "messages": messages, "max_tokens": 64}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.key}\r\n"
        return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body

    def cpu(self) -> float:
        """Return the processor seconds that the process has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _CLOCK


async def block(gateway: Gateway, rate: float, seconds: float) -> None:
    """Ask at a rate for some seconds, and note the block's quantiles."""
    loop = asyncio.get_running_loop()
    idle: list[Caller] = []
    took: list[float] = []
    request = gateway.request()

    async def one(due: float) -> None:
        caller = idle.pop() if idle else (await loop.create_connection(Caller, "127.0.0.1", gateway.port))[1]
        await caller.ask(request)
        took.append(time.monotonic() - due)
        idle.append(caller)

    before, began = gateway.cpu(), time.monotonic()
    tasks = []
    for n in range(int(rate * seconds)):
        due = began + n / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.ensure_future(one(due)))
    await asyncio.gather(*tasks)
    await asyncio.sleep(0.3)
    gateway.cpu_s += gateway.cpu() - before
    gateway.requests += len(took)
    took.sort()
    gateway.p50.append(took[len(took) // 2])
    gateway.p99.append(took[int(len(took) * 0.99)])
    for caller in idle:
        caller.transport.close()


def prepare(folder: Path, port: int, share: float, *, has_judge: bool) -> str:
    """Write a workspace with two decided endpoints, a gateway's file and a key; return the key."""
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    price = "price = { input = 0.1, output = 0.2 }"
    legs = {
        model: leg_of(work, f"http://127.0.0.1:{_PORTS[model]}/v1", model, price) for model in ("primary", "candidate")
    }
    file = f'[gateway]\nlisten = "127.0.0.1:{port}"\nworkspace = "work"\n[[route]]\nname = "qwen"\n{legs["primary"]}'
    if share:
        file += f"[route.shadow]\nshare = {share}\ncalls_per_day = 1000000\n{legs['candidate']}"
        file += _JUDGE.format(port=_PORTS["judge"]) if has_judge else ""
    (folder / "gateway.toml").write_text(file, encoding="utf-8")
    state = SQLiteState(work / STATE_FILE)
    issued = KeyDesk(state, load_pepper(work)).create("", KeyOrder.of(name="bench"))
    state.close()
    return issued.text


async def serve_mock(port: int, delay_ms: float, says: list[str]) -> None:
    """Serve a model until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Mock(delay_ms / 1000, says), "127.0.0.1", port)
    await server.serve_forever()


def started(stack: ExitStack, *words: str) -> subprocess.Popen[bytes]:
    """Start a process, and end it with the stack."""
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


async def until_up(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit(f"nobody listens at {port}")


async def measure(gateways: dict[str, Gateway], asked: argparse.Namespace) -> None:
    """Let blocks alternate."""
    for port in _PORTS.values():
        if port != _PORTS["judge"] or asked.judge:
            await until_up(port)
    for gateway in gateways.values():
        await block(gateway, asked.rate, 2.0)
        gateway.__dict__.update(p50=[], p99=[], requests=0, cpu_s=0.0)
    for n in range(asked.blocks):
        for name in ("off", "on") if n % 2 else ("on", "off"):
            await block(gateways[name], asked.rate, asked.seconds)


def main() -> None:
    """Measure, and print one line of JSON for each gateway and one for their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, usual in (("rate", 100.0), ("seconds", 5.0), ("share", 0.05)):
        parser.add_argument(f"--{name}", type=float, default=usual)
    parser.add_argument("--blocks", type=int, default=10)
    parser.add_argument("--judge", action="store_true")
    if sys.argv[1:2] == ["mock"]:
        uvloop.run(serve_mock(int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
        return
    asked = parser.parse_args()
    says = {"primary": [_TEXT * 3], "candidate": [_TEXT * 3, _TEXT * 2 + "So be it."], "judge": ["A", "B", "tie"]}
    with ExitStack() as stack:
        for model, texts in says.items():
            started(stack, __file__, "mock", str(_PORTS[model]), "20" if model == "primary" else "60", *texts)
        gateways = {}
        for name, share in (("off", 0.0), ("on", asked.share)):
            folder = asked.folder.absolute() / name
            key = prepare(folder, _PORTS[name], share, has_judge=asked.judge)
            process = started(stack, "-m", "weighbridge", "serve", "--config", str(folder / "gateway.toml"))
            gateways[name] = Gateway(_PORTS[name], key, process, [], [])
        uvloop.run(measure(gateways, asked))
        time.sleep(2)
    for name, gateway in gateways.items():
        row = {
            "shadow": name, "requests": gateway.requests,
            "p50_ms": round(statistics.median(gateway.p50) * 1e3, 2),
            "p99_ms": round(statistics.median(gateway.p99) * 1e3, 2),
            "cpu_s_per_1000": round(gateway.cpu_s / gateway.requests * 1e3, 3),
        }  # fmt: skip
        print(json.dumps(row))
    for name in ("p50", "p99"):
        pairs = zip(getattr(gateways["on"], name), getattr(gateways["off"], name), strict=True)
        ratio = quantile_estimate([on / off for on, off in pairs], 0.5)
        if ratio is not None:
            print(json.dumps({f"{name}_on_over_off": [round(one, 3) for one in (ratio.low, ratio.value, ratio.high)]}))


if __name__ == "__main__":
    main()
