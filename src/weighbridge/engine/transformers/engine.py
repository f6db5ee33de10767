"""The Transformers engine: one folder of safetensors, in a child process, one request at a time."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import json
import os
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any, Self

from weighbridge.engine.llamacpp import free_cores
from weighbridge.engine.protocol import Completion, EngineIdentity, Outcome, Request
from weighbridge.engine.wire.bounds import clean, clip, count, read_json
from weighbridge.errors import DamagedFile, EngineUnreachable, ExtraMissing

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["TransformersEngine"]

_LOAD_S = 1800.0
_MAX_LINE = 16 << 20


class TransformersEngine:
    """Answers from a folder of safetensors with its own tokenizer and chat template; no code of the folder is run.

    For where no GGUF is at hand: batch of one, no prefix cache, no streaming, no constraints. The sampling defaults
    of `generation_config.json` are left aside, as other engines leave them.
    """

    def __init__(self, folder: Path, *, timeout_s: float = 600.0, threads: int | None = None) -> None:
        for name in ("transformers", "torch"):
            if importlib.util.find_spec(name) is None:
                raise ExtraMissing(
                    "the Transformers engine is not installed",
                    hint="install it: `pip install 'weighbridge[transformers]'`",
                )
        self._folder = folder
        self._timeout_s = timeout_s
        self._threads = threads
        self.identity = EngineIdentity(
            "transformers",
            folder.name,
            version=importlib.metadata.version("transformers"),
            settings={"torch": importlib.metadata.version("torch"), "dtype": "as stored"},
            asserted=False,
        )
        self._process: asyncio.subprocess.Process | None = None
        self._log: IO[bytes] | None = None
        self._lock = asyncio.Lock()

    def lanes(self, *, generates: bool) -> int:  # noqa: ARG002 - one at a time either way
        """Return 1."""
        return 1

    async def __aenter__(self) -> Self:
        """Load the model; raises DamagedFile where Transformers cannot."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __aexit__
        offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "weighbridge.engine.transformers.child",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=self._log,
            limit=_MAX_LINE, env={**os.environ, **offline},
        )  # fmt: skip
        try:
            wanted = {"folder": str(self._folder), "threads": self._threads or await free_cores()}
            await self._load(wanted)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def _load(self, wanted: dict[str, Any]) -> None:
        """Hand over the settings and wait for the model."""
        try:
            said = await self._ask(wanted, _LOAD_S)
        except TimeoutError as error:
            raise EngineUnreachable(f"Transformers did not load `{self._folder}` in {_LOAD_S:g} s") from error
        if said is None or "error" in said:
            why = clip(str(said["error"])) if said else "its process ended"
            raise DamagedFile(f"Transformers could not load `{self._folder}`: {why}")

    async def complete(self, request: Request) -> Completion:
        """Answer one request; a child process that died or hangs makes it, and all later ones, FAILED or TIMEOUT."""
        if self._process is None:
            raise RuntimeError("the engine is used outside of `async with`")
        if why := _impossible(request):
            return Completion(Outcome.FAILED, attempts=0, detail=why)
        async with self._lock:
            if self._process.returncode is not None:
                return Completion(Outcome.FAILED, attempts=0, detail="the Transformers process has ended")
            try:
                said = await self._ask(request.to_json(), self._timeout_s)
            except TimeoutError:
                self._process.kill()  # it would answer the next question with this answer
                await self._process.wait()
                return Completion(Outcome.TIMEOUT, detail=f"no answer in {self._timeout_s:g} s")
        if said is None or "error" in said:
            return Completion(Outcome.FAILED, detail=clip(str(said["error"])) if said else "the process ended")
        return _read(said)

    async def _ask(self, wanted: dict[str, Any], timeout_s: float) -> dict[str, Any] | None:
        """Send one line and read one; None where the process has ended."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return None
        try:
            async with asyncio.timeout(timeout_s):
                process.stdin.write(json.dumps(wanted).encode() + b"\n")
                await process.stdin.drain()
                value = read_json(await process.stdout.readline())
        except (BrokenPipeError, ConnectionResetError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the child process."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._log is not None:
            self._log.close()


def _impossible(request: Request) -> str | None:
    """Say what this engine does not do."""
    reasons = (
        (request.stream, "streams"),
        (request.tools, "parses tool calls"),
        (request.choices or request.schema, "holds answers to choices or a schema"),
        (request.form == "completion" and request.turns, "has turns in a raw completion"),
    )
    return next((f"the Transformers engine never {what}" for is_so, what in reasons if is_so), None)


def _read(said: dict[str, Any]) -> Completion:
    """Read the child's answer."""
    text, finish = clean(said.get("text")), clean(said.get("finish_reason")) or None
    top = tuple((clean(token), float(logprob)) for token, logprob in said.get("top", ()))
    outcome = Outcome.TRUNCATED if finish == "length" else Outcome.ANSWERED if text.strip() else Outcome.EMPTY
    return Completion(
        Outcome.ANSWERED if top else outcome,
        text,
        finish,
        top,
        prompt_tokens=count(said, "prompt_tokens"),
        completion_tokens=count(said, "completion_tokens"),
    )
