"""Many that are slow, and a fast one beside them."""

from __future__ import annotations

import asyncio
import socket
import statistics
import time

from scene import CHAT, Said, Scene, good, raw, scene
from table import Table, counted, quantiles

from weighbridge.testing.upstream_double import UpstreamDouble, answer, events


def slow(table: Table, count: int) -> None:
    """Have a thousand requests wait for a slow model, and ask a fast one beside."""
    hang, quick = UpstreamDouble(lambda *_: [6.0, answer(CHAT)]), UpstreamDouble(good)

    async def fast(at: Scene, key: str) -> list[float]:
        return [(await at.ask(key, "fast")).seconds for _ in range(200)]

    async def play(at: Scene, key: str) -> tuple[list[float], list[float], float, list[Said]]:
        before = await fast(at, key)
        waiting = [asyncio.create_task(at.ask(key, "slow", stream=n % 2 == 0, timeout_s=60)) for n in range(count)]
        while len(hang.asked) < count:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)
        during = await fast(at, key)
        memory = at.megabytes()
        return before, during, memory, await asyncio.gather(*waiting)

    with scene() as at, hang.running(), quick.running():
        at.write({"slow": hang.url, "fast": quick.url}, idle_s=30)
        key = at.key("app")
        with at.served():
            idle = at.megabytes()
            before, during, memory, found = asyncio.run(play(at, key))
    table.row(
        f"{count} requests wait 6 s for a slow model",
        f"a fast one: {quantiles(before)} before, {quantiles(during)} meanwhile; memory {idle:.0f} MB, "
        f"then {memory:.0f}; the slow ones: {counted(found)}",
        holds=all(said.status == 200 or (said.status, said.code) == (502, "upstream_garbled") for said in found)
        and statistics.median(during) < 0.1 and memory < idle + 60,
    )  # fmt: skip


def loris(table: Table, count: int) -> None:
    """Send heads and bodies that never end, read nothing, and ask a fast one beside."""
    big = b'data: {"choices":[{"delta":{"content":"' + b"x" * 30_000 + b'"}}]}\n\n'
    flood, quick = UpstreamDouble(lambda *_: events(*[big] * 3000, ends=False)), UpstreamDouble(good)
    with scene() as at, flood.running(), quick.running():
        at.write({"flood": flood.url, "fast": quick.url}, "header_s = 3.0\nbody_s = 3.0\nstall_s = 3.0")
        key = at.key("app")
        with at.served():
            idle, files = at.megabytes(), at.sockets()
            body = b'{"model":"flood","stream":true,"messages":[]}'
            sends = [b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx-", raw("POST", "/v1/chat/completions", key, body)[:-5],
                     raw("POST", "/v1/chat/completions", key, body)]  # fmt: skip
            held = []
            for number in range(count):
                one = socket.create_connection(("127.0.0.1", at.port))
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                one.sendall(sends[number % 3])
                held.append(one)
            started = time.monotonic()

            async def fast() -> list[Said]:
                return [await at.ask(key, "fast") for _ in range(200)]

            found = asyncio.run(fast())
            memory = at.megabytes()
            while at.sockets() > files + 10 and time.monotonic() < started + 30:
                time.sleep(0.1)
            took = time.monotonic() - started
            for one in held:
                one.close()
    table.row(
        f"slow loris: {count} connections with half a head, half a body, or an answer that is not read",
        f"a fast request: {counted(found)}, {quantiles([said.seconds for said in found])}; memory {idle:.0f} MB, then "
        f"{memory:.0f}; all let go after {took:.1f} s (bounds of 3 s)",
        holds=all(said.status == 200 for said in found) and took < 15,
    )
