"""Stopping early, and writing as answers come."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING

import pytest

from weighbridge.engine.protocol import Completion, Outcome
from weighbridge.evaluation.run import Stop
from weighbridge.evaluation.run.keeper import Keeper
from weighbridge.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from pathlib import Path


def test_a_stop_leaves_the_innermost_scope_alone() -> None:
    """What is inside ends early; what follows outside goes on, and no later scope is entered for work."""
    reached: list[str] = []

    async def main() -> None:
        stop = Stop()
        asyncio.get_running_loop().call_soon(stop.ask)
        with stop.scope():
            with stop.scope():
                await asyncio.sleep(60)
                reached.append("slept")
            reached.append("after")

    asyncio.run(main())
    assert reached == ["after"]


def test_a_cancellation_by_someone_else_goes_through() -> None:
    """A time limit around the run is not swallowed."""

    async def main() -> None:
        stop = Stop()
        async with asyncio.timeout(0.01):
            with stop.scope():
                await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        asyncio.run(main())


def test_a_lone_answer_is_written_while_nothing_else_comes(tmp_path: Path) -> None:
    """With one slow answer a minute, a kill in between must not cost the last one."""
    store = SQLiteStore(tmp_path / "evidence.sqlite")
    recipe = "sha256:" + "c" * 64

    async def main() -> None:
        keeper = Keeper(store, date(2026, 11, 22))
        keeper.keep(recipe, Completion(Outcome.ANSWERED, "A"))
        while not store.completions([recipe]):  # noqa: ASYNC110 - no call of ours: the loop writes it
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(main(), timeout=20))
    store.close()
