"""Nodes that are killed at random: a day's allowance is never overspent, and little of it is lost."""

from __future__ import annotations

import asyncio
import random
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.pilot.route import Allowance
from weighbridge.pilot.shadow.asking.allotment import Allotment
from weighbridge.pilot.state.protocol import NANO
from weighbridge.pilot.state.sqlite import SQLiteState

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1e9
CALLS, USD = 400, 1.0
DEAREST = 0.004


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_node_loses_a_block_and_what_it_kept_for_its_next_call(tmp_path: Path, seed: int) -> None:
    """Three nodes, each killed now and then with a lease in its hand and begun anew: both measures of the day hold.

    What is asked ends where the next call of no node could be paid; what is missing then is what the killed ones had.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    bank = SQLiteState(tmp_path / "pilot.sqlite")
    allowance = Allowance(calls_per_day=CALLS, usd_per_day=USD)
    nodes = [Allotment("shadow:qwen", allowance, bank, lambda: NOW) for _ in range(3)]
    asked, spent, kills = 0, 0.0, 0

    async def call(node: Allotment) -> bool:
        """Make a call that costs no more than was held for it."""
        nonlocal asked, spent
        usd = draw.uniform(0, DEAREST)
        held = await node.hold(usd)
        if held is None:
            return False
        asked, spent = asked + 1, spent + usd / 2
        node.settle(held, usd / 2)
        return True

    async def until_the_end() -> None:
        """Ask by any node until none may."""
        nonlocal kills
        refused = 0
        while refused < 3 * len(nodes):
            place = draw.randrange(len(nodes))
            if kills < 10 and draw.random() < 0.05:  # killed: nothing is given back
                nodes[place] = Allotment("shadow:qwen", allowance, bank, lambda: NOW)
                kills += 1
            refused = 0 if await call(nodes[place]) else refused + 1

    asyncio.run(until_the_end())
    assert asked <= CALLS
    assert spent <= USD
    block = CALLS // 100
    lost_calls = (kills + len(nodes)) * (block + 1)
    lost_usd = (kills + len(nodes)) * (USD / 100 + DEAREST)
    assert asked >= CALLS - lost_calls or spent >= USD - lost_usd
    charged = bank.spending("shadow:qwen", date(2001, 9, 9)).day
    assert spent * NANO - 1000 <= charged <= USD * NANO
    bank.close()
