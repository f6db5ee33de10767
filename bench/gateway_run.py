"""Start what the measurements of the gateway need: the mock, `weighbridge serve`, nginx; and read what they cost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from gateway import Trials, prepare  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SHARED", "Served", "cpu_s", "nginx", "open_loop", "rss_mb", "serving", "upstream", "wrk"]

SHARED = Path(__file__).resolve().parents[2] / "shared" / "bench"
_LOAD_CORE, _GATEWAY_CORE = "0", "1"
_AHEAD = ["nice", "-n", "-10"] if os.geteuid() == 0 else []  # of others on the machine, whose turns would be measured


class Served(NamedTuple):
    """A server: its port, the key that it takes, its process."""

    port: int
    key: str
    pid: int


@contextlib.contextmanager
def upstream(port: int, chunks: int = 200) -> Iterator[Served]:
    """Run the mock upstream, on the core of the load."""
    command = [sys.executable, str(SHARED / "mock_upstream.py"), "--port", str(port), "--chunks", str(chunks)]
    with _running(_LOAD_CORE, command, f"http://127.0.0.1:{port}/health") as process:
        yield Served(port, "sk-bench", process.pid)


@contextlib.contextmanager
def serving(up: Served, port: int, trials: Trials = Trials()) -> Iterator[Served]:  # noqa: B008 - it is a tuple
    """Run `weighbridge serve` with everything on, in a workspace that goes with it."""
    with tempfile.TemporaryDirectory() as folder:
        key = prepare(Path(folder), f"http://127.0.0.1:{up.port}/v1", port, trials)
        command = [sys.executable, "-m", "weighbridge", "serve", "--config", str(Path(folder) / "gateway.toml")]
        with _running(_GATEWAY_CORE, command, f"http://127.0.0.1:{port}/healthz") as process:
            yield Served(port, key, process.pid)


@contextlib.contextmanager
def nginx(up: Served, port: int) -> Iterator[Served]:
    """Run nginx with a check of the key, as one process."""
    with tempfile.TemporaryDirectory() as folder:
        text = (SHARED / "gateway_nginx.conf").read_text()
        for name, value in {"tmp": folder, "key": "sk-bench", "up": str(up.port), "port": str(port)}.items():
            text = text.replace("{" + name + "}", value)
        conf = Path(folder) / "nginx.conf"
        conf.write_text(f"master_process off;\n{text}")
        command = ["nginx", "-p", folder, "-c", str(conf), "-e", "stderr"]
        with _running(_GATEWAY_CORE, command, f"http://127.0.0.1:{port}/v1/models") as process:
            yield Served(port, "sk-bench", process.pid)


def wrk(served: Served, seconds: int) -> dict[str, Any]:
    """Ask as fast as 64 connections can; return what gateway_post.lua tells (`rps`, `requests`, ...)."""
    command = ["wrk", "-t1", "-c64", f"-d{seconds}s", "--timeout", "10s", "-s", str(SHARED / "gateway_post.lua")]
    return _told([*command, f"http://127.0.0.1:{served.port}"], {"KEY": served.key})


def open_loop(served: Served, *options: str) -> dict[str, Any]:
    """Run open_loop.py (`rate ...`, `stream ...`) against a server."""
    mode, *rest = options
    url = f"http://127.0.0.1:{served.port}/v1/chat/completions"
    return _told([sys.executable, str(SHARED / "open_loop.py"), mode, url, "--key", served.key, *rest], {})


def cpu_s(pid: int) -> float:
    """Return the processor seconds of a process and its threads so far."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _told(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run a load on its core and return the JSON that it prints last."""
    pinned = [*_AHEAD, "taskset", "-c", _LOAD_CORE, *command]
    done = subprocess.run(pinned, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@contextlib.contextmanager
def _running(core: str, command: list[str], url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on one core until the block ends; it answers at `url` by then."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*_AHEAD, "taskset", "-c", core, *command], **quiet)  # type: ignore[call-overload]
    try:
        _wait_for(url)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(url: str) -> None:
    """Wait until a server says anything."""
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nothing answers at {url}")
