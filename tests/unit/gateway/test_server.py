"""Where the gateway may listen, the test of itself, and how it stops: as processes, by signals."""

from __future__ import annotations

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from weighbridge.errors import UsageError, WeighbridgeError
from weighbridge.gateway import server
from weighbridge.gateway.request.bounds import Bounds
from weighbridge.gateway.server import Listening, may_listen, run
from weighbridge.testing.upstream_double import UpstreamDouble, events

from .conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE = Path("cert.pem")
PIECE = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'


@pytest.mark.parametrize(
    ("listening", "has_keys", "is_fine"),
    [
        (Listening("127.0.0.1"), False, True),
        (Listening("::1"), False, True),
        (Listening("localhost"), False, True),
        (Listening("127.0.0.2"), False, True),
        (Listening("0.0.0.0"), False, False),
        (Listening("0.0.0.0"), True, False),
        (Listening("::"), True, False),
        (Listening("10.0.0.1"), True, False),
        (Listening("gateway.example"), True, False),
        (Listening("0.0.0.0", behind_proxy=True), False, False),
        (Listening("0.0.0.0", behind_proxy=True), True, True),
        (Listening("0.0.0.0", tls_cert=ONE, tls_key=ONE), True, True),
        (Listening("127.0.0.1", tls_cert=ONE), True, False),
        (Listening("::ffff:0.0.0.0"), True, False),
    ],
)
def test_a_public_address_needs_keys_and_tls(listening: Listening, has_keys: bool, is_fine: bool) -> None:
    """91,403 sessions against exposed LLM endpoints (GreyNoise, 2025-10 to 2026-01): none of them by a default."""
    if is_fine:
        may_listen(listening, has_keys=has_keys)
    else:
        with pytest.raises(UsageError) as error:
            may_listen(listening, has_keys=has_keys)
        assert error.value.hint


def test_a_gateway_that_answers_without_a_key_does_not_run() -> None:
    """It asks itself for something first, and stops if that is not 401."""

    async def open_to_all(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                kind = (await receive())["type"]
                await send({"type": f"{kind}.complete"})
                if kind == "lifespan.shutdown":
                    return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    told: list[str] = []
    with pytest.raises(WeighbridgeError, match="got 200, not 401"):
        run(open_to_all, Listening(port=0), Bounds(), told.append)
    assert told == []


def test_who_does_not_shake_hands_is_let_go(certificate: Path) -> None:
    """As much time for TLS as for a head: 300 silent connections shut everybody out for a minute, before."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        headers = [(b"content-length", b"0"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    seen: list[bytes] = []

    def visit(url: str) -> None:
        try:
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 5) as silent:
                seen.append(silent.recv(1))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def announce(url: str) -> None:
        threading.Thread(target=visit, args=(url,)).start()

    listening = Listening(port=0, tls_cert=certificate, tls_key=certificate)
    run(answer, listening, Bounds(header_s=0.3), announce)
    assert seen == [b""]


def test_as_many_files_as_connections_need() -> None:
    """Most systems allow 1,024 at first, and a gateway would be deaf to the 1,025th for as long as they stay."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
        server._allow_files(1000)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (2256, hard)
        server._allow_files(10)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (2256, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, UpstreamDouble]]:
    """Serve in a process of its own, as `weighbridge serve` does, in front of a slow stream."""
    script = tmp_path / "serve.py"
    script.write_text(
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('kit', {str(Path(__file__).with_name('conftest.py'))!r})\n"
        "kit = importlib.util.module_from_spec(spec); sys.modules['kit'] = kit; spec.loader.exec_module(kit)\n"
        "from weighbridge.gateway.server import Listening, run\n"
        "keys = kit.Keys({f'Bearer {kit.KEY}'.encode(): kit.Caller('key-1', 't', kit.SCOPES)})\n"
        "table = kit.Table({'qwen': kit.Route('qwen', kit.leg_to(sys.argv[1]))})\n"
        "app = kit.Gateway(kit.Hooks(keys, table), kit.Upstreams(lambda _: 'k'), kit.Bounds())\n"
        "run(app, Listening(port=0), kit.Bounds(), lambda url: print(url, flush=True))\n"
        "print('ended', [len(one.settled) for one in keys.held], flush=True)\n",
        encoding="utf-8",
    )
    steps = events(*[PIECE] * 20, b"data: [DONE]\n\n", gap_s=0.05)
    with UpstreamDouble(lambda *_: steps).running() as upstream:
        process = subprocess.Popen([sys.executable, str(script), upstream.url], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip(), upstream
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def test_a_stop_lets_answers_end(served: tuple[subprocess.Popen[str], str, UpstreamDouble]) -> None:
    """SIGTERM in mid-stream: nothing new is taken, the stream ends whole, and its reservation is settled."""
    process, url, upstream = served
    body = json.dumps({"model": "qwen", "messages": [], "stream": True})
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {KEY}"})
    response = connection.getresponse()
    first = response.read(10)
    os.kill(process.pid, signal.SIGTERM)
    said = first + response.read()
    connection.close()
    assert said.count(b"data:") == 21
    assert process.stdout is not None
    assert process.stdout.read().strip() == "ended [1]"
    assert process.wait(10) == 0
    assert upstream.asked[0].left_s is None


def test_a_kill_ends_the_upstream_too(served: tuple[subprocess.Popen[str], str, UpstreamDouble]) -> None:
    """Killing it (-9) in mid-stream closes the connection to the model, which stops."""
    process, url, upstream = served
    body = json.dumps({"model": "qwen", "messages": [], "stream": True})
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {KEY}"})
    assert connection.getresponse().read(10)
    process.kill()
    assert upstream.asked[0].is_over.wait(2)
    assert upstream.asked[0].left_s is not None
    connection.close()
