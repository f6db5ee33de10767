"""The gateway's HTTP client beside aiohttp and pyreqwest, behind the same protocol `Upstream`.

    python bench/gateway_clients.py                                    # processor seconds for 1,000 requests, in turns
    WEIGHBRIDGE_CLIENT=pyreqwest python -m pytest -p gateway_clients tests/unit/gateway    # PYTHONPATH=bench

The second runs the gateway's own tests over another client: what it does where an upstream fails or a caller leaves.
Needs wrk, and `mock_upstream.py` and `gateway_post.lua` of `../shared/bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from pyreqwest import exceptions as failures
from pyreqwest.client import ClientBuilder

from weighbridge.gateway.upstream.http import HTTPUpstream
from weighbridge.gateway.upstream.pool import Upstreams
from weighbridge.gateway.upstream.protocol import AnswerTooLong, UpstreamFailure
from weighbridge.pilot.route import UpstreamSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from weighbridge.gateway.upstream.protocol import Answer, Upstream

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "bench"
_PORT, _FIRST = 18084, 18190
_HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}
_BODY = b'{"choices":[],"content":"' + b"a" * 490 + b'"}'


class _Answer:
    """An answer of either client: bytes by `read`, which returns None or nothing at the end."""

    def __init__(self, status: int, header: Any, read: Any, close: Any) -> None:
        self.status = status
        self.header = header
        self.close = close
        self._read = read

    async def piece(self) -> bytes | None:
        """Return the next bytes."""
        with _named():
            return bytes(await self._read() or b"") or None

    async def whole(self, max_bytes: int) -> bytes:
        """Return the body."""
        parts: list[bytes] = []
        while (piece := await self.piece()) is not None:
            parts.append(piece)
            if sum(map(len, parts)) > max_bytes:
                raise AnswerTooLong
        return b"".join(parts)


class AiohttpUpstream:
    """aiohttp behind the protocol."""

    def __init__(self, settings: UpstreamSettings, key: str | None) -> None:
        self._settings = settings
        self._headers = {**_HEADERS, **({"authorization": f"Bearer {key}"} if key else {})}
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send."""
        if self._session is None:
            times = aiohttp.ClientTimeout(
                total=None, sock_read=self._settings.idle_s, sock_connect=self._settings.connect_s
            )
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=4)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False, timeout=times)
        with _named():
            response = await self._session.post(
                self._settings.url + path, data=body, headers={**self._headers, **headers}, allow_redirects=False
            )
        return _Answer(response.status, response.headers.get, response.content.readany, response.close)

    def close(self) -> None:
        """Close idle connections."""
        if self._session is not None:
            self._closing = asyncio.ensure_future(self._session.close())


class PyreqwestUpstream:
    """pyreqwest behind the protocol, with what it was advised to be given: no read-ahead, no redirects, no proxy."""

    def __init__(self, settings: UpstreamSettings, key: str | None) -> None:
        self._settings = settings
        self._headers = {**_HEADERS, **({"authorization": f"Bearer {key}"} if key else {})}
        self._client = (
            ClientBuilder()
            .follow_redirects(enable=False)
            .no_proxy()
            .http1_only()
            .connect_timeout(timedelta(seconds=settings.connect_s))
            .read_timeout(timedelta(seconds=settings.idle_s))
            .pool_idle_timeout(timedelta(seconds=4))
            .gzip(enable=False)
            .brotli(enable=False)
            .zstd(enable=False)
            .deflate(enable=False)
            .build()
        )

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send."""
        request = self._client.post(self._settings.url + path).headers({**self._headers, **headers}).body_bytes(body)
        streamed = request.streamed_read_buffer_limit(0).build_streamed()
        with _named():
            response = await streamed.__aenter__()
        leaving: set[asyncio.Task[None]] = set()

        def close() -> None:
            leaving.add(asyncio.ensure_future(streamed.__aexit__(None, None, None)))

        return _Answer(response.status, response.get_header, response.body_reader.read_chunk, close)

    def close(self) -> None:
        """Close."""


@contextlib.contextmanager
def _named() -> Any:
    """Call a client's failures by the protocol's names."""
    try:
        yield
    except (aiohttp.ClientConnectorError, failures.ConnectTimeoutError) as error:
        raise UpstreamFailure("connect", str(error)) from error
    except (TimeoutError, aiohttp.ServerTimeoutError) as error:
        raise UpstreamFailure("timeout", str(error)) from error
    except failures.ConnectError as error:  # pyreqwest says so of a reset after the request was sent, too
        is_refused = "refused" in str(error).lower() or "connect" in str(getattr(error, "details", "")).lower()
        raise UpstreamFailure("connect" if is_refused else "reset", str(error)) from error
    except (aiohttp.ClientError, failures.PyreqwestError, OSError) as error:
        raise UpstreamFailure("reset", str(error)) from error


_CLIENTS: dict[str, Any] = {
    "ours": lambda settings, key: HTTPUpstream(settings, key, ()),
    "aiohttp": AiohttpUpstream,
    "pyreqwest": PyreqwestUpstream,
}


def pytest_configure(config: object) -> None:  # noqa: ARG001 - pytest's hook
    """Have the gateway's tests run over the client that WEIGHBRIDGE_CLIENT names."""
    make = _CLIENTS[os.environ.get("WEIGHBRIDGE_CLIENT", "ours")]

    def other(self: Upstreams, settings: UpstreamSettings) -> Upstream:
        name = settings.key_variable
        made: Upstream = make(settings, self._secret(name) if name else None)
        return made

    Upstreams._make = other  # type: ignore[method-assign, assignment]


def serve(name: str, port: int, url: str) -> None:
    """Serve an application that passes a body on and does nothing else."""
    import uvicorn

    from weighbridge.gateway.request.bounds import Bounds
    from weighbridge.gateway.wire import bounded_protocol

    client = None if name == "none" else _CLIENTS[name](UpstreamSettings(url, "mock"), None)

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        body = _BODY
        if client is not None:
            answer = await client.post("/chat/completions", message["body"], {"via": "1.1 bench"})
            body = await answer.whole(1 << 20)
            answer.close()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    protocol = bounded_protocol(Bounds())
    uvicorn.run(
        app,
        port=port,
        http=protocol,
        loop="uvloop",
        lifespan="off",
        ws="none",
        log_level="critical",
        proxy_headers=False,
    )


def cpu_s(pid: int) -> float:
    """Return the processor seconds of a process and its threads so far."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def main() -> None:
    """Measure in turns, and print the least and the median of each client; `none` is the server alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        name, port, url = asked.serve
        serve(name, int(port), url)
        return
    names = ("none", *_CLIENTS)
    up = ["taskset", "-c", "0", sys.executable, str(_SHARED / "mock_upstream.py"), "--port", str(_PORT)]
    processes = [subprocess.Popen(up, stdout=subprocess.DEVNULL)]
    try:
        for place, name in enumerate(names):
            run = [sys.executable, __file__, "--serve", name, str(_FIRST + place), f"http://127.0.0.1:{_PORT}/v1"]
            processes.append(subprocess.Popen(["taskset", "-c", "1", *run], stderr=subprocess.DEVNULL))
        for place in range(len(names)):
            _wait_for(_FIRST + place)
        costs: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(asked.rounds):
            for place, name in enumerate(names):
                costs[name].append(_cost(processes[place + 1].pid, _FIRST + place, asked.seconds))
        for name, each in costs.items():
            print(f"{name:10} {min(each):.4f} {sorted(each)[len(each) // 2]:.4f}")
    finally:
        for process in processes:
            process.kill()


def _cost(pid: int, port: int, seconds: int) -> float:
    """Return the processor seconds for 1,000 requests."""
    before = cpu_s(pid)
    wrk = ["taskset", "-c", "0", "wrk", "-t1", "-c64", f"-d{seconds}s", "-s", str(_SHARED / "gateway_post.lua")]
    said = subprocess.run([*wrk, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    told = json.loads(said.splitlines()[-1])
    answered: int = max(1, told["requests"] - told["non2xx"])
    return (cpu_s(pid) - before) / answered * 1000


def _wait_for(port: int) -> None:
    """Wait until a server answers."""
    for _ in range(200):
        try:
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/", data=b"{}"), timeout=2).read()
        except OSError:
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    main()
