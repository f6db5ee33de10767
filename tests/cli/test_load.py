"""`weighbridge load` as a user runs it, against a server of known speed."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from weighbridge.core.kinds import LoadV1
from weighbridge.testing.load_server import LoadServer, Speed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import CommandLine

    Serve = Callable[[Speed], LoadServer]


@pytest.fixture
def load_server() -> Iterator[Serve]:
    """Start servers in a thread of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers = []

    def start(speed: Speed) -> LoadServer:
        server = LoadServer(speed)
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
        servers.append(server)
        return server

    yield start

    async def stop() -> None:
        for server in servers:
            await server.__aexit__()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_levels_decide_the_exit_code(weighbridge: CommandLine, load_server: Serve) -> None:
    """A server that is 0.2 s to the first token: 10 s is met as soon as it can be, 0.05 s is not."""
    server = load_server(Speed(ttft_s=0.2, itl_s=0.002))
    words = ["load", f"{server.url}#load", "--rate", "12", "--seconds", "3", "--warm-up", "0.2", "--mix", "32:4",
             "--block", "0.2", "--users", "2", "--alpha", "0.2", "--price", "3.6"]  # fmt: skip
    met = weighbridge.json(*words, "--slo", "ttft=10s:20%", "--no-verdict-code")
    body = LoadV1.model_validate(met["body"])
    assert body.slo["ttft"].verdict == "met"
    opened = body.points[-1]
    assert opened.stopped == "decided"
    assert opened.ttft.p50 is not None
    assert opened.ttft.p50.low > 0.19
    assert opened.errors == 0
    assert opened.output_tokens_s is not None
    assert opened.usd_per_million_output == pytest.approx(1000 / opened.output_tokens_s)
    sent = server.bodies[-1]
    assert (sent["ignore_eos"], sent["max_tokens"], sent["stream"]) == (True, 4, True)
    not_met = weighbridge(*words, "--slo", "ttft=50ms:20%", "--no-verdict-code")
    assert "NOT MET" in not_met.stdout
    assert "Next: " in not_met.stdout


def test_stopping_keeps_the_evidence(weighbridge: CommandLine, load_server: Serve) -> None:
    """Ctrl-C ends with exit code 4, and what was measured is in the store."""
    server = load_server(Speed(ttft_s=0.01, itl_s=0.001))
    process = weighbridge.start("load", f"{server.url}#load", "--rate", "20", "--seconds", "300", "--mix", "16:2")
    for _ in range(300):
        time.sleep(0.1)
        if server.count > 20 and server.bodies[-1]["messages"] and process.poll() is None and server.count > 30:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    assert "interrupted" in out
    kinds = [row["kind"] for row in weighbridge.json("evidence", "list")["evidence"]]
    assert kinds == ["load/v1"]


@pytest.mark.parametrize(
    "words",
    [
        ["--slo", "ttft=5"],
        ["--mix", "5"],
        ["--sweep"],
        ["--against", "http://127.0.0.1:9/v1#b", "--rate", "1", "--rate", "2"],
    ],
)
def test_wrong_words_are_refused_before_anything_is_asked(weighbridge: CommandLine, words: list[str]) -> None:
    """With exit code 2 and a hint."""
    done = weighbridge("load", "http://127.0.0.1:9/v1#a", *words)
    assert done.returncode == 2
    assert "hint: " in done.stderr


def test_a_server_that_refuses_is_no_measurement(weighbridge: CommandLine, load_server: Serve) -> None:
    """The first request says so."""
    server = load_server(Speed(fail_every=1))
    done = weighbridge("load", f"{server.url}#load", "--rate", "1")
    assert done.returncode == 3
    assert "told to fail" in done.stderr


def test_two_models_in_turn(weighbridge: CommandLine, load_server: Serve) -> None:
    """Three rounds are too few for a verdict, and it says so; both were asked the same number of times."""
    first, second = load_server(Speed(ttft_s=0.02, itl_s=0.001)), load_server(Speed(ttft_s=0.02, itl_s=0.001))
    found = weighbridge.json(
        "load", f"{first.url}#a", "--against", f"{second.url}#b", "--rate", "10", "--seconds", "4", "--slot", "1",
        "--warm-up", "0.1", "--mix", "16:2", "--users", "1", code=11,
    )  # fmt: skip
    against = LoadV1.model_validate(found["body"]).against
    assert against is not None
    assert against.rounds == 1
    assert {one.verdict for one in against.slower.values()} == {"undecided"}


def test_what_will_be_sent_is_said_and_bounded(weighbridge: CommandLine, load_server: Serve) -> None:
    """The closed loop sends no more than the rate; `--users 0` switches it off; `--dry-run` sends nothing."""
    server = load_server(Speed(ttft_s=0.001, itl_s=0.0001))
    words = ["load", f"{server.url}#load", "--rate", "4", "--seconds", "2", "--warm-up", "0.5", "--mix", "16:2"]
    plan = weighbridge.json(*words, "--dry-run")
    assert (plan["closed"], server.count) == (10, 0)
    assert "will send about" in weighbridge(*words, "--dry-run").stdout
    done = weighbridge(*words)
    assert "tokens in and out at most; 10 of them at most by 8 users who wait" in done.stderr
    assert "too few requests, or too short, to say: p50 takes 20" in done.stdout
    assert server.count <= plan["requests_at_most"]
    body = weighbridge.json(*words, "--users", "0", "--no-verdict-code")["body"]
    assert [point["loop"] for point in body["points"]] == ["open"]
    refused = weighbridge("load", f"{server.url}#load", "--users", "0")
    assert (refused.returncode, "give `--rate`" in refused.stderr) == (2, True)
