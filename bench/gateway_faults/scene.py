"""A gateway as a process of its own, its models and callers, and a PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weighbridge.testing.gate import leg_of
from weighbridge.testing.upstream_double import Step, UpstreamDouble, answer, events
from weighbridge.testing.waiting import first_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHAT = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant",'
    b'"content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":100}}'
)
EVENT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
LAST = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":100}}\n\ndata: [DONE]\n\n'
_ROUTE = """
[[route]]
name = "{name}"
retries = 0
{leg}"""
_UPSTREAM = "idle_s = {}, price = {{ input = 1.0, output = 1.0 }}"
COST_USD = 0.0002  # of an answer


def good(number: int, path: str) -> list[Step]:  # noqa: ARG001 - as the double calls it
    """Answer whole."""
    return [answer(CHAT)]


def stream_of(count: int, gap_s: float) -> list[Step]:
    """Answer in so many events."""
    return events(*[EVENT] * count, LAST, gap_s=gap_s)


@dataclass
class Said:
    """What a caller got; `status` is 0 where the connection broke before a status came, `is_whole` else tells."""

    model: str
    status: int = 0
    id: str = ""
    body: bytes = b""
    seconds: float = 0.0
    is_whole: bool = False

    @property
    def code(self) -> str:
        """The code of the error in it, in a last event, too."""
        found = re.search(rb'"code":"([a-z_]+)"', self.body[-400:])
        return found[1].decode() if found else ""


@dataclass
class Scene:
    """A workspace and the processes that serve it."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    pid: int = 0
    port: int = 0
    errors: Path = Path()

    def write(self, routes: dict[str, str], limits: str = "", idle_s: float = 2.0, more: str = "") -> None:
        """Write the gateway's file, with decisions on all that it names."""
        work = self.folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        text = f'[gateway]\nlisten = "127.0.0.1:0"\nworkspace = "work"\n[gateway.limits]\n{limits}\n'
        for name, url in routes.items():
            text += _ROUTE.format(name=name, leg=leg_of(work, url, "m", _UPSTREAM.format(idle_s)))
        (self.folder / "gateway.toml").write_text(text + more, encoding="utf-8")

    def cli(self, *words: str) -> Any:
        """Run a command and return its JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "weighbridge", *words, "--json", "--workspace", "work"],
            cwd=self.folder, env=os.environ | self.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout)

    def key(self, name: str, *words: str) -> str:
        """Make a key."""
        text: str = self.cli("pilot", "key", "create", name, *words)["key"]
        return text

    @contextmanager
    def served(self, **env: str) -> Iterator[subprocess.Popen[str]]:
        """Serve until the end of the block."""
        self.errors = self.folder / "stderr"
        with self.errors.open("a") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "weighbridge", "serve", "--json"],
                cwd=self.folder, env=os.environ | self.env | env, stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
        with process:
            try:
                self.pid, self.port = process.pid, int(first_document(process)["url"].split(":")[2].split("/")[0])
                yield process
            except ChildProcessError as error:
                raise RuntimeError(self.errors.read_text()[-2000:]) from error
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(40)
                process.kill()

    def megabytes(self) -> float:
        """Return the gateway's memory (PSS)."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss: +(\d+)", text, re.MULTILINE)[1]) / 1024  # type: ignore[index]

    def sockets(self) -> int:
        """Return how many files it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    async def ask(self, key: str, model: str, *, stream: bool = False, timeout_s: float = 20.0) -> Said:
        """Ask once, over a connection of its own."""
        body = json.dumps({"model": model, "stream": stream, "max_tokens": 100, "messages": []}).encode()
        said, started = Said(model), time.monotonic()
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
            async with asyncio.timeout(timeout_s):
                await self._exchange(said, raw("POST", "/v1/chat/completions", key, body))
        said.seconds = time.monotonic() - started
        return said

    async def call(self, method: str, path: str, key: str, content: object = None) -> Said:
        """Call any other path."""
        said = Said(path)
        body = b"" if content is None else json.dumps(content).encode()
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._exchange(said, raw(method, path, key, body))
        return said

    async def _exchange(self, said: Said, data: bytes) -> None:
        """Send, and read what comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            said.status = int(head[9:12])
            found = re.search(rb"x-request-id: ([0-9a-f]+)", head)
            said.id = found[1].decode() if found else ""
            while piece := await reader.read(1 << 16):
                said.body = (said.body + piece)[-(1 << 20) :]
            length = re.search(rb"content-length: (\d+)", head)
            said.is_whole = len(said.body) == int(length[1]) if length else said.body.endswith(b"0\r\n\r\n")
        finally:
            writer.close()

    async def load(self, keys: list[str], models: list[str], callers: int, until: Callable[[], bool]) -> list[Said]:
        """Have callers ask on and on, every other time for a stream."""
        found: list[Said] = []

        async def caller(number: int) -> None:
            count = number
            while not until():
                count += 1
                said = await self.ask(keys[number % len(keys)], models[count % len(models)], stream=count % 4 < 2)
                found.append(said)
                if not said.status:
                    await asyncio.sleep(0.02)

        await asyncio.gather(*(caller(number) for number in range(callers)))
        return found


def raw(method: str, path: str, key: str, body: bytes) -> bytes:
    """Write a request."""
    lines = [f"{method} {path} HTTP/1.1", "host: x", f"authorization: Bearer {key}", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + body


def by_body(double: UpstreamDouble, whole: list[Step], stream: list[Step]) -> Callable[[int, str], list[Step]]:
    """Play what was asked for."""
    return lambda number, _path: stream if b'"stream": true' in double.asked[number - 1].body else whole


@contextmanager
def scene(**env: str) -> Iterator[Scene]:
    """Yield a scene in a folder that goes away."""
    folder = Path(tempfile.mkdtemp(prefix="wbfaults"))
    try:
        yield Scene(folder, env)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Postgres:
    """A server of our own."""

    folder: Path
    address: str
    run: Callable[..., None]

    def stop(self) -> None:
        """Stop it at once, as a crash does."""
        self.run("pg_ctl", "-m", "immediate", "-w", "stop")

    def start(self) -> None:
        """Start it."""
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL on a socket; as the user `postgres` where we are root."""
    programs = Path(shutil.which("initdb") or max(Path("/usr/lib/postgresql").glob("*/bin/initdb"))).resolve()
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="wbpg", dir="/tmp"))
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)

    def run(program: str, *words: str) -> None:
        subprocess.run([programs.with_name(program), "-D", folder / "data", *words], user=user, cwd=folder, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)  # fmt: skip

    run("initdb", "-A", "trust", "-U", "postgres", "--no-sync", "--locale=C", "-E", "UTF8")
    server = Postgres(folder, f"host={folder} user=postgres dbname=postgres", run)
    server.start()
    try:
        yield server
    finally:
        with suppress(subprocess.CalledProcessError):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
