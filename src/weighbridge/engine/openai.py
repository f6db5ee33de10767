"""Any OpenAI-compatible server over HTTP: vLLM, SGLang, llama.cpp, a vendor's API."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError, RequestTimeoutError

from weighbridge.engine.limits import Limits, Retries, is_retried, retry_after_s
from weighbridge.engine.protocol import Completion, EngineIdentity, Outcome, Request
from weighbridge.engine.wire import Stream, parse_answer, payload, route, said_why
from weighbridge.errors import EngineUnreachable, UsageError

if TYPE_CHECKING:
    from types import TracebackType

    from pyreqwest.client import Client
    from pyreqwest.response import Response

__all__ = ["OpenAIEngine"]

_MAX_BODY = 16 << 20
_PROBE_S = 10.0
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_OK, _UNAUTHORISED = 200, (401, 403)


class OpenAIEngine:
    """One model behind `base_url` (which ends in `/v1`, or wherever `/chat/completions` follows)."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        key: str | None = None,
        limits: Limits | None = None,
        identity: EngineIdentity | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.model = model
        self.limits = limits or Limits()
        self.identity = identity or EngineIdentity("openai", model, address=self.base_url)
        self.retries = Retries(self.limits)
        self._key = key
        self._client: Client | None = None

    def lanes(self, *, generates: bool) -> int:  # noqa: ARG002 - a served engine batches both alike
        """Return the number of requests to keep in flight."""
        return self.limits.in_flight

    async def __aenter__(self) -> Self:
        """Connect, and see that something answers; raises EngineUnreachable or UsageError (a key is needed)."""
        builder = (
            ClientBuilder()
            .timeout(timedelta(seconds=self.limits.timeout_s))
            .connect_timeout(timedelta(seconds=min(_PROBE_S, self.limits.timeout_s)))
            .max_connections(self.limits.in_flight)
            .runtime_multithreaded(enable=True)  # with 256 in flight one thread is the bottleneck
            .follow_redirects(enable=False)  # a key is never carried to another address
            .default_headers({"content-type": "application/json"})
        )
        if urlsplit(self.base_url).hostname in _THIS_MACHINE:
            builder = builder.no_proxy()
        self._client = await builder.build().__aenter__()
        try:
            await self._probe()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _probe(self) -> None:
        """Ask for the list of models: anything that speaks HTTP will do, but not silence and not "who are you?"."""
        request = self._open().get(f"{self.base_url}/models").timeout(timedelta(seconds=_PROBE_S))
        if self._key:
            request = request.bearer_auth(self._key)
        try:
            response = await request.build().send()
        except (PyreqwestError, ValueError) as error:
            what = "did not answer in 10 s" if isinstance(error, RequestTimeoutError) else "cannot be reached"
            raise EngineUnreachable(
                f"the engine at `{self.base_url}` {what}",
                hint="start the server, or look at the address: it usually ends in `/v1`",
            ) from error
        if response.status in _UNAUTHORISED:
            raise UsageError(
                f"the engine at `{self.base_url}` asks for a key (HTTP {response.status})",
                hint="put it into the environment variable `WEIGHBRIDGE_API_KEY`",
            )

    async def complete(self, request: Request) -> Completion:
        """Answer one request, trying again where that may help."""
        if self.retries.given_up:
            return Completion(Outcome.NOT_ASKED, attempts=0, detail="the endpoint failed too often in a row")
        attempt, timeouts = 0, 0
        while True:
            attempt += 1
            completion, asked_s, again = await self._attempt(request)
            timeouts += completion.outcome is Outcome.TIMEOUT
            wait_s = self.retries.wait_s(attempt, asked_s) if again and timeouts < self.limits.timeouts else None
            if wait_s is None:
                break
            await asyncio.sleep(wait_s)
        # "never" is a living endpoint's answer to this request; only "later" and silence count against it
        self.retries.count(failed=again and completion.outcome in {Outcome.FAILED, Outcome.TIMEOUT})
        return completion if attempt == 1 else _after(completion, attempt)

    async def _attempt(self, request: Request) -> tuple[Completion, float | None, bool]:
        """Send once; return the completion, what Retry-After asks for, and whether to try again."""
        builder = self._open().post(self.base_url + route(request)).body_bytes(payload(request, self.model))
        if self._key:
            builder = builder.bearer_auth(self._key)
        if request.stream:
            builder = builder.streamed_read_buffer_limit(0)  # or the first tokens wait for the next ones
        started = time.perf_counter()
        try:
            async with builder.build_streamed() as response:
                if response.status != _OK:
                    why = said_why(await _body(response))
                    failed = Completion(Outcome.FAILED, detail=f"HTTP {response.status}: {why}")
                    return failed, retry_after_s(_header(response, "retry-after")), is_retried(response.status)
                read = _stream(response, started) if request.stream else _whole(response, request)
                completion = await read
        except RequestTimeoutError:
            return Completion(Outcome.TIMEOUT, detail=f"no answer in {self.limits.timeout_s:g} s"), None, True
        except _TooLong:
            return Completion(Outcome.FAILED, detail=f"the answer is larger than {_MAX_BODY >> 20} MiB"), None, False
        except PyreqwestError as error:
            return Completion(Outcome.FAILED, detail=f"the connection failed: {type(error).__name__}"), None, True
        except Exception as error:  # noqa: BLE001 - whatever an endpoint sends, the run goes on
            return Completion(Outcome.FAILED, detail=f"the answer cannot be read: {type(error).__name__}"), None, False
        return completion, None, completion.outcome is Outcome.FAILED

    def _open(self) -> Client:
        """Return the client; complete() outside of `async with` is a mistake of the caller."""
        if self._client is None:
            raise RuntimeError("the engine is used outside of `async with`")
        return self._client


class _TooLong(Exception):
    """The body is longer than any answer."""


def _header(response: Response, name: str) -> str | None:
    """Return a header that is text; bytes that are none count as not sent."""
    try:
        return response.get_header(name)
    except (PyreqwestError, ValueError):
        return None


async def _body(response: Response) -> bytes:
    """Read a body up to a bound."""
    announced = _header(response, "content-length")
    if announced is not None and announced.isdigit() and int(announced) <= _MAX_BODY:
        return bytes(await response.bytes())  # in one piece: every chunk is one more turn of the loop
    reader, body = response.body_reader, bytearray()
    while (chunk := await reader.read_chunk()) is not None:
        body += chunk
        if len(body) > _MAX_BODY:
            raise _TooLong
    return bytes(body)


async def _whole(response: Response, request: Request) -> Completion:
    """Read an answer that comes in one piece."""
    return parse_answer(await _body(response), request)


async def _stream(response: Response, started: float) -> Completion:
    """Read a streamed answer and time its tokens."""
    stream, reader, size = Stream(), response.body_reader, 0
    first_s: float | None = None
    last_s, arrivals = 0.0, 0
    while not stream.done and (chunk := await reader.read_chunk()) is not None:
        size += len(chunk)
        if size > _MAX_BODY:
            raise _TooLong
        if stream.feed(bytes(chunk)):
            last_s = time.perf_counter() - started
            first_s = last_s if first_s is None else first_s
            arrivals += 1
    if arrivals == 1 and stream.pieces > 1:
        first_s = None  # all of it came at once: somebody in between buffers, and no token was timed
    return stream.completion(first_s, last_s)


def _after(completion: Completion, attempts: int) -> Completion:
    """Note that it took more than one attempt."""
    return Completion.from_json({**completion.to_json(), "attempts": attempts})
