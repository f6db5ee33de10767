"""The embedded engine: llama.cpp (by the `xllamacpp` package) over one GGUF file, in a child process."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import secrets
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from weighbridge.engine.limits import Limits
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.engine.protocol import Completion, EngineIdentity, Outcome, Request
from weighbridge.errors import DamagedFile, EngineUnreachable, ExtraMissing

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["LlamaCppEngine", "free_cores"]

_LOAD_S = 600.0
_SLOTS = 4
_LOG_TAIL = 4000
_SAMPLE_S = 0.2
_MOST_STARTS = 2  # a second death is a matter for the user
_NEWS_S = 1.0


class LlamaCppEngine:
    """Serves `model` (a GGUF file) for as long as the context lasts; nothing leaves this machine.

    `context_tokens` is the longest prompt plus answer of one request; it is room, not a setting: an answer that fits is
    the same in more of it. Without `threads` it takes the cores that are idle; name them where several engines share
    a machine. Chat prompts are laid out by the file's own template (Jinja), reasoning is parsed into `thinking`, and
    each slot keeps the prefix of its last prompt. A server that dies is started again once.
    """

    def __init__(
        self, model: Path, *, context_tokens: int = 4096, timeout_s: float = 600.0, threads: int | None = None
    ) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            raise ExtraMissing(
                "the embedded engine is not installed", hint="install it: `pip install 'weighbridge[llamacpp]'`"
            )
        self._model = model
        self._timeout_s = timeout_s
        self._context_tokens = context_tokens
        self._threads = threads
        self.identity = EngineIdentity(
            "llamacpp",
            model.name,
            version=importlib.metadata.version("xllamacpp"),
            settings={"slots": _SLOTS, "template": "jinja", "reasoning": "parsed"},
            asserted=False,
        )
        self._starts = 0
        self._gone = ""
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._log: IO[bytes] | None = None
        self._client: OpenAIEngine | None = None

    def lanes(self, *, generates: bool) -> int:
        """Return 1 for answers read off one distribution: on a CPU, more slots evaluate the shared prefix again."""
        return _SLOTS if generates else 1

    def reserve(self, tokens: int) -> None:
        """Make room for requests of so many tokens, prompt and answer; before the engine is started."""
        self._context_tokens = max(self._context_tokens, tokens)

    async def __aenter__(self) -> Self:
        """Load the model; raises DamagedFile where llama.cpp cannot."""
        try:
            await self._start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def _start(self) -> None:
        """Start the child process and connect to it."""
        self._starts += 1
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _stop
        key = secrets.token_hex(16)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "weighbridge.engine.llamacpp_server",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=self._log,
        )  # fmt: skip
        address = await self._ready(key)
        limits = Limits(in_flight=_SLOTS, timeout_s=self._timeout_s, attempts=2, patience_s=5.0)
        self._client = await OpenAIEngine(
            f"{address}/v1", self._model.name, key=key, limits=limits, identity=self.identity
        ).__aenter__()

    async def _ready(self, key: str) -> str:
        """Hand over the settings and wait for the address."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the child process has no pipes")
        wanted = {
            "context_tokens": self._context_tokens,
            "slots": _SLOTS,
            "threads": self._threads or await free_cores(),
            "model": str(self._model),
            "alias": self._model.name,
            "key": key,
        }
        try:
            process.stdin.write(json.dumps(wanted).encode() + b"\n")
            await process.stdin.drain()
            async with asyncio.timeout(_LOAD_S):
                while line := await process.stdout.readline():
                    if line.startswith(b"ready http://127.0.0.1:"):
                        return line.split()[1].decode()
        except (BrokenPipeError, ConnectionResetError):
            pass
        except TimeoutError as error:
            raise EngineUnreachable(f"llama.cpp did not load `{self._model}` in {_LOAD_S:g} s") from error
        raise DamagedFile(
            f"llama.cpp could not load `{self._model}`: {self._last_words()}",
            hint="`weighbridge inspect` says what can be read without running it",
        )

    def _last_words(self) -> str:
        """Return the first line at the log's end that tells of an error."""
        if self._log is None:
            return "no log"
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _LOG_TAIL))
        lines = self._log.read().decode("utf-8", "replace").splitlines()
        telling = [line for line in lines if "error" in line.lower() or "failed" in line.lower()]
        return " ".join((telling or lines or ["no reason given"])[0].split())[:200]

    async def complete(self, request: Request) -> Completion:
        """Answer one request; one that llama.cpp died of is FAILED, and the next one finds it started again, once."""
        client = self._client
        if self._gone:
            return Completion(Outcome.FAILED, attempts=0, detail=self._gone)
        if client is None:
            raise RuntimeError("the engine is used outside of `async with`")
        completion = await client.complete(request)
        if completion.outcome is not Outcome.FAILED or not completion.detail.startswith("the connection failed"):
            return completion
        async with self._lock:
            if client is not self._client or self._gone:  # another request has found it dead
                return replace(completion, detail="llama.cpp died")
            if not await self._is_dead():
                return completion
            why = f"llama.cpp died ({self._how()})"
            await self._start_again(why)
        return replace(completion, detail=why)

    async def _start_again(self, why: str) -> None:
        """Start the server again, once; after that, or where it does not start, the engine is gone."""
        await self._stop()
        if self._starts < _MOST_STARTS:
            with contextlib.suppress(DamagedFile, EngineUnreachable):
                await self._start()
                return
        self._gone = f"{why}; it was started {self._starts} times"

    @property
    def client(self) -> OpenAIEngine | None:
        """The connection to the server; None before it is started."""
        return self._client

    def _how(self) -> str:
        """Say how the child process ended."""
        code = self._process.returncode if self._process else None
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    async def _is_dead(self) -> bool:
        """Tell whether the child process has ended; the news of it may come a little late."""
        if self._process is None:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _NEWS_S)
        return self._process.returncode is not None

    async def _stop(self) -> None:
        """Stop the child process; the client stays, to say that it cannot connect."""
        if self._client is not None:
            await self._client.__aexit__(None, None, None)
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._log is not None:
            self._log.close()
            self._log = None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started."""
        await self._stop()
        self._client = None


async def free_cores() -> int:
    """Return how many cores are idle now, at least 1: with more threads than that, ggml's barriers spin."""
    cores = len(os.sched_getaffinity(0))
    before = _idle_s()
    await asyncio.sleep(_SAMPLE_S)
    after = _idle_s()
    if before is None or after is None:
        return cores
    return min(cores, max(1, round((after - before) / _SAMPLE_S)))


def _idle_s() -> float | None:
    """Return the idle seconds of all cores since boot (Linux), or None."""
    try:
        with Path("/proc/uptime").open(encoding="ascii") as stream:
            return float(stream.read(200).split()[1])
    except (OSError, ValueError, IndexError):
        return None
