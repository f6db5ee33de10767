"""The embedded engine: llama.cpp (by the `xllamacpp` package) over one GGUF file, in a child process."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import json
import os
import secrets
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from weighbridge.engine.limits import Limits
from weighbridge.engine.openai import OpenAIEngine
from weighbridge.engine.protocol import Completion, EngineIdentity, Request
from weighbridge.errors import DamagedFile, EngineUnreachable, ExtraMissing

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["LlamaCppEngine"]

_LOAD_S = 600.0
_SLOTS = 4
_LOG_TAIL = 4000
_SAMPLE_S = 0.2


class LlamaCppEngine:
    """Serves `model` (a GGUF file) for as long as the context lasts; nothing leaves this machine.

    `context_tokens` is the longest prompt plus answer of one request.
    """

    def __init__(self, model: Path, *, context_tokens: int = 4096, timeout_s: float = 600.0) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            raise ExtraMissing(
                "the embedded engine is not installed", hint="install it: `pip install 'weighbridge[llamacpp]'`"
            )
        self._model = model
        self._timeout_s = timeout_s
        self._settings: dict[str, Any] = {
            "context_tokens": context_tokens,
            "slots": _SLOTS,
        }
        self.identity = EngineIdentity(
            "llamacpp",
            model.name,
            version=importlib.metadata.version("xllamacpp"),
            settings=self._settings,
            asserted=False,
        )
        self._process: asyncio.subprocess.Process | None = None
        self._log: IO[bytes] | None = None
        self._client: OpenAIEngine | None = None

    def lanes(self, *, generates: bool) -> int:
        """Return 1 for answers read off one distribution: on a CPU, more slots evaluate the shared prefix again."""
        return _SLOTS if generates else 1

    async def __aenter__(self) -> Self:
        """Load the model; raises DamagedFile where llama.cpp cannot."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __aexit__
        key = secrets.token_hex(16)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "weighbridge.engine.llamacpp_server",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=self._log,
        )  # fmt: skip
        try:
            address = await self._ready(key)
            limits = Limits(in_flight=_SLOTS, timeout_s=self._timeout_s, attempts=2)
            self._client = await OpenAIEngine(
                f"{address}/v1", self._model.name, key=key, limits=limits, identity=self.identity
            ).__aenter__()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def _ready(self, key: str) -> str:
        """Hand over the settings and wait for the address."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the child process has no pipes")
        wanted = {**self._settings, "threads": await _free_cores(), "model": str(self._model), "key": key}
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
        """Answer one request."""
        if self._client is None:
            raise RuntimeError("the engine is used outside of `async with`")
        return await self._client.complete(request)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the child process."""
        if self._client is not None:
            await self._client.__aexit__(kind, error, trace)
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._log is not None:
            self._log.close()


async def _free_cores() -> int:
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
