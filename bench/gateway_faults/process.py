"""The gateway killed and stopped, and models that misbehave."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from scene import CHAT, COST_USD, EVENT, Said, Scene, by_body, good, scene, stream_of
from table import Table, chain, charged_of, counted, passing

from weighbridge.testing.upstream_double import HANG, RESET, Step, UpstreamDouble, answer, events

if TYPE_CHECKING:
    from collections.abc import Callable

_LEASED = 0.4  # US dollars that a node has at hand at the most: four leases


def killing(process: subprocess.Popen[str]) -> Callable[[], bool]:
    """Return what kills the process after a second, and says when it has."""
    end = passing(1.0)

    def is_killed() -> bool:
        if end():
            process.kill()
        return end()

    return is_killed


def kill(table: Table, rounds: int) -> None:
    """Send SIGKILL under load, again and again on one workspace."""
    double = UpstreamDouble(good)
    double.play = by_body(double, [answer(CHAT)], stream_of(5, 0.002))
    with scene() as at, double.running():
        at.write({"good": double.url})
        key = at.key("app", "--usd-per-day", "1000")
        whole: set[str] = set()
        begun: set[str] = set()
        for _ in range(rounds):
            with at.served() as process:
                found = asyncio.run(at.load([key], ["good"], 32, killing(process)))
            whole |= {said.id for said in found if said.status == 200 and said.is_whole}
            begun |= {said.id for said in found if said.status == 200}
        with at.served():
            pass
        words = ["audit", "export", "--format", "jsonl", "--workspace", "work"]
        command = [sys.executable, "-m", "weighbridge", *words]
        log = subprocess.run(command, cwd=at.folder, capture_output=True, text=True, check=True).stdout
        records = [json.loads(line) for line in log.splitlines()]
        ids = {record["body"]["id"] for record in records if record["event"].startswith("exchange")}
        holds = at.cli("audit", "verify")["holds"]
        charged = charged_of(at, key)
        spent = len(whole) * COST_USD
        lost = len(begun - ids)
        table.row(
            f"`kill -9` under 32 callers, {rounds} times",
            f"{len(begun)} answers begun, {len(whole)} whole; records missing: {lost}; {chain(holds=holds)}; "
            f"answered {spent:.3f} USD, charged {charged:.3f} (a kill may cost {_LEASED:.1f})",
            holds=not lost and holds and spent <= charged <= spent + rounds * _LEASED,
        )


def played(play: list[Step], number: int, path: str) -> list[Step]:  # noqa: ARG001 - as the double calls it
    """Play the same, always."""
    return play


def upstreams(table: Table, count: int) -> None:
    """Ask models that hang, reset, answer HTML, cut and flood, at once with one that is well."""
    big = b'data: {"choices":[{"delta":{"content":"' + b"x" * 60_000 + b'"}}]}\n\n'
    plays: dict[str, list[Step]] = {
        "good": [answer(CHAT)],
        "hang": [HANG],
        "reset": [RESET],
        "html": [answer(b"<html>502</html>", kind="text/html")],
        "cut": [*events(EVENT, EVENT[:20], ends=False), RESET],
        "flood": events(*[big] * 2000, ends=False),
        "garbage": [b"\x00\xff" * 500],
    }
    doubles = {name: UpstreamDouble(partial(played, play)) for name, play in plays.items()}

    async def play(at: Scene, key: str) -> list[Said]:
        gate = asyncio.Semaphore(100)

        async def one(model: str, *, stream: bool) -> Said:
            async with gate:
                return await at.ask(key, model, stream=stream)

        return await asyncio.gather(
            *(one(model, stream=model in ("cut", "flood")) for _ in range(count) for model in plays)
        )

    with scene() as at, ExitStack() as stack:
        for double in doubles.values():
            stack.enter_context(double.running())
        at.write({name: double.url for name, double in doubles.items()}, "answer_bytes = 4194304", idle_s=0.5)
        key = at.key("app")
        with at.served():
            asyncio.run(play(at, key))
            files, before = at.sockets(), at.megabytes()
            found = asyncio.run(play(at, key))
            time.sleep(5)
            after, left = at.megabytes(), at.sockets()
    expected = {
        "good": (200, ""), "hang": (504, "upstream_timeout"), "reset": (502, "upstream_reset"),
        "html": (502, "upstream_garbled"), "cut": (200, "upstream_reset"), "flood": (200, "answer_too_long"),
        "garbage": (502, "upstream_reset"),
    }  # fmt: skip
    for model, due in expected.items():
        some = [said for said in found if said.model == model]
        table.row(
            f"the model's server: {model}, {count} requests", counted(some),
            holds=all((said.status, said.code) == due and said.is_whole for said in some),
        )  # fmt: skip
    table.row(
        "all of these at once",
        f"memory {before:.0f} MB before, {after:.0f} after; files open {files}, {left}",
        holds=after < before * 1.2 + 5 and left <= files + 8,  # idle connections come and go
    )


def stop(table: Table, count: int) -> None:
    """Send SIGTERM with streams under way."""
    double = UpstreamDouble(lambda *_: stream_of(20, 0.1))

    async def play(at: Scene, key: str, process: subprocess.Popen[str]) -> tuple[list[Said], Said, float]:
        under_way = [asyncio.create_task(at.ask(key, "good", stream=True)) for _ in range(count)]
        while len(double.asked) < count:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        await asyncio.sleep(0.3)
        late = await at.ask(key, "good")
        found = await asyncio.gather(*under_way)
        await asyncio.to_thread(process.wait, 30)
        return found, late, time.monotonic() - started

    with scene() as at, double.running():
        at.write({"good": double.url})
        key = at.key("app", "--usd-per-day", "5")
        with at.served() as process:
            found, late, took = asyncio.run(play(at, key, process))
        charged, holds = charged_of(at, key), at.cli("audit", "verify")["holds"]
    whole = sum(said.is_whole and b"[DONE]" in said.body for said in found)
    table.row(
        f"SIGTERM with {count} streams under way",
        f"{whole} end whole; a new one: {late.status or 'refused'}; exit code {process.returncode} after {took:.1f} s; "
        f"charged {charged:.4f} USD for {count * COST_USD:.4f}; {chain(holds=holds)}",
        holds=whole == count and not late.status and process.returncode == 0 and holds
        and abs(charged - count * COST_USD) < 1e-9,
    )  # fmt: skip
