"""Two gateways on one PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from scene import CHAT, COST_USD, Said, Scene, by_body, good, postgres, scene, stream_of
from table import Table, charged_of, counted

from weighbridge.testing.upstream_double import UpstreamDouble, answer

if TYPE_CHECKING:
    from collections.abc import Callable


_CALLERS = 4  # of each node
# these models say more tokens than were held for the prompt, so that what is in flight at the end may go beyond
_FLYING = 2 * _CALLERS * COST_USD


def nodes(table: Table, count: int) -> None:
    """Run two gateways on one PostgreSQL: a key that ends, a budget that both spend, and a kill."""
    if shutil.which("initdb") is None and not Path("/usr/lib/postgresql").exists():
        print("| two nodes | needs PostgreSQL's programs | not run |")
        return
    double = UpstreamDouble(good)
    double.play = by_body(double, [answer(CHAT)], stream_of(400, 0.02))
    with postgres() as server, ExitStack() as stack:
        env = {"WEIGHBRIDGE_PILOT_DATABASE": server.address, "WEIGHBRIDGE_PEPPER": "p" * 40}
        one, two = stack.enter_context(scene(**env)), stack.enter_context(scene(**env))
        stack.enter_context(double.running())
        for at in (one, two):
            at.write({"good": double.url})
        admin = one.key("admin", "--scope", "admin:keys", "--scope", "inference")
        stack.enter_context(one.served())
        process = stack.enter_context(two.served())
        known, ended, cut = asyncio.run(revoked(one, two, admin, count))
        table.row(
            f"two nodes on one PostgreSQL, {count} keys made and revoked on one",
            f"on the other a key is known after {max(known):.2f} s at the most, ended after {max(ended):.2f}, and "
            f"a stream of it cut after {max(cut):.2f}",
            holds=max(known + ended + cut) < 1.0,
        )
        rich = one.key("rich", "--usd-per-day", "0.5")
        time.sleep(1)
        double.play = good
        found = asyncio.run(spent_by_both(one, two, rich, lambda: None))
        paid = sum(said.status == 200 for said in found) * COST_USD
        table.row(
            "both spend one budget of 0.50 USD",
            f"{counted(found)}: {paid:.4f} USD; charged {charged_of(one, rich):.4f}",
            holds=0.45 < paid <= 0.5 + _FLYING,
        )
        rich = one.key("rich too", "--usd-per-day", "0.5")
        time.sleep(1)
        found = asyncio.run(spent_by_both(one, two, rich, process.kill))
        paid = sum(said.status == 200 for said in found) * COST_USD
        table.row(
            "the same, and one of them is killed (-9) meanwhile",
            f"{counted(found)}: {paid:.4f} USD answered; charged {charged_of(one, rich):.4f}",
            holds=0.4 < paid <= charged_of(one, rich) + _FLYING <= 0.5 + 2 * _FLYING,
        )


async def revoked(one: Scene, two: Scene, admin: str, count: int) -> tuple[list[float], list[float], list[float]]:
    """Make keys on one node and end them there: after how many seconds the other knows, refuses, and cuts a stream."""
    known, ended, cut = [], [], []
    for _ in range(count):
        made = json.loads((await one.call("POST", "/admin/v1/keys", admin, {"name": "k"})).body)
        key, started = made["key"], time.monotonic()
        while (await two.ask(key, "good")).status == 401:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)
        known.append(time.monotonic() - started)
        stream = asyncio.create_task(two.ask(key, "good", stream=True))
        await asyncio.sleep(0.1)
        await one.call("DELETE", f"/admin/v1/keys/{made['id']}", admin)
        started = time.monotonic()
        while (await two.ask(key, "good")).status == 200:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.005)
        ended.append(time.monotonic() - started)
        said = await stream
        cut.append(time.monotonic() - started if said.code == "invalid_api_key" else 99.0)
    return known, ended, cut


async def spent_by_both(one: Scene, two: Scene, key: str, halfway: Callable[[], None]) -> list[Said]:
    """Ask both nodes until neither has money, and do something halfway."""

    async def half() -> None:
        await asyncio.sleep(0.5)
        halfway()

    async def spend(at: Scene) -> list[Said]:
        found = []
        for _ in range(4000):
            found.append(await at.ask(key, "good"))
            if found[-1].code == "budget_exceeded" or not found[-1].status:
                break
        return found

    rounds = await asyncio.gather(half(), *(spend(at) for at in (one, two) for _ in range(_CALLERS)))
    return [said for found in rounds if found for said in found]
