"""Engines on a real Ray cluster of two workers, against servers in this process."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.engine.fleet import Fleet
from weighbridge.engine.limits import Limits
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.evaluation.evaluate import evaluate
from weighbridge.evaluation.run import Session
from weighbridge.evaluation.suite import load_suite
from weighbridge.store.sqlite import SQLiteStore
from weighbridge.testing.fault_server import PAUSE, FaultServer, http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from weighbridge.engine.protocol import Engine
    from weighbridge.evaluation.suite import Suite

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]
SUBJECT = "sha256:" + "a" * 64


@pytest.fixture(scope="module")
def _cluster() -> Iterator[None]:
    """Start Ray with two processors."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def reply(_n: int, _path: str) -> bytes:
    """Answer "A" after a pause."""
    choice = {"message": {"role": "assistant", "content": "A"}, "finish_reason": "stop"}
    return PAUSE + http(
        json.dumps({"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 1}}).encode()
    )


def make_suite(folder: Path) -> Suite:
    """Write a suite of 40 questions, every second answered by "A"."""
    folder.mkdir()
    folder.joinpath("suite.toml").write_text(
        '[suite]\nname = "letters"\nversion = "1"\ntitle = "Letters"\nmeasures = "score/v1"\nlanguage = "en"\n'
        'licence = "Apache-2.0"\nsource = "ours"\nscorer = "exact"\nmax_tokens = 8\n[prompt]\nchat = "$question"\n'
    )
    rows = [{"id": f"q{i}", "question": f"Letter {i}?", "answer": "AB"[i % 2]} for i in range(40)]
    folder.joinpath("items.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return load_suite(folder)


def result(suite: Suite, engine: Engine, path: Path, heard: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Evaluate into a fresh store; return the body without what a clock says."""

    async def main() -> dict[str, Any]:
        with closing(SQLiteStore(path)) as store:
            async with engine:
                asyncio.get_running_loop().call_later(0.6, heard)
                body = (await evaluate(suite, SUBJECT, engine, Session(store, date(2026, 11, 22)))).body
        items = [{key: value for key, value in item.items() if key != "answer"} for item in body["items"]]
        return {
            **body,
            "items": items,  # without the digest of the whole answer, which counts the attempts
            "calls": {key: value for key, value in body["calls"].items() if key not in {"seconds", "calls"}},
        }

    return asyncio.run(main())


@pytest.mark.usefixtures("_cluster")
def test_a_run_on_ray_is_the_local_run_even_where_a_worker_dies(
    tmp_path: Path, serve: Callable[[Callable[[int, str], bytes]], FaultServer]
) -> None:
    """Same engines, same evidence; a worker killed half-way costs nothing but time: its questions are asked again."""
    from weighbridge.engine.ray_workers import RayFleet

    servers = [serve(reply) for _ in range(2)]
    suite = make_suite(tmp_path / "suite")

    def engines() -> list[Engine]:
        return [OpenAIEngine(server.url, "m", limits=Limits(in_flight=2)) for server in servers]

    local = result(suite, Fleet(engines()), tmp_path / "local.sqlite")
    assert local["accuracy"]["value"] == 0.5
    fleet = RayFleet(engines(), "local")
    killed: list[bool] = []

    def kill() -> None:
        ray.kill(fleet.workers[0], no_restart=False)
        killed.append(True)

    assert result(suite, fleet, tmp_path / "ray.sqlite", kill) == local
    assert killed == [True]
