"""The HTTP transport that engines share: connections, attempts, bounded bodies, timed streams."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit, urlunsplit

from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError, RequestTimeoutError

from weighbridge.engine.bodies import Bodies
from weighbridge.engine.limits import Limits, is_retried, retry_after_s
from weighbridge.engine.pace import Pace
from weighbridge.engine.protocol import Completion, EngineIdentity, Outcome, Request
from weighbridge.engine.wire.ask import encode
from weighbridge.engine.wire.bounds import read_json, said_why
from weighbridge.engine.wire.filters import is_filter
from weighbridge.engine.wire.stream import Events, Timing
from weighbridge.errors import EngineUnreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from pyreqwest.client import Client
    from pyreqwest.request import RequestBuilder
    from pyreqwest.response import Response

    from weighbridge.engine.pace import Attempt

__all__ = ["HTTPEngine", "Reply"]

_MAX_BODY = 16 << 20
_PROBE_S = 10.0
_IDLE_S = 4.0  # uvicorn and llama.cpp close an idle connection after 5 s, and a request sent just then is lost
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_OK, _UNAUTHORISED = 200, (401, 403)
_REFUSED = (400, 422)
_FILTERED = (400, 403, 422)
_MOST_LESSONS = 4  # refusals that one request may learn from


class Reply(NamedTuple):
    """What came of asking for a page: HTTP status (0 where nothing came), body, and the `Server` header."""

    status: int
    body: bytes = b""
    server: str | None = None


class _Try(NamedTuple):
    """One attempt: its completion, what Retry-After asks for, whether to try again, and whether it taught something."""

    completion: Completion
    asked_s: float | None = None
    again: bool = False
    learnt: bool = False


class HTTPEngine(Bodies):
    """An engine behind an address: everything but what the bodies say."""

    def __init__(self, base_url: str, identity: EngineIdentity, key: str | None, limits: Limits | None) -> None:
        super().__init__()
        scheme, host, path, self._query, _ = urlsplit(base_url)
        self.base_url = urlunsplit((scheme, host, path.rstrip("/"), "", ""))
        self.identity = identity
        self.limits = limits or Limits()
        self.pace = Pace(self.limits)
        self._key = key
        self._client: Client | None = None

    def _listened(self, models: Reply) -> None:
        """Hear what the list of models says; nothing by default."""

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
            .pool_idle_timeout(timedelta(seconds=_IDLE_S))
            .runtime_multithreaded(enable=True)  # with 256 in flight one thread is the bottleneck
            .follow_redirects(enable=False)  # a key is never carried to another address
            .default_headers({"content-type": "application/json", **self._headers()})
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
        try:
            models = await self._get(self._address("/models"))
        except (PyreqwestError, ValueError) as error:
            what = "did not answer in 10 s" if isinstance(error, RequestTimeoutError) else "cannot be reached"
            raise EngineUnreachable(
                f"the engine at `{self.base_url}` {what}",
                hint="start the server, or look at the address: it usually ends in `/v1`",
            ) from error
        if models.status in _UNAUTHORISED:
            raise UsageError(
                f"the engine at `{self.base_url}` asks for a key (HTTP {models.status})",
                hint=f"put it into the environment variable {self._where_keys_are}",
            )
        self._listened(models)

    _where_keys_are = "`WEIGHBRIDGE_API_KEY`"

    async def fetch(self, path: str) -> Reply:
        """Ask for a page of the server, below its base URL, or below its host where the path begins with `//`.

        For what an engine says of itself: bounded, never raises; status 0 where nothing came.
        """
        try:
            return await self._get(self._page(path))
        except (PyreqwestError, ValueError):
            return Reply(0)

    async def post(self, path: str, body: dict[str, Any]) -> Reply:
        """Send a body that no Request says, to an address as `fetch` takes it; bounded, never raises."""
        try:
            return await self._reply(self._open().post(self._page(path)).body_bytes(encode(body)))
        except (PyreqwestError, ValueError):
            return Reply(0)

    def _page(self, path: str) -> str:
        """Return the address of a path below the base URL, or below the host where it begins with `//`."""
        scheme, host, *_ = urlsplit(self.base_url)
        return f"{scheme}://{host}{path[1:]}" if path.startswith("//") else self._address(path)

    async def _get(self, address: str) -> Reply:
        """Ask for one page."""
        return await self._reply(self._open().get(address).timeout(timedelta(seconds=_PROBE_S)))

    async def _reply(self, request: RequestBuilder) -> Reply:
        """Send, and read the reply; what is too long to read counts as empty."""
        async with request.build_streamed() as response:
            try:
                body = await _body_of(response)
            except _TooLong:
                body = b""
            return Reply(response.status, body, _header(response, "server"))

    def _address(self, path: str) -> str:
        """Return the address of a path below the base URL; a query that the user gave stays at its end."""
        return f"{self.base_url}{path}{'?' if self._query else ''}{self._query}"

    async def complete(self, request: Request) -> Completion:
        """Answer one request, trying again where that may help."""
        self._open()
        body = self._body(request)
        lessons = 0

        async def attempt() -> Attempt:
            nonlocal lessons
            if isinstance(body, str):  # no call, but the turn that was taken for it is given back
                return Completion(Outcome.FAILED, attempts=0, detail=body), None, False
            while True:
                one = await self._attempt(request, body)
                if not one.learnt or lessons >= _MOST_LESSONS:
                    return one.completion, one.asked_s, one.again
                lessons += 1

        completion = await self.pace.complete(attempt)
        return replace(completion, attempts=completion.attempts + lessons) if lessons else completion

    async def once(self, request: Request, extra: Mapping[str, Any] | None = None) -> Completion:
        """Send once: no turn to wait for, no second attempt. For measuring load, where waiting is the measurement.

        `extra` are fields of the body that no Request says.
        """
        body = self._body(request)
        if isinstance(body, str):
            return Completion(Outcome.FAILED, attempts=0, detail=body)
        return (await self._attempt(request, {**body, **(extra or {})})).completion

    async def _attempt(self, request: Request, body: dict[str, Any]) -> _Try:
        """Send once."""
        sent = body if self.habits.plain else self.habits.apply(body)
        if self._client is None:
            return _Try(Completion(Outcome.FAILED, detail="the connection failed: it was closed"))
        builder = self._client.post(self._address(self._path[request.form])).body_bytes(encode(sent))
        if request.stream:
            builder = builder.streamed_read_buffer_limit(0)  # or the first tokens wait for the next ones
        try:
            return await self._send(builder, request, sent)
        except RequestTimeoutError:
            late = Completion(Outcome.TIMEOUT, detail=f"no answer in {self.limits.timeout_s:g} s")
            return _Try(late, again=True)
        except _TooLong:
            return _Try(Completion(Outcome.FAILED, detail=f"the answer is larger than {_MAX_BODY >> 20} MiB"))
        except PyreqwestError as error:
            lost = Completion(Outcome.FAILED, detail=f"the connection failed: {type(error).__name__}")
            return _Try(lost, again=True)
        except Exception as error:  # noqa: BLE001 - whatever an endpoint sends, the run goes on
            return _Try(Completion(Outcome.FAILED, detail=f"the answer cannot be read: {type(error).__name__}"))

    async def _send(self, builder: RequestBuilder, request: Request, sent: dict[str, Any]) -> _Try:
        """Send, and read what comes."""
        started = time.perf_counter()
        async with builder.build_streamed() as response:
            if response.status != _OK:
                said = await _body_of(response)
                why = f"HTTP {response.status}: {said_why(said)}"
                if response.status in _FILTERED and is_filter(read_json(said)):
                    return _Try(Completion(Outcome.FILTERED, finish_reason="content_filter", detail=why))
                failed = Completion(Outcome.FAILED, detail=why)
                learnt = response.status in _REFUSED and self.habits.learn(sent, said)
                asked_s = retry_after_s(_header(response, "retry-after"))
                return _Try(failed, asked_s, is_retried(response.status), learnt)
            if request.stream:
                completion = await _timed(response, started, self._events(), request)
            else:
                completion = self._read(await _body_of(response), request)
        if completion.outcome is not Outcome.FAILED:
            return _Try(completion)
        learnt = self.habits.learn_unheld(sent) if request.choices else False
        return _Try(completion, again=completion.finish_reason is None, learnt=learnt)

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


async def _body_of(response: Response) -> bytes:
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


async def _timed(response: Response, started: float, events: Events, request: Request) -> Completion:
    """Read a streamed answer and time its pieces."""
    reader, size = response.body_reader, 0
    first_s: float | None = None
    gap_s: float | None = None
    last_s, arrivals = 0.0, 0
    while not events.done and (chunk := await reader.read_chunk()) is not None:
        size += len(chunk)
        if size > _MAX_BODY:
            raise _TooLong
        if events.feed(bytes(chunk)):
            now_s = time.perf_counter() - started
            if first_s is None:
                first_s = now_s
            else:
                gap_s = max(gap_s or 0.0, now_s - last_s)
            last_s = now_s
            arrivals += 1
    if arrivals == 1 and events.pieces > 1:
        first_s = None  # all of it came at once: somebody in between buffers, and no token was timed
    return events.completion(Timing(first_s, last_s, gap_s), request)
